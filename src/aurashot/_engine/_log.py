"""Keep secrets out of httpcore's log: it writes the headers of every response at level DEBUG.

httpcore passes the details of an event to the `trace` extension of the request, and logs them afterwards. So they can
be changed for our own requests, without a filter that would be in the way of other users of httpcore.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast

from aurashot._hidden import HIDDEN

if TYPE_CHECKING:
    import httpcore

    from aurashot._hidden import Secret

SECRET_HEADERS: Final = frozenset(
    {"authorization", "cookie", "location", "proxy-authorization", "set-cookie", "x-api-key"}
)
"""Headers whose values are not shown: credentials, and URLs, which can be signed."""

_LOG: Final = logging.getLogger("httpcore.http11")


def hide_in_log(request: httpcore.Request, secret: Secret | None) -> None:
    """Let httpcore hide secrets in the record that it writes of a response's headers, if it writes any."""
    if _LOG.isEnabledFor(logging.DEBUG):

        def trace(_: str, details: dict[str, Any]) -> None:
            redact_details(details, secret)

        cast("Any", request).extensions["trace"] = trace


def hide_in_async_log(request: httpcore.Request, secret: Secret | None) -> None:
    """Let httpcore's async half hide secrets in the record that it writes of a response's headers."""
    if _LOG.isEnabledFor(logging.DEBUG):

        async def trace(_: str, details: dict[str, Any]) -> None:
            redact_details(details, secret)

        cast("Any", request).extensions["trace"] = trace


def redact_details(details: dict[str, Any], secret: Secret | None) -> None:
    """Hide secrets in what httpcore is about to log of an event: headers, and errors that quote them."""
    found = details.get("return_value")
    if isinstance(found, tuple):
        parts = cast("tuple[object, ...]", found)
        details["return_value"] = tuple([_shown(part, secret) for part in parts])
    problem = details.get("exception")
    if secret is not None and problem is not None and _key_of(secret).decode() in repr(problem):
        details["exception"] = type(problem).__name__


def _shown(part: object, secret: Secret | None) -> object:
    """Return a part of what httpcore has received: headers without secrets, anything else as it is."""
    if not isinstance(part, list):
        return part
    headers = cast("list[tuple[bytes, bytes]]", part)
    return [(name, HIDDEN if _is_secret(name, value, secret) else value) for name, value in headers]


def _is_secret(name: bytes, value: bytes, secret: Secret | None) -> bool:
    return name.decode("latin-1").lower() in SECRET_HEADERS or (secret is not None and _key_of(secret) in value)


def _key_of(secret: Secret) -> bytes:
    return secret.reveal().rpartition(b" ")[2]
