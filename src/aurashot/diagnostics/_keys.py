"""The API key: where it comes from, and the files that may hold it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final

from aurashot import _config, _key_file
from aurashot._key_file import FILE_NAME
from aurashot._keyring import KEYRING_NAME
from aurashot._reasons import reason_of
from aurashot.diagnostics._finding import Finding, problem
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aurashot._config import ApiKey

_GET_ONE: Final = (
    f"make a key at {_config.BASE_URL}/studio?tab=keys, and store it with aurashot login or in {_config.KEY_NAMES[0]}; "
    "aurashot sandbox serve works without one"
)


def found() -> ApiKey | ConfigurationError:
    """Return the key, or why there is none; a keyring may ask for a password, so that this is called once."""
    try:
        return _config.find_key(None)
    except ConfigurationError as error:
        return error


def key(known: ApiKey | ConfigurationError) -> Iterator[Finding]:
    """Say where the key comes from, or why there is none."""
    if isinstance(known, ConfigurationError):
        yield problem("key", known, fix=_GET_ONE if known.message.startswith("No API key") else "")
    else:
        yield Finding(check="key", level="ok", summary=f"The API key comes from {known.source}")


def key_files(used: str | None) -> Iterator[Finding]:
    """Check each `.aurashot.env` that a client looks at: in the working directory, in those above it, and at home.

    Args:
        used: Where the key comes from.
    """
    home = _config.home_file()
    paths = [folder / FILE_NAME for folder in _config.working_folders()]
    if home is not None and home not in paths:
        paths.append(home)
    for path in paths:
        yield from _key_file_at(path, used, is_home=path == home)


def _key_file_at(path: Path, used: str | None, *, is_home: bool) -> Iterator[Finding]:
    try:
        values = _key_file.read(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except ConfigurationError as error:
        yield problem("key_file", error, "warning")
        return
    except OSError as trouble:
        summary = f"{path} could not be looked for ({reason_of(trouble)})"
        yield Finding(check="key_file", level="warning", summary=summary, fix="give this user access to its folder")
        return
    if values is not None:
        yield from _contents(path, values, used, is_home=is_home)
    if values is not None and os.name == "posix" and mode & 0o044:
        summary = f"{path} can be read by other users"
        yield Finding(check="key_file", level="warning", summary=summary, fix=f"chmod 600 {shlex.quote(str(path))}")


def _contents(path: Path, values: Mapping[str, str | None], used: str | None, *, is_home: bool) -> Iterator[Finding]:
    for name in _config.ENVIRONMENT_ONLY:
        if values.get(name):
            summary = f"{name} in {path} is ignored: a file cannot say where requests are sent"
            yield Finding(check="key_file", level="warning", summary=summary, fix=f"set {name} in the environment")
    if used == str(path) or (used == _config.KEYRING and is_home and values.get(KEYRING_NAME)):
        yield Finding(check="key_file", level="ok", summary=f"{path} is used")
    elif any(values.get(name) for name in _config.KEY_NAMES):
        instead = "no key can be used" if used is None else f"the key comes from {used}"
        is_projects = used in {str(_config.home_file()), _config.KEYRING} and not is_home
        fix = "if you trust it, run `aurashot login --here` in its folder" if is_projects else ""
        yield Finding(check="key_file", level="note", summary=f"The key in {path} is not used: {instead}", fix=fix)
    else:
        yield Finding(check="key_file", level="note", summary=f"{path} has no key in it")
