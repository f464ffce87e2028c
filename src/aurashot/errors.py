"""Every error that the SDK raises, and what each one says about the money.

    AuraShotError
      ConfigurationError            no key, an impossible option, a closed client, a missing extra
      InputError (ValueError)       the caller's argument; nothing was sent
        InvalidImageError             not an image that the service takes
        UnsafeURLError                an address that must not be fetched or sent
      APIConnectionError            no usable answer arrived
        NotSentError                  the request never reached the service
        OutcomeUnknownError           the answer was lost after sending
        DeadlineExceededError         the total time of the call ran out
      APIStatusError                the service answered with an error status
        BadRequestError               400, 422
        AuthenticationError           401
        QuotaExceededError            402, and quota or credit codes
        PermissionDeniedError         403
        NotFoundError                 404
        ConflictError                 409
        PayloadTooLargeError          413
        RateLimitError                429
        ServerError                   5xx
      UnexpectedResponseError       HTML with 200, broken JSON, a success with no outputs, a redirect
      GenerationFailedError         status "failed": the service worked and gave up
        ContentBlockedError           refused for its content
      LedgerError                   the ledger cannot record; nothing was sent
      UnresolvedError               a request under the same key may be on the bill; nothing was sent
      SpendCapError                 the ledger's cap is reached; nothing was sent
      NoOutputError                 a picture was asked of an answer that has none yet
      DownloadError                 unsafe address, too large, not an image, truncated

Whatever is caught, `.outcome` says what became of the request and `.may_be_charged` whether it may be on the bill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from aurashot.ledger import Entry
    from aurashot.models import Generation, WorkflowJob

Outcome: TypeAlias = Literal["not_sent", "rejected", "unknown", "accepted"]
"""What became of a request.

