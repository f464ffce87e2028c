"""The one place that maps errors of other libraries to ours.

Only what httpcore itself calls a failed connection proves that a request was not sent. httpx's own class does not:
over aiohttp's transport a disconnect *after* processing arrives as `httpx.ConnectTimeout`, so the cause decides.
"""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING, Final

import httpcore

from aurashot._engine import DistantAddressError, RefusedAddressError
from aurashot._hidden import links
from aurashot._reasons import reason_of
from aurashot._transport._tracebacks import forget_frames
from aurashot.errors import AuraShotError, DeadlineExceededError, NotSentError, OutcomeUnknownError

if TYPE_CHECKING:
    from aurashot._deadline import Deadline

_OWN: Final = (
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    RefusedAddressError,
    ssl.SSLError,  # asyncio and trio: a record that does not decrypt, after the handshake
)
_OTHERS: Final = {
    "aiohttp": ("ClientError",),
    "anyio": ("EndOfStream",),
    "httpx": ("HTTPError", "InvalidURL", "StreamError"),
}
"""What TLS of anyio and transports of a given httpx client raise.

Only modules that are there can have done that, and only with the names that they have: another thread may be importing
them.
"""

_NOT_SENT: Final = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    RefusedAddressError,
)
_AIOHTTP_NOT_SENT: Final = {"ClientConnectorError", "ConnectionTimeoutError"}


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what a transport may raise; anything else (cancellation, a worker's time limit) passes through."""
    there = ((sys.modules[module], names) for module, names in _OTHERS.items() if module in sys.modules)
    return (*_OWN, *(getattr(module, name) for module, names in there for name in names if hasattr(module, name)))


def translate(problem: Exception, deadline: Deadline, *, is_out: bool = True) -> AuraShotError:
    """Return what a transport's error means for the request, of which bytes may be out."""
    if not _is_of(problem, "httpcore"):
        forget_frames(problem)  # aiohttp's local variables hold the key in plain text
    cause = problem.__cause__ if _is_of(problem, "httpx") and problem.__cause__ else problem
    not_sent = not is_out or _proves_not_sent(cause)
    reason = reason_of(cause)
    if isinstance(cause, httpcore.ProxyError):
        reason = f"the proxy responded with {reason}"
    if _is_timeout(problem) and deadline.passed:
        when = "before the request was sent" if not_sent else "after the request was sent; its outcome is unknown"
        error: AuraShotError = DeadlineExceededError(f"The call's {deadline.seconds:g} s ran out {when}")
        error.outcome = "not_sent" if not_sent else "unknown"
    elif isinstance(cause, DistantAddressError):
        error = NotSentError(f"Nothing was sent by plain http: {reason}; use https, or correct the address")
        error.final = True
    elif _is_certificate_failure(cause):
        error = NotSentError(
            f"The server's certificate is not valid: {reason}; if your own authority has signed it, name that one with "
            "ssl_context= or SSL_CERT_FILE"
        )
        error.final = True
    elif not_sent:
        error = NotSentError(f"Could not connect to the service: {reason}")
    else:
        error = OutcomeUnknownError(f"The response was lost after the request was sent: {reason}")
    return error


def _is_of(problem: BaseException, package: str) -> bool:
    return type(problem).__module__.partition(".")[0] == package


def _is_timeout(problem: BaseException) -> bool:
    return any("Timeout" in base.__name__ for base in type(problem).__mro__)


def _proves_not_sent(cause: BaseException) -> bool:
    if _is_of(cause, "aiohttp"):
        return any(base.__name__ in _AIOHTTP_NOT_SENT for base in type(cause).__mro__)
    return isinstance(cause, _NOT_SENT)


def _is_certificate_failure(cause: BaseException) -> bool:
    return any(isinstance(link, ssl.SSLCertVerificationError) for link in links(cause))
