"""Connection slots: what the transports do with connections, apart from any call of the API."""

from __future__ import annotations

import base64
import ssl
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import httpcore
import pytest
from hypothesis import given, strategies as st

from aurashot._deadline import Deadline
from aurashot._engine import AsyncEngine, Engine, _async, _slots, environment_proxy, headers_of, ssl_context
from aurashot._engine._network import Clock
from lab.server import GENERATION, HOLD, ScriptedServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from aurashot._engine import AsyncResponseStream
    from aurashot._hidden import Secret


class Get:
    """A plain request to a server."""

    def __init__(self, server: ScriptedServer, seconds: float = 10.0) -> None:
        self.deadline = Deadline(seconds)
        self.openings: list[str] = []
        self._url = httpcore.URL(server.url)

    @contextmanager
    def request(self) -> Generator[httpcore.Request]:
        """Give the request."""
        self.openings.append("opened")
        yield httpcore.Request(b"GET", self._url, headers=[(b"Host", self._url.host)])
        self.openings.append("closed")

    authorization: Secret | None = None

    def before_send(self) -> None:
        """Do nothing."""


async def read(response: AsyncResponseStream) -> bytes:
    """Read a response to its end and give its slot back."""
    body = b"".join([chunk async for chunk in response])
    await response.aclose()
    return body


def test_response_that_is_not_read_costs_its_connection(server: ScriptedServer) -> None:
    """A connection with half a response on it is closed, and its place is free."""
    engine = Engine(1)
    for _ in range(2):
        engine.send(Get(server)).close()

    wait_until(lambda: server.open_connections == 0)
    assert [1, 2] == [request.connection for request in server.requests]


@pytest.mark.anyio
async def test_async_response_that_is_not_read_costs_its_connection(server: ScriptedServer) -> None:
    """A connection with half a response on it is closed, and its place is free."""
    engine = AsyncEngine(1)
    for _ in range(2):
        response = await engine.send(Get(server))
        await response.aclose()

    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)
    assert [1, 2] == [request.connection for request in server.requests]
    await engine.aclose()


def test_no_place_in_time(server: ScriptedServer) -> None:
    """A request that gets no connection before its deadline was not even opened: files would be held meanwhile."""
    engine = Engine(1)
    asked, waiting = Get(server), Get(server, 0.05)
    first = engine.send(asked)
    with pytest.raises(httpcore.PoolTimeout):
        engine.send(waiting)

    first.close()
    assert (["opened", "closed"], []) == (asked.openings, waiting.openings)
    assert 1 == len(server.requests)


@pytest.mark.anyio
async def test_no_async_place_in_time(server: ScriptedServer) -> None:
    """A request that gets no connection before its deadline was not even opened: files would be held meanwhile."""
    engine = AsyncEngine(1)
    asked, waiting = Get(server), Get(server, 0.05)
    first = await engine.send(asked)
    with pytest.raises(httpcore.PoolTimeout):
        await engine.send(waiting)

    await first.aclose()
    assert (["opened", "closed"], []) == (asked.openings, waiting.openings)
    await engine.aclose()
    assert 1 == len(server.requests)


@pytest.mark.anyio
async def test_cancelled_request_gives_its_place_back(server: ScriptedServer) -> None:
    """Cancelling a request that is under way frees its place and closes its connection."""
    engine = AsyncEngine(1)
    server.queue((HOLD,))
    with anyio.move_on_after(0.1) as scope:
        await engine.send(Get(server))
    assert scope.cancelled_caught

    with anyio.fail_after(60):
        await read(await engine.send(Get(server)))
    await engine.aclose()
    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)


def test_idle_connection_to_another_origin(server: ScriptedServer) -> None:
    """A connection carries requests to its own origin only; for another one it is closed and a new one made."""
    engine = Engine(1)
    with ScriptedServer.running() as other:
        for there in (server, other, server):
            response = engine.send(Get(there))
            assert GENERATION["requestId"] in b"".join(response).decode()
            response.close()

        wait_until(lambda: other.open_connections == 0)
    assert [1, 2] == [request.connection for request in server.requests]
    engine.close()


@pytest.mark.anyio
async def test_idle_async_connection_that_has_died(server: ScriptedServer) -> None:
    """An idle connection that the server has closed is replaced before the next request goes out."""
    engine = AsyncEngine(1)
    await read(await engine.send(Get(server)))
    (pool,) = engine._pools.values()
    await pool.idle[0].connection.aclose()
    await read(await engine.send(Get(server)))

    assert [1, 2] == [request.connection for request in server.requests]
    await engine.aclose()


class _Vanishing(deque["Any"]):
    """A queue whose first item another thread takes just as it is looked at."""

    def __getitem__(self, index: object) -> Any:
        raise IndexError

    def __bool__(self) -> bool:
        return True


def test_idle_connection_taken_by_another_thread() -> None:
    """Looking for old connections while other threads take theirs raises nothing."""
    assert [] == [*_slots.expired(_Vanishing())]


