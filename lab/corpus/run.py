"""Pass every file of a corpus in every form, in a process that may crash or hang without ending the run."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Timer
from typing import TYPE_CHECKING, Any, Final

from lab.corpus.forms import FORMS
from lab.process import Child

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

STRIPS: Final[tuple[bool | None, ...]] = (None, False)
"""What `strip_metadata` is set to; True is the same as None where Pillow is installed."""

_BETWEEN_REPORTS: Final = 100

MOST_MEMORY: Final = 300.0
"""In MB: the peak of the resident memory of a process that has nothing else to do."""

KNOWN_LARGE: Final = frozenset({"guitar_cw90.hif"})
"""What libheif alone takes more memory for: 33 million pixels of 10 bits. It is counted, but does not fail the run."""


@dataclass
class Row:
    """What became of all files in one form."""

    files: int = 0
    results: Counter[str] = field(default_factory=Counter[str])
    wrong: int = 0
    location: int = 0
    large: int = 0
    peak: float = 0.0
    problems: list[str] = field(default_factory=list[str])

    def add(self, name: str, found: dict[str, Any]) -> None:
        """Count a result."""
        self.results[found["result"]] += 1
        self.wrong += bool(found.get("wrong"))
        self.location += bool(found.get("location"))
        self.peak = max(self.peak, found.get("peak", 0.0))
        too_large = found.get("peak", 0.0) > MOST_MEMORY
        self.large += too_large
        troubles = {
            "foreign": found["result"] == "foreign",
            "hang": found["result"] == "hang",
            "wrong orientation": found.get("wrong"),
            "location left": found.get("location"),
            f"{found.get('peak', 0):.0f} MB": too_large and name.partition(",")[0] not in KNOWN_LARGE,
        }
        words = [word for word, is_trouble in troubles.items() if is_trouble]
        if words:
            self.problems.append(f"{name}: {', '.join(words)} {found.get('detail', '')}".rstrip())


class Worker:
    """A process that handles one file at a time, and is replaced when it crashes or hangs."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._child: Child | None = None

    def handle(self, path: Path) -> Iterator[tuple[str, bool | None, dict[str, Any]]]:
        """Yield what becomes of a file in each form; after the limit in seconds it counts as hanging."""
        original = self._call(path=str(path))
        if isinstance(original, dict):  # Pillow alone crashes or hangs
            original = None
        for form in FORMS:
            for strip in STRIPS:
                yield form, strip, self._call(path=str(path), form=form, strip=strip, original=original)

    def _call(self, **arguments: object) -> Any:
        child = self._child = self._child or _started()
        too_late = Event()

        def stop() -> None:
            too_late.set()
            child.end()

        timer = Timer(self.limit, stop)
        timer.start()
        try:
            found, is_last = child.call(**arguments)
        except (SystemExit, BrokenPipeError, ValueError):  # ValueError: its pipes are closed
            self._child = None
            crashed = {"result": "foreign", "detail": "the process has crashed"}
            return {"result": "hang"} if too_late.is_set() else crashed
        finally:
            timer.cancel()
        if is_last:
            self.end()
        return found

    def end(self) -> None:
        """End the process."""
        if self._child:
            self._child.end()
            self._child = None


def _started() -> Child:
    child = Child("lab.corpus.worker")
    child.receive()
    return child


def run(paths: Iterable[Path], *, workers: int, limit: float) -> dict[str, Row]:
    """Return a row for each form."""
    rows = {form: Row() for form in FORMS}
    free = [Worker(limit) for _ in range(workers)]

    def handle(path: Path) -> tuple[Path, list[tuple[str, bool | None, dict[str, Any]]]]:
        worker = free.pop()
        try:
            return path, list(worker.handle(path))
        finally:
            free.append(worker)

    try:
        with ThreadPoolExecutor(workers) as threads:
            for count, (path, results) in enumerate(threads.map(handle, paths), 1):
                if not count % _BETWEEN_REPORTS:
                    print(f"{count} files", file=sys.stderr)
                for form, strip, found in results:
                    rows[form].files += strip is None
                    rows[form].add(f"{path.name}, {form}, strip_metadata={strip}", found)
    finally:
        for worker in free:
            worker.end()
    return rows
