"""What the sections share: the server, the workers, the images, and how much is measured."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.png import write_png
from lab.process import Child

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

DOWNLOADED: Final = 50
"""MiB of the image that the server offers."""
UPLOADED: Final = 90
"""MiB of the image that is uploaded."""


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
    def workers(self, duty: str, names: Iterable[str]) -> Generator[dict[str, Child]]:
        """Give one worker for each client, all ready at once so that their rounds can take turns."""
        with ExitStack() as stack:
            workers: dict[str, Child] = {}
            for name in names:
                workers[name] = stack.enter_context(Child("lab.bench.worker", duty, name, self.url))
            yield workers


@contextmanager
def bench(folder: Path, *, quick: bool) -> Generator[Bench]:
    """Make the images, and start the server in a process of its own."""
    write_png(folder / "download.png", DOWNLOADED)
    write_png(folder / "upload.png", UPLOADED)
    with Child("lab.bench.server", "--image", str(folder / "download.png")) as server:
        yield Bench(server.hear(), folder, quick)
