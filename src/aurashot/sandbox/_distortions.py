"""How faults change a response: replace it, or send raw bytes that a correct server would not send."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from aurashot.sandbox._errors import REQUEST_ID_HEADER, error_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.sandbox._faults import MakeResponse, Parameters, RawBytes, Response

Pieces: TypeAlias = "Iterator[bytes | float]"

_LENGTH = frozenset({b"content-length"})
_CLOSE = ((b"connection", b"close"),)
_CHUNKED = ((b"transfer-encoding", b"chunked"),)
_SLOW_PIECES = 50
_MIB_OF_ZEROS = bytes(1024**2)
_GZIP = 31  # zlib's value for its largest window in a gzip container


def unchanged(response: Response, _: Parameters) -> Response:
    """Return the response unchanged."""
    return response


def refusal(status: int, code: str, message: str) -> MakeResponse:
    """Return an error in the service's format, with a `Retry-After` header if the parameter `retry-after` is not 0."""

    def make(response: Response, parameters: Parameters) -> Response:
        identifier = dict(response.headers)[REQUEST_ID_HEADER.encode()].decode()
        seconds = float(parameters.get("retry-after", 0.0))
        headers = {"retry_after": f"{seconds:g}"} if seconds else {}
        body = json.dumps(error_body(code, message, identifier)).encode()
        return response.with_body(body, status=status, **headers)

    return make


def body(data: bytes, media_type: str = "application/json", *, status: int = 200, **headers: str) -> MakeResponse:
    """Respond with these bytes."""

    def make(response: Response, _: Parameters) -> Response:
        return response.with_body(data, media_type, status=status, **headers)

    return make


def changed(**changes: object) -> MakeResponse:
    """Change fields that the response has; `error` can always be added."""

    def make(response: Response, _: Parameters) -> Response:
        fields = _fields(response)
        known = {name: value for name, value in changes.items() if name in fields or name == "error"}
        return response.with_body(json.dumps(fields | known).encode(), status=response.status)

    return make


def _fields(response: Response) -> dict[str, Any]:
    try:
        fields = json.loads(response.body)
    except ValueError:  # such as an image
        return {}
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def failed(code: str, message: str) -> MakeResponse:
    """Report with HTTP 200 that the generation failed."""
    error = {"code": code, "message": message}
    return changed(status="failed", outputs=[], url=None, images=[], results=[], completed=True, error=error)


def redirect(response: Response, parameters: Parameters) -> Response:
    """Redirect to the URL in the parameter `to`."""
    return response.with_body(b"", status=307, location=str(parameters["to"]))


def mislabelled(response: Response, _: Parameters) -> Response:
    """Label the body as plain text."""
    return response.with_body(response.body, "text/plain")


def unknown_encoding(response: Response, _: Parameters) -> Response:
    """Declare an unknown Content-Encoding."""
    return response.with_body(response.body, content_encoding="rot13")


def cut_gzip(response: Response, _: Parameters) -> Response:
    """Send half of a gzip stream, with a matching Content-Length."""
    packed = gzip.compress(response.body)
    return response.with_body(packed[: len(packed) // 2], content_encoding="gzip")


def bomb(response: Response, parameters: Parameters) -> Response:
    """Send a small gzip body that inflates to `mib` MiB of zeros."""
    packer = zlib.compressobj(wbits=_GZIP)
    mebibytes = [packer.compress(_MIB_OF_ZEROS) for _ in range(int(float(parameters["mib"])))]
    return response.with_body(b"".join(mebibytes) + packer.flush(), content_encoding="gzip")


def literal(data: bytes) -> RawBytes:
    """Send these bytes."""

    def wire(_response: Response, _parameters: Parameters) -> Pieces:
        yield data

    return wire


def whole(response: Response, _: Parameters) -> Pieces:
    """Send the response unchanged."""
    yield response.raw()


def head_only(response: Response, _: Parameters) -> Pieces:
    """Send status line and headers."""
    yield response.head()


def cut(response: Response, _: Parameters) -> Pieces:
    """Send half of the body, with the Content-Length of the whole."""
    yield response.head() + _half(response)


def cut_headers(response: Response, _: Parameters) -> Pieces:
    """Stop in the middle of the last header."""
    yield response.head()[:-8]


def cut_chunked(response: Response, _: Parameters) -> Pieces:
    """Stop in the middle of a chunk."""
    yield response.head(without=_LENGTH, extra=_CHUNKED) + b"%x\r\n" % len(response.body) + _half(response)


def cut_unseen(response: Response, _: Parameters) -> Pieces:
    """Send half of the body without a Content-Length, so that closing the connection looks like the end of the body."""
    yield response.head(without=_LENGTH, extra=_CLOSE) + _half(response)


def _half(response: Response) -> bytes:
    return response.body[: len(response.body) // 2]


def trickle(response: Response, parameters: Parameters) -> Pieces:
    """Send the body in small pieces over the seconds in the parameter `over`."""
    yield response.head(extra=_CLOSE)
    yield from _slowly(response.body, float(parameters["over"]))


def trickle_headers(response: Response, parameters: Parameters) -> Pieces:
    """Send the headers in small pieces, then the body at once."""
    yield from _slowly(response.head(extra=_CLOSE), float(parameters["over"]))
    yield response.body


def _slowly(data: bytes, seconds: float) -> Pieces:
    size = -(-len(data) // _SLOW_PIECES) or 1
    for start in range(0, len(data), size):
        yield seconds / _SLOW_PIECES
        yield data[start : start + size]


def informational(response: Response, parameters: Parameters) -> Pieces:
    """Send interim responses for `over` seconds, then the correct response."""
    seconds = float(parameters["over"])
    for _ in range(_SLOW_PIECES):
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
        yield seconds / _SLOW_PIECES
    yield response.head(extra=_CLOSE) + response.body


def two_lengths(response: Response, _: Parameters) -> Pieces:
    """Send two different Content-Length headers."""
    yield response.head(extra=((b"content-length", b"7"),)) + response.body


def large_headers(response: Response, _: Parameters) -> Pieces:
    """Send a header of 300 KB."""
    yield response.head(extra=((b"x-padding", b"x" * 300_000),)) + response.body
