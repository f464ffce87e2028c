"""See the requests of all clients of this process and their responses, at the connections of httpcore.

There, a client's own requests have a placeholder where the key will be. Requests of other programs that use httpcore
or httpx are left alone: ours are known by their `User-Agent`.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast

import httpcore

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Generator, Iterable, Iterator

OUTGOING: Final = "aurashot.outgoing"
"""The extension of a client's request that has its deadline and its key, and that is told when the request is sent."""
_OURS: Final = "aurashot/"
_JSON: Final = "application/json"


@dataclass(slots=True)
class Exchange:
    """One request and its response.

    Attributes:
        method: Such as `POST`.
        url: As it was requested.
        headers: Those of the request, names in lower case.
        body: The body of the request, if it is JSON.
        began: When the request was sent.
        outgoing: What the client knows of its own request.
        seconds: From there to the end of the response.
        status: The HTTP status; 0 if no response was received.
        response_headers: Those of the response, names in lower case.
        content: The body of the response, as far as it was read.
        is_whole: Whether it was read to its end.
    """

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)  # a given httpx client's request has the key
    body: bytes | None = field(repr=False)
    began: datetime
    outgoing: Any = field(default=None, repr=False)
    seconds: float = 0.0
    status: int = 0
    response_headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    content: bytes = field(default=b"", repr=False)
    is_whole: bool = False

    @property
    def authorization(self) -> str:
        """What was sent as Authorization; the request has a placeholder if the client sent it itself."""
        secret = getattr(self.outgoing, "authorization", None)
        return self.headers.get("authorization", "") if secret is None else str(secret.reveal().decode())


Listener: TypeAlias = "Callable[[Exchange], None]"

_listeners: list[Listener] = []
_lock = threading.Lock()
_originals: list[tuple[type, str, Any]] = []
_TARGETS: Final = (
    (httpcore.HTTP11Connection, "handle_request"),
    (httpcore.HTTP2Connection, "handle_request"),
    (httpcore.AsyncHTTP11Connection, "handle_async_request"),
    (httpcore.AsyncHTTP2Connection, "handle_async_request"),
)


def start(listener: Listener) -> None:
    """Pass each exchange to a listener when it is over; it may be called in any thread."""
    with _lock:
        _listeners.append(listener)
        if len(_listeners) == 1:
            _patch()


def stop(listener: Listener) -> None:
    """Pass no further exchange to a listener."""
    with _lock:
        _listeners.remove(listener)
        if not _listeners:
            _restore()


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Pass each exchange to a listener until the end of the block."""
    start(listener)
    try:
        yield
    finally:
        stop(listener)


def _patch() -> None:
    for owner, name in _TARGETS:
        original = getattr(owner, name, None)  # without h2 there is no HTTP/2
        if original is not None:
            _originals.append((owner, name, original))
            setattr(owner, name, (_async if "async" in name else _sync)(original))


def _restore() -> None:
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)


class _Watched:
    """An exchange in progress."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._chunks: list[bytes] = []
        self._started = time.monotonic()
        self._is_over = False

    def responded(self, response: httpcore.Response) -> None:
        """Note the head of the response."""
        self._exchange.status = response.status
        self._exchange.response_headers = _headers(response.headers)

    def add(self, chunk: bytes) -> None:
        """Note a piece of the body."""
        self._chunks.append(chunk)

    def end(self, *, is_whole: bool = False) -> None:
        """Tell the listeners; only the first end counts."""
        if self._is_over:
            return
        self._is_over = True
        self._exchange.content = b"".join(self._chunks)
        self._exchange.is_whole = is_whole
        self._exchange.seconds = time.monotonic() - self._started
        for listener in tuple(_listeners):  # another thread may end its recording meanwhile
            listener(self._exchange)


def _watched(request: httpcore.Request) -> _Watched | None:
    """Return what watches a request, if it is one of ours."""
    headers = _headers(request.headers)
    if request.method == b"CONNECT" or not headers.get("user-agent", "").startswith(_OURS):
        return None
    is_json = headers.get("content-type", "").partition(";")[0] == _JSON
    return _Watched(
        Exchange(
            method=request.method.decode("ascii"),
            url=_url(request.url),
            headers=headers,
            body=b"".join(cast("Iterable[bytes]", request.stream)) if is_json else None,  # held in memory anyway
            began=datetime.now(UTC),
            outgoing=cast("Any", request).extensions.get(OUTGOING),
        )
    )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def _url(url: httpcore.URL) -> str:
    if url.target.startswith((b"http:", b"https:")):  # through a proxy without a tunnel
        return url.target.decode("ascii")
    return bytes(url).decode("ascii")


def _sync(original: Callable[..., httpcore.Response]) -> Callable[..., httpcore.Response]:
    @wraps(original)
    def handle_request(connection: object, request: httpcore.Request) -> httpcore.Response:
        watched = _watched(request)
        if watched is None:
            return original(connection, request)
        try:
            response = original(connection, request)
        except httpcore.ConnectionNotAvailable:  # nothing was sent; the pool takes another connection
            raise
        except BaseException:  # an interruption as well: it is noted, and passed on
            watched.end()
            raise
        watched.responded(response)
        response.stream = _Stream(response.stream, watched)
        return response

    return handle_request


def _async(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def handle_async_request(connection: object, request: httpcore.Request) -> httpcore.Response:
        watched = _watched(request)
        if watched is None:
            return cast("httpcore.Response", await original(connection, request))
        try:
            response: httpcore.Response = await original(connection, request)
        except httpcore.ConnectionNotAvailable:  # nothing was sent; the pool takes another connection
            raise
        except BaseException:  # an interruption as well: it is noted, and passed on
            watched.end()
            raise
        watched.responded(response)
        response.stream = _AsyncStream(response.stream, watched)
        return response

    return handle_async_request


class _Stream:
    """The body of a response, noted while it is read."""

    def __init__(self, inner: Any, watched: _Watched) -> None:
        self._inner = inner
        self._watched = watched

    def __iter__(self) -> Iterator[bytes]:
        for chunk in cast("Iterable[bytes]", self._inner):
            self._watched.add(chunk)
            yield chunk
        self._watched.end(is_whole=True)

    def close(self) -> None:
        """Close it; what was not read is lost."""
        try:
            self._inner.close()
        finally:
            self._watched.end()


class _AsyncStream:
    """The body of an async response, noted while it is read."""

    def __init__(self, inner: Any, watched: _Watched) -> None:
        self._inner = inner
        self._watched = watched

    def __aiter__(self) -> Self:
        self._chunks = aiter(cast("AsyncIterable[bytes]", self._inner))
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._watched.end(is_whole=True)
            raise
        self._watched.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close it; what was not read is lost."""
        try:
            await self._inner.aclose()
        finally:
            self._watched.end()
