"""A service that bills, fails as a table of faults says, and knows the truth about each key.

It runs in a process of its own, on a port of its own; redirects point to a second origin, and a third port refuses
connections half of the time. GET /truth on the first returns what was received, done and billed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

from lab.faults.responses import THOUSAND, Chooser, drawn
from lab.faults.scripts import Context
from lab.process import Child, raise_file_limit, say
from lab.server import CLOSE, HOST, Request, Server, body
from lab.server.ports import reserved_port

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from lab.server import Action

CANARY: Final = "c4n4ryZ7q2"
"""Part of the API key of every suite; wherever this turns up, the key has leaked."""
API_KEY: Final = f"sk_live_{CANARY}_lab"
FACE: Final = "https://cdn.aurashot.art/u/face.png"
FLAP: Final = 0.1
"""Seconds for which the third port listens, and for which it does not."""


def prompt(key: str) -> str:
    """Return a prompt that shows the service whether a body belongs to its key."""
    return f"an image for {key}"


def image_of(key: str, number: int) -> str:
    """Return the identity of the image that the first, second, … request of a key made."""
    return f"{key}.{number}"


@dataclass(slots=True)
class History:
    """What the service did for one key."""

    bills: int = 0
    faults: list[str] = field(default_factory=list[str])
    """What was done to each request, in order."""
    images: list[str] = field(default_factory=list[str])
    """The images that are on the bill."""

    @property
    def posts(self) -> int:
        """How many requests were received whole."""
        return len(self.faults)


@dataclass(slots=True)
class Truth:
    """What the service knows and a client can only guess."""

    histories: dict[str, History] = field(default_factory=dict[str, History])
    crossed: int = 0
    """Requests whose body belongs to another key than their header."""
    evil_hits: int = 0
    """Requests that followed a redirect to the other origin."""
    evil_keys: int = 0
    """Those of them that brought the API key along."""
    refusing: int = 0
    """How often the flapping port stopped listening."""

    def history(self, key: str) -> History:
        """Return what was done for a key, if only nothing."""
        return self.histories.get(key) or History()

    def bills(self) -> list[str]:
        """Return the key of each bill."""
        return [key for key, history in self.histories.items() for _ in range(history.bills)]

    def fired(self) -> Counter[str]:
        """Count how often each fault was done."""
        return Counter(fault for history in self.histories.values() for fault in history.faults)

    @classmethod
    def load(cls, told: dict[str, Any]) -> Self:
        """Return what was dumped as JSON."""
        told["histories"] = {key: History(**history) for key, history in told["histories"].items()}
        return cls(**told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service behaves.

    Attributes:
        table: The table of faults.
        seed: What faults and pauses are drawn from.
        slowest: The longest time between a request and its response, in seconds; each is drawn.
        honours_keys: Whether a key is billed once, however often it comes.
        numbers_images: Whether each request makes an image of its own, so that two images of one key can be told apart.
    """

    table: str = "none"
    seed: int = 1
    slowest: float = 0.0
    honours_keys: bool = False
    numbers_images: bool = False


class Billing:
    """What is done to each request."""

    def __init__(self, settings: Settings) -> None:
        self.truth: Truth = Truth()
        self.evil = ""
        self._settings = settings
        self._chooser = Chooser(settings.table, settings.seed)

    def handle(self, request: Request) -> Iterable[Action]:
        """Bill a request if its fault says so, and return what is done to it."""
        if request.method == "GET":
            return self._show()
        key = request.header("idempotency-key") or ""
        history = self.truth.histories.setdefault(key, History())
        fault = self._chooser.fault(key, history.posts + 1)
        history.faults.append(fault.name)
        image = image_of(key, history.posts) if self._settings.numbers_images else key
        if fault.bills and not (self._settings.honours_keys and history.bills):
            history.bills += 1
            history.images.append(image)
        self.truth.crossed += request.json.get("prompt") != prompt(key)
        script = fault.script(Context(image, self.evil))
        if not self._settings.slowest:
            return script
        share = drawn(self._settings.seed, key, f"pause {history.posts}") / THOUSAND
        return chain((share * self._settings.slowest,), script)

    def handle_evil(self, request: Request) -> Iterable[Action]:
        """Note who came to the other origin, and whether they brought the key."""
        self.truth.evil_hits += 1
        self.truth.evil_keys += CANARY in f"{request.headers}{request.body!r}"
        return (Context("evil", "").right,)

    def _show(self) -> Iterator[Action]:
        yield 0.05  # requests that were sent before are read by then
        yield body(json.dumps(asdict(self.truth)).encode())

    async def serve(self) -> None:
        """Print the URLs, and serve until the standard input ends."""
        self.evil = await Server(self.handle_evil).listen()
        url, port = await Server(self.handle).listen(), reserved_port()
        flapping = asyncio.create_task(self._flap(port))
        say([url, f"http://{HOST}:{port}"])
        await asyncio.to_thread(sys.stdin.read)
        flapping.cancel()

    async def _flap(self, port: int) -> None:
        """Listen on a port for a while, refuse connections for a while, and so on."""
        server = Server(lambda request: chain(self.handle(request), (CLOSE,)))
        while True:
            await server.listen(port)
            await asyncio.sleep(FLAP)
            server.refuse()
            self.truth.refusing += 1
            await asyncio.sleep(FLAP)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        url: Its base URL.
        flapping: A base URL that refuses connections half of the time.
    """

    url: str
    flapping: str

    def truth(self) -> Truth:
        """Return what it knows."""
        with urllib.request.urlopen(f"{self.url}/truth", timeout=30) as response:
            return Truth.load(json.load(response))


@contextmanager
def running(**settings: Any) -> Generator[Service]:
    """Run a service in a process of its own; the arguments are those of `Settings`."""
    with Child("lab.billing", json.dumps(asdict(Settings(**settings)))) as child:
        yield Service(*child.hear())


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(Billing(Settings(**json.loads(sys.argv[1]))).serve())
