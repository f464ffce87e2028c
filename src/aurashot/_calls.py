"""Flows and steps: how operations are written.

An operation is a `Flow`: a generator that yields steps and returns its result. A step is plain data that says what
to do next; it does nothing by itself. The driver (`aurashot._transport._driver`) takes each step, does it, and
sends the result back in:

    flow                                    driver
    yield Blocking(read the file)     ->    runs it in a thread
    yield Call(POST /v1/uploads)      ->    sends it: single flight, record, retry, attempt
    yield Together(two flows)         ->    drives both (side by side, when async)
    return Generation                 ->    hands it to the caller

Whatever goes wrong in a step is raised at its `yield`. So what an operation decides is written once, for both clients,
and is tested by calling `next` and `send` by hand. The small generators below (`send`, `blocking`, ...) exist for the
type checkers: `yield` alone cannot tell which step gives which result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from aurashot.models import Response

if TYPE_CHECKING:
    from aurashot.images import Payload, Sink
    from aurashot.images._window import Check
    from aurashot.instrumentation import IdentityChecked
    from aurashot.ledger import Scalar
    from aurashot.models import BilledRequest, SentImage, WireModel

T = TypeVar("T")
M = TypeVar("M", bound=Response)

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called during a download with the bytes so far, and the total if the server sends it."""


class Call(NamedTuple, Generic[M]):
    """One request, and the model that its response becomes."""

    name: str
    """The kind of request: `upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change` or `query`."""
    path: str
    response: type[M]
    request: WireModel | Payload
    """A JSON body, or the image of a multipart form."""
    billable: bool = False
    asked: BilledRequest | None = None
    """The content of a billed request, with a digest of each local image instead of the URL of its upload.

    It is the same for the same request in every process."""
    images: Mapping[str, SentImage] | None = None
    """What is known of the images that the caller passed beside their URLs, by the name of the argument."""
    dedupe_key: str | None = None
    """Calls with the same value are sent once, and share the response."""
    refused_key: str | None = None
    """The idempotency key under which the service refused it before: it is sent again under the same one."""
    attempts: int = 0
    """How many requests were sent for it under that key."""


class Blocking(NamedTuple, Generic[T]):
    """Disk or CPU work that must not block an event loop.

    Before the operation has paid for anything, the work has what is left of the operation's time. After that it has
    all the time it needs, and its result is returned: what was paid for is not thrown away.
    """

    work: Callable[[Check], T]
    """The work; it calls what it is given now and then, which raises when the time is over."""


class Fetch(NamedTuple, Generic[T]):
    """A download that streams into a sink."""

    url: str
    sink: Sink[T]
    progress: Progress | None = None


class Pause(NamedTuple):
    """Wait for some seconds."""

    seconds: float


class Together(NamedTuple):
    """Several independent flows that are not billed; the first error cancels the others."""

    flows: tuple[Flow[Any], ...]


class Gather(NamedTuple):
    """Several flows that may be billed: each runs to completion, whatever happens to the others."""

    flows: tuple[Flow[Any], ...]
    limit: int
    """How many run at once in async code; the blocking client runs one after the other."""


class Recall(NamedTuple, Generic[M]):
    """Look up in the ledger, before anything is sent, whether the operation's key was paid already."""

    call: Call[M]
    """The call that would be sent, with a digest of each local image instead of its URL."""


class Forget(NamedTuple):
    """Forget the uploads that this client remembers from before the operation, by their URLs."""

    urls: frozenset[str]


class Annotate(NamedTuple):
    """Add notes to the ledger entry of a response, where there is one."""

    response: Response
    notes: Mapping[str, Scalar]


class Report(NamedTuple):
    """Tell the hooks about a step of the operation."""

    event: type[IdentityChecked]
    fields: Mapping[str, Any]


Step: TypeAlias = (
    Call[Any] | Blocking[Any] | Fetch[Any] | Pause | Together | Gather | Recall[Any] | Forget | Annotate | Report
)
Flow: TypeAlias = Generator[Step, Any, T]


def send(call: Call[M]) -> Flow[M]:
    """Send a request and return its response."""
    return cast("M", (yield call))


def blocking(work: Callable[[Check], T]) -> Flow[T]:
    """Do blocking work and return its result."""
    return cast("T", (yield Blocking(work)))


def fetch(url: str, sink: Sink[T], progress: Progress | None = None) -> Flow[T]:
    """Download into a sink and return its result."""
    return cast("T", (yield Fetch(url, sink, progress)))


def pause(seconds: float) -> Flow[None]:
    """Wait for some seconds."""
    yield Pause(seconds)


def together(flows: list[Flow[T]]) -> Flow[list[T]]:
    """Run several flows that are not billed, and return their results in order."""
    if not flows:
        return []
    if len(flows) == 1:
        return [(yield from flows[0])]
    return cast("list[T]", (yield Together(tuple(flows))))


def gather(flows: list[Flow[T]], *, limit: int = 8) -> Flow[list[T | Exception]]:
    """Run several flows to completion, and return the result or the error of each, in order.

    An error of one does not cancel another, which may have been paid. The idempotency keys of their requests
    follow from their order: `order-17`, `order-17.2`, and so on.

    Args:
        flows: The flows.
        limit: How many run at once in async code.
    """
    return cast("list[T | Exception]", (yield Gather(tuple(flows), limit)))


def recall(call: Call[M]) -> Flow[M | None]:
    """Return the result that the ledger stores for the operation's idempotency key, or None if there is none."""
    return cast("M | None", (yield Recall(call)))


def forget(urls: Iterable[str]) -> Flow[None]:
    """Forget the uploads that this client remembers from before the operation, by their URLs."""
    yield Forget(frozenset(urls))


def annotate(response: Response, notes: Mapping[str, Scalar]) -> Flow[None]:
    """Add notes to the ledger entry of a response, where there is one."""
    yield Annotate(response, notes)


def report(event: type[IdentityChecked], **fields: Any) -> Flow[None]:
    """Tell the hooks about a step of the operation."""
    yield Report(event, fields)
