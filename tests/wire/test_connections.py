"""Connections: how many, for how long, and whose."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from aurashot import AsyncAuraShot, AuraShotError, ConfigurationError
from aurashot._engine import _slots
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, contract, json_response, wait_until
from tests.wire.images import FACE

if TYPE_CHECKING:
    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import ScriptedServer


def named(name: str) -> bytes:
    """Return a response that is known by its request id."""
    (whole,) = json_response({**GENERATION, "requestId": name})
    assert isinstance(whole, bytes)
    return whole


def test_connection_is_used_again(client: AuraShot, server: ScriptedServer) -> None:
    """Calls that follow each other share a connection."""
    for _ in range(3):
        client.generate("a cafe", face=FACE)

    assert [1, 1, 1] == [request.connection for request in server.requests]


def test_old_connection_is_not_used_again(
    client: AuraShot, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A billed call does not go out on a connection that the server may be about to close."""
    monkeypatch.setattr(_slots, "KEEP_ALIVE", 0.05)
    client.generate("a cafe", face=FACE)
    time.sleep(0.1)
    client.generate("a cafe", face=FACE)

    assert [1, 2] == [request.connection for request in server.requests]


def test_idle_connections_of_a_burst_are_closed(
    client: AuraShot, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a burst the connections that nobody needs any more are closed, while those in use go on."""
    monkeypatch.setattr(_slots, "KEEP_ALIVE", 1.0)
    server.always((0.1, named("burst")))
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(client.generate, "a cafe", face=FACE) for _ in range(16)]
    assert ["burst"] * 16 == [call.result().request_id for call in calls]
    opened = server.connections
    assert opened > 1

    def only_one_is_left() -> bool:
        client.generate("a cafe", face=FACE)
        return server.open_connections == 1

    wait_until(only_one_is_left)
    assert opened == server.connections
    wait_until(lambda: server.open_connections == 0)


def test_connections_are_limited(make_client: Clients, server: ScriptedServer) -> None:
    """`max_connections` calls are on their way at once; the others wait and then succeed."""
    seen: list[int] = []
    server.always((0.05, named("one")))
    client = make_client(server.url, max_connections=2)

    def call(_: int) -> str | None:
        response = client.generate("a cafe", face=FACE)
        seen.append(server.open_connections)
        return response.request_id

    with ThreadPoolExecutor(8) as pool:
        assert ["one"] * 8 == list(pool.map(call, range(8)))
    assert {1, 2} >= set(seen)
    assert server.connections <= 4


def test_lost_connection_gives_its_place_back(make_client: Clients, server: ScriptedServer) -> None:
    """An error frees the place of its connection for the next call."""
    client = make_client(server.url, max_connections=1)
    for lost in ((CLOSE,), (named("cut")[:-5], CLOSE), (b"garbage\r\n\r\n", CLOSE)):
        server.queue(lost)
        with pytest.raises(AuraShotError):
            client.generate("a cafe", face=FACE)
        assert client.generate("a cafe", face=FACE, timeout=20).succeeded


def test_stale_response_does_not_reach_the_next_call(client: AuraShot, server: ScriptedServer) -> None:
    """A second response to one request is not taken for the response to the next."""
    server.queue((named("first") + named("stale"),), (named("second"),))

    assert "first" == client.generate("a cafe", face=FACE).request_id
    assert "second" == client.generate("a cafe", face=FACE).request_id


def test_stale_response_that_comes_late_does_not_reach_the_next_call(client: AuraShot, server: ScriptedServer) -> None:
    """Bytes that arrive on an idle connection are not taken for the response to the next request."""
    server.queue((named("first"), 0.05, named("stale")), (named("second"),))

    assert "first" == client.generate("a cafe", face=FACE).request_id
    time.sleep(0.2)
    assert "second" == client.generate("a cafe", face=FACE).request_id


def test_server_that_closes_an_idle_connection(client: AuraShot, server: ScriptedServer) -> None:
    """A connection that the server has closed meanwhile costs nothing but a fresh one."""
    for _ in range(3):
        server.queue((named("one"), CLOSE))
        assert "one" == client.generate("a cafe", face=FACE).request_id
        wait_until(lambda: server.open_connections == 0)

    assert 3 == server.connections


def test_close_closes_connections(make_client: Clients, server: ScriptedServer) -> None:
    """A closed client holds no connection and takes no call; closing it twice is fine."""
    client = make_client(server.url)
    client.generate("a cafe", face=FACE)
    client.close()
    client.close()

    wait_until(lambda: server.open_connections == 0)
    with pytest.raises(ConfigurationError, match="closed"):
        client.generate("a cafe", face=FACE)


def test_views_close_nothing(client: AuraShot, server: ScriptedServer) -> None:
    """A view leaves the connections to the client that it came from."""
    client.with_options(timeout=1).close()

    assert client.generate("a cafe", face=FACE).succeeded


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_one_client_in_five_event_loops(server: ScriptedServer, backend: str) -> None:
    """An async client works in one event loop after another, and each takes its connections with it when it ends."""
    client = AsyncAuraShot(KEY, base_url=server.url)

    async def one_run() -> str | None:
        response = await client.generate("a cafe", face=FACE)
        return response.request_id

    assert [GENERATION["requestId"]] * 5 == [anyio.run(one_run, backend=backend) for _ in range(5)]
    wait_until(lambda: server.open_connections == 0)


FORKING = """
    import os, sys
    from aurashot import AuraShot

    with AuraShot({key!r}, base_url={url!r}) as client:
        client.generate("before", face={face!r})
        child = os.fork()
        if child == 0:
            answer = client.generate("in the child", face={face!r})
            client.close()
            os._exit(not answer.succeeded)
        assert os.waitpid(child, 0)[1] == 0
        client.generate("after", face={face!r})
"""

FORKING_ASYNC = """
    import asyncio, os, sys
    from aurashot import AsyncAuraShot

    async def main():
        async with AsyncAuraShot({key!r}, base_url={url!r}) as client:
            await client.generate("before", face={face!r})
            child = os.fork()
            if child == 0:
                asyncio.events._set_running_loop(None)
                answer = asyncio.new_event_loop().run_until_complete(client.generate("in the child", face={face!r}))
                os._exit(not answer.succeeded)
            assert os.waitpid(child, 0)[1] == 0
            await client.generate("after", face={face!r})

    asyncio.run(main())
"""


@pytest.mark.parametrize("script", [FORKING, FORKING_ASYNC], ids=["sync", "asyncio"])
def test_fork(server: ScriptedServer, script: str) -> None:
    """After `fork()` the child has connections of its own, and the parent's goes on as if nothing had happened."""
    code = textwrap.dedent(script).format(key=KEY, url=server.url, face=FACE)
    command = [sys.executable, "-W", "ignore", "-c", code]  # Python 3.12 warns of any fork beside a thread
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (0, "") == (done.returncode, done.stderr)
    assert {"before": 1, "in the child": 2, "after": 1} == {
        request.json["prompt"]: request.connection for request in server.requests
    }


FORKING_DURING_AN_UPLOAD = """
    import os, pathlib, threading, time
    from aurashot import AuraShot

    with AuraShot({key!r}, base_url={url!r}, timeout=10) as client:
        uploading = threading.Thread(target=client.upload, args=({photo!r},))
        uploading.start()
        while not pathlib.Path({sign!r}).exists():
            time.sleep(0.005)
        child = os.fork()
        if child == 0:
            os._exit(client.upload({photo!r}, timeout=5).url != "https://cdn.aurashot.art/u/1.jpg")
        assert os.waitpid(child, 0)[1] == 0
        uploading.join()
"""


def test_fork_during_an_upload(server: ScriptedServer, tmp_path: Path, grace_hopper: Path) -> None:
    """The child does not wait for an upload that only the parent can finish: it makes its own."""
    sign = tmp_path / "the upload is under way"
    server.queue((2.0, *contract("/v1/uploads")))
    code = textwrap.dedent(FORKING_DURING_AN_UPLOAD).format(
        key=KEY, url=server.url, photo=str(grace_hopper), sign=str(sign)
    )
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", code]) as process:
        wait_until(lambda: bool(server.requests), 20)
        sign.touch()
        assert 0 == process.wait(30)
    assert 2 == len(server.posts("/v1/uploads"))


LOOPS = """
    import asyncio, os, sys
    from pathlib import Path
    from aurashot import AsyncAuraShot
    from aurashot.ledger import SQLiteLedger

    client = AsyncAuraShot({key!r}, base_url={url!r}, ledger={ledger})

    def call():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.generate("a cafe", face={face!r}))
        loop.close()  # without shutdown_asyncgens, as much code does
        return len(os.listdir("/proc/self/fd"))

    counts = [call() for _ in range(20)]
    print(counts[-1] - counts[4])
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
@pytest.mark.parametrize("ledger", ["None", "SQLiteLedger('spend.db')"])
def test_an_event_loop_for_each_call_leaves_nothing_open(server: ScriptedServer, tmp_path: Path, ledger: str) -> None:
    """A loop that is closed as it stands takes its connections with it, at the latest when the next one begins."""
    script = textwrap.dedent(LOOPS).format(key=KEY, url=server.url, face=FACE, ledger=ledger)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert ("0\n", "") == (done.stdout, done.stderr)
    assert 20 == len(server.requests)
