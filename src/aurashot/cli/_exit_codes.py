"""The exit codes of the command, and the words for them in its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from aurashot import errors

if TYPE_CHECKING:
    from aurashot.errors import AuraShotError

Paid: TypeAlias = Literal[True, False, "unknown"]
"""Whether an operation has been billed."""


class Kind(NamedTuple):
    """A class of failures: its exit code, its word in data, and what it means."""

    code: int
    word: str
    meaning: str


FAILED: Final = Kind(1, "failed", "the service, the network or the machine failed; what failed was not billed")
USAGE: Final = Kind(
    2, "usage", "the command, a file, the prompt or the configuration cannot be used, or there is no key"
)
AUTHENTICATION: Final = Kind(3, "authentication", "the service refused the key")
QUOTA: Final = Kind(4, "quota", "no images are left: the account's quota, or a cap on spending")
RATE_LIMIT: Final = Kind(5, "rate_limit", "too many requests; `retry_after` says how many seconds to wait, if known")
UNKNOWN: Final = Kind(
    6, "outcome_unknown", "an image may have been billed and did not arrive; do not repeat the command"
)
TIMEOUT: Final = Kind(7, "timeout", "the time was over before an image was requested; nothing was billed")
DRIFT: Final = Kind(8, "identity_drift", "no image showed the right face; all of them were billed")
REFUSED: Final = Kind(9, "content_refused", "the service refused the content; change the prompt or the image")
NOT_SAVED: Final = Kind(
    10, "not_saved", "an image was made and billed, and is not saved; the message says how to get it"
)
GENERATION: Final = Kind(11, "generation_failed", "the service began an image and failed; it may have been billed")
INTERRUPTED: Final = Kind(130, "interrupted", "Ctrl-C; the message says whether an image may have been billed")

KINDS: Final = (
    FAILED,
    USAGE,
    AUTHENTICATION,
    QUOTA,
    RATE_LIMIT,
    UNKNOWN,
    TIMEOUT,
    DRIFT,
    REFUSED,
    NOT_SAVED,
    GENERATION,
    INTERRUPTED,
)

_BY_CLASS: Final[tuple[tuple[type[AuraShotError], Kind], ...]] = (
    (errors.ConfigurationError, USAGE),
    (errors.InputError, USAGE),
    (errors.CharacterNotFoundError, USAGE),
    (errors.CharacterExistsError, USAGE),
    (errors.UnresolvedError, UNKNOWN),
    (errors.AuthenticationError, AUTHENTICATION),
    (errors.PermissionDeniedError, AUTHENTICATION),
    (errors.QuotaExceededError, QUOTA),
    (errors.SpendCapError, QUOTA),
    (errors.RateLimitError, RATE_LIMIT),
    (errors.IdentityDriftError, DRIFT),
    (errors.ContentBlockedError, REFUSED),
    (errors.GenerationFailedError, GENERATION),
)
"""The first class that fits decides, unless something is on the bill that did not arrive."""


def kind_of(error: AuraShotError, *, is_free: bool = False) -> Kind:
    """Return the class of failures that an error belongs to; where everything is free, none is about the bill."""
    kind = _kind_of(error)
    return FAILED if is_free and kind in {UNKNOWN, NOT_SAVED, GENERATION} else kind


def _kind_of(error: AuraShotError) -> Kind:
    for each, kind in _BY_CLASS:
        if isinstance(error, each):
            return kind
    if _has_image(error):
        return NOT_SAVED
    if error.may_be_charged:
        return UNKNOWN
    return TIMEOUT if isinstance(error, errors.DeadlineExceededError) else FAILED


def paid_by(error: AuraShotError) -> Paid:
    """Return whether the operation that failed is on the bill, as far as that is known."""
    if _has_image(error):
        return True
    return "unknown" if error.may_be_charged or error.delivered else False


def _has_image(error: AuraShotError) -> bool:
    return any(getattr(each, "outputs", ()) or getattr(each, "images", ()) for each in error.delivered)
