"""The local server of the benchmark: it responds as soon as a request is in, or a latency later, and keeps nothing.

    python -m lab.bench.server [--image FILE] [--latency SECONDS] [--tls]

It prints its URL and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.bench.responses import responses
from lab.process import raise_file_limit, say
from lab.server import Server, headers_only, server_tls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lab.server import Action, Request

IMAGE: Final = "/image.png"
PART: Final = 2**20
"""Bytes of an image that are read and sent at once."""
UNKNOWN: Final = headers_only(404, content_length=0)


class Benchmark:
    """Responses by path.

    Args:
        image: The file behind `/image.png`.
        latency: Seconds between a request and its response.
    """

    def __init__(self, image: Path, latency: float) -> None:
        self.responses: dict[str, bytes] = {}
        self._image = image
        self._latency = latency

    def handle(self, request: Request) -> Iterable[Action]:
        """Return what to do with a request."""
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
    """Serve until the standard input ends."""
    benchmark = Benchmark(image, latency)
    url = await Server(benchmark.handle, server_tls() if tls else None, discards_bodies=True).listen()
    benchmark.responses = responses(url)
    say(url)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, default=Path("image.png"))
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--tls", action="store_true")
    given = parser.parse_args()
    raise_file_limit()
    asyncio.run(serve(given.image, given.latency, tls=given.tls))
