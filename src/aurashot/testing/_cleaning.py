"""From an exchange to an entry of a recording: only what is on a list of headers and fields is kept.

Query values of URLs, which can be signatures, become `hidden-` and eight digits: the same for the same value within a
recording, so that a URL of a response and its download still agree, and of no use to others, since the salt of the
digest is thrown away.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Collection
    from urllib.parse import SplitResult

    from aurashot.testing._traffic import Exchange

HOSTED: Final = "https://www.aurashot.art"
"""What stands for a sandbox, whose port differs from run to run."""
KEPT_HEADERS: Final = ("accept", "content-type", "location", "retry-after", "x-request-id")
ERROR_FIELDS: Final = frozenset({"code", "detail", "error", "errorMessage", "loc", "message", "msg"})
"""The fields of error bodies, which the service does not document: the usual ones."""
HIDDEN: Final = re.compile(r"hidden-[0-9a-f]{8}")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNREADABLE: Final = "https://hidden.invalid/"
_URL: Final = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)


@lru_cache(maxsize=1)
def contract_fields() -> frozenset[str]:
    """Return the names of all fields that the API is known to have, in JSON's spelling."""
    from aurashot import models

    kinds = [getattr(models, name) for name in models.__all__]
    wire = [kind for kind in kinds if issubclass(kind, models.WireModel)]
    names = {str(field.alias or name) for kind in wire for name, field in kind.model_fields.items()}
    return frozenset(names) | ERROR_FIELDS


class Cleaner:
    """Makes one entry of a recording.

    Args:
        salt: Random bytes, for the digests of hidden values.
        keep_fields: Fields of JSON that are kept although they are not of the API.

    Attributes:
        left_out: The names of the fields that were not kept.
    """

    def __init__(self, salt: bytes, keep_fields: Collection[str] = ()) -> None:
        self.left_out: set[str] = set()
        self._salt = salt
        self._fields = contract_fields() | frozenset(keep_fields)

    def entry(self, exchange: Exchange) -> dict[str, Any]:
        """Return an exchange as an entry of an archive; one whose response was not read whole has the status 0."""
        own = urlsplit(exchange.url)
        return {
            "startedDateTime": exchange.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "time": round(exchange.seconds * 1000),
            "request": self._request(exchange, own),
            "response": self._response(exchange, own),
            "cache": {},
            "timings": {"send": 0, "wait": round(exchange.seconds * 1000), "receive": 0},
        }

    def _request(self, exchange: Exchange, own: SplitResult) -> dict[str, Any]:
        size = len(exchange.body) if exchange.body is not None else int(exchange.headers.get("content-length", 0))
        entry = {
            "method": exchange.method,
            "url": self._url(exchange.url, own),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(exchange.headers, own),
            "queryString": [],
            "headersSize": -1,
            "bodySize": size,
        }
        if exchange.method == "GET":
            return entry
        media_type = exchange.headers.get("content-type", "").partition(";")[0]
        text = "" if exchange.body is None else self._json_text(exchange.body.decode(), own)
        return {**entry, "postData": {"mimeType": media_type, "text": text}}

    def _response(self, exchange: Exchange, own: SplitResult) -> dict[str, Any]:
        if not exchange.is_whole:
            return _lost()
        headers = exchange.response_headers
        media_type = headers.get("content-type", "")
        content = _decoded(exchange)
        return {
            "status": exchange.status,
            "statusText": _phrase(exchange.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(headers, own),
            "content": {"size": len(content), "mimeType": media_type, **self._content(media_type, content, own)},
            "redirectURL": self._text(headers.get("location", ""), own),
            "headersSize": -1,
            "bodySize": len(content),
        }

    def _content(self, media_type: str, content: bytes, own: SplitResult) -> dict[str, str]:
        try:
            text = None if media_type.startswith("image/") else content.decode()
        except UnicodeDecodeError:
            text = None
        if text is None:
            return {"text": base64.b64encode(content).decode(), "encoding": "base64"}
        return {"text": self._json_text(text, own)}

    def _headers(self, headers: dict[str, str], own: SplitResult) -> list[dict[str, str]]:
        kept = ((name, headers[name].partition("; boundary")[0]) for name in KEPT_HEADERS if name in headers)
        return [{"name": name, "value": self._text(value, own)} for name, value in kept]

    def _json_text(self, text: str, own: SplitResult) -> str:
        """Return JSON with the fields that are kept, in its own spelling if that is all of it; or another text."""
        try:
            value: object = json.loads(text)
            kept = self._value(value, own)
        except (ValueError, RecursionError):
            return self._text(text, own)
        return text if kept == value else _dumped(kept)

    def _value(self, value: object, own: SplitResult) -> object:
        if isinstance(value, str):
            return self._text(value, own)
        if isinstance(value, list):
            return [self._value(each, own) for each in cast("list[object]", value)]
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            self.left_out.update(set(fields) - self._fields)
            return {name: self._value(each, own) for name, each in fields.items() if name in self._fields}
        return value

    def _text(self, text: str, own: SplitResult) -> str:
        return _URL.sub(lambda found: self._url(found[0], own), text)

    def _url(self, url: str, own: SplitResult) -> str:
        """Return a URL without credentials, query values and fragment, and with the service in place of a sandbox."""
        try:
            parts = urlsplit(url)
            is_sandbox = parts.scheme == "http" and (_is_loopback(parts.hostname) or parts.netloc == own.netloc)
        except ValueError:
            return _UNREADABLE
        if not (is_sandbox or "@" in parts.netloc or parts.query or parts.fragment):
            return url
        query = "&".join(self._parameter(pair) for pair in parts.query.split("&")) if parts.query else ""
        path = parts.path or ("/" if query else "")
        if is_sandbox:
            return HOSTED + urlunsplit(("", "", path, query, ""))
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, query, ""))

    def _parameter(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals:
            return self._hidden(name)
        return f"{name}={self._hidden(value)}"

    def _hidden(self, value: str) -> str:
        return "hidden-" + hmac.digest(self._salt, value.encode(errors="replace"), "sha256")[:4].hex()


def _dumped(value: object) -> str:
    """Return JSON in its own script; half of a surrogate pair, which no file can hold, makes it ASCII."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(value, separators=(",", ":"))


def _lost() -> dict[str, Any]:
    """Return how browsers write that there was no response."""
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _decoded(exchange: Exchange) -> bytes:
    """Return the body of a response without its content coding; as it is if that cannot be undone."""
    import httpx

    coding = exchange.response_headers.get("content-encoding")
    if not coding:
        return exchange.content
    try:
        return httpx.Response(200, headers={"content-encoding": coding}, content=exchange.content).content
    except httpx.DecodingError:
        return exchange.content


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
