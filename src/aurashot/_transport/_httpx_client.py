"""An httpx client that the user passed in, used instead of the engine."""

from __future__ import annotations

from contextlib import aclosing, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self, cast

import httpx

from aurashot._engine import CONNECT_TIMEOUT, headers_of, keep_readable, redact_details
from aurashot._hidden import HIDDEN
from aurashot._response_parsing import MAX_RESPONSE_BYTES
from aurashot._time_limit import TimeLimitError, within
from aurashot._transport._plain_http import check_connections, check_name, check_no_proxy, transport_of
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpcore

    from aurashot._engine import Outgoing, Reach

NO_AUTH: Final = httpx.Auth()
"""The request is signed already; neither the client's own auth nor a netrc file may sign it again."""


GRACE: Final = 0.05
"""Seconds that a client's own timeouts, which know the phase, go ahead of a cancellation, which does not."""


class HttpxResponse:
    """A response of a blocking httpx client, its body still to be read."""

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers: dict[str, str] = _headers(response)
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        read = _already_read(self._response)
        return self._response.iter_raw() if read is None else iter([read])

    def close(self) -> None:
        """Give the connection back to its pool."""
        self._response.close()


class AsyncHttpxResponse:
    """A response of an async httpx client, read within the deadline."""

    def __init__(self, status: int, headers: dict[str, str], chunks: list[bytes]) -> None:
        self.status: int = status
        self.headers: dict[str, str] = headers
        self._chunks = iter(chunks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Do nothing: its connection is back in its pool."""


class _Watch:
    """What a transport reports of one request, by httpcore's `trace` extension.

    httpx's own transports report each step, those of a tunnel through a proxy included. So a request that a proxy lost
    before it was sent is known not to be sent. Any other transport is told that it is sent when it gets it.
    """

    def __init__(
        self,
        transport: object,
        request: httpx.Request,
        outgoing: Outgoing,
        reach: Reach | None,
    ) -> None:
        self._outgoing = outgoing
        self._is_silent = True
        self._url = request.url
        self._reach = reach
        self.transport: object = transport
        if type(transport) not in {httpx.HTTPTransport, httpx.AsyncHTTPTransport}:  # a subclass may do more than send
            self._send()
        if isinstance(transport, httpx.HTTPTransport):
            request.extensions["trace"] = self._note
        elif isinstance(transport, httpx.AsyncHTTPTransport):
            request.extensions["trace"] = self._note_async

    def failed(self) -> None:
        """Take the request for sent if nothing was reported: a mock can stand in for the transport."""
        if self._is_silent:
            with suppress(AuraShotError):
                self._send()

    def _send(self) -> None:
        self._is_silent = False
        self._outgoing.before_send()

    def _note(self, event: str, details: dict[str, Any]) -> None:
        self._is_silent = False
        redact_details(details, self._outgoing.authorization)
        if event.endswith(".send_request_headers.started") and details["request"].method != b"CONNECT":
            if self._reach is not None:
                check_connections(self.transport, self._url, self._reach)
            self._outgoing.before_send()

    async def _note_async(self, event: str, details: dict[str, Any]) -> None:
        self._note(event, details)
        if event == "connection.connect_tcp.complete":
            keep_readable(details["return_value"])


class HttpxClient:
    """A blocking httpx client; it is not closed here.

    Args:
        client: The client.
        reach: Which addresses it may send to, for plain http.
    """

    def __init__(self, client: httpx.Client, reach: Reach | None) -> None:
        self._client = client
        self._reach = reach

    def send(self, outgoing: Outgoing) -> HttpxResponse:
        """Send one request; redirects are not followed."""
        with outgoing.request() as request:
            ours = _to_httpx(request, self._client.headers, outgoing)
            with _Unsigned(ours):
                transport = transport_of(self._client, ours.url)
                check_no_proxy(transport, ours.url)
                watch = _Watch(transport, ours, outgoing, self._reach)
                try:
                    return HttpxResponse(self._client.send(ours, auth=NO_AUTH, stream=True, follow_redirects=False))
                except httpx.HTTPStatusError as error:  # of an event hook that calls raise_for_status
                    if error.request is ours:
                        return HttpxResponse(error.response)
                    watch.failed()
                    raise
                except Exception:  # whatever the client raises: it is passed on, once it is known what was sent
                    watch.failed()
                    raise

    def close(self) -> None:
        """Do nothing."""


class AsyncHttpxClient:
    """An async httpx client; it is not closed here.

    Args:
        client: The client.
        reach: Which addresses it may send to, for plain http.
    """

    def __init__(self, client: httpx.AsyncClient, reach: Reach | None) -> None:
        self._client = client
        self._reach = reach

    async def send(self, outgoing: Outgoing) -> AsyncHttpxResponse:
        """Send one request; redirects are not followed, and the deadline is kept whatever the client does."""
        with outgoing.request() as request:
            ours = _to_httpx(request, self._client.headers, outgoing)
            with _Unsigned(ours):
                transport = transport_of(self._client, ours.url)
                check_no_proxy(transport, ours.url)
                if self._reach is not None:
                    await check_name(transport, ours.url, self._reach, outgoing.deadline.remaining)
                watch = _Watch(transport, ours, outgoing, self._reach)
                try:
                    return await within(outgoing.deadline.remaining + GRACE, self._respond(ours))
                except TimeLimitError:
                    watch.failed()
                    raise httpx.ReadTimeout("The httpx client did not keep the deadline") from None
                except Exception:  # whatever the client raises: it is passed on, once it is known what was sent
                    watch.failed()
                    raise

    async def _respond(self, request: httpx.Request) -> AsyncHttpxResponse:
        try:
            response = await self._client.send(request, auth=NO_AUTH, stream=True, follow_redirects=False)
        except httpx.HTTPStatusError as error:  # of an event hook that calls raise_for_status
            if error.request is not request:
                raise
            response = error.response
        headers = _headers(response)
        async with aclosing(response):
            return AsyncHttpxResponse(response.status_code, headers, await _chunks(response))

    async def aclose(self) -> None:
        """Do nothing."""


def _headers(response: httpx.Response) -> dict[str, str]:
    """Return the headers of a response; one that was read already, by an event hook perhaps, is decoded, too."""
    headers = headers_of(response.headers.raw)
    if response.is_stream_consumed or response.is_closed:
        headers.pop("content-encoding", None)
    return headers


def _already_read(response: httpx.Response) -> bytes | None:
    """Return what an event hook has read of a response, or None if it is still to be read.

    httpx closes a response when its hook raises; a body that was not read until then is lost.
    """
    if response.is_stream_consumed or response.is_closed:
        return getattr(response, "_content", b"")
    return None


async def _chunks(response: httpx.Response) -> list[bytes]:
    """Read a response, up to the size limit."""
    read = _already_read(response)
    if read is not None:
        return [read]
    chunks: list[bytes] = []
    size = 0
    stream = cast("httpx.AsyncByteStream", response.stream)  # as `aiter_raw` reads it, without its bookkeeping
    async for chunk in stream:
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            break
    return chunks


def _to_httpx(request: httpcore.Request, own: httpx.Headers, outgoing: Outgoing) -> httpx.Request:
    """Return the same request in httpx's terms, with the headers that the client adds to all of its requests."""
    left = outgoing.deadline.remaining
    timeout = {"connect": min(CONNECT_TIMEOUT, left), "read": left, "write": left, "pool": left}
    ours = {name.lower() for name, _ in request.headers}
    secret = outgoing.authorization
    signed = [(name, secret.reveal() if secret and value is HIDDEN else value) for name, value in request.headers]
    headers = [*signed, *[item for item in own.raw if item[0].lower() not in ours]]
    stream: Any = request.stream
    if not isinstance(stream, httpx.SyncByteStream):
        stream = httpx.ByteStream(b"".join(stream))
    url = _url(request.url.scheme, request.url.host, request.url.port, request.url.target)
    theirs = httpx.Request("POST", url, headers=headers, stream=stream, extensions={"timeout": timeout})
    if isinstance(stream, httpx.ByteStream):
        theirs.read()  # aiohttp's transport sends what it can have as a whole with less ado
    return theirs


class _Unsigned:
    """Takes the key out of a request once it was sent: httpx's responses and errors keep their request."""

    __slots__ = ("_request",)

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with suppress(KeyError):
            del self._request.headers["Authorization"]


@lru_cache(maxsize=64)
def _url(scheme: bytes, host: bytes, port: int | None, target: bytes) -> httpx.URL:
    return httpx.URL(scheme=scheme.decode(), host=host.decode(), port=port, raw_path=target)
