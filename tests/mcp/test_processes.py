"""The command as clients start it: over stdio and HTTP, killed, interrupted, and left by its client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.mcp.conftest import ledger_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.mcp.conftest import Connect

COMMAND = (sys.executable, "-m", "aurashot", "mcp")
CAFE = {"prompt": "in a cafe", "face": "selfie.jpg"}
TOKEN = "a-token-of-this-test-4711"
MESSAGES: tuple[dict[str, Any], ...] = (
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "generate", "arguments": CAFE}},
)
"""What a client of the older protocol sends: the handshake, and a paid call."""


@pytest.fixture
def start(folder: Path, service: SandboxServer) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts the command, and ends it with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def begin_paid_call(process: subprocess.Popen[str], folder: Path) -> None:
    """Do the handshake and send a paid call, and return when its request is recorded."""
    assert process.stdin is not None
    assert process.stdout is not None
    for message in MESSAGES:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 1
    while not entries_in(folder):
        time.sleep(0.02)  # until the entry is written; there is nothing to wait for
        assert process.poll() is None


def entries_in(folder: Path) -> list[str]:
    """Return the payments of the ledger."""
    with ledger_in(folder) as ledger:
        return [entry.payment for entry in ledger.entries()]


@pytest.mark.anyio
async def test_a_session_over_stdio(folder: Path, service: SandboxServer) -> None:
    """The official client makes an image, gives up on the next, and repeats it; each is paid for once."""
    server = StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:]), env=dict(os.environ), cwd=folder)
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == 9
        first: Any = await client.call_tool("generate", CAFE)
        assert first.structured_content["paid"] is True
        service.latency = 1.0
        with suppress(MCPError):  # on a machine that stands still, the answer may come first
            await client.call_tool("generate", {**CAFE, "prompt": "in a park"}, read_timeout_seconds=0.3)
        again: Any = await client.call_tool("generate", {**CAFE, "prompt": "in a park"})
        assert (again.structured_content["paid"], len(service.bill().entries)) == (True, 2)
    assert entries_in(folder) == ["paid", "paid"]


@pytest.mark.anyio
async def test_a_server_that_is_killed_pays_once(
    start: Callable[..., subprocess.Popen[str]], connect: Connect, service: SandboxServer, folder: Path
) -> None:
    """After the next start, the same call says that the first one is unknown, and sends nothing."""
    service.latency = 5.0
    process = start()
    begin_paid_call(process, folder)
    process.kill()
    process.wait()
    service.latency = 0.0
    async with connect() as client:
        answer = (await client.call_tool("generate", CAFE)).structured_content
        assert (answer["error"], answer["paid"]) == ("unresolved", "unknown")
        assert "ended before its outcome was recorded" in answer["message"]
        with ledger_in(folder) as ledger:
            assert [answer["request_key"]] == [entry.idempotency_key for entry in ledger.unresolved()]
    assert len(service.bill().entries) <= 1


def ends_by_signal(number: signal.Signals) -> Callable[[subprocess.Popen[str]], int]:
    """Return a function that sends a signal, and returns the exit code that is expected."""

    def end(process: subprocess.Popen[str]) -> int:
        process.send_signal(number)
        return 128 + number

    return end


def end_of_input(process: subprocess.Popen[str]) -> int:
    """Close standard input, as clients do, and return the exit code that is expected."""
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    return 0


@pytest.mark.parametrize("end", [end_of_input, ends_by_signal(signal.SIGINT)], ids=["end-of-input", "interrupt"])
def test_a_call_that_takes_too_long_is_left_unknown(
    start: Callable[..., subprocess.Popen[str]],
    service: SandboxServer,
    folder: Path,
    end: Callable[[subprocess.Popen[str]], int],
) -> None:
    """The server ends within the seconds that clients allow, and the ledger knows of the call."""
    service.latency = 60.0
    process = start()
    begin_paid_call(process, folder)
    expected = end(process)
    assert process.wait(30) == expected, "long before the image is made"
    assert entries_in(folder) == ["unknown"]


def test_a_client_that_is_gone_is_no_error(
    start: Callable[..., subprocess.Popen[str]], service: SandboxServer, folder: Path
) -> None:
    """Its answer cannot be written any more: the server ends as at the end of its input, and prints nothing."""
    process = start()
    begin_paid_call(process, folder)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}) + "\n")
    process.stdin.close()
    process.stdin = process.stdout = None
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@contextmanager
def http_server(start: Callable[..., subprocess.Popen[str]], *arguments: str) -> Generator[tuple[str, Any]]:
    """Start the command over HTTP; return its URL and the process."""
    process = start("--http", "--port", "0", *arguments, AURASHOT_MCP_TOKEN=TOKEN)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "ready at http://127.0.0.1:" in line
    yield line.split(" at ")[1].split(";")[0], process


@pytest.mark.anyio
async def test_a_session_over_http(start: Callable[..., subprocess.Popen[str]], service: SandboxServer) -> None:
    """The official client needs the token; two clients share the characters, the cap and the calls."""
    with http_server(start, "--max-images", "1") as (url, process):
        async with httpx2.AsyncClient() as stranger:
            assert (await stranger.post(url, json={})).status_code == 401
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
            for expected in (False, True):
                async with Client(streamable_http_client(url, http_client=http)) as client:
                    made: Any = await client.call_tool("generate", CAFE)
                    assert made.structured_content["repeated"] is expected
                    capped: Any = await client.call_tool("generate", {**CAFE, "prompt": "in a park"})
                    assert capped.structured_content["error"] == "spend_cap"
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)
    assert (process.returncode in {0, -signal.SIGTERM}, "Traceback" in rest, TOKEN in rest) == (True, False, False)
    assert len(service.bill().entries) == 1
