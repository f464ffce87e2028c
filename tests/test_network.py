"""How the bytes of a request leave: when, in how many pieces, and what is called before."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import httpcore
import pytest

from aurashot._deadline import Deadline
from aurashot._engine import AsyncEngine, Engine, Proxy, Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from aurashot._hidden import Secret
    from lab.server import ScriptedServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BEFORE, READ = "before_send", "read"

Event: TypeAlias = str | bytes


class KeptBackError(Exception):
    """The hook does not let the request go."""


class Chunks:
    """A body in pieces, which may end with an error."""

    def __init__(self, *chunks: bytes, problem: Exception | None = None) -> None:
        self._chunks = chunks
        self._problem = problem

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._problem is not None:
            raise self._problem

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


class Script:
    """A connection that gives prepared responses, and logs what is done with it in what order."""

    def __init__(self, *responses: bytes) -> None:
        self.log: list[Event] = []
        self.refuses = False
        """Whether the hook raises."""
        self.problem: Exception | None = None
        """What a write raises."""
        self._response_parsing = iter(responses)

    def read(self) -> bytes:
        """Give the next response."""
        self.log.append(READ)
        return next(self._response_parsing, b"")

    def write(self, buffer: bytes) -> None:
        """Take bytes, which come as a view."""
        assert "memoryview" == type(buffer).__name__
        self.log.append(bytes(buffer))
        if self.problem is not None:
            raise self.problem


class Request:
    """A request that tells its script when its bytes are about to leave."""

    def __init__(
        self,
        script: Script,
        content: bytes | Chunks | None,
        *headers: tuple[bytes, bytes],
        url: str = "http://there/v1",
    ) -> None:
        self.deadline = Deadline(10.0)
        self._script = script
        self._content: Any = content
        self._headers = [(b"Host", b"there"), *headers]
        self._url = url

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request."""
        method = b"GET" if self._content is None else b"POST"
        return nullcontext(httpcore.Request(method, self._url, headers=self._headers, content=self._content))

    authorization: Secret | None = None

    def before_send(self) -> None:
        """Log it."""
        self._script.log.append(BEFORE)
        if self._script.refuses:
            raise KeptBackError


class Stream(httpcore.NetworkStream):
    """The script's connection, for blocking code."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give the next response."""
        return self._script.read()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take bytes."""
        self._script.write(buffer)

    def close(self) -> None:
        """Do nothing."""

    def start_tls(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Log it, and go on as before."""
        self._script.log.append("TLS")
        return self

    def get_extra_info(self, info: str) -> Any:
        """Say that there is nothing to read."""
        return None


class AsyncStream(httpcore.AsyncNetworkStream):
    """The script's connection, for async code."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give the next response."""
        return self._script.read()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take bytes."""
        self._script.write(buffer)

    async def aclose(self) -> None:
        """Do nothing."""

    async def start_tls(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Log it, and go on as before."""
        self._script.log.append("TLS")
        return self

    def get_extra_info(self, info: str) -> Any:
        """Say that there is nothing to read."""
        return None


class Network(httpcore.NetworkBackend):
    """Gives the script's connection to blocking code."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Give it."""
        return Stream(self._script)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """Gives the script's connection to async code."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Give it."""
        return AsyncStream(self._script)


def send(script: Script, requests: Sequence[Request], proxy: httpcore.Proxy | None) -> list[bytes]:
    """Send requests one after the other, and return the bodies of their responses."""
    engine = Engine(1, Route(None if proxy is None else Proxy(proxy)), Network(script))
    bodies: list[bytes] = []
    for request in requests:
        response = engine.send(request)
        bodies.append(b"".join(response))
        response.close()
    engine.close()
    return bodies


async def send_async(script: Script, requests: Sequence[Request], proxy: httpcore.Proxy | None) -> list[bytes]:
    """Send requests one after the other, and return the bodies of their responses."""
    engine = AsyncEngine(1, Route(None if proxy is None else Proxy(proxy)), AsyncNetwork(script))
    bodies: list[bytes] = []
    for request in requests:
        response = await engine.send(request)
        bodies.append(b"".join([chunk async for chunk in response]))
        await response.aclose()
    await engine.aclose()
    return bodies


@pytest.fixture(params=["sync", "asyncio", "trio"])
def carry(request: pytest.FixtureRequest) -> Callable[..., list[bytes]]:
    """Return what sends requests over the connection of a script, blocking or async."""

    def carried(script: Script, *requests: Request, proxy: httpcore.Proxy | None = None) -> list[bytes]:
        if request.param == "sync":
            return send(script, requests, proxy)
        return anyio.run(send_async, script, requests, proxy, backend=request.param)

    return carried


def post(script: Script, content: bytes | Chunks, length: int, **options: str) -> Request:
    """Return a POST."""
    return Request(script, content, (b"Content-Length", b"%d" % length), **options)


def head(length: int, target: bytes = b"/v1") -> bytes:
    """Return the first bytes of a POST."""
    return b"POST %s HTTP/1.1\r\nHost: there\r\nContent-Length: %d\r\n\r\n" % (target, length)


def test_the_hook_is_called_right_before_the_bytes_leave(carry: Callable[..., list[bytes]]) -> None:
    """Head and JSON body leave in one write, after the hook and before anything is read."""
    script = Script(OK)
    assert [b"{}"] == carry(script, post(script, b'{"prompt":"a cafe"}', 19))
    assert [BEFORE, head(19) + b'{"prompt":"a cafe"}', READ] == script.log


