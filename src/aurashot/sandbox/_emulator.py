"""The state behind the routes, and the path that every billed request takes: read, bill, wait, draw."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurashot.sandbox._accounts import Accounts
from aurashot.sandbox._errors import ApiError, request_id
from aurashot.sandbox._faults import FaultRules
from aurashot.sandbox._references import ReferenceLoader
from aurashot.sandbox._store import FileStore
from aurashot.sandbox._studio import Order, draw, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import Request
    from PIL.Image import Image

    from aurashot.sandbox._store import StoredFile
    from aurashot.sandbox._studio import Drawing


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sandbox behaves.

    Attributes:
        quota: Images for each key before 402, None for no limit.
        latency: Seconds that a generation takes, in addition to drawing.
        polls: How many polls of a legacy job return `processing`, however late they are.
        seed: Decides which portrait replaces a URL and which requests a share of faults hits.
    """

    quota: int | None = None
    latency: float = 0.0
    polls: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """The references of a request as images, and the URLs of those that were replaced by drawn portraits."""

    images: Mapping[str, Image]
    stand_ins: list[str]


class Emulator:
    """One sandbox: its settings, accounts, files and faults.

    `refuse` closes the listener for so many seconds; the server that owns one puts it here.
    """

    refuse: Callable[[float], Awaitable[None]]

    def __init__(self, settings: Settings, *, fetch: Callable[[str], Awaitable[bytes]] | None = None) -> None:
        self.settings = settings
        self.accounts: Accounts = Accounts(settings.quota)
        self.store: FileStore = FileStore()
        self.rules: FaultRules = FaultRules()
        self.refuse = _no_listener
        self._loader = ReferenceLoader(self.store, seed=settings.seed, fetch=fetch)

    async def gather(self, request: Request, references: Mapping[str, str | None]) -> Material:
        """Read the references of a request, given by their place in its body.

        Raises:
            ApiError: 422, one of them may not be used or is no image; the message names it.
        """
        given = {field: address for field, address in references.items() if address is not None}
        images: dict[str, Image] = {}
        stand_ins: list[str] = []
        for field, address in given.items():
            try:
                loaded = await self._loader.load(address, base=base_of(request))
                images[field.rpartition(".")[2]] = await asyncio.to_thread(read, loaded.path)
            except ValueError as error:
                raise ApiError(422, "invalid_reference", f"{field}: {error}.") from error
            if loaded.stand_in is not None:
                stand_ins.append(loaded.stand_in)
        return Material(images, stand_ins)

    def bill(self, request: Request, operation: str) -> None:
        """Bill one image to the key of a request.

        Raises:
            ApiError: 402, the key has used its quota.
        """
        key = request.headers.get("idempotency-key")
        self.accounts.charge(request.state.key, operation, idempotency_key=key, request_id=request_id(request.scope))

    async def draw(self, order: Order) -> Drawing:
        """Draw an order in a worker thread, so that the event loop serves other requests meanwhile."""
        return await asyncio.to_thread(draw, order, self.store)

    async def linger(self) -> None:
        """Wait as long as the service would have taken."""
        await asyncio.sleep(self.settings.latency)

    def close(self) -> None:
        """Remove every file."""
        self.store.close()


async def _no_listener(_seconds: float) -> None:
    raise ApiError(409, "no_listener", "There is no listener to close: use sandbox.serve().")


def emulator_of(request: Request) -> Emulator:
    """Return the emulator that serves a request."""
    emulator: Emulator = request.app.state.emulator
    return emulator


def base_of(request: Request) -> str:
    """Return the URL under which the client reached the sandbox, up to and with the last slash."""
    # `request.base_url` leaves out the path under which an application is mounted.
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}/"


def address_of(file: StoredFile, request: Request) -> str:
    """Return the absolute URL of a file, on the host under which the client reached the sandbox."""
    return f"{base_of(request)}files/{file.name}"
