"""From the bytes of a response to a model or to a typed error.

The service documents no error bodies, so they are read tolerantly: JSON with any of `error`, `message`, `detail` and
`code`, HTML from a proxy, or nothing. A 2xx whose body is not the promised model was perhaps paid for, so its raw
bytes stay on the error.
"""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
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
    from collections.abc import Callable, Mapping

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

_MAY_BE_ABOUT_IMAGES: Final = frozenset({400, 404, 410, 422, 424})

_NO_MESSAGE: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "The service does not know this key",
        402: "No images are left on this account; see /studio?tab=billing",
        404: "Nothing was found at this URL; check the base URL",
        429: "Too many requests",
    }
)
"""What to say when the service says nothing."""

_QUOTA_WORDS: Final = r"(?i)quota|credit|billing|balance|payment"
_BLOCKED_WORDS: Final = r"(?i)content.?(policy|filter|block|moderat)|moderat|nsfw|safety|inappropriate|prohibited"


def as_it_is(body: bytes) -> bytes:
    """Return a body unchanged."""
    return body


class RawResponse(NamedTuple):
    """A response, read in full."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    raw: bytes
    hide: Callable[[bytes], bytes] = as_it_is
    """What takes the key out of a body that an error quotes."""

    @property
    def content_type(self) -> str:
        """The media type in the response's headers."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        """The identifier in the headers."""
        return self.headers.get("x-request-id")


def read(response: RawResponse, model: type[M]) -> M:
    """Return the response as a model.

    Raises:
        APIStatusError: The service answered with an error status.
        UnexpectedResponseError: The response is not one of this API's.
        GenerationFailedError: The service reported that the work failed.
    """
    if response.status >= 400:
        raise _status_error(response)
    body = _decode(response)
    if not 200 <= response.status < 300:
        raise _unexpected(
            response, body, f"The service responded with a redirect ({response.status}), which is not followed"
        )
    try:
        result, body = _parsed(model, body)
    except ValidationError as broken:
        raise _unexpected(response, body, _misfit(response, body, broken)) from None
    if b"NaN" in body or b"Infinity" in body:
        _refuse_no_number(response, body)
    if isinstance(result, Generation):
        _reject_failure(result, response, body)
    return result


def _parsed(model: type[M], body: bytes) -> tuple[M, bytes]:
    """Return a body as a model, and what of it was parsed.

    Half of a surrogate pair, as where a service cuts a text in the middle of an emoji, or a raw control character does
    not cost an image that is paid for.
    """
    try:
        return model.model_validate_json(body), body
    except ValidationError:
        repaired = _repaired(body)
        if repaired is None:
            raise
        return model.model_validate_json(repaired), repaired


def _repaired(body: bytes) -> bytes | None:
    """Return JSON without what strict parsers refuse in texts, or None if that is not what is wrong with it."""
    import json

    with suppress(ValueError, RecursionError):
        from_json(body)
        return None
    with suppress(ValueError, RecursionError):
        value = json.loads(body.decode(errors="surrogatepass"), strict=False)
        return json.dumps(value, ensure_ascii=False).encode(errors="replace")
    return None


def _refuse_no_number(response: RawResponse, body: bytes) -> None:
    """Refuse NaN and infinity, which are no JSON (RFC 8259, 6); within a string they are words like others."""
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError as broken:
        raise _unexpected(response, body, f"The service's response is not JSON: {broken}") from None


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
    return (_moment(text) - (now or datetime.now(UTC))).total_seconds()


def _moment(text: str) -> datetime:
    from email.utils import parsedate_to_datetime

    moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return when a response was made, by the server's clock (RFC 9110, 6.6.1), or None if it does not say."""
    with suppress(ValueError, OverflowError):
        return _moment(headers.get("date", ""))
    return None


