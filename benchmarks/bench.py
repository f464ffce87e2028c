"""What the sections share: the server, the workers, the pictures, and how much is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.png import write_png

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

DOWNLOADED: Final = 50
"""MiB of the picture that the server offers."""
UPLOADED: Final = 90
"""MiB of the picture that is uploaded."""


class Worker:
    """A process that answers each line on its standard input with one of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._name = " ".join([module, *arguments])
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def hear(self) -> Any:
        """Return what the process says next."""
        assert self._process.stdout  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._name} has ended; its reason stands above")
        return json.loads(line)

    def do(self, **order: Any) -> Any:
        """Give an order and return what came of it."""
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        url: Where the local server is.
        folder: Where files can be put; it holds `upload.png`.
        quick: Whether to measure just enough to see that all works.
    """

    url: str
    folder: Path
    quick: bool

    def rounds(self, many: int) -> range:
        """Return the rounds to make: `many`, or one when it is to be quick."""
        return range(1 if self.quick else many)

    @contextmanager
    def workers(self, duty: str, names: Iterable[str]) -> Generator[dict[str, Worker]]:
        """Give one worker for each client, all ready at once so that their rounds can take turns."""
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for name in names:
                workers[name] = Worker("benchmarks.worker", duty, name, self.url)
                stack.callback(workers[name].end)
            yield workers


@contextmanager
def bench(folder: Path, *, quick: bool) -> Generator[Bench]:
    """Make the pictures, and start the server in a process of its own."""
    write_png(folder / "download.png", DOWNLOADED)
    write_png(folder / "upload.png", UPLOADED)
    server = Worker("benchmarks.server", str(folder / "download.png"))
    try:
        yield Bench(f"http://127.0.0.1:{server.hear()}", folder, quick)
    finally:
        server.end()
