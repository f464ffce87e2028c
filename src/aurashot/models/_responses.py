"""The responses of the service's endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, GetCoreSchemaHandler, PrivateAttr
from pydantic_core.core_schema import CoreSchema, with_default_schema

from aurashot.errors import NoOutputError
from aurashot.models._wire import WireModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aurashot._card import Card
    from aurashot.identity import IdentityCheck
    from aurashot.models._legacy import WorkflowJob
    from aurashot.models._requests import BilledRequest

StatusClass: TypeAlias = Literal["succeeded", "failed", "pending"]

STATUS_WORDS: Final[Mapping[str, StatusClass]] = MappingProxyType(
    {
        "success": "succeeded",
        "completed": "succeeded",
        "failed": "failed",
        "submitted": "pending",
        "processing": "pending",
    }
)
"""The words that the service is known to use; any other word is kept and belongs to no class."""


T = TypeVar("T")

TupleOrEmpty: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(lambda value: () if value is None else value)]
"""A list that the service may also leave out or send as null."""


class _OrNothing:
    """A value of the wrong shape becomes None; a validator in Python would do the same, and cost more than the rest."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return with_default_schema(handler(source), default=None, on_error="default")


Lenient: TypeAlias = Annotated[T | None, _OrNothing()]
"""What is nice to know: a paid image is not lost because such a field has another shape than is documented."""


@dataclass(frozen=True, slots=True)
class SentImage:
    """An image that was passed to a call."""

    url: str | None = None
    """Where it was, if it was passed as a URL."""
    sha256: str | None = None
    """Of the file that was passed, as it is, in hexadecimal."""
    request_id: str | None = None
    """The service's identifier, if it was the response of an earlier call."""
    character: str | None = None
    """The folder name of the character whose image it is."""