def test_a_request_without_a_body(carry: Callable[..., list[bytes]]) -> None:
    """A GET leaves at the end of its message, not when its response is read."""
    script = Script(OK)
    assert [b"{}"] == carry(script, Request(script, None))
    assert [BEFORE, b"GET /v1 HTTP/1.1\r\nHost: there\r\n\r\n", READ] == script.log


def test_a_body_of_no_bytes(carry: Callable[..., list[bytes]]) -> None:
    """An empty first chunk lets the head go, and the end of the message adds nothing."""
    script = Script(OK)
    carry(script, post(script, b"", 0))
    assert [BEFORE, head(0), READ] == script.log


def test_a_large_body_is_streamed(carry: Callable[..., list[bytes]]) -> None:
    """The head leaves with the first chunk, and each further chunk by itself."""
    script = Script(OK)
    chunks = [letter * 64_000 for letter in (b"a", b"b", b"c")]
    carry(script, post(script, Chunks(*chunks), 192_000))
    assert [BEFORE, head(192_000) + chunks[0], BEFORE, chunks[1], BEFORE, chunks[2], READ] == script.log


def test_a_body_without_a_length(carry: Callable[..., list[bytes]]) -> None:
    """The end of a chunked body is bytes as well, and leaves."""
    script = Script(OK)
    carry(script, Request(script, Chunks(b"one", b"two"), (b"Transfer-Encoding", b"chunked")))
    first = b"POST /v1 HTTP/1.1\r\nHost: there\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
    assert [BEFORE, first, BEFORE, b"3\r\ntwo\r\n", BEFORE, b"0\r\n\r\n", READ] == script.log


def test_nothing_leaves_if_the_hook_raises(carry: Callable[..., list[bytes]]) -> None:
    """What it raises reaches the caller; nothing is written, and no response is waited for."""
    script = Script(OK)
    script.refuses = True
    for request in (post(script, b"{}", 2), Request(script, None)):
        with pytest.raises(KeptBackError):
            carry(script, request)
    assert [BEFORE, BEFORE] == script.log


@pytest.mark.parametrize(("chunks", "leaves"), [([], False), ([b"half"], True)])
def test_a_body_that_cannot_be_read(carry: Callable[..., list[bytes]], chunks: list[bytes], *, leaves: bool) -> None:
    """If not even its first chunk can be read, the head does not leave either."""
    script = Script(OK)
    with pytest.raises(ZeroDivisionError):
        carry(script, post(script, Chunks(*chunks, problem=ZeroDivisionError()), 8))
    assert ([BEFORE, head(8) + b"half"] if leaves else []) == script.log


def test_the_next_request_of_a_connection(carry: Callable[..., list[bytes]]) -> None:
    """Its head is held like that of the first, also when the response before came in several pieces."""
    script = Script(OK[:-1], OK[-1:], OK)
    assert [b"{}", b"{}"] == carry(script, post(script, b"[1]", 3), post(script, b"[2]", 3))
    assert [BEFORE, head(3) + b"[1]", READ, READ, BEFORE, head(3) + b"[2]", READ] == script.log


def test_a_response_that_came_before_the_server_hung_up(carry: Callable[..., list[bytes]]) -> None:
    """When the request cannot be written, there may be a response all the same: a refusal of a large upload, say."""
    script = Script(OK)
    script.problem = httpcore.WriteError("broken pipe")
    assert [b"{}"] == carry(script, post(script, b"{}", 2))
    assert [BEFORE, head(2) + b"{}", READ] == script.log


def test_a_forward_proxy(carry: Callable[..., list[bytes]]) -> None:
    """A request to an http address goes to the proxy in the same way, with the whole address in its head."""
    script = Script(OK)
    carry(script, post(script, b"{}", 2), proxy=httpcore.Proxy("http://proxy:3128"))
    assert [BEFORE, head(2, b"http://there/v1") + b"{}", READ] == script.log


def test_a_tunnel(carry: Callable[..., list[bytes]]) -> None:
    """The request for a tunnel is no part of the call: only what is sent inside the tunnel is noted."""
    script = Script(b"HTTP/1.1 200 Connection established\r\n\r\n", OK)
    carry(script, post(script, b"{}", 2, url="https://there/v1"), proxy=httpcore.Proxy("http://proxy:3128"))
    connect = b"CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\nAccept: */*\r\n\r\n"
    assert [connect, READ, "TLS", BEFORE, head(2) + b"{}", READ] == script.log


def test_a_request_is_one_call_of_the_system(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Head and JSON body reach the socket as one piece."""
    pieces: list[bytes] = []
    genuine = socket.socket.send
    port = int(server.url.rpartition(":")[2])

    def sent(self: socket.socket, data: memoryview, *flags: int) -> int:
        if self.family == socket.AF_INET and self.getpeername()[1] == port:
            pieces.append(bytes(data))
        return genuine(self, data, *flags)

    monkeypatch.setattr(socket.socket, "send", sent)
    engine = Engine(1)
    response = engine.send(post(Script(), b"{}", 2, url=f"{server.url}/v1"))
    b"".join(response)
    response.close()
    engine.close()
    assert [head(2) + b"{}"] == pieces
