"""Pass one file to the SDK as an upload or a download, and judge what it would send or store."""

from __future__ import annotations

import io
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from PIL import Image

from aurashot._deadline import Deadline
from aurashot.errors import AuraShotError
from aurashot.images import ImageRules, MemorySink, held, locate, prepare
from lab.attack.canary import is_in
from lab.bench.memory import peak, reset_peak, resident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TIME: Final = 1.0
"""The seconds that a call is given."""
SLACK: Final = 0.5
MEMORY: Final = 128
"""The most memory that a file may take, in MB."""
_MB: Final = 1_000_000
_RULES: Final = ImageRules(own_origin="")


@dataclass(slots=True)
class Row:
    """What became of the files of one attack."""

    results: Counter[str] = field(default_factory=Counter[str])
    seconds: float = 0
    megabytes: float = 0
    problems: list[str] = field(default_factory=list[str])

    def add(self, name: str, found: Iterable[str], seconds: float, megabytes: float) -> None:
        """Add one file."""
        words = [*found]
        words += ["over time"] if seconds > TIME + SLACK else []
        words += ["over memory"] if megabytes > MEMORY else []
        self.results.update(["files", *words])
        self.seconds, self.megabytes = max(self.seconds, seconds), max(self.megabytes, megabytes)
        self.problems += [f"{name}: {word}" for word in words if word not in {"taken", "refused"}]


def uploaded(content: bytes) -> bytes:
    """Return what would be sent for a file."""
    local = locate(content, _RULES)
    assert not isinstance(local, str)
    with held(local.source) as read, prepare(local, _RULES, read, Deadline(TIME).check).open() as file:
        return file.read()


def downloaded(content: bytes) -> bytes:
    """Return what would be stored of a file."""
    sink = MemorySink(max_bytes=_RULES.max_bytes, max_pixels=_RULES.max_pixels)
    sink.begin()
    sink.write(content)
    return sink.finish(Deadline(TIME).check)


def judge(row: Row, name: str, content: bytes, way: Callable[[bytes], bytes], *, look: bool) -> None:
    """Pass a file, and add what became of it; if it can be looked at, its pixels must be the same afterwards."""
    reset_peak()
    before, began, taken = resident(), time.process_time(), b""
    try:
        taken = way(content)
        found = {"taken"}
    except AuraShotError:
        found = {"refused"}
    except Exception as error:  # noqa: BLE001  # what is looked for
        found = {"foreign exceptions"}
        name = f"{name} ({type(error).__name__}: {error})"
    seconds, used = time.process_time() - began, (peak() - before) / _MB
    if look and taken:
        found |= {"marks left"} if is_in(taken) else set()
        found |= {"pixels changed"} if _looks_different(content, taken) else set()
    row.add(name, found, seconds, used)


def _looks_different(one: bytes, other: bytes) -> bool:
    """Whether Pillow shows other pixels; originals that it cannot show, and those that are converted, do not count."""
    frames = _frames(one)
    return frames is not None and frames != _frames(other)


def _frames(content: bytes) -> list[bytes] | None:
    frames: list[bytes] = []
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
            warnings.simplefilter("ignore")
            if image.format not in {"JPEG", "MPO", "PNG", "WEBP", "GIF"}:
                return None
            for frame in range(getattr(image, "n_frames", 1) if image.format != "MPO" else 1):
                image.seek(frame)
                frames.append(image.convert("RGBA").tobytes())
    except Exception:  # noqa: BLE001  # it cannot be shown
        return None
    return frames
