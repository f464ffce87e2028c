"""Errors, as an agent can act on them: what went wrong, whether it is on the bill, and what to do next."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot import errors
from aurashot.mcp._answers import ErrorAnswer

if TYPE_CHECKING:
    from collections.abc import Generator

    from pydantic import ValidationError

    from aurashot.mcp._answers import Paid
    from aurashot.mcp._spend import Spend

_ASK = "Tell the user; do not try again."
_UNKNOWN = (
    "It may be on the bill. Do not make this image with another request_key. You may repeat the call with the same "
    "request_key: it sends nothing while this is unknown. Tell the user, who can look at the bill and record it with: "
    "aurashot spend resolve {key} paid|not_paid --ledger {ledger}"
)


_PAID = (
    "It is paid for. Repeat the call with the same arguments and request_key {key}: nothing is paid again, and the "
    "image is fetched and stored."
)


class AfterPaymentError(Exception):
    """Something went wrong once an image was paid for, or may have been.

    Attributes:
        error: What it was.
        paid: What is known of the bill.
    """

    def __init__(self, error: errors.AuraShotError, paid: Paid) -> None:
        super().__init__(error.message)
        self.error: errors.AuraShotError = error
        self.paid: Paid = paid


@contextmanager
def on_the_bill(key: str, paid: Paid) -> Generator[None]:
    """Say of every error in the block that the image of the call is paid for, or may be.

    Args:
        key: The key of the call.
        paid: What is known of the bill.

    Raises:
        AfterPaymentError: What went wrong in the block.
    """
    try:
        yield
    except errors.AuraShotError as error:
        error.idempotency_key = error.idempotency_key or key
        raise AfterPaymentError(error, paid) from error


class Advice(NamedTuple):
    """What an agent is told about a class of errors.

    Attributes:
        kind: The errors.
        code: How they are called.
        next: What to do; `{key}`, `{ledger}` and `{wait}` stand for the call's key, the ledger's file, and how long.
        is_final: Whether that holds whatever is known of the bill.
    """

    kind: type[errors.AuraShotError]
    code: str
    next: str
    is_final: bool = False


ADVICE: Final = (
    Advice(
        errors.SpendCapError,
        "spend_cap",
        "Stop making images. Only the user can raise the cap, by starting the server with another --max-images.",
    ),
    Advice(errors.UnresolvedError, "unresolved", _UNKNOWN),
    Advice(
        errors.ContentBlockedError,
        "content_blocked",
        "The service refuses this content, which may be on the bill. Do not repeat it. Change the prompt or the image.",
    ),
    Advice(errors.GenerationFailedError, "generation_failed", _UNKNOWN),
    Advice(errors.DownloadError, "download_failed", "Repeat the call with the same arguments in a minute."),
    Advice(
        errors.CharacterNotFoundError, "character_not_found", "Call list_characters for the names, or create_character."
    ),
    Advice(
        errors.CharacterExistsError,
        "character_exists",
        "Use the character that is there (show_character), or choose another name.",
    ),
    Advice(errors.LibraryError, "library", _ASK),
    Advice(errors.LedgerError, "ledger", "Nothing is sent while the ledger cannot be used. " + _ASK),
    Advice(
        errors.ConfigurationError,
        "configuration",
        "The user has to fix this on the machine of the server; `aurashot login` stores a key. Then try again.",
    ),
    Advice(errors.InputError, "invalid_argument", "Correct the argument and call again."),
    Advice(
        errors.AuthenticationError,
        "authentication",
        "The service does not accept the key. The user has to store a valid one with `aurashot login`.",
    ),
    Advice(errors.QuotaExceededError, "quota", "The account has no images left. " + _ASK),
    Advice(errors.RateLimitError, "rate_limit", "Wait {wait}, then repeat the call with the same arguments."),
    Advice(errors.BadRequestError, "bad_request", "Change the prompt or the images; the message says what is wrong."),
    Advice(errors.APIStatusError, "refused", _ASK),
    Advice(errors.NotSentError, "not_sent", "Nothing was sent. Repeat the call with the same arguments in a minute."),
    Advice(errors.IdentityDriftError, "identity_drift", _ASK, is_final=True),
    Advice(errors.AuraShotError, "failed", _ASK),
)
"""The first entry that fits counts."""


def paid_of(error: errors.AuraShotError) -> Paid:
    """Return what is known of the bill after an error."""
    if error.delivered:
        return True
    return "unknown" if error.may_be_charged else False


def answer_to(
    error: errors.AuraShotError, *, paid: Paid, key: str | None, ledger: str, spend: Spend | None
) -> ErrorAnswer:
    """Return what an agent is told about an error.

    Args:
        error: What went wrong.
        paid: What is known of the bill.
        key: The key of the call.
        ledger: The file of the ledger.
        spend: What was spent so far.
    """
    advice = next(each for each in ADVICE if isinstance(error, each.kind))
    if isinstance(error, errors.UnresolvedError):
        key = error.idempotency_key or key
    wait = "a minute" if error.retry_after is None else f"{error.retry_after:.0f} seconds"
    return ErrorAnswer(
        error=advice.code,
        message=error.message.replace("idempotency_key:", "request_key:").replace("max_image_bytes", "the limit"),
        paid=paid,
        request_key=key,
        next=_next(advice, paid).format(key=key or "…", ledger=ledger, wait=wait),
        spend=spend,
    )


def _next(advice: Advice, paid: Paid) -> str:
    """Return what to do next: the bill comes first."""
    if paid is True and not advice.is_final:
        return _PAID
    return _UNKNOWN if paid == "unknown" and not advice.is_final else advice.next


def invalid_arguments(tool: str, names: list[str], problem: ValidationError, spend: Spend | None) -> ErrorAnswer:
    """Return what an agent is told about arguments that a tool does not take.

    Args:
        tool: The tool.
        names: Its arguments.
        problem: What pydantic says.
        spend: What was spent so far.
    """
    known = f"its arguments are {', '.join(names)}" if names else "it has no arguments"
    faults: list[str] = []
    for each in problem.errors(include_url=False, include_input=False):
        where = ".".join(map(str, each["loc"]))
        if each["type"] == "extra_forbidden":
            faults.append(f"{where}: {tool} has no argument of this name; {known}")
        elif each["type"] == "missing":
            faults.append(f"{where}: it is missing")
        else:
            faults.append(f"{where}: {each['msg'].removeprefix('Value error, ')}")
    return ErrorAnswer(
        error="invalid_argument",
        message="; ".join(faults),
        paid=False,
        next="Nothing was sent. Correct the arguments and call again.",
        spend=spend,
    )


def unexpected(tool: str, *, is_paid: bool, key: str | None, ledger: str, spend: Spend | None) -> ErrorAnswer:
    """Return what an agent is told about a bug."""
    return ErrorAnswer(
        error="internal",
        message=f"{tool} failed unexpectedly; the log of the server has the details",
        paid="unknown" if is_paid else False,
        request_key=key,
        next=_UNKNOWN.format(key=key or "…", ledger=ledger) if is_paid else _ASK,
        spend=spend,
    )
