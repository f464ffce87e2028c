"""The service that the program pays: it bills every request, and serves a different image for each key.

It runs in its own process. A repeated idempotency key is billed again, so that a double payment shows. `GET /truth`
returns what was billed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.characters.images import image_of
from lab.process import Child, send
from lab.server import GENERATION, Request, Server, body, json_response, status

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from lab.server import Action

Bills: TypeAlias = dict[str, list[str]]
"""The operation of each bill, by the idempotency key."""

SLOWEST: Final = 0.02
"""Maximum delay of a response to a billed request, in seconds: a program that is killed meanwhile has paid."""
OPERATIONS: Final = {"/v1/character/id-photo": "id-photo", "/v1/character/generate": "generate"}
_IMAGES: Final = "/image/"


def image_url(url: str, key: str) -> str:
    """Return the URL of the image of a key.

    Args:
        url: The base URL of the service.
        key: The idempotency key.
    """
    return f"{url}{_IMAGES}{key}.png"


def key_of(url: str) -> str:
    """Return the key whose image is at a URL."""
    return url.rpartition("/")[2].removesuffix(".png")


class Service:
    """Handle the requests and record the bills."""

    def __init__(self) -> None:
        self.bills: Bills = {}
        self._url = ""
        self._rng = random.Random(1)

    def handle(self, request: Request) -> Iterable[Action]:
        """Bill a request, and return the actions of the response."""
        if request.method == "GET":
            return self._show(request.path)
        if request.path == "/v1/uploads":
            return json_response({"url": image_url(self._url, hashlib.sha256(request.body).hexdigest())})
        if request.path not in OPERATIONS:
            return status(404)
        key, operation = request.header("idempotency-key") or "", OPERATIONS[request.path]
        self.bills.setdefault(key, []).append(operation)
        generation: dict[str, Any] = dict(GENERATION) | {
            "requestId": key,
            "taskType": operation,
            "outputs": [{"url": image_url(self._url, key), "type": "image"}],
        }
        return (self._rng.uniform(0, SLOWEST), *json_response(generation))

    def _show(self, path: str) -> Iterable[Action]:
        if path.startswith(_IMAGES):
            return (body(image_of(key_of(path)), "image/png"),)
        return self._truth() if path == "/truth" else status(404)

    def _truth(self) -> Iterable[Action]:
        yield 0.05  # earlier requests have been read by then
        yield body(json.dumps(self.bills).encode())

    async def serve(self) -> None:
        """Print the URL and serve until standard input is closed."""
        self._url = await Server(self.handle).listen()
        send(self._url)
        await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True, slots=True)
class RunningService:
    """A running service.

    Attributes:
        url: Its base URL.
    """

    url: str

    def bills(self) -> Bills:
        """Return what was billed."""
        with urllib.request.urlopen(f"{self.url}/truth", timeout=30) as response:
            bills: Bills = json.load(response)
        return bills


@contextmanager
def running() -> Generator[RunningService]:
    """Run a service in a child process."""
    with Child("lab.characters.service") as child:
        yield RunningService(str(child.receive()))


if __name__ == "__main__":
    asyncio.run(Service().serve())
