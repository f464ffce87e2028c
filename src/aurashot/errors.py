"""All errors that the SDK raises, and what each of them may have cost.

    AuraShotError
      ConfigurationError            no key, an invalid option, a closed client, a missing extra
      InputError (ValueError)       an invalid argument; nothing was sent
        InvalidImageError             not an image that the service accepts
        UnsafeURLError                a URL that must not be fetched or sent
      APIConnectionError            no usable response was received
        NotSentError                  the request never reached the service
        OutcomeUnknownError           the response was lost after sending
        DeadlineExceededError         the call timed out
      APIStatusError                the service responded with an error status
        BadRequestError               400, 422
        AuthenticationError           401
        QuotaExceededError            402, and quota or credit codes
        PermissionDeniedError         403
        NotFoundError                 404
        ConflictError                 409
        PayloadTooLargeError          413
        RateLimitError                429
        ServerError                   5xx
      UnexpectedResponseError       HTML with 200, malformed JSON, a success without outputs, a redirect
      GenerationFailedError         status "failed": the service started work, then reported a failure
        ContentBlockedError           refused for its content
      LedgerError                   the ledger cannot record; nothing was sent
      UnresolvedError               a request with the same key may have been billed; nothing was sent
      SpendCapError                 the ledger's cap is reached; nothing was sent
      LibraryError                  a library of characters cannot be read or written; nothing was sent
        CharacterNotFoundError        there is no character of that name
        CharacterExistsError          the name of a character is taken
      NoOutputError                 the response has no image yet
      IdentityDriftError            no image showed the right face; all are paid for
      FaceEngineError               a face engine failed while faces were compared
      DownloadError                 unsafe URL, too large, not an image, truncated

Every error has an `outcome`, and `may_be_charged` says whether the request may have been billed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from datetime import datetime

    from aurashot.ledger import Entry
    from aurashot.models import Generation, WorkflowJob

Outcome: TypeAlias = Literal["not_sent", "rejected", "unknown", "accepted"]
"""The outcome of a request.

`not_sent`: the service did not receive the complete request. `rejected`: the service refused it before doing any work.
`unknown`: it was sent, and nothing proves what happened to it. `accepted`: the service started to work on it.
"""


class AuraShotError(Exception):
    """The base class of all errors of this SDK.

    Attributes:
        outcome: The outcome of the request, or of the operation if it had paid for something before.
        billable: Whether the service charges for this kind of request, sent or not.
        operation_id: The id of the operation that failed, as in its events and ledger entries.
        delivered: The results that the operation had paid for before it failed; for a failed download, the
            generation.
        idempotency_key: The key that the request was sent with; include it when you contact support.
        attempts: The number of requests that were sent.
        request_id: The service's identifier, if the response had one.
        retry_after: Seconds after which to retry, if the service said so.
    """

    outcome: Outcome = "not_sent"
    billable: bool = False
    operation_id: str | None = None
    delivered: tuple[Generation | WorkflowJob, ...] = ()
    idempotency_key: str | None = None
    attempts: int = 0
    request_id: str | None = None
    retry_after: float | None = None

    def __init__(self, message: str) -> None:
        self.message: str = _encodable(message)
        super().__init__(self.message)

    @property
    def may_be_charged(self) -> bool:
        """Whether this operation may have been billed."""
        return self.billable and self.outcome in {"unknown", "accepted"}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and plain attributes: an error never contains a request, a response or the API key."""
        return _rebuild, (type(self), self.message), self.__dict__


def _encodable(message: str) -> str:
    """Escape lone surrogates, which file names and JSON can hold and no terminal can show."""
    return message.encode("utf-8", "backslashreplace").decode()


def _rebuild(kind: type[AuraShotError], message: str) -> AuraShotError:
    error = kind.__new__(kind, message)
    Exception.__init__(error, message)
    return error


class ConfigurationError(AuraShotError):
    """The configuration is invalid: no key, an invalid option, a closed client, a missing extra."""


class InputError(AuraShotError, ValueError):
    """An argument is invalid; nothing was sent.

    Attributes:
        argument: The name of the argument.
    """

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument

    def about(self, argument: str) -> InputError:
        """Return the same error with the name of the argument."""
        if self.argument is not None:
            return self
        return type(self)(f"{argument}: {self.message}", argument=argument)


class InvalidImageError(InputError):
    """Not an image that the service accepts: missing, unreadable, empty, too large, or in another format."""


class UnsafeURLError(InputError):
    """A URL that must not be fetched or sent: not https, a private host, or with a user name."""


class APIConnectionError(AuraShotError):
    """No usable response was received."""


class NotSentError(APIConnectionError):
    """The request did not reach the service; it is safe to retry.

    Attributes:
        final: Whether retrying won't help: the server's certificate is invalid, or the name of a plain http host leads
            elsewhere.
    """

    final: bool = False


class OutcomeUnknownError(APIConnectionError):
    """The response was lost after the request was sent; the service may have done the work and billed it."""

    outcome: Outcome = "unknown"


