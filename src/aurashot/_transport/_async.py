"""The async transport. The first call imports the engine, and what else no client needs before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aurashot._deadline import check_optional_seconds
from aurashot._late import lazy_property
from aurashot._transport._state import Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aurashot._calls import Flow
    from aurashot._operations import Labels
    from aurashot._transport._async_runtime import AsyncRuntime
    from aurashot._transport._client_state import ClientState
    from aurashot._transport._driver import Driver
    from aurashot._transport._state import Options

T = TypeVar("T")


class AsyncConnections(Shared):
    """What all views of one async client share."""

    @lazy_property
    def runtime(self) -> AsyncRuntime:
        """How its calls wait, and its connections."""
        from aurashot._transport._async_runtime import AsyncRuntime

        return AsyncRuntime(self.service, self.http_client, self.proxy)

    @lazy_property
    def client(self) -> ClientState:
        """What its calls share."""
        from aurashot._transport._client_state import ClientState

        return ClientState.of(self, self.runtime)

    async def aclose(self, grace: float | None) -> None:
        """Wait for detached calls, then close what was opened here; a client that was passed in stays open."""
        check_optional_seconds("grace", grace)
        self.closed = True
        if "runtime" not in vars(self):
            return
        try:
            if self.ledger is not None:
                await self.runtime.detached_calls.wait(grace)
        finally:
            await self.runtime.aclose()


class AsyncTransport:
    """Run operations without blocking the event loop."""

    def __init__(self, connections: AsyncConnections, options: Options) -> None:
        self.connections: AsyncConnections = connections
        self.options: Options = options

    @lazy_property
    def _driver(self) -> Driver:
        from aurashot._transport._driver import Driver

        return Driver(self.connections.runtime, self.connections.client, self.options)

    def load(self) -> None:
        """Import what the first call needs, now."""
        _ = self._driver

    @property
    def has_ledger(self) -> bool:
        """Whether billed requests are recorded."""
        return self.connections.ledger is not None

    def run(self, name: str, flow: Flow[T], labels: Labels | None = None, timeout: float | None = None) -> Awaitable[T]:
        """Run the flow of an operation to its end, within `timeout` seconds in all from now on.

        Raises:
            AuraShotError: Anything that went wrong, typed.
        """
        self.connections.check_open()
        driver = self._driver  # what it imports does not count in the call's time
        return driver.operate(flow, self.options.operation(name, labels, timeout))
