"""Pass one file in one form after the other to the SDK, and print what became of it: `python -m lab.corpus.worker`."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import pillow_heif

from aurashot.errors import AuraShotError
from aurashot.images import ImageRules, held, locate, prepare
from lab.corpus import judge
from lab.corpus.forms import FORMS
from lab.corpus.judge import Look
from lab.process import send

_STATUS: Final = Path("/proc/self/status")
_REFERENCES: Final = Path("/proc/self/clear_refs")

_MOST_MEMORY: Final = 4 * 2**30  # in bytes; protects the machine
_MOST_BEFORE: Final = 150.0  # in MB; what a large image leaves behind must not count for the next file
_KEPT_VERDICTS: Final = 64

_verdicts: dict[tuple[bytes, Look | None], dict[str, bool]] = {}


def attempt(path: Path, form: str, original: Look | None, *, strip: bool | None) -> dict[str, Any]:
    """Return what became of a file: `absent` if Pillow cannot make the form of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = FORMS[form](path)
            given = source.__enter__()
    except Exception:  # noqa: BLE001  # it is not an image of this form
        return {"result": "absent"}
    try:
        return _prepared(given, original, strip=strip)
    finally:
        source.__exit__(None, None, None)


def _prepared(given: Any, original: Look | None, *, strip: bool | None) -> dict[str, Any]:
    _forget_peak()
    try:
        content = _content(given, ImageRules(own_origin="", strip_metadata=strip))
    except AuraShotError as error:
        return {"result": "refused", "peak": _memory("VmHWM"), "detail": str(error)}
    except Exception as error:  # noqa: BLE001  # what is looked for
        return {"result": "foreign", "peak": _memory("VmHWM"), "detail": f"{type(error).__name__}: {error}"}
    found = {"result": "sent", "peak": _memory("VmHWM")}
    return found if strip is False else found | _verdict(content, original)


def _verdict(content: bytes, original: Look | None) -> dict[str, bool]:
    """Judge what would be sent; most forms of a file give the same bytes."""
    key = hashlib.sha256(content).digest(), original
    if key not in _verdicts:
        if len(_verdicts) > _KEPT_VERDICTS:
            _verdicts.clear()
        is_gif = content.startswith(b"GIF8")  # sent as they are
        wrong = original is not None and judge.is_wrong(content, original)
        _verdicts[key] = {"wrong": wrong, "location": not is_gif and judge.has_location(content)}
    return _verdicts[key]


def _content(given: Any, rules: ImageRules) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        local = locate(given, rules)
        assert not isinstance(local, str)
        with held(local.source) as read, prepare(local, rules, read).open() as file:
            return file.read()


def _forget_peak() -> None:
    """Let the peak of the resident memory begin again, on Linux; what is in no use any more is freed first."""
    gc.collect()
    if _REFERENCES.exists():
        _REFERENCES.write_text("5")


def _memory(name: str) -> float:
    """Return the resident memory (VmRSS) or its peak (VmHWM) in MB; always the peak where the system is not Linux."""
    if _STATUS.exists():
        size = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
        return int(size.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _silence_libraries() -> None:
    """Drop what libraries in C print about odd files; what Python prints is still shown."""
    logging.lastResort = None  # Pillow's log
    sys.stderr = os.fdopen(os.dup(2), "w")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def main() -> None:
    """Answer requests until the input ends, or until a new process has to measure the memory of the next one."""
    _silence_libraries()
    library: Any = pillow_heif
    library.register_heif_opener()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    send("ready")
    for line in sys.stdin:
        request = json.loads(line)
        found = _handled(**request)
        is_last = _memory("VmHWM") > _MOST_BEFORE
        send((found, is_last))
        if is_last:
            break


def _handled(path: str, original: Any = None, form: str = "", *, strip: bool | None = None) -> Any:
    if not form:
        return judge.reference(Path(path))
    look = Look(tuple(original[0]), original[1]) if original else None
    return attempt(Path(path), form, look, strip=strip)


if __name__ == "__main__":
    main()
