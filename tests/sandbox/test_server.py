from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aurashot import sandbox
from aurashot.errors import ConfigurationError, InputError
from aurashot.sandbox._server import _listen, _url
from tests.stopwatch import no_later

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {"Authorization": "Bearer sk_a"}
BODY = {"prompt": "a cafe", "images": {"face": "https://example.com/face.jpg"}}
RUN = "from aurashot import sandbox; sandbox.run(0, ready=lambda url: print(url, flush=True))"


def test_64_requests_at_once_are_served_together(quick_drawings: None) -> None:
    """They overlap, each has its own identifier, and each is billed once."""
    with sandbox.serve(latency=1) as server, httpx.Client(base_url=server.url, headers=HEADERS) as client:

        def generate(_: int) -> str:
            response = client.post("/v1/character/generate", json=BODY, timeout=60).raise_for_status()
            identifier: str = response.json()["requestId"]
            return identifier

        with no_later(1), ThreadPoolExecutor(64) as threads:
            identifiers = set(threads.map(generate, range(64)))
        assert 64 == len(identifiers)
        assert identifiers == {entry.request_id for entry in server.bill().entries}


def test_the_end_of_the_block_leaves_nothing_behind(quick_drawings: None, caplog: pytest.LogCaptureFixture) -> None:
    """Waiting clients are cut off; thread, port, connections and files are gone, and nothing is logged."""
    before = set(threading.enumerate())
    failures: list[httpx.TransportError] = []

    def wait(client: httpx.Client, method: str, path: str) -> None:
        try:
            client.request(method, path, json=BODY, timeout=30)
        except httpx.TransportError as error:
            failures.append(error)

    with httpx.Client(headers=HEADERS) as client:
        with sandbox.serve(latency=60) as server:
            client.base_url = httpx.URL(server.url)
            client.get("/_sandbox/bill")
            emulator = server._server.emulator
            server.fault("hang", times=1, operations=["file"])
            asked = [("POST", "/v1/character/generate"), ("GET", "/files/a.png")]
            waiting = [threading.Thread(target=wait, args=(client, method, path)) for method, path in asked]
            for thread in waiting:
                thread.start()
            deadline = time.monotonic() + 60
            while server.bill().total == 0 or emulator.rules.active:
                assert time.monotonic() < deadline
            stopped = time.monotonic()
        assert time.monotonic() - stopped < 30  # a held request would take a minute
        for thread in waiting:
            thread.join(60)
    assert 2 == len(failures)
    assert set() == set(threading.enumerate()) - before, "threads that others started before may end meanwhile"
    assert not emulator.store.folder.exists()
    assert [] == [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    with socket.create_server(("127.0.0.1", int(server.url.rpartition(":")[2]))):
        pass  # the port is free again


def test_a_server_can_stop_while_it_refuses(caplog: pytest.LogCaptureFixture) -> None:
    """It does not come back after its end."""
    with sandbox.serve() as server:
        server.fault("refuse;for=60")
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert [] == caplog.records


@pytest.mark.parametrize("steps", range(5))
def test_a_connection_that_comes_as_the_server_closes_is_closed(steps: int) -> None:
    """From accepting it to serving it are some steps of the loop; whichever comes next, it is not left open."""
    with sandbox.serve() as server:
        address = "127.0.0.1", int(server.url.rpartition(":")[2])

        async def connect_and_refuse() -> socket.socket:
            connection = socket.create_connection(address, timeout=5)  # the kernel responses
            for _ in range(steps):
                await asyncio.sleep(0)
            await server._server.refuse(60)
            return connection

        connecting = asyncio.run_coroutine_threadsafe(connect_and_refuse(), server._server.loop)
        with connecting.result(5) as connection, suppress(ConnectionResetError):
            assert b"" == connection.recv(1)
    gc.collect()  # one that was left open would warn


def test_a_kept_connection_is_not_slow(server: sandbox.SandboxServer) -> None:
    """No response waits for a delayed acknowledgement, which takes 40 ms on Linux."""
    with httpx.Client(base_url=server.url) as client:
        client.get("/_sandbox/bill")
        with no_later(0):
            for _ in range(550):
                client.get("/_sandbox/bill")


@pytest.mark.parametrize("start", [sandbox.serve, sandbox.run])
def test_a_port_in_use_is_named(server: sandbox.SandboxServer, start: Any) -> None:
    """One clear error, for code and for the command line."""
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1"), start(port):
        pytest.fail("two servers on one port")


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_the_url_is_one_that_a_client_can_use(host: str, url: str) -> None:
    """Listening everywhere is not a URL; IPv6 has brackets."""
    with _listen(host, 0) as listener:
        assert _url(listener).startswith(url)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for a child")
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_run_serves_until_it_is_stopped_and_cleans_up(tmp_path: Path, stop: signal.Signals, code: int) -> None:
    """It tells its URL when it responds, and leaves no files, stopped by Ctrl-C or by a supervisor."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", RUN]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert 200 == httpx.get(f"{url}/openapi.json").status_code
        assert 1 == len(list(tmp_path.glob("aurashot-sandbox-*")))
        process.send_signal(stop)
        assert "" == process.stderr.read()
        assert code == process.wait(60)
    assert [] == list(tmp_path.glob("aurashot-sandbox-*"))


def test_a_reset_sandbox_is_as_new(quick_drawings: None) -> None:
    """Bill, quotas, faults and latency are as in the beginning; what was stored is still there."""
    with sandbox.serve(quota=1, latency=0.01) as server, httpx.Client(base_url=server.url, headers=HEADERS) as client:

        def generate() -> int:
            return client.post("/v1/character/generate", json=BODY).status_code

        made = client.post("/v1/character/generate", json=BODY).json()["outputs"][0]["url"]
        assert 402 == generate()
        server.latency = 60
        server.fault("forbidden")
        server.reset()
        assert (0, 0.01) == (server.bill().total, server.latency)
        assert [200, 402] == [generate(), generate()]
        assert 200 == client.get(made).status_code
    server.reset()  # after its end there is nothing to do in its thread


def test_a_reset_cuts_off_requests_in_progress(quick_drawings: None, caplog: pytest.LogCaptureFixture) -> None:
    """Their connections are closed at once; idle ones stay, and nothing is logged."""
    failures: list[httpx.TransportError] = []

    def wait() -> None:
        try:
            httpx.post(f"{server.url}/v1/character/generate", json=BODY, headers=HEADERS, timeout=30)
        except httpx.TransportError as error:
            failures.append(error)

    with sandbox.serve(latency=60) as server, httpx.Client(base_url=server.url) as idle:
        idle.get("/_sandbox/bill")
        kept = set(server._server.server_state.connections)
        waiting = threading.Thread(target=wait)
        waiting.start()
        while server.bill().total == 0:
            time.sleep(0.001)
        server.reset()
        waiting.join(60)
        assert 1 == len(failures)
        assert kept == set(server._server.server_state.connections)
        assert {"billed": 0, "entries": []} == idle.get("/_sandbox/bill").json()
    assert [] == [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def test_clearing_the_faults_ends_a_refusal(quick_drawings: None) -> None:
    """Connections are accepted again, and can be refused again."""
    with sandbox.serve() as server:
        for _ in range(2):
            server.fault("refuse;for=60")
            with pytest.raises(httpx.ConnectError):
                httpx.get(server.url)
            server.clear_faults()
            assert 200 == httpx.get(f"{server.url}/_sandbox/bill").status_code
        server.clear_faults()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None])
def test_a_latency_is_a_number_of_seconds(server: sandbox.SandboxServer, seconds: Any) -> None:
    """At the start, and when it is set."""
    with pytest.raises(InputError, match=r"^latency: a number of seconds of at least 0 is needed, not "):
        server.latency = seconds
    assert 0 == server.latency
    with pytest.raises(InputError, match=r"^latency: "), sandbox.serve(latency=seconds):
        pytest.fail("it started")
