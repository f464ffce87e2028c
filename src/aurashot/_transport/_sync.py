"""The sync transport. The first call imports the engine, and what else no client needs before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from aurashot._late import lazy_property
from aurashot._transport._runtime import run
from aurashot._transport._state import Shared

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aurashot._calls import Flow
    from aurashot._operations import Labels
    from aurashot._transport._client_state import ClientState
    from aurashot._transport._driver import Driver
    from aurashot._transport._state import Options
    from aurashot._transport._sync_runtime import BlockingRuntime

T = TypeVar("T")


class Connections(Shared):
    """What all views of one sync client share."""

    @lazy_property
    def runtime(self) -> BlockingRuntime:
        """How its calls wait, and its connections."""
        from aurashot._transport._sync_runtime import BlockingRuntime

        return BlockingRuntime(self.service, self.http_client, self.proxy)

    @lazy_property
    def client(self) -> ClientState:
        """What its calls share."""
        from aurashot._transport._client_state import ClientState

        return ClientState.of(self, self.runtime)

    def close(self) -> None:
        """Close what was opened here; a client that was passed in stays open."""
        self.closed = True
        if "runtime" in vars(self):
            self.runtime.close()


class Transport:
    """Run operations, blocking the thread that asks."""

    def __init__(self, connections: Connections, options: Options) -> None:
        self.connections: Connections = connections
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

    def run(self, name: str, flow: Flow[T], labels: Labels | None = None, timeout: float | None = None) -> T:
        """Run the flow of an operation to its end, within `timeout` seconds in all.

        Raises:
            AuraShotError: Anything that went wrong, typed.
        """
        self.connections.check_open()
        driver = self._driver  # what it imports does not count in the call's time
        operation = self.options.operation(name, labels, timeout)
        return run(cast("Coroutine[Any, Any, T]", driver.operate(flow, operation)))
