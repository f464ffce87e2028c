"""The local server of the benchmarks: it responds immediately or after a latency.

    python -m lab.bench.server [--image FILE] [--latency SECONDS] [--tls]

It prints its URL and serves until standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.bench.responses import responses
from lab.process import raise_file_limit, send
from lab.server import Server, headers_only, server_tls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lab.server import Action, Request

IMAGE: Final = "/image.png"
PART: Final = 2**20
"""Size of the parts in which an image is sent, in bytes."""
UNKNOWN: Final = headers_only(404, content_length=0)


class Benchmark:
    """Responses by path.

    Args:
        image: The file of `/image.png`.
        latency: Delay of each response, in seconds.
    """

    def __init__(self, image: Path, latency: float) -> None:
        self.responses: dict[str, bytes] = {}
        self._image = image
        self._latency = latency

    def handle(self, request: Request) -> Iterable[Action]:
        """Return the actions for a request."""
        if request.path == IMAGE:
            return self._send_image()
        response = self.responses.get(request.path, UNKNOWN)
        return (self._latency, response) if self._latency else (response,)

    def _send_image(self) -> Iterator[bytes]:
        yield headers_only(content_type="image/png", content_length=self._image.stat().st_size)
        with self._image.open("rb") as file:
            while part := file.read(PART):
                yield part


async def serve(image: Path, latency: float, *, tls: bool) -> None:
    """Serve until standard input is closed."""
    benchmark = Benchmark(image, latency)
    url = await Server(benchmark.handle, server_tls() if tls else None, discards_bodies=True).listen()
    benchmark.responses = responses(url)
    send(url)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, default=Path("image.png"))
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    raise_file_limit()
    asyncio.run(serve(options.image, options.latency, tls=options.tls))
