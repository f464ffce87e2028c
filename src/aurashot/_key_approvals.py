"""Which key files outside the home directory the user made.

A project that was cloned or unpacked can bring a `.aurashot.env` with its author's key. Where the user has another key
at home, such a file is used only if its key was stored by `aurashot login --here` or `save_key`. A file at home
remembers the path of each such file and a digest of its key, so that a file whose key is changed later is not used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Final, cast

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError

_MOST: Final = 200
"""How many files are remembered; the oldest is forgotten."""

logger: Final = logging.getLogger("aurashot")


def is_approved(path: Path, key: str) -> bool:
    """Whether the user stored this key in this file."""
    return _remembered().get(os.path.realpath(path)) == _digest(path, key)


def approve(path: Path, key: str) -> None:
    """Remember that the user stored this key in this file; warn if that cannot be remembered."""
    from aurashot import _atomic

    try:
        file = _file()
        known = _remembered()
        known.pop(os.path.realpath(path), None)  # the newest is the last
        newest = list(known.items())[1 - _MOST :]
        known = dict([*newest, (os.path.realpath(path), _digest(path, key))])
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _atomic.write(file, json.dumps(known, indent=1).encode(), mode=0o600)
    except (OSError, RuntimeError) as problem:
        logger.warning("That you made %s cannot be remembered: %s", path, reason_of(problem))


def _file() -> Path:
    """Return the file at home.

    Raises:
        RuntimeError: There is no home directory.
    """
    return Path.home() / ".config" / "aurashot" / "approved-key-files.json"


def _remembered() -> dict[str, str]:
    """Return the digests by path; a file that cannot be read approves nothing."""
    from aurashot import _key_file

    try:
        content = _key_file.text_of(_file())
        found: object = json.loads(content or "{}")
    except (ConfigurationError, OSError, RuntimeError, ValueError, RecursionError):
        return {}
    return cast("dict[str, str]", found) if isinstance(found, dict) else {}


def _digest(path: Path, key: str) -> str:
    return hashlib.sha256(f"{os.path.realpath(path)}\0{key}".encode(errors="surrogatepass")).hexdigest()
