"""The vocabulary in which operations are written.

An operation is a `Flow`: a generator that yields steps and returns its result. A step is plain data that says what has
to happen next; it does nothing by itself. A driver (`aurashot._transport`) takes each step, does it in its own colour
(blocking or async), and sends the result back in:

    flow                                    driver
    yield Blocking(read the file)     ->    runs it (in a thread, when async)
    yield Call(POST /v1/uploads)      ->    sends it: once, before the deadline, with retries
    yield Together(two flows)         ->    drives both (side by side, when async)
    return Generation                 ->    hands it to the caller

So what an operation decides is written once, for both clients, and is tested by calling `next` and `send` by hand. The
small generators below (`send`, `blocking`, ...) exist for the type checkers: `yield` alone cannot tell which step
gives which result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from aurashot.models import Received

if TYPE_CHECKING:
    from aurashot.images import Landing, Payload

T = TypeVar("T")
M = TypeVar("M", bound=Received)

Progress: TypeAlias = Callable[[int, int | None], None]
"""Told about a download: bytes so far, and bytes in all where the server says."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the caller writes onto a billed call."""

    idempotency_key: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[M]):
    """One request, and the model that its answer becomes."""

    operation: str
    path: str
    answer: type[M]
    content: bytes | Payload
    """A JSON body, or the picture that goes out as a multipart form."""
    billed: bool = False
    labels: Labels = Labels()
    once: str | None = None
    """Calls with the same value are sent once, and share the answer."""


@dataclass(frozen=True, slots=True)
class Blocking(Generic[T]):
    """Disk or CPU work that must not hold up an event loop."""

    work: Callable[[], T]


@dataclass(frozen=True, slots=True)
class Fetch(Generic[T]):
    """A download that streams into a landing."""

    url: str
    landing: Landing[T]
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Together:
    """Several flows, none of which waits for another; the first error ends them all."""

    flows: tuple[Flow[Any], ...]


Step: TypeAlias = Call[Any] | Blocking[Any] | Fetch[Any] | Pause | Together
Flow: TypeAlias = Generator[Step, Any, T]


def send(call: Call[M]) -> Flow[M]:
    """Send a request and return its answer."""
    return cast("M", (yield call))


def blocking(work: Callable[[], T]) -> Flow[T]:
    """Do blocking work and return its result."""
    return cast("T", (yield Blocking(work)))


def fetch(url: str, landing: Landing[T], progress: Progress | None = None) -> Flow[T]:
    """Download into a landing and return what it became."""
    return cast("T", (yield Fetch(url, landing, progress)))


def pause(seconds: float) -> Flow[None]:
    """Let some seconds pass."""
    yield Pause(seconds)


def together(flows: list[Flow[T]]) -> Flow[list[T]]:
    """Run several flows and return their results in order."""
    if not flows:
        return []
    if len(flows) == 1:
        return [(yield from flows[0])]
    return cast("list[T]", (yield Together(tuple(flows))))
