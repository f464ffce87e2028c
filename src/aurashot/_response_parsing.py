"""From the bytes of a response to a model or to a typed error.

The service documents no error bodies, so they are read tolerantly: JSON with any of `error`, `message`, `detail` and
`code`, HTML from a proxy, or nothing. A 2xx whose body is not the promised model was perhaps paid for, so its raw
bytes stay on the error.
"""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import from_json

from aurashot.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentBlockedError,
    GenerationFailedError,
    NotFoundError,
    Outcome,
    PayloadTooLargeError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)
from aurashot.models import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot._calls import M

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""A response is about 1 kB; this is the cap before and after decompression."""
_KEPT_BYTES: Final = 64 * 1024
_KEPT_CHARS: Final = 2_000

STATUS_ERRORS: Final[Mapping[int, type[APIStatusError]]] = MappingProxyType(
    {
        400: BadRequestError,
        401: AuthenticationError,
        402: QuotaExceededError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        413: PayloadTooLargeError,
        422: BadRequestError,
        429: RateLimitError,
    }
)

STATUS_OUTCOMES: Final[Mapping[int, Outcome]] = MappingProxyType(
    {
        301: "unknown",  # in practice also the response to a POST that was carried out,
        302: "unknown",  # and so are this one
        303: "unknown",  # and this one, which is made for it (RFC 9110, 15.4.4)
        307: "rejected",  # RFC 9110, 15.4.8 and 15.4.9: the request is to be made again elsewhere, unchanged
        308: "rejected",
        408: "unknown",
    }
)
"""What a status says about the work, where its class does not: 4xx is a refusal, all else leaves it open."""

_NO_MESSAGE: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "the service does not know this key",
        402: "no pictures are left on this account; see /studio?tab=billing",
        404: "there is nothing at this address; is the base URL right?",
        429: "too many requests",
    }
)
"""What to say when the service says nothing."""

_QUOTA_WORDS: Final = r"(?i)quota|credit|billing|balance|payment"
_BLOCKED_WORDS: Final = r"(?i)content.?(policy|filter|block|moderat)|moderat|nsfw|safety|inappropriate|prohibited"


class RawResponse(NamedTuple):
    """What came back, read in full."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    raw: bytes

    @property
    def content_type(self) -> str:
        """The media type that the response claims."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        """The identifier in the headers."""
        return self.headers.get("x-request-id")


def read(answer: RawResponse, model: type[M]) -> M:
    """Return the response as a model.

    Raises:
        APIStatusError: The service answered with an error status.
        UnexpectedResponseError: The response is not one of this API's.
        GenerationFailedError: The service says that the work failed.
    """
    if answer.status >= 400:
        raise _status_error(answer)
    body = _decode(answer)
    if not 200 <= answer.status < 300:
        raise _unexpected(
            answer, body, f"the service answered with a redirect ({answer.status}), which is not followed"
        )
    try:
        result = model.model_validate_json(body)
    except ValidationError as broken:
        raise _unexpected(answer, body, _misfit(answer, body, broken)) from None
    if b"NaN" in body or b"Infinity" in body:
        _refuse_no_number(answer, body)
    if isinstance(result, Generation):
        _reject_failure(result, answer, body)
    return result


def _refuse_no_number(answer: RawResponse, body: bytes) -> None:
    """Refuse NaN and infinity, which are no JSON (RFC 8259, 6); within a string they are words like others."""
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError as broken:
        raise _unexpected(answer, body, f"the service's answer is not JSON: {broken}") from None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3), or None.

    A date in the past is 0; what cannot be read, or is more than a day, is None.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII) else _seconds_until(text, now)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if seconds <= 86_400 else None


def _seconds_until(text: str, now: datetime | None) -> float:
    from email.utils import parsedate_to_datetime

    moment = parsedate_to_datetime(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - (now or datetime.now(UTC))).total_seconds()


def _decode(answer: RawResponse) -> bytes:
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return answer.raw
    window = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding)
    if window is None:
        raise _unexpected(answer, answer.raw, f"the answer is encoded as {encoding!r}, which was not asked for")
    inflate = zlib.decompressobj(window)
    try:
        body = inflate.decompress(answer.raw, MAX_RESPONSE_BYTES)
    except zlib.error:
        raise _unexpected(answer, answer.raw, f"the answer is not the {encoding} that it claims to be") from None
    if not inflate.eof:
        problem = "is larger than 8 MiB" if inflate.unconsumed_tail else "breaks off"
        raise _unexpected(answer, answer.raw, f"the {encoding} answer {problem}")
    return body


def _misfit(answer: RawResponse, body: bytes, broken: ValidationError) -> str:
    if not body.strip():
        return f"the service answered {answer.status} with an empty body"
    if answer.content_type == "text/html" or body.lstrip()[:1] == b"<":
        return f"the service answered {answer.status} with a web page; is the base URL right?"
    first = broken.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"the service's answer is not what it documents: {where + ': ' if where else ''}{first['msg']}"


def _unexpected(answer: RawResponse, body: bytes, message: str) -> UnexpectedResponseError:
    error = UnexpectedResponseError(message)
    error.status_code = answer.status
    error.content_type = answer.content_type
    error.body = body[:_KEPT_BYTES]
    error.outcome = STATUS_OUTCOMES.get(answer.status, "unknown")
    error.request_id = answer.request_id
    return error


def too_large(size: int) -> UnexpectedResponseError:
    """Return the error for a response that did not end within the cap."""
    return UnexpectedResponseError(f"the service's answer is larger than {MAX_RESPONSE_BYTES} bytes ({size} came)")


def _reject_failure(result: Generation, answer: RawResponse, body: bytes) -> None:
    if result.failed:
        raise failure(result.task_type or "generation", result.model_extra or {}, result)
    if result.succeeded and not result.outputs:
        error = _unexpected(answer, body, "the service says success but sent no picture")
        error.outcome = "accepted"
        error.request_id = result.request_id or answer.request_id
        raise error


def failure(what: str, details: Mapping[str, Any], generation: Generation | None = None) -> GenerationFailedError:
    """Return the error for work that the service took on and gave up, blocked content told apart."""
    reason, code = describe(details)
    kind = ContentBlockedError if re.search(_BLOCKED_WORDS, f"{code} {reason}") else GenerationFailedError
    error = kind(f"the service reports that the {what} failed" + (f": {reason}" if reason else ""))
    error.generation = generation
    error.request_id = generation.request_id if generation else None
    return error


def _status_error(answer: RawResponse) -> APIStatusError:
    body = _readable(answer)
    details = _loads(body)
    message, code = describe(details)
    kind = STATUS_ERRORS.get(answer.status, ServerError if answer.status >= 500 else APIStatusError)
    if kind in {RateLimitError, PermissionDeniedError} and re.search(_QUOTA_WORDS, code or ""):
        kind = QuotaExceededError
    error = kind(f"{answer.status} {message or _NO_MESSAGE.get(answer.status, 'without a message')}")
    error.status_code = answer.status
    error.code = code
    error.body = body[: 4 * _KEPT_CHARS].decode(errors="replace")[:_KEPT_CHARS]
    error.retry_after = retry_after(answer.headers)
    error.request_id = answer.request_id or _text(details.get("requestId"))
    error.outcome = _outcome(answer.status, error.retry_after)
    return error


def _readable(answer: RawResponse) -> bytes:
    try:
        return _decode(answer)
    except UnexpectedResponseError:
        return b""  # the status stands, whatever a proxy has done to its page


def _outcome(status: int, wait: float | None) -> Outcome:
    if status == 503 and wait is not None:
        return "rejected"  # RFC 9110, 15.6.4: overloaded, come back then
    return STATUS_OUTCOMES.get(status, "rejected" if status < 500 else "unknown")


def describe(details: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the message and the code of an error body, whichever of the usual shapes it has."""
    message, code = "", _text(details.get("code"))
    for name in ("error", "message", "detail", "errorMessage"):
        value = details.get(name)
        if isinstance(value, dict):
            inner, inner_code = describe(cast("dict[str, Any]", value))
            message, code = message or inner, code or inner_code
        else:
            message = message or _text(value) or ""
    return message[:500], code


def _text(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, str):
        import json

        value = json.dumps(value, default=str)
    return " ".join(value.split()) or None


def _loads(body: bytes) -> dict[str, Any]:
    try:
        value: object = from_json(body)  # refuses deep nesting and lone surrogates, which json.loads lets through
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