@dataclass(frozen=True, slots=True)
class CallMeta:
    """How a response was obtained; not part of comparisons."""

    attempts: int = field(default=0, compare=False)
    """Requests that went out."""
    elapsed: float = field(default=0.0, compare=False)
    """Seconds from the first request to the response, waits included."""
    operation_id: str | None = field(default=None, compare=False)
    """The id of the method call that obtained it; its events and ledger entries carry the same."""
    idempotency_key: str | None = field(default=None, compare=False)
    ledger_entry: int | None = field(default=None, compare=False)
    """The number of its entry in the client's ledger."""
    from_ledger: bool = field(default=False, compare=False)
    """Whether it was paid for by an earlier call with the same idempotency key: nothing was sent for it now."""
    status_code: int = field(default=0, compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """The response's headers, names in lower case; those that can hold a secret are left out."""
    identity: IdentityCheck | None = field(default=None, compare=False)
    """What an `IdentityPolicy` found out about the face."""
    edited_from: tuple[Generation, ...] = field(default=(), compare=False, repr=False)
    """The images that this one was edited from, one after the other, the last one last: those that were passed to
    `edit` as the response of an earlier call."""
    request: BilledRequest | None = field(default=None, compare=False, repr=False)
    """What was asked for. A local image is named by the digest of what is uploaded, `sha256:…`, instead of a URL."""
    images: Mapping[str, SentImage] = field(default_factory=dict[str, "SentImage"], compare=False, repr=False)
    """What is known of the images that were passed beside their URLs, by the name of the argument."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)
    """The tags that the caller gave the operation."""


_NO_META: Final = CallMeta()


class Response(WireModel):
    """A response, and the call that it came from."""

    _meta: CallMeta = PrivateAttr(default_factory=lambda: _NO_META)

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Set private attributes once for each response; pydantic would do so again for each base class."""
        super().__pydantic_init_subclass__(**options)
        type.__setattr__(cls, "model_post_init", Response.model_post_init)

    @property
    def meta(self) -> CallMeta:
        """How this response was obtained."""
        return self._meta

    def with_meta(self, meta: CallMeta) -> Self:
        """Return a copy with other `meta`."""
        copy = self.__copy__()
        copy._meta = meta  # noqa: SLF001  # of its own class
        return copy


class StatusModel(Response):
    """A response with a status word."""

    status: str

    @property
    def succeeded(self) -> bool:
        """Whether the work is done, according to the service."""
        return self._status_class == "succeeded"

    @property
    def failed(self) -> bool:
        """Whether the work failed, according to the service."""
        return self._status_class == "failed"

    @property
    def pending(self) -> bool:
        """Whether the work is still in progress, according to the service."""
        return self._status_class == "pending"

    @property
    def _status_class(self) -> StatusClass | None:
        return STATUS_WORDS.get(self.status.casefold())


class Upload(Response):
    """An uploaded image."""

    url: str


class Output(WireModel):
    """One image of a response."""

    url: str
    type: Lenient[str] = None


class Pipeline(WireModel):
    """The model that did the work."""

    provider: Lenient[str] = None
    status: Lenient[str] = None


class TokenUsage(WireModel):
    """The tokens that the service counted."""

    input_tokens: Lenient[int] = None
    output_tokens: Lenient[int] = None


class Saved(Protocol):
    """Where an image was saved by this process."""

    def read(self) -> bytes | None:
        """Return the file as it was saved; None if it is gone, or was changed since."""
        ...

    def card(self, title: str, rows: Iterable[tuple[str, str]], alt: str) -> Card:
        """Return a card with the image from the file."""
        ...


class Generation(StatusModel):
    """The response to an id-photo, generate or edit call: inert, picklable, and kept as the service sent it.

    A notebook shows its prompt, its face check and its cost, and the image once it was downloaded; nothing is loaded to
    show it.
    """

    request_id: Lenient[str] = None
    job_id: Lenient[str] = None
    task_type: Lenient[str] = None
    outputs: TupleOrEmpty[Output] = ()
    pipeline: Lenient[Pipeline] = None
    token_usage: Lenient[TokenUsage] = None
    created_at: Lenient[str] = None
    """ISO 8601, as the service wrote it."""

    _saved: Saved | None = PrivateAttr(default=None)

    @property
    def identity(self) -> IdentityCheck | None:
        """Whether it shows the right face, if the client has an `IdentityPolicy`."""
        return self._meta.identity

    @property
    def output(self) -> Output:
        """The first image.

        Raises:
            NoOutputError: There is none (yet).
        """
        if not self.outputs:
            raise no_output(self, self.request_id, "it cannot be fetched later; leave out wait_for_result=False")
        return self.outputs[0]

    @property
    def url(self) -> str:
        """The URL of the first image.

        Raises:
            NoOutputError: There is none (yet).
        """
        return self.output.url

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002  # IPython passes them, and chooses itself
        from aurashot._card import Card
        from aurashot.models._facts import facts_of, prompt_of, title_of

        title, rows = title_of(self), [*facts_of(self)]
        if self._saved is not None:
            return self._saved.card(title, rows, prompt_of(self)).bundle()
        if self.outputs:
            rows.append(("Image", "not downloaded; client.show downloads and shows it"))
        return Card(title, tuple(rows)).bundle()


def saved_as(image: Generation) -> Saved | None:
    """Return where an image was saved last, by this process and through this object."""
    return image._saved  # noqa: SLF001  # a model has no public state that changes


def note_saved(image: Generation, saved: Saved | None) -> None:
    """Note where an image was saved."""
    if saved is not None:
        image._saved = saved  # noqa: SLF001  # a model has no public state that changes


def no_output(response: Generation | WorkflowJob, request_id: str | None, if_pending: str) -> NoOutputError:
    """Return the error for a response without an image, which was paid for all the same.

    Args:
        response: The response.
        request_id: The service's identifier.
        if_pending: What to do if the image is not done yet.
    """
    hint = f"; {if_pending}" if response.pending else ""
    error = NoOutputError(f"The response has no image; its status is {response.status!r}{hint}")
    error.billable = True
    error.delivered = (response,)
    error.attempts, error.request_id = response.meta.attempts, request_id
    error.operation_id, error.idempotency_key = response.meta.operation_id, response.meta.idempotency_key
    return error
