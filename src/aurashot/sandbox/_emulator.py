"""The state of a sandbox, and the steps of every billable request: load references, bill, wait, draw."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from aurashot.errors import InputError
from aurashot.sandbox._accounts import Accounts
from aurashot.sandbox._errors import ApiError, request_id
from aurashot.sandbox._faults import FaultRule, FaultRules, parse
from aurashot.sandbox._references import ReferenceLoader
from aurashot.sandbox._render import ImageRequest, draw, read
from aurashot.sandbox._scenarios import DRIFT, TABLE
from aurashot.sandbox._store import FileStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import Request
    from PIL.Image import Image

    from aurashot.sandbox._faults import ChosenFault, OperationName
    from aurashot.sandbox._render import Drawing
    from aurashot.sandbox._store import StoredFile

_DRIFTING: Final[frozenset[OperationName]] = frozenset(("id-photo", "generate", "edit"))


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sandbox behaves.

    Attributes:
        quota: Images per key before requests fail with 402; None for no limit.
        latency: Seconds to wait for each image, in addition to the time that drawing it takes.
        polls: How many polls of a legacy job return `processing`, even if the job is done.
        seed: Determines which portrait replaces a URL and which requests a partial fault applies to.
        drift: The share of images that show another person.
    """

    quota: int | None = None
    latency: float = 0.0
    polls: int = 1
    seed: int = 0
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class References:
    """The references of a request as images, and the URLs of those that were replaced by drawn portraits."""

    images: Mapping[str, Image]
    stand_ins: list[str]


class Emulator:
    """One sandbox: its settings, accounts, files and faults.

    `latency` begins as in the settings. `refuse` closes the listener for a number of seconds; a server that has one
    sets it.
    """

    refuse: Callable[[float], Awaitable[None]]

    def __init__(self, settings: Settings, *, fetch: Callable[[str], Awaitable[bytes]] | None = None) -> None:
        self.settings = settings
        self.latency = settings.latency
        self.accounts: Accounts = Accounts(settings.quota)
        self.store: FileStore = FileStore()
        self.rules: FaultRules = FaultRules()
        self._drift: FaultRules = FaultRules()
        if settings.drift:
            rule = FaultRule((parse(DRIFT.name, TABLE),), settings.drift, None, _DRIFTING)
            self._drift.add(rule, seed=settings.seed)
        self.refuse = _no_listener
        self._loader = ReferenceLoader(self.store, seed=settings.seed, fetch=fetch)

    def choose_fault(self, operation: OperationName) -> ChosenFault | None:
        """Return the fault for the next request of an operation, or None."""
        return self.rules.choose(operation) or self._drift.choose(operation)

    @property
    def latency(self) -> float:
        """Seconds to wait for each image, in addition to the time that drawing it takes."""
        return self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        if not isinstance(cast("object", seconds), int | float) or not 0 <= seconds < float("inf"):
            message = f"latency: a number of seconds of at least 0 is needed, not {seconds!r}"
            raise InputError(message, argument="latency")
        self._latency = seconds

    async def load_references(self, request: Request, references: Mapping[str, str | None]) -> References:
        """Load the references of a request, which are keyed by their field in the body.

        Raises:
            ApiError: 422; one of them is not allowed or not an image; the message names it.
        """
        given = {field: url for field, url in references.items() if url is not None}
        images: dict[str, Image] = {}
        stand_ins: list[str] = []
        for field, url in given.items():
            try:
                loaded = await self._loader.load(url, base=base_url_of(request))
                images[field.rpartition(".")[2]] = await asyncio.to_thread(read, loaded.path)
            except ValueError as error:
                raise ApiError(422, "invalid_reference", f"{field}: {error}.") from error
            if loaded.stand_in is not None:
                stand_ins.append(loaded.stand_in)
        return References(images, stand_ins)

    def bill(self, request: Request, operation: str) -> None:
        """Bill one image to the key of a request.

        Raises:
            ApiError: 402; the key has used its quota.
        """
        key = request.headers.get("idempotency-key")
        self.accounts.charge(request.state.key, operation, idempotency_key=key, request_id=request_id(request.scope))

    async def draw(self, image_request: ImageRequest) -> Drawing:
        """Draw an image in a worker thread, so that the event loop can serve other requests."""
        return await asyncio.to_thread(draw, image_request, self.store)

    async def wait_latency(self) -> None:
        """Wait for the latency."""
        await asyncio.sleep(self.latency)

    def close(self) -> None:
        """Remove every file."""
        self.store.close()


async def _no_listener(_seconds: float) -> None:
    raise ApiError(409, "no_listener", "There is no listener to close: use sandbox.serve().")


def emulator_of(request: Request) -> Emulator:
    """Return the emulator that serves a request."""
    emulator: Emulator = request.app.state.emulator
    return emulator


def base_url_of(request: Request) -> str:
    """Return the base URL that the client used for the sandbox, with a trailing slash."""
    # `request.base_url` omits the path at which an application is mounted.
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}/"


def url_of(file: StoredFile, request: Request) -> str:
    """Return the absolute URL of a file, on the host that the client used for the sandbox."""
    return f"{base_url_of(request)}files/{file.name}"
