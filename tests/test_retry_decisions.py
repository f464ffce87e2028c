from __future__ import annotations

from typing import Any

import pytest

from aurashot import errors
from aurashot._retry import (
    DECISIONS,
    Fault,
    Repeat,
    RetryPolicy,
    fault_of,
    may_repeat,
)
from aurashot.errors import (
    APIStatusError,
    AuraShotError,
    ConfigurationError,
    DownloadError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)


def made(kind: type[AuraShotError], **attributes: Any) -> AuraShotError:
    """Return an error with some attributes set."""
    error = kind("x")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


TABLE: list[tuple[BaseException, Fault]] = [
    (made(NotSentError), Fault.NOT_SENT),
    (made(NotSentError, final=True), Fault.TERMINAL),
    (made(OutcomeUnknownError), Fault.UNKNOWN),
    (made(errors.DeadlineExceededError), Fault.TERMINAL),
    (made(errors.DeadlineExceededError, outcome="unknown"), Fault.TERMINAL),
    (made(RateLimitError), Fault.REJECTED),
    (made(errors.QuotaExceededError), Fault.TERMINAL),
    (made(ServerError), Fault.UNKNOWN),
    (made(ServerError, outcome="rejected", retry_after=1.0), Fault.REJECTED),
    (made(APIStatusError, status_code=408, outcome="unknown"), Fault.UNKNOWN),
    (made(APIStatusError, status_code=418), Fault.TERMINAL),
    (made(errors.BadRequestError), Fault.TERMINAL),
    (made(errors.AuthenticationError), Fault.TERMINAL),
    (made(errors.PermissionDeniedError), Fault.TERMINAL),
    (made(errors.NotFoundError), Fault.TERMINAL),
    (made(errors.ConflictError), Fault.TERMINAL),
    (made(errors.PayloadTooLargeError), Fault.TERMINAL),
    (made(UnexpectedResponseError), Fault.UNKNOWN),
    (made(UnexpectedResponseError, outcome="accepted"), Fault.TERMINAL),
    (made(UnexpectedResponseError, outcome="rejected"), Fault.TERMINAL),
    (made(errors.GenerationFailedError), Fault.TERMINAL),
    (made(errors.GenerationFailedError, outcome="unknown"), Fault.TERMINAL),
    (made(errors.ContentBlockedError), Fault.TERMINAL),
    (made(errors.NoOutputError), Fault.TERMINAL),
    (made(errors.IdentityDriftError), Fault.TERMINAL),
    (made(errors.FaceEngineError), Fault.TERMINAL),
    (made(errors.LedgerError), Fault.TERMINAL),
    (made(errors.LibraryError), Fault.TERMINAL),
    (made(errors.CharacterNotFoundError), Fault.TERMINAL),
    (made(errors.CharacterExistsError), Fault.TERMINAL),
    (made(errors.SpendCapError), Fault.TERMINAL),
    (made(errors.UnresolvedError), Fault.TERMINAL),
    (made(errors.UnresolvedError, outcome="accepted"), Fault.TERMINAL),
    (made(DownloadError), Fault.TERMINAL),
    (made(DownloadError, transient=True), Fault.UNKNOWN),
    (made(errors.InputError), Fault.TERMINAL),
    (made(errors.InvalidImageError), Fault.TERMINAL),
    (made(errors.UnsafeURLError), Fault.TERMINAL),
    (made(ConfigurationError), Fault.TERMINAL),
    (made(errors.APIConnectionError), Fault.TERMINAL),
    (made(AuraShotError), Fault.TERMINAL),
    (OSError("foreign"), Fault.TERMINAL),
    (KeyboardInterrupt(), Fault.TERMINAL),
]
"""Every class of error, and what it says about sending again."""

REPEATED = {
    (Fault.NOT_SENT, True, False),
    (Fault.NOT_SENT, True, True),
    (Fault.NOT_SENT, False, False),
    (Fault.NOT_SENT, False, True),
    (Fault.REJECTED, True, False),
    (Fault.REJECTED, True, True),
    (Fault.REJECTED, False, False),
    (Fault.REJECTED, False, True),
    (Fault.UNKNOWN, True, True),
    (Fault.UNKNOWN, False, False),
    (Fault.UNKNOWN, False, True),
}
"""What is sent again: (fault, billed, retry_unknown). A billed call whose outcome is unknown needs the user's word."""


def named(row: object) -> str | None:
    """Return how a row of the table is called in the list of tests."""
    if isinstance(row, Fault):
        return row.name
    return f"{type(row).__name__}-{getattr(row, 'outcome', '')}" if isinstance(row, BaseException) else None


@pytest.mark.parametrize(("error", "fault"), TABLE, ids=named)
def test_an_error_says_whether_the_same_request_may_go_out_again(error: BaseException, fault: Fault) -> None:
    """Every class of error belongs to one of four faults."""
    assert fault is fault_of(error)


def test_the_table_knows_every_error() -> None:
    """A new error class needs a row: nothing is decided by accident."""
    known = {type(error) for error, _ in TABLE}
    assert {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AuraShotError)
    } <= known


@pytest.mark.parametrize("retry_unknown", [False, True])
@pytest.mark.parametrize("billable", [False, True])
@pytest.mark.parametrize(("error", "fault"), TABLE, ids=named)
def test_only_what_is_safe_is_repeated(
    error: BaseException,
    fault: Fault,
    billable: bool,  # noqa: FBT001 - a dimension of the table
    retry_unknown: bool,  # noqa: FBT001 - a dimension of the table
) -> None:
    """The whole decision, for every error, billed or free, with and without the user's permission."""
    policy = RetryPolicy(retry_unknown=retry_unknown)
    assert ((fault, billable, retry_unknown) in REPEATED) == may_repeat(error, billable=billable, policy=policy)


def test_every_fault_has_a_decision() -> None:
    """The decisions are total, and only the unknown outcome depends on the money."""
    assert set(Fault) == set(DECISIONS)
    assert [Fault.UNKNOWN] == [fault for fault, repeat in DECISIONS.items() if repeat is Repeat.UNBILLED]


@pytest.mark.parametrize("outcome", ["not_sent", "rejected", "unknown", "accepted"])
def test_the_outcome_alone_repeats_nothing(outcome: Outcome) -> None:
    """An error of no particular class is final whatever its outcome says."""
    assert fault_of(made(AuraShotError, outcome=outcome)) is Fault.TERMINAL
