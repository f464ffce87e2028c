"""What the stages of a call need: waiting, threads, the network and the ledger, sync or async.

The stages and the driver are written once, as coroutines over a `Runtime`. The async client awaits them on its event
loop. The sync client runs them to completion in one step (`run`): its runtime's coroutines block instead of waiting,
so none of them ever suspends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Sequence

    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._engine import Outgoing
    from aurashot._transport._exchange import Exchange
    from aurashot._transport._record import Record
    from aurashot.errors import AuraShotError
    from aurashot.ledger import Entry, Ledger, Write

T = TypeVar("T")

Written: TypeAlias = "Entry | AuraShotError | None"
"""What became of one write into a ledger."""

Keep: TypeAlias = "Callable[[Written], None]"


class Signal(Protocol):
    """An event that is waited for once."""

    def set(self) -> None:
        """Wake the waiters."""
        ...

    def is_set(self) -> bool:
        """Whether it was set."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Wait at most the given seconds, and return whether it was set."""
        ...


class ResponseStream(Protocol):
    """A response whose body is still to be read."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """The headers, names in lower case."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        ...

    async def aclose(self) -> None:
        """Return the connection to the pool."""
        ...


class Runtime(Protocol):
    """One way of waiting."""

    @property
    def piece(self) -> int:
        """How many bytes of a download are written at once."""
        ...

    @property
    def records_in_background(self) -> bool:
        """Whether a call returns its response although its record is not written yet."""
        ...

    def loop_key(self) -> Hashable:
        """Return what work can be shared within: a process, or an event loop."""
        ...

    def signal(self) -> Signal:
        """Return a signal for those who share a process or an event loop."""
        ...

    def send(self, outgoing: Outgoing) -> Awaitable[ResponseStream]:
        """Send a request of the API, and return its response with the body still to be read."""
        ...

    def fetch(self, outgoing: Outgoing, url: str) -> Awaitable[ResponseStream]:
        """Send the request for an image at a URL: without a key, to public addresses or through a proxy."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        ...

    async def blocking(self, work: Callable[[], T], deadline: Deadline | None = None) -> T:
        """Do blocking work: within what is left of a deadline, or for as long as it takes.

        Raises:
            DeadlineExceededError: It took longer. It continues, and its result is discarded.
        """
        ...

    async def cleanup(self, work: Callable[[], object]) -> None:
        """Do blocking work, shielded from cancellation."""
        ...

    async def together(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run several pieces of work; the first error ends them all."""
        ...

    async def gather(self, works: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T | Exception]:
        """Run several pieces of work to completion, and return each result or error."""
        ...

    async def permit(self, limiter: Any, request: str, *, billable: bool, seconds: float) -> None:
        """Wait for a rate limiter's permission.

        Raises:
            TimeoutError: It was not granted in time.
        """
        ...

    def write(self, ledger: Ledger, write: Write, timeout: float, keep: Keep) -> Awaitable[Written]:
        """Write into a ledger; concurrent writes share a commit.

        `keep` is called with the result, even when the caller is cancelled meanwhile.
        """
        ...

    def record(self, exchange: Exchange[M], record: Record, make: Callable[[], Awaitable[M]]) -> Awaitable[M]:
        """Make a billed call and record its outcome, whatever ends it."""
        ...


def forget(written: Written) -> None:
    """Ignore the result of a write."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends.

    Raises:
        RuntimeError: It did: something in it waits on an event loop.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("blocking code waits on an event loop")
