"""What faults do to an answer: other answers in its place, and bytes on the wire that no proper server would send."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from aurashot.sandbox._errors import REQUEST_ID_HEADER, error_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.sandbox._faults import Answer, Make, Parameters, Wire

Pieces: TypeAlias = "Iterator[bytes | float]"

_LENGTH = frozenset({b"content-length"})
_CLOSE = ((b"connection", b"close"),)
_CHUNKED = ((b"transfer-encoding", b"chunked"),)
_SLOW_PIECES = 50
_MIB_OF_ZEROS = bytes(1024**2)
_GZIP = 31  # zlib's name for its largest window inside a gzip frame


def unchanged(answer: Answer, _: Parameters) -> Answer:
    """Send the true answer."""
    return answer


def refusal(status: int, code: str, message: str) -> Make:
    """Refuse in the service's own shape, with the parameter `retry-after` as a header when it is not 0."""

    def make(answer: Answer, parameters: Parameters) -> Answer:
        identifier = dict(answer.headers)[REQUEST_ID_HEADER.encode()].decode()
        seconds = float(parameters.get("retry-after", 0.0))
        headers = {"retry_after": f"{seconds:g}"} if seconds else {}
        body = json.dumps(error_body(code, message, identifier)).encode()
        return answer.with_body(body, status=status, **headers)

    return make


def body(data: bytes, media_type: str = "application/json", *, status: int = 200, **headers: str) -> Make:
    """Answer with these bytes."""

    def make(answer: Answer, _: Parameters) -> Answer:
        return answer.with_body(data, media_type, status=status, **headers)

    return make


def changed(**changes: object) -> Make:
    """Change the fields that the true answer has; `error` is new in any."""

    def make(answer: Answer, _: Parameters) -> Answer:
        fields = _fields(answer)
        known = {name: value for name, value in changes.items() if name in fields or name == "error"}
        return answer.with_body(json.dumps(fields | known).encode(), status=answer.status)

    return make


def _fields(answer: Answer) -> dict[str, Any]:
    try:
        fields = json.loads(answer.body)
    except ValueError:  # a picture, say
        return {}
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def failed(code: str, message: str) -> Make:
    """Say with HTTP 200 that the work failed."""
    error = {"code": code, "message": message}
    return changed(status="failed", outputs=[], url=None, images=[], results=[], completed=True, error=error)


def redirect(answer: Answer, parameters: Parameters) -> Answer:
    """Send the client to the address in the parameter `to`."""
    return answer.with_body(b"", status=307, location=str(parameters["to"]))


def mislabelled(answer: Answer, _: Parameters) -> Answer:
    """Call the true body plain text."""
    return answer.with_body(answer.body, "text/plain")


def unknown_encoding(answer: Answer, _: Parameters) -> Answer:
    """Claim an encoding of the body that nobody knows."""
    return answer.with_body(answer.body, content_encoding="rot13")


def cut_gzip(answer: Answer, _: Parameters) -> Answer:
    """Send half of a gzip stream, under the length of that half."""
    packed = gzip.compress(answer.body)
    return answer.with_body(packed[: len(packed) // 2], content_encoding="gzip")


def bomb(answer: Answer, parameters: Parameters) -> Answer:
    """Send a small gzip body that inflates to `mib` MiB of zeros."""
    packer = zlib.compressobj(wbits=_GZIP)
    mebibytes = [packer.compress(_MIB_OF_ZEROS) for _ in range(int(float(parameters["mib"])))]
    return answer.with_body(b"".join(mebibytes) + packer.flush(), content_encoding="gzip")


def literal(data: bytes) -> Wire:
    """Put these bytes on the wire."""

    def wire(_answer: Answer, _parameters: Parameters) -> Pieces:
        yield data

    return wire


def whole(answer: Answer, _: Parameters) -> Pieces:
    """Send the true answer as it is."""
    yield answer.raw()


def head_only(answer: Answer, _: Parameters) -> Pieces:
    """Send status line and headers."""
    yield answer.head()


def cut(answer: Answer, _: Parameters) -> Pieces:
    """Send half of the body under the length of the whole."""
    yield answer.head() + _half(answer)


def cut_headers(answer: Answer, _: Parameters) -> Pieces:
    """Stop in the last header."""
    yield answer.head()[:-8]


def cut_chunked(answer: Answer, _: Parameters) -> Pieces:
    """Stop in the middle of a chunk."""
    yield answer.head(without=_LENGTH, extra=_CHUNKED) + b"%x\r\n" % len(answer.body) + _half(answer)


def cut_unseen(answer: Answer, _: Parameters) -> Pieces:
    """Send half of the body and no length, so that the end of the connection looks like the end of the body."""
    yield answer.head(without=_LENGTH, extra=_CLOSE) + _half(answer)


def _half(answer: Answer) -> bytes:
    return answer.body[: len(answer.body) // 2]


def trickle(answer: Answer, parameters: Parameters) -> Pieces:
    """Send the body in small pieces over the seconds in the parameter `over`."""
    yield answer.head(extra=_CLOSE)
    yield from _slowly(answer.body, float(parameters["over"]))


def trickle_headers(answer: Answer, parameters: Parameters) -> Pieces:
    """Send the headers in small pieces, then the body at once."""
    yield from _slowly(answer.head(extra=_CLOSE), float(parameters["over"]))
    yield answer.body


def _slowly(data: bytes, seconds: float) -> Pieces:
    size = -(-len(data) // _SLOW_PIECES) or 1
    for start in range(0, len(data), size):
        yield seconds / _SLOW_PIECES
        yield data[start : start + size]


def informational(answer: Answer, parameters: Parameters) -> Pieces:
    """Send one interim answer after the other, then the true one."""
    seconds = float(parameters["over"])
    for _ in range(_SLOW_PIECES):
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
        yield seconds / _SLOW_PIECES
    yield answer.head(extra=_CLOSE) + answer.body


def two_lengths(answer: Answer, _: Parameters) -> Pieces:
    """Send two lengths that differ."""
    yield answer.head(extra=((b"content-length", b"7"),)) + answer.body


def large_headers(answer: Answer, _: Parameters) -> Pieces:
    """Send a header of 300 KB."""
    yield answer.head(extra=((b"x-padding", b"x" * 300_000),)) + answer.body
