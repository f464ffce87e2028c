"""A failed call holds its response, of up to some MiB, no longer than its error is held."""

from __future__ import annotations

import gc
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, RetryPolicy
from lab.backends import KEY
from lab.server import CLOSE, Response, body, status, wait_until
from tests.notebook import Notebook
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot.ledger import Ledger
    from lab.server import ScriptedServer

FAILURES: dict[str, Response] = {
    "refused": status(422),
    "failed": status(500),
    "lost": (CLOSE,),
    "not JSON": (body(b"[" * 1000),),
    "refused again and again": status(429, retry_after=0),
}
POLICY = RetryPolicy(max_attempts=3, initial_delay=0, max_delay=0)
LEDGERS: dict[str, type[Notebook] | None] = {"without a ledger": None, "with one": Notebook}

failing = pytest.mark.parametrize("response", FAILURES.values(), ids=FAILURES)
with_and_without = pytest.mark.parametrize("make_ledger", LEDGERS.values(), ids=LEDGERS)


@contextmanager
def uncollected() -> Generator[None]:
    """Keep the garbage collector away: what is freed is freed because nobody holds it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def opened(make_ledger: type[Notebook] | None) -> Ledger | None:
    """Return a ledger, if there is to be one."""
    return None if make_ledger is None else make_ledger()


@failing
@with_and_without
def test_a_blocking_error_is_in_no_circle(
    server: ScriptedServer, response: Response, make_ledger: type[Notebook] | None
) -> None:
    """Once its handler is through, it is gone, and with it the frames and bytes that it held."""
    server.always(response)
    seen, failed = weakref.WeakSet[AuraShotError](), False
    with AuraShot(KEY, base_url=server.url, ledger=opened(make_ledger), retry=POLICY) as client, uncollected():
        try:
            client.generate("a cafe", face=FACE)
        except AuraShotError as error:
            seen.add(error)
            failed = True
        assert (True, 0) == (failed, len(seen))


@pytest.mark.anyio
@failing
@with_and_without
async def test_an_async_error_is_in_no_circle(
    server: ScriptedServer, response: Response, make_ledger: type[Notebook] | None
) -> None:
    """The same holds for awaited calls; the thread that wrote to the ledger may hold it for a moment longer."""
    server.always(response)
    seen, failed = weakref.WeakSet[AuraShotError](), False
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=opened(make_ledger), retry=POLICY) as client:
        with uncollected():
            try:
                await client.generate("a cafe", face=FACE)
            except AuraShotError as error:
                seen.add(error)
                failed = True
            await anyio.to_thread.run_sync(wait_until, lambda: not seen)
            assert failed
