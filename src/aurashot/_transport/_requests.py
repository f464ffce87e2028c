"""The requests, as httpcore's objects.

httpx is imported for the first upload only, for its multipart form: it takes as long to import as all the rest.
"""

from __future__ import annotations

import platform
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

import httpcore

from aurashot._hidden import HIDDEN
from aurashot._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from aurashot._config import ApiKey
    from aurashot._hidden import Secret
    from aurashot.images import Payload

USER_AGENT: Final = f"aurashot/{__version__} python/{platform.python_version()}".encode()
_URL_CHARACTERS: Final = "%/:?@!$&'()*+,;=~"
"""What is left as it is in a path or query (RFC 3986, 3.3 and 3.4), what is already escaped included."""

Headers: TypeAlias = list[tuple[bytes, bytes]]


class Requests:
    """The requests of one client: URLs and headers are built once.

    Attributes:
        authorization: What is sent as Authorization. The network stream puts it into the head of a request when its
            bytes are sent, so that no request, and no frame of another library, holds it before.
    """

    def __init__(self, base_url: str, key: ApiKey) -> None:
        self._base_url = base_url
        self._headers: Headers = [
            (b"Host", urlsplit(base_url).netloc.encode()),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", USER_AGENT),
            (b"Authorization", HIDDEN),
        ]
        self.authorization: Secret = key.bearer()
        self._urls: dict[str, httpcore.URL] = {}

    def open(self, path: str, content: bytes | Payload, key: str | None) -> AbstractContextManager[httpcore.Request]:
        """Give a fresh request; an image is streamed from its file, which is open meanwhile."""
        headers = self._headers if key is None else [*self._headers, (b"Idempotency-Key", key.encode())]
        if not isinstance(content, bytes):
            return self._form(path, headers, content)
        length = (b"Content-Length", b"%d" % len(content))
        return nullcontext(self._post(path, [*headers, (b"Content-Type", b"application/json"), length], content))

    @contextmanager
    def _form(self, path: str, headers: Headers, image: Payload) -> Generator[httpcore.Request]:
        import httpx

        with image.open() as file:
            form = httpx.Request("POST", self._base_url, files={"file": (image.filename, file, image.media_type)})
            yield self._post(path, [*headers, *_of_body(form.headers.raw)], form.stream)

    def _post(self, path: str, headers: Headers, content: Any) -> httpcore.Request:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = _target(self._base_url + path)
        request = httpcore.Request(b"POST", url, content=content)
        request.headers = headers  # by its constructor httpcore would look at each one, for each call
        return request


def _of_body(headers: Headers) -> Headers:
    return [header for header in headers if header[0].lower() != b"host"]


def image_request(address: str, more: Headers) -> httpcore.Request:
    """Return the GET of an image: no key, no cookie, no compression."""
    headers = [
        (b"Host", urlsplit(address).netloc.encode()),
        (b"Accept", b"image/*"),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", USER_AGENT),
        *more,
    ]
    return httpcore.Request(b"GET", _target(address), headers=headers)


def _target(address: str) -> httpcore.URL:
    parts = urlsplit(address)
    target = quote(parts.path or "/", safe=_URL_CHARACTERS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_URL_CHARACTERS)
    return httpcore.URL(
        scheme=parts.scheme.encode(), host=(parts.hostname or "").encode(), port=parts.port, target=target.encode()
    )
