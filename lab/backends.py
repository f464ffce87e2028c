"""A blocking proxy for the async client, so that one test body serves both clients.

The proxy runs the coroutine functions of an `AsyncAuraShot` in an event loop in another thread, through an anyio
portal. All other attributes are passed through.
"""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
from anyio.from_thread import start_blocking_portal

from aurashot import AsyncAuraShot, AsyncLegacy, AuraShot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from anyio.from_thread import BlockingPortal

KEY: Final = "sk_live_canary_0123456789"
"""The API key of all wire tests; text that contains it has leaked the key."""

BACKENDS: Final = ("sync", "asyncio", "trio")


def import_engines() -> None:
    """Import what the first call would import, so that processes that are forked from this one need not."""
    with AuraShot(KEY):
        pass
    with start_blocking_portal() as portal:
        portal.call(_enter)


async def _enter() -> None:
    async with AsyncAuraShot(KEY):
        pass


class _Blocking:
    """A proxy that calls the coroutine functions of an object in the portal's event loop."""

    def __init__(self, inner: object, portal: BlockingPortal) -> None:
        self._inner = inner
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, "aclose" if name == "close" else name)
        if inspect.iscoroutinefunction(value):
            return partial(self._call, value)
        if isinstance(value, AsyncLegacy):
            return _Blocking(value, self._portal)
        if name == "with_options":
            return partial(self._view, value)
        return value

    def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        return self._portal.call(partial(method, *args, **options))

    def _view(self, method: Callable[..., object], **options: Any) -> _Blocking:
        return _Blocking(method(**options), self._portal)

    def __repr__(self) -> str:
        return repr(self._inner)


class Clients:
    """Creates clients of one backend and closes them."""

    def __init__(self, stack: ExitStack, portal: BlockingPortal | None) -> None:
        self._stack = stack
        self._portal = portal

    def __call__(self, base_url: str, /, api_key: str = KEY, **options: Any) -> AuraShot:
        """Return a client; the options are those of its constructor."""
        if self._portal is None:
            return self._stack.enter_context(AuraShot(api_key, base_url=base_url, **options))
        client = _Blocking(AsyncAuraShot(api_key, base_url=base_url, **options), self._portal)
        self._stack.callback(client.close)
        return cast("AuraShot", client)

    def http(self, kind: type[httpx.AsyncClient] = httpx.AsyncClient, **options: Any) -> Any:
        """Return an httpx client for `http_client=`; `kind` is the class of async clients."""
        if self._portal is None:
            return self._stack.enter_context(httpx.Client(**options))
        client = self._portal.call(partial(kind, **options))
        self._stack.callback(self._portal.call, client.aclose)
        return client

    def close(self, http_client: Any) -> None:
        """Close an httpx client that `http` returned."""
        if self._portal is None:
            http_client.close()
        else:
            self._portal.call(http_client.aclose)


@contextmanager
def clients(backend: str) -> Generator[Clients]:
    """Create clients of one backend; they are closed when the block ends."""
    with ExitStack() as stack:
        portal = None if backend == "sync" else stack.enter_context(start_blocking_portal(backend))
        yield Clients(stack, portal)