class DeadlineExceededError(APIConnectionError):
    """The call timed out; `outcome` says whether the request had been sent."""


class APIStatusError(AuraShotError):
    """The service responded with an error status.

    Attributes:
        status_code: The HTTP status.
        code: The service's error code, if the body had one.
        body: The start of the body as text, at most 2,000 characters.
        date: When the service responded, by its own clock, if the response says so; UTC.
    """

    outcome: Outcome = "rejected"
    status_code: int = 0
    code: str | None = None
    body: str = ""
    date: datetime | None = None


class BadRequestError(APIStatusError):
    """The service does not accept the request (400, 422)."""


class AuthenticationError(APIStatusError):
    """The key is missing, unknown or revoked (401)."""


class QuotaExceededError(APIStatusError):
    """The account has no images left (402, or a quota or credit code)."""


class PermissionDeniedError(APIStatusError):
    """The key does not have this permission (403)."""


class NotFoundError(APIStatusError):
    """There is nothing at this URL (404)."""


class ConflictError(APIStatusError):
    """The request conflicts with another one (409)."""


class PayloadTooLargeError(APIStatusError):
    """The request is larger than the service accepts (413)."""


class RateLimitError(APIStatusError):
    """Too many requests (429); `retry_after` says when to retry, if the service said so."""


class ServerError(APIStatusError):
    """The service failed (5xx); `outcome` says whether it may have done the work."""

    outcome: Outcome = "unknown"


class UnexpectedResponseError(AuraShotError):
    """The response is not one of this API: HTML, malformed JSON, a success without outputs, a redirect.

    Attributes:
        status_code: The HTTP status.
        content_type: The media type from the response's headers.
        body: The raw response, at most its first 64 KiB.
    """

    outcome: Outcome = "unknown"
    status_code: int = 0
    content_type: str = ""
    body: bytes = b""


class GenerationFailedError(AuraShotError):
    """The service started work, then reported a failure.

    Attributes:
        generation: The full response.
    """

    outcome: Outcome = "accepted"
    generation: Generation | None = None


class ContentBlockedError(GenerationFailedError):
    """The service refused the content of the request; use another prompt or image."""


class LedgerError(AuraShotError):
    """The ledger cannot record or be read: locked, read-only, full, corrupt, or of a newer version."""


class UnresolvedError(AuraShotError):
    """An earlier request with the same idempotency key may have been billed; this call sent nothing.

    Attributes:
        entry: The ledger entry of that request; `entry.is_under_way` says whether it is still in progress.
    """

    outcome: Outcome = "unknown"
    billable: bool = True
    entry: Entry | None = None


class SpendCapError(AuraShotError):
    """The call would exceed the ledger's spend cap; nothing was sent.

    Attributes:
        max_images: The cap.
        per: The period of the cap: `day` or `run`.
        by: The tag to whose values the cap applies; None for a total cap.
        value: The value of that tag that reached the cap.
        spent: How many images may have been billed, including requests in progress.
    """

    max_images: int = 0
    per: str = ""
    by: str | None = None
    value: str | None = None
    spent: int = 0


class LibraryError(AuraShotError):
    """A library of characters cannot be read or written: a broken or missing file, a full disk, an unreachable store.

    Attributes:
        character: The name of the character's folder, if it is about one.
        path: The file or folder, relative to the library's root and with `/` between its parts.
    """

    def __init__(self, message: str, *, character: str | None = None, path: str | None = None) -> None:
        super().__init__(message)
        self.character = character
        self.path = path


class CharacterNotFoundError(LibraryError):
    """The library has no character of that name."""


class CharacterExistsError(LibraryError):
    """The library has a character, or a folder, of that name already."""


class NoOutputError(AuraShotError):
    """The response has no image: it is still pending, or it failed. It may have been billed; `delivered` has it."""

    outcome: Outcome = "accepted"


def _similarity(image: Generation) -> float:
    return (image.identity.similarity if image.identity else None) or 0.0


class IdentityDriftError(AuraShotError):
    """No image showed the right face within the limits of an `IdentityPolicy`; all of them were paid for.

    Attributes:
        delivered: The images, in order; the `identity` of each says what was found.
    """

    outcome: Outcome = "accepted"
    billable: bool = True

    @property
    def best(self) -> Generation | None:
        """The image whose face is most similar to the reference; None if none could be compared."""
        made = cast("tuple[Generation, ...]", self.delivered)
        scored = [each for each in made if each.identity is not None and each.identity.similarity is not None]
        return max(scored, key=_similarity, default=None)


class FaceEngineError(AuraShotError):
    """A face engine failed while faces were found or compared; nothing was sent."""


class DownloadError(AuraShotError):
    """An image could not be downloaded: too large, not an image, truncated, or no response.

    Attributes:
        status_code: The HTTP status, 0 if there was no response.
        transient: Whether retrying the download may help.
    """

    outcome: Outcome = "accepted"
    status_code: int = 0
    transient: bool = False
