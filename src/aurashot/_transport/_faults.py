"""The one seam where foreign errors become ours.

Only what httpcore itself calls a failed connection proves that a request was not sent. httpx's own class does not:
over aiohttp's transport a disconnect *after* processing arrives as `httpx.ConnectTimeout`, so the cause decides.
"""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from aurashot.errors import AuraShotError, DeadlineExceededError, NotSentError, OutcomeUnknownError

if TYPE_CHECKING:
    from aurashot._deadline import Deadline

_OWN: Final[tuple[type[Exception], ...]] = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)

_NOT_SENT: Final = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
_AIOHTTP_NOT_SENT: Final = {"ClientConnectorError", "ConnectionTimeoutError"}
_TIMEOUTS: Final = (httpx.TimeoutException, httpcore.TimeoutException, TimeoutError)


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what a transport may raise; anything else (cancellation, a worker's time limit) passes through."""
    aiohttp = sys.modules.get("aiohttp")
    return _OWN if aiohttp is None else (*_OWN, aiohttp.ClientError)


def translate(problem: Exception, deadline: Deadline) -> AuraShotError:
    """Return what a transport's error means for the request."""
    cause = problem.__cause__ if isinstance(problem, httpx.HTTPError) and problem.__cause__ else problem
    not_sent = _proves_not_sent(cause)
    reason = str(cause) or type(cause).__name__
    if isinstance(problem, _TIMEOUTS) and deadline.passed:
        when = "before the request was sent" if not_sent else "after the request went out; its outcome is unknown"
        error: AuraShotError = DeadlineExceededError(f"the call's {deadline.seconds:g} s ran out {when}")
        error.outcome = "not_sent" if not_sent else "unknown"
    elif _is_certificate_failure(cause):
        error = NotSentError(f"the server's certificate is not valid: {reason}")
        error.final = True
    elif not_sent:
        error = NotSentError(f"could not connect to the service: {reason}")
    else:
        error = OutcomeUnknownError(f"the answer was lost after the request went out: {reason}")
    return error


def _proves_not_sent(cause: BaseException) -> bool:
    if type(cause).__module__.partition(".")[0] == "aiohttp":
        return any(base.__name__ in _AIOHTTP_NOT_SENT for base in type(cause).__mro__)
    return isinstance(cause, _NOT_SENT)


def _is_certificate_failure(cause: BaseException | None) -> bool:
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False
