"""An httpx client that the user gave, in the place of the engine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
import httpx

from aurashot._engine import CONNECT_TIMEOUT, headers_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import httpcore

    from aurashot._deadline import Deadline

NO_AUTH: Final = httpx.Auth()
"""The request is signed already; neither the client's own auth nor a netrc file may sign it again."""


GRACE: Final = 0.1
"""Seconds that a client's own timeouts, which know the phase, go ahead of a cancellation, which does not."""


class _Reply:
    """An answer of an httpx client.

    Its body is still to be read, unless an event hook of the client did that, or a transport made the answer up.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers: dict[str, str] = headers_of(response.headers.raw)
        self._response = response
        self._was_read = response.is_stream_consumed
        if self._was_read:
            self.headers.pop("content-encoding", None)


class GivenReply(_Reply):
    """An answer of a blocking client."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([self._response.content]) if self._was_read else self._response.iter_raw()

    def close(self) -> None:
        """Give the connection back to its pool."""
        self._response.close()


class AsyncGivenReply(_Reply):
    """An answer of an async client."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        super().__init__(response)
        self._deadline = deadline
        self._chunks = aiter(httpx.ByteStream(response.content) if self._was_read else response.aiter_raw())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with _within(self._deadline):
            return await anext(self._chunks)

    async def aclose(self) -> None:
        """Give the connection back to its pool."""
        await self._response.aclose()


class GivenClient:
    """A blocking httpx client; it is not closed here."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    @property
    def is_closed(self) -> bool:
        """Whether its owner closed it."""
        return self._client.is_closed

    def send(self, request: httpcore.Request, deadline: Deadline) -> GivenReply:
        """Send one request; redirects are not followed."""
        ours = _to_httpx(request, self._client.headers, deadline)
        return GivenReply(self._client.send(ours, auth=NO_AUTH, stream=True, follow_redirects=False))

    def close(self) -> None:
        """Do nothing."""


class AsyncGivenClient:
    """An async httpx client; it is not closed here."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @property
    def is_closed(self) -> bool:
        """Whether its owner closed it."""
        return self._client.is_closed

    async def send(self, request: httpcore.Request, deadline: Deadline) -> AsyncGivenReply:
        """Send one request; redirects are not followed, and the deadline is kept whatever the client does."""
        ours = _to_httpx(request, self._client.headers, deadline)
        with _within(deadline):
            response = await self._client.send(ours, auth=NO_AUTH, stream=True, follow_redirects=False)
        return AsyncGivenReply(response, deadline)

    async def aclose(self) -> None:
        """Do nothing."""


@contextmanager
def _within(deadline: Deadline) -> Generator[None]:
    with anyio.move_on_after(deadline.remaining + GRACE) as scope:
        yield
    if scope.cancelled_caught:
        raise httpx.ReadTimeout("the httpx client did not keep the deadline")


def _to_httpx(request: httpcore.Request, own: httpx.Headers, deadline: Deadline) -> httpx.Request:
    """Return the same request in httpx's terms, with the headers that the client adds to all of its requests."""
    left = deadline.remaining
    timeout = {"connect": min(CONNECT_TIMEOUT, left), "read": left, "write": left, "pool": left}
    headers = httpx.Headers(own)
    headers.update(httpx.Headers(request.headers))
    stream: Any = request.stream
    if not isinstance(stream, httpx.SyncByteStream):
        stream = httpx.ByteStream(b"".join(stream))
    url = httpx.URL(
        scheme=request.url.scheme.decode(),
        host=request.url.host.decode(),
        port=request.url.port,
        raw_path=request.url.target,
    )
    return httpx.Request("POST", url, headers=headers, stream=stream, extensions={"timeout": timeout})
