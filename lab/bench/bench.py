"""Shared by the sections: the server, the workers, the images and the number of rounds."""

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
"""Size of the downloaded image, in MiB."""
UPLOADED: Final = 90
"""Size of the uploaded image, in MiB."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        url: The base URL of the local server.
        folder: A folder for files; it contains `upload.png`.
        quick: Whether to measure the minimum that shows that everything works.
    """

    url: str
    folder: Path
    quick: bool

    def rounds(self, many: int) -> range:
        """Return the range of rounds: `many`, or one with `quick`."""
        return range(1 if self.quick else many)

    @contextmanager
    def workers(self, task: str, names: Iterable[str]) -> Generator[dict[str, Child]]:
        """Start one worker for each client, so that rounds can alternate between them."""
        with ExitStack() as stack:
            workers: dict[str, Child] = {}
            for name in names:
                workers[name] = stack.enter_context(Child("lab.bench.worker", task, name, self.url))
            yield workers


@contextmanager
def bench(folder: Path, *, quick: bool) -> Generator[Bench]:
    """Create the images and start the server in a separate process."""
    write_png(folder / "download.png", DOWNLOADED)
    write_png(folder / "upload.png", UPLOADED)
    with Child("lab.bench.server", "--image", str(folder / "download.png")) as server:
        yield Bench(server.receive(), folder, quick)
