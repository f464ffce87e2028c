"""The way to the service: one free request, and what its response says about the key and the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot._config import BASE_URL
from aurashot._response_parsing import date_of
from aurashot.diagnostics._finding import Finding, Level, problem
from aurashot.errors import (
    APIStatusError,
    AuraShotError,
    AuthenticationError,
    ConfigurationError,
    NotSentError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_KEY: Final = "sk_no_key_was_found"
"""Sent where there is no key, to see whether the service can be reached."""
_WORKFLOW: Final = "virtual_try_on"
_NO_JOB: Final = "aurashot-doctor-asks-for-no-job"
_TOLERATED: Final = timedelta(minutes=1)
_HARMFUL: Final = timedelta(minutes=5)
"""By so much, URLs are taken for expired that are not, and the other way round."""
_NETWORK: Final = "check the network, the proxy variables and the base URL"
_KEYS_PAGE: Final = f"{BASE_URL}/studio?tab=keys"
_BILLING_PAGE: Final = f"{BASE_URL}/studio?tab=billing"


class _Responded(NamedTuple):
    """What the response says: the error that a call would raise, if any, and the time by the service's clock."""

    error: AuraShotError | None
    date: datetime | None
    seconds: float


def service(timeout: float, used: str | None) -> Iterator[Finding]:
    """Ask for the state of a job that does not exist: that is free, needs the key, and takes no time.

    Args:
        timeout: Seconds to wait for the response.
        used: Where the key comes from; None if there is none.
    """
    try:
        responded = _asked(None if used else _NO_KEY, timeout)
    except ConfigurationError:  # the base URL, the proxies and the certificates have findings of their own
        yield Finding(
            check="service", level="note", summary="The service was not asked, since the configuration is invalid"
        )
        return
    reached = _reached(responded)
    yield reached
    if reached.level != "ok":
        return
    yield (
        _account(responded.error, used)
        if used
        else Finding(check="account", level="note", summary="The key was not checked, since there is none")
    )
    if responded.date is not None:
        yield _clock(responded.date)


def _asked(api_key: str | None, timeout: float) -> _Responded:
    from aurashot import AuraShot

    started = time.monotonic()
    try:
        with AuraShot(api_key, timeout=timeout, retry=1) as client:
            started = time.monotonic()
            job = client.legacy.query(workflow=_WORKFLOW, task_id=_NO_JOB)
    except ConfigurationError:
        raise
    except AuraShotError as error:
        return _Responded(error, getattr(error, "date", None), time.monotonic() - started)
    return _Responded(None, date_of(dict(job.meta.headers)), time.monotonic() - started)


def _reached(responded: _Responded) -> Finding:
    error = responded.error
    match error:
        case None | APIStatusError() if not (isinstance(error, ServerError) or _is_page(error)):
            summary = f"The service responded after {responded.seconds:.2f} s"
            return Finding(check="service", level="ok", summary=summary)
        case ServerError():
            return problem("service", error, fix="try again later")
        case APIStatusError():
            summary = f"The base URL leads to a web page ({error.status_code})"
            return Finding(check="service", level="error", summary=summary, fix="check AURASHOT_BASE_URL")
        case UnexpectedResponseError():
            return problem("service", error, fix="check AURASHOT_BASE_URL and the proxy variables")
        case NotSentError(final=True):
            return problem("service", error)
        case _:
            return problem("service", error or AuraShotError(""), fix=_NETWORK)


def _is_page(error: AuraShotError | None) -> bool:
    return isinstance(error, APIStatusError) and error.status_code == 404 and error.body.lstrip().startswith("<")


def _account(error: AuraShotError | None, used: str) -> Finding:
    level: Level = "ok"
    summary, fix = f"The service accepts the key from {used}", ""
    match error:
        case QuotaExceededError():
            level, summary, fix = "error", "The account has no images left", f"see {_BILLING_PAGE}"
        case AuthenticationError() | PermissionDeniedError():
            level, summary = "error", f"The service refuses the key from {used} ({error.message})"
            fix = f"make a new key at {_KEYS_PAGE}, and store it with aurashot login"
        case RateLimitError():
            level, summary, fix = "note", "The service gets too many requests with this key", "wait, and try again"
        case _:
            pass
    return Finding(check="account", level=level, summary=summary, fix=fix)


def _clock(date: datetime) -> Finding:
    offset = datetime.now(UTC) - date
    distance = abs(offset)
    if distance <= _TOLERATED:
        return Finding(check="clock", level="ok", summary="The clock agrees with that of the service")
    level: Level = "error" if distance > _HARMFUL else "warning"
    where = "ahead of" if offset > timedelta(0) else "behind"
    summary = f"The clock of this machine is {distance.total_seconds():,.0f} s {where} that of the service"
    return Finding(check="clock", level=level, summary=summary, fix="set it, for example with timedatectl set-ntp true")