`not_sent`: the service never had the whole of it. `rejected`: the service refused it before doing any work.
`unknown`: it was sent and no proof of its fate came back. `accepted`: the service took it and worked on it.
"""


class AuraShotError(Exception):
    """The root of every error of this SDK.

    Attributes:
        outcome: What became of the request; of the operation, if that had paid for something before.
        billable: Whether the operation is one that the service bills.
        operation_id: The id of the method call that failed; its events and ledger entries carry the same.
        delivered: What this operation had obtained and paid for before it failed, and what a failed download was
            to fetch: it is yours.
        idempotency_key: The key that the call was sent under; quote it to support.
        attempts: How many requests went out, 0 when none did.
        request_id: The service's own identifier, where the answer carried one.
        retry_after: Seconds after which the service said to come back, where it did.
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
        super().__init__(message)
        self.message = message

    @property
    def may_be_charged(self) -> bool:
        """Whether this operation may be on the bill."""
        return self.billable and self.outcome in {"unknown", "accepted"}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by message and plain attributes: no request, no response and no key ever hang on an error."""
        return _rebuild, (type(self), self.message), self.__dict__


def _rebuild(kind: type[AuraShotError], message: str) -> AuraShotError:
    error = kind.__new__(kind, message)
    Exception.__init__(error, message)
    return error


class ConfigurationError(AuraShotError):
    """The client cannot work as it is set up: no key, an impossible option, a closed client, a missing extra."""


class InputError(AuraShotError, ValueError):
    """An argument is not usable; nothing was sent.

    Attributes:
        argument: The name of the argument that is to blame, as the caller wrote it.
    """

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument

    def about(self, argument: str) -> InputError:
        """Return the same error, saying which argument it is about."""
        if self.argument is not None:
            return self
        return type(self)(f"{argument}: {self.message}", argument=argument)


class InvalidImageError(InputError):
    """Not an image that the service takes: missing, unreadable, empty, too large, or of another kind."""


class UnsafeURLError(InputError):
    """An address that must not be fetched or sent: not https, private, or with a user name in it."""


class APIConnectionError(AuraShotError):
    """No usable answer arrived."""


class NotSentError(APIConnectionError):
    """The request never reached the service; sending it again is safe.

    Attributes:
        final: Whether trying again cannot help: the server's certificate is not valid.
    """

    final: bool = False


class OutcomeUnknownError(APIConnectionError):
    """The answer was lost after the request went out; the service may have done the work and billed it."""

    outcome: Outcome = "unknown"


class DeadlineExceededError(APIConnectionError):
    """The total time of the call ran out; `outcome` says whether the request had gone out by then."""


class APIStatusError(AuraShotError):
    """The service answered with an error status.

    Attributes:
        status_code: The HTTP status.
        code: The service's own error code, where the body carried one.
        body: The start of the body as text, at most 2,000 characters.
    """

    outcome: Outcome = "rejected"
    status_code: int = 0
    code: str | None = None
    body: str = ""


class BadRequestError(APIStatusError):
    """The service does not accept the request as it is (400, 422)."""


class AuthenticationError(APIStatusError):
    """The key is missing, unknown or revoked (401)."""


class QuotaExceededError(APIStatusError):
    """The account has no pictures left (402, or a quota or credit code)."""


class PermissionDeniedError(APIStatusError):
    """The key may not do this (403)."""


class NotFoundError(APIStatusError):
    """There is nothing at that address (404)."""


class ConflictError(APIStatusError):
    """The request collides with another one (409)."""


class PayloadTooLargeError(APIStatusError):
    """The request is larger than the service takes (413)."""


class RateLimitError(APIStatusError):
    """Too many requests; `retry_after` says when to come back, if the service told (429)."""


class ServerError(APIStatusError):
    """The service failed (5xx); whether it did the work before is not known."""

    outcome: Outcome = "unknown"


class UnexpectedResponseError(AuraShotError):
    """The answer is not one of this API's: HTML, broken JSON, a success with no outputs, a redirect.

    Attributes:
        status_code: The HTTP status.
        content_type: The media type that the answer claimed.
        body: The raw answer, at most 64 KiB of it: if it was paid for, this is what is left.
    """

    outcome: Outcome = "unknown"
    status_code: int = 0
    content_type: str = ""
    body: bytes = b""


class GenerationFailedError(AuraShotError):
    """The service worked on the request and says that it failed.

    Attributes:
        generation: The whole answer.
    """

    outcome: Outcome = "accepted"
    generation: Generation | None = None


class ContentBlockedError(GenerationFailedError):
    """The service refused the request for its content; another prompt or picture is needed."""


class LedgerError(AuraShotError):
    """The ledger cannot record or be read: locked, read-only, full, corrupt, or of a newer version."""


class UnresolvedError(AuraShotError):
    """An earlier request under the same idempotency key may be on the bill; this call sent nothing.

    Attributes:
        entry: The entry of that request in the ledger; `entry.is_under_way` says whether it is worth waiting for.
    """

    outcome: Outcome = "unknown"
    billable: bool = True
    entry: Entry | None = None


class SpendCapError(AuraShotError):
    """The call would exceed the cap of the ledger; nothing was sent.

    Attributes:
        max_images: The cap.
        per: What it is for: `day` or `run`.
        by: The tag whose values are capped one by one; None for a cap on everything.
        value: The value of that tag that reached its cap.
        spent: How many images may be on the bill already, those under way included.
    """

    max_images: int = 0
    per: str = ""
    by: str | None = None
    value: str | None = None
    spent: int = 0


class NoOutputError(AuraShotError):
    """A picture was asked of an answer that has none: it is still pending, or it failed."""

    outcome: Outcome = "accepted"


class DownloadError(AuraShotError):
    """A picture could not be fetched: too large, not an image, truncated, or not answered.

    Attributes:
        status_code: The HTTP status, 0 when none arrived.
        transient: Whether the same download may work when it is tried again.
    """

    outcome: Outcome = "accepted"
    status_code: int = 0
    transient: bool = False
