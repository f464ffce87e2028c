"""A test server that records bills and injects the faults of a table.

It runs in its own process. Its redirects point to a second origin, and a third port refuses connections half of the
time. `GET /truth` returns what the server received and billed for each key.
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

from lab.faults.responses import THOUSAND, Chooser, hash_number
from lab.faults.scripts import Context
from lab.process import Child, raise_file_limit, send
from lab.server import CLOSE, HOST, Request, Server, body
from lab.server.ports import reserved_port

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from lab.server import Action

CANARY: Final = "c4n4ryZ7q2"
"""Part of the API key of every suite; text that contains it has leaked the key."""
API_KEY: Final = f"sk_live_{CANARY}_lab"
FACE: Final = "https://cdn.aurashot.art/u/face.png"
FLAP_INTERVAL: Final = 0.1
"""Seconds for which the flapping port accepts connections, and then refuses them."""


def prompt(key: str) -> str:
    """Return a prompt that contains the key, so that the server can compare body and header."""
    return f"an image for {key}"


def image_of(key: str, number: int) -> str:
    """Return the ID of the image of the first, second, … request of a key."""
    return f"{key}.{number}"


@dataclass(slots=True)
class History:
    """What the server did for one key."""

    bills: int = 0
    faults: list[str] = field(default_factory=list[str])
    """The fault of each request, in order."""
    images: list[str] = field(default_factory=list[str])
    """The IDs of the billed images."""

    @property
    def requests(self) -> int:
        """Number of complete requests."""
        return len(self.faults)


@dataclass(slots=True)
class Truth:
    """The server's record, which the suites compare with what the client reports."""

    histories: dict[str, History] = field(default_factory=dict[str, History])
    mismatched: int = 0
    """Requests whose body and header belong to different keys."""
    redirected: int = 0
    """Requests that followed a redirect to the second origin."""
    redirected_with_key: int = 0
    """Those of them that contained the API key."""
    refusing: int = 0
    """How often the flapping port stopped accepting connections."""

    def history(self, key: str) -> History:
        """Return the history of a key, empty if there is none."""
        return self.histories.get(key) or History()

    def bills(self) -> list[str]:
        """Return the keys of all bills, one for each bill."""
        return [key for key, history in self.histories.items() for _ in range(history.bills)]

    def fault_counts(self) -> Counter[str]:
        """Return how often each fault occurred."""
        return Counter(fault for history in self.histories.values() for fault in history.faults)

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        """Create it from its JSON fields."""
        data["histories"] = {key: History(**history) for key, history in data["histories"].items()}
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a server.

    Attributes:
        table: The table of faults.
        seed: The seed of the faults and delays.
        slowest: The maximum delay of a response, in seconds; the delays are random.
        honours_keys: Whether a repeated key is billed only once.
        numbers_images: Whether each request creates a distinct image.
    """

    table: str = "none"
    seed: int = 1
    slowest: float = 0.0
    honours_keys: bool = False
    numbers_images: bool = False


class Billing:
    """Handle the requests and record the bills."""

    def __init__(self, settings: Settings) -> None:
        self.truth: Truth = Truth()
        self.other_origin = ""
        self._settings = settings
        self._chooser = Chooser(settings.table, settings.seed)

    def handle(self, request: Request) -> Iterable[Action]:
        """Choose the fault of a request, bill it if the fault is billed, and return the actions of the response."""
        if request.method == "GET":
            return self._show()
        key = request.header("idempotency-key") or ""
        history = self.truth.histories.setdefault(key, History())
        fault = self._chooser.fault(key, history.requests + 1)
        history.faults.append(fault.name)
        image = image_of(key, history.requests) if self._settings.numbers_images else key
        if fault.bills and not (self._settings.honours_keys and history.bills):
            history.bills += 1
            history.images.append(image)
        self.truth.mismatched += request.json.get("prompt") != prompt(key)
        script = fault.script(Context(image, self.other_origin))
        if not self._settings.slowest:
            return script
        share = hash_number(self._settings.seed, key, f"pause {history.requests}") / THOUSAND
        return chain((share * self._settings.slowest,), script)

    def handle_redirected(self, request: Request) -> Iterable[Action]:
        """Count a request to the second origin, and whether it contains the API key."""
        self.truth.redirected += 1
        self.truth.redirected_with_key += CANARY in f"{request.headers}{request.body!r}"
        return (Context("redirected", "").response,)

    def _show(self) -> Iterator[Action]:
        yield 0.05  # earlier requests have been read by then
        yield body(json.dumps(asdict(self.truth)).encode())

    async def serve(self) -> None:
        """Print the URLs and serve until standard input is closed."""
        self.other_origin = await Server(self.handle_redirected).listen()
        url, port = await Server(self.handle).listen(), reserved_port()
        flapping = asyncio.create_task(self._flap(port))
        send([url, f"http://{HOST}:{port}"])
        await asyncio.to_thread(sys.stdin.read)
        flapping.cancel()

    async def _flap(self, port: int) -> None:
        """Alternate between accepting and refusing connections on a port."""
        server = Server(lambda request: chain(self.handle(request), (CLOSE,)))
        while True:
            await server.listen(port)
            await asyncio.sleep(FLAP_INTERVAL)  # the time for which the port accepts or refuses
            server.refuse()
            self.truth.refusing += 1
            await asyncio.sleep(FLAP_INTERVAL)


@dataclass(frozen=True, slots=True)
class Service:
    """A running server.

    Attributes:
        url: Its base URL.
        flapping: A base URL that refuses connections half of the time.
    """

    url: str
    flapping: str

    def truth(self) -> Truth:
        """Return its record."""
        with urllib.request.urlopen(f"{self.url}/truth", timeout=30) as response:
            return Truth.load(json.load(response))


@contextmanager
def running(**settings: Any) -> Generator[Service]:
    """Run a server in a child process; the arguments are those of `Settings`."""
    with Child("lab.billing", json.dumps(asdict(Settings(**settings)))) as child:
        yield Service(*child.receive())


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(Billing(Settings(**json.loads(sys.argv[1]))).serve())
