"""Connection slots: what the transports do with connections, apart from any call of the API."""

from __future__ import annotations

import ssl
from collections import deque
from typing import TYPE_CHECKING

import anyio
import httpcore
import httpx
import pytest

from aurashot._deadline import Deadline
from aurashot._engine import DEADLINE, AsyncSlotTransport, SlotTransport, _slots, environment_proxy, ssl_context
from aurashot._engine._network import Clock
from tests.servers import GENERATION, HOLD, wait_until

if TYPE_CHECKING:
    from typing import Any

    from tests.servers import ScriptedServer


def test_blocking_transport_carries_a_request(server: ScriptedServer) -> None:
    """The blocking transport is an httpx transport like any other, without a deadline too."""
    with httpx.Client(transport=SlotTransport(1)) as client:
        answer = client.post(f"{server.url}/v1/uploads", json={})

    assert 200 == answer.status_code
    assert ["POST"] == [request.method for request in server.requests]


@pytest.mark.anyio
async def test_async_transport_carries_a_request(server: ScriptedServer) -> None:
    """The async transport is an httpx transport like any other, without a deadline too."""
    async with httpx.AsyncClient(transport=AsyncSlotTransport(1)) as client:
        answer = await client.post(f"{server.url}/v1/uploads", json={})

    assert 200 == answer.status_code
    assert ["POST"] == [request.method for request in server.requests]


def test_answer_that_is_not_read_costs_its_connection(server: ScriptedServer) -> None:
    """A connection with half an answer on it is closed, and its place is free."""
    transport = SlotTransport(1)
    for _ in range(2):
        transport.handle_request(httpx.Request("GET", server.url)).close()

    wait_until(lambda: server.open_connections == 0)
    assert [1, 2] == [request.connection for request in server.requests]


@pytest.mark.anyio
async def test_async_answer_that_is_not_read_costs_its_connection(server: ScriptedServer) -> None:
    """A connection with half an answer on it is closed, and its place is free."""
    transport = AsyncSlotTransport(1)
    for _ in range(2):
        answer = await transport.handle_async_request(httpx.Request("GET", server.url))
        await answer.aclose()

    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)
    assert [1, 2] == [request.connection for request in server.requests]
    await transport.aclose()


def test_no_place_in_time(server: ScriptedServer) -> None:
    """A request that gets no connection before its deadline was not sent."""
    transport = SlotTransport(1)
    first = transport.handle_request(httpx.Request("GET", server.url))
    with pytest.raises(httpcore.PoolTimeout):
        transport.handle_request(httpx.Request("GET", server.url, extensions={DEADLINE: Deadline(0.05)}))

    first.close()
    assert 1 == len(server.requests)


@pytest.mark.anyio
async def test_no_async_place_in_time(server: ScriptedServer) -> None:
    """A request that gets no connection before its deadline was not sent."""
    transport = AsyncSlotTransport(1)
    first = await transport.handle_async_request(httpx.Request("GET", server.url))
    with pytest.raises(httpcore.PoolTimeout):
        await transport.handle_async_request(httpx.Request("GET", server.url, extensions={DEADLINE: Deadline(0.05)}))

    await first.aclose()
    await transport.aclose()
    assert 1 == len(server.requests)


@pytest.mark.anyio
async def test_cancelled_request_gives_its_place_back(server: ScriptedServer) -> None:
    """Cancelling a request that is under way frees its place and closes its connection."""
    transport = AsyncSlotTransport(1)
    server.queue((HOLD,))
    with anyio.move_on_after(0.1) as scope:
        await transport.handle_async_request(httpx.Request("GET", server.url))
    assert scope.cancelled_caught

    with anyio.fail_after(2):
        answer = await transport.handle_async_request(httpx.Request("GET", server.url))
        await answer.aread()
    await transport.aclose()
    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)


class _Vanishing(deque["Any"]):
    """A queue whose first item another thread takes just as it is looked at."""

    def __getitem__(self, index: object) -> Any:
        raise IndexError

    def __bool__(self) -> bool:
        return True


def test_idle_connection_taken_by_another_thread(server: ScriptedServer) -> None:
    """Giving a connection back while other threads take theirs raises nothing."""
    transport = SlotTransport(1)
    transport._rack.idle = _Vanishing()
    answer = transport.handle_request(httpx.Request("GET", server.url))

    assert GENERATION["requestId"] in answer.read().decode()
    transport._rack.idle = deque(transport._rack.idle)
    transport.close()


@pytest.mark.anyio
async def test_idle_connections_taken_by_other_tasks(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an old connection is closed other tasks may take the rest: that raises nothing."""
    transport = AsyncSlotTransport(2)
    answers = [await transport.handle_async_request(httpx.Request("GET", server.url)) for _ in range(2)]
    await answers[0].aread()
    (rack,) = transport._racks.values()
    rack.idle[0].idle_since = 0.0
    taken: list[_slots._AsyncSlot] = []
    close = _slots._close

    async def slowly(slot: Any) -> None:
        await close(slot)
        taken.extend(rack.idle)
        rack.idle.clear()

    monkeypatch.setattr(_slots, "_close", slowly)
    await answers[1].aread()
    assert 1 == len(taken)
    monkeypatch.undo()
    rack.idle.extend(taken)
    await transport.aclose()


def test_clock_of_a_free_slot() -> None:
    """Without a call there is no deadline."""
    assert 3.0 == Clock().bound(3.0, httpcore.ReadTimeout)
    assert Clock().bound(None, httpcore.ReadTimeout) is None


def test_clock_of_a_call() -> None:
    """A wait gets what is left of the call's time; when nothing is left it does not begin."""
    clock = Clock()
    clock.deadline = Deadline(10.0)
    assert 3.0 == clock.bound(3.0, httpcore.ReadTimeout)
    assert 9.0 < (clock.bound(None, httpcore.ReadTimeout) or 0.0) <= 10.0

    clock.deadline = Deadline(0.0)
    with pytest.raises(httpcore.ConnectTimeout):
        clock.bound(3.0, httpcore.ConnectTimeout)


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
        ({"http_proxy": "http://proxy:3128"}, "http://localhost:8787", "http://proxy:3128/"),
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
    assert proxy == (found and bytes(found.url).decode())


def test_password_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user name and password of a proxy become its authorisation, and leave its address."""
    monkeypatch.setenv("https_proxy", "http://user:p%40ss@proxy:3128")
    found = environment_proxy("https://www.aurashot.art")

    assert found is not None
    assert (b"user", b"p@ss") == found.auth
    assert "http://proxy:3128/" == bytes(found.url).decode()