def _decode(response: RawResponse) -> bytes:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return response.raw
    window = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding)
    if window is None:
        raise _unexpected(response, response.raw, f"The response is encoded as {encoding!r}, which was not requested")
    inflate = zlib.decompressobj(window)
    try:
        body = inflate.decompress(response.raw, MAX_RESPONSE_BYTES)
    except zlib.error:
        raise _unexpected(response, response.raw, f"The response is not valid {encoding}") from None
    if not inflate.eof:
        problem = "is larger than 8 MiB" if inflate.unconsumed_tail else "breaks off"
        raise _unexpected(response, response.raw, f"The {encoding} response {problem}")
    return body


def _misfit(response: RawResponse, body: bytes, broken: ValidationError) -> str:
    if not body.strip():
        return f"The service responded with {response.status} and an empty body"
    if response.content_type == "text/html" or body.lstrip()[:1] == b"<":
        return f"The service responded with {response.status} and a web page; check the base URL"
    first = broken.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"The service's response is not what it documents: {where + ': ' if where else ''}{first['msg']}"


def _unexpected(response: RawResponse, body: bytes, message: str) -> UnexpectedResponseError:
    error = UnexpectedResponseError(message)
    error.status_code = response.status
    error.content_type = response.content_type
    error.body = response.hide(body)[:_KEPT_BYTES]
    error.outcome = STATUS_OUTCOMES.get(response.status, "unknown")
    error.request_id = response.request_id
    return error


def too_large(size: int) -> UnexpectedResponseError:
    """Return the error for a response over the size limit."""
    return UnexpectedResponseError(
        f"The service's response is larger than {MAX_RESPONSE_BYTES} bytes ({size} received)"
    )


def _reject_failure(result: Generation, response: RawResponse, body: bytes) -> None:
    if result.failed:
        result = type(result).model_validate_json(response.hide(body))
        raise failure(result.task_type or "generation", result.model_extra or {}, result)
    if result.succeeded and not result.outputs:
        error = _unexpected(response, body, "The service reported success but sent no image")
        error.outcome = "accepted"
        error.request_id = result.request_id or response.request_id
        raise error


def failure(what: str, details: Mapping[str, Any], generation: Generation | None = None) -> GenerationFailedError:
    """Return the error for work that failed at the service; blocked content has its own class."""
    reason, code = describe(details)
    kind = ContentBlockedError if re.search(_BLOCKED_WORDS, f"{code} {reason}") else GenerationFailedError
    error = kind(f"The service reported that the {what} failed" + (f": {reason}" if reason else ""))
    error.generation = generation
    error.request_id = generation.request_id if generation else None
    return error


def may_be_about_images(error: APIStatusError | GenerationFailedError) -> bool:
    """Return whether an image of the request may be what the service refused or failed at.

    How it says so is not documented; it is not about images if it is about the content.
    """
    if isinstance(error, GenerationFailedError):
        return not isinstance(error, ContentBlockedError)
    blocked = re.search(_BLOCKED_WORDS, f"{error.code} {error.message}")
    return error.status_code in _MAY_BE_ABOUT_IMAGES and not blocked


def _status_error(response: RawResponse) -> APIStatusError:
    body = _readable(response)
    details = _loads(body)
    message, code = describe(details)
    kind = STATUS_ERRORS.get(response.status, ServerError if response.status >= 500 else APIStatusError)
    if kind in {RateLimitError, PermissionDeniedError} and re.search(_QUOTA_WORDS, code or ""):
        kind = QuotaExceededError
    error = kind(f"{response.status} {message or _NO_MESSAGE.get(response.status, 'without a message')}")
    error.status_code = response.status
    error.code = code
    error.body = body[: 4 * _KEPT_CHARS].decode(errors="replace")[:_KEPT_CHARS]
    error.retry_after = retry_after(response.headers)
    error.request_id = response.request_id or _text(details.get("requestId"))
    error.outcome = _outcome(response.status, error.retry_after)
    error.date = date_of(response.headers)
    return error


def _readable(response: RawResponse) -> bytes:
    try:
        return response.hide(_decode(response))
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