@pytest.fixture
def short_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let idle connections live for a tenth of a second."""
    monkeypatch.setattr(_slots, "KEEP_ALIVE", 0.1)


def sweepers() -> list[threading.Thread]:
    """Return the threads that close idle connections."""
    return [thread for thread in threading.enumerate() if thread.name == "aurashot-idle-connections"]


@pytest.mark.usefixtures("short_life")
def test_idle_connections_are_closed_after_a_time(server: ScriptedServer) -> None:
    """Without any call that follows, a thread closes them, and ends when there are none; it starts anew with more."""
    engine = Engine(8)
    for burst in (8, 4):
        responses = [engine.send(Get(server)) for _ in range(burst)]
        for response in responses:
            assert GENERATION["requestId"] in b"".join(response).decode()
            response.close()
        assert (burst, 1) == (server.open_connections, len(sweepers()))

        wait_until(lambda: server.open_connections == 0)
        wait_until(lambda: not sweepers())


@pytest.mark.anyio
@pytest.mark.usefixtures("short_life")
async def test_idle_async_connections_are_closed_after_a_time(server: ScriptedServer) -> None:
    """Without any call that follows, a task closes them; it starts anew with more."""
    engine = AsyncEngine(8)
    for burst in (8, 4):
        responses = [await engine.send(Get(server)) for _ in range(burst)]
        for response in responses:
            await read(response)
        assert burst == server.open_connections
        await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)
    await engine.aclose()


def test_closing_ends_the_thread_that_closes_idle_connections(server: ScriptedServer) -> None:
    """A closed engine leaves no thread behind, even if that thread has just begun to wait."""
    engine = Engine(1)
    response = engine.send(Get(server))
    b"".join(response)
    response.close()
    assert 1 == len(sweepers())

    engine.close()
    assert [] == sweepers()
    engine.close()


def test_no_thread_for_idle_connections(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be had, the response is there all the same, and the next call may have more luck."""

    def refuse(_: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    engine = Engine(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Timer, "start", refuse)
        response = engine.send(Get(server))
        assert GENERATION["requestId"] in b"".join(response).decode()
        response.close()
    assert [] == sweepers()

    response = engine.send(Get(server))
    b"".join(response)
    response.close()
    assert 1 == len(sweepers())
    engine.close()


@pytest.mark.anyio
@pytest.mark.usefixtures("short_life")
async def test_idle_connections_taken_by_other_tasks(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an old connection is closed, which may fail, other tasks may take the rest: that raises nothing."""
    engine = AsyncEngine(2)
    responses = [await engine.send(Get(server)) for _ in range(2)]
    for response in responses:
        await read(response)
    (pool,) = engine._pools.values()
    taken: list[_slots.AsyncSlot] = []
    close = _async._close
    closed = anyio.Event()

    async def slowly(slot: Any) -> None:
        await close(slot)
        taken.extend(pool.idle)
        pool.idle.clear()
        closed.set()
        raise OSError("cannot be closed")

    monkeypatch.setattr(_async, "_close", slowly)
    with anyio.fail_after(60):
        await closed.wait()
    assert 1 == len(taken)
    monkeypatch.setattr(_async, "_close", close)
    pool.idle.extend(taken)
    await engine.aclose()


def test_clock_of_a_call(server: ScriptedServer) -> None:
    """A wait gets what is left of the call's time, an attempt to connect no more than 10 s of it."""
    clock = Clock(tls_layers=0)
    clock.outgoing = Get(server, 30.0)
    assert 29.0 < clock.left(httpcore.ReadTimeout) <= 30.0
    assert 10.0 == clock.to_connect()

    clock.outgoing = Get(server, 0.0)
    with pytest.raises(httpcore.ReadTimeout):
        clock.left(httpcore.ReadTimeout)
    with pytest.raises(httpcore.ConnectTimeout):
        clock.to_connect()


def test_one_tls_context_per_process() -> None:
    """The TLS context is made once, and it checks certificates."""
    assert ssl_context() is ssl_context()
    assert ssl.CERT_REQUIRED == ssl_context().verify_mode


@pytest.mark.parametrize(
    ("environment", "address", "proxy"),
    [
        ({}, "https://www.aurashot.art", None),
        ({"https_proxy": "http://proxy:3128"}, "https://www.aurashot.art", "http://proxy:3128/"),
        ({"HTTPS_PROXY": "proxy:3128"}, "https://www.aurashot.art", "http://proxy:3128/"),
        ({"http_proxy": "http://proxy:3128"}, "https://www.aurashot.art", None),
        ({"http_proxy": "http://proxy:3128"}, "http://localhost:8787", None),
        ({"all_proxy": "http://proxy:3128"}, "https://localhost:8787", None),
        ({"all_proxy": "http://proxy:3128"}, "https://[::1]:8787", None),
        ({"all_proxy": "http://proxy:3128", "http_proxy": "http://proxy:3128"}, "http://sandbox:8787", None),
        ({"all_proxy": "https://proxy:3128"}, "https://www.aurashot.art", "https://proxy:3128/"),
        ({"all_proxy": "http://proxy:3128", "no_proxy": "aurashot.art"}, "https://www.aurashot.art", None),
        ({"all_proxy": "http://proxy:3128", "no_proxy": "*"}, "https://www.aurashot.art", None),
    ],
)
def test_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str, proxy: str | None
) -> None:
    """The proxy of an address is the one that the usual variables name for it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    found = environment_proxy(address)
    assert proxy == (found and bytes(found.inner.url).decode())


def test_password_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user name and password of a proxy become its authorisation, and leave its address."""
    monkeypatch.setenv("https_proxy", "http://user:p%40ss@proxy:3128")
    found = environment_proxy("https://www.aurashot.art")

    assert found is not None
    assert found.authorization is not None
    assert b"Basic " + base64.b64encode(b"user:p@ss") == found.authorization.reveal()
    assert [(b"Proxy-Authorization", b"(hidden)")] == found.inner.headers
    assert "http://proxy:3128/" == bytes(found.inner.url).decode()
    assert "p@ss" not in repr(found)


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=40)), max_size=8))
def test_any_headers_can_be_read(raw: list[tuple[bytes, bytes]]) -> None:
    """Each name is there once, in lower case, with all of its values in order."""
    headers = headers_of(raw)
    assert {name.decode("latin-1").lower() for name, _ in raw} == headers.keys()
    for name, text in headers.items():
        values = [value.decode("latin-1") for key, value in raw if key.decode("latin-1").lower() == name]
        assert ", ".join(values) == text
