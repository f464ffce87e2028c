from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from aurashot.errors import ConfigurationError
from aurashot.mcp import ServerSettings, http_app, run_http
from aurashot.mcp._guard import Guard, is_loopback, names_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

TOKEN = "a-token-of-this-test-4711"


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with 200 to what is let in."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def status(guard: Guard, **headers: str) -> int:
    """Return the status that a request with these headers gets."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard)) as client:
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return (await client.get("http://127.0.0.1:8788/mcp", headers=sent)).status_code


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"host": "localhost:8788"}, 200),
        ({"host": "[::1]:8788"}, 200),
        ({"host": "LOCALHOST."}, 200),
        ({"host": "agents.example.com"}, 200),
        ({"host": "evil.example.com"}, 421),
        ({"host": "127.0.0.1.evil.example.com"}, 421),
        ({"host": ""}, 421),
        ({"host": "[::1"}, 421),
        ({"origin": "http://localhost:8788"}, 200),
        ({"origin": "https://agents.example.com"}, 200),
        ({"origin": "https://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"authorization": ""}, 401),
        ({"authorization": TOKEN}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": "Bearer é"}, 401),
        ({"authorization": f"bearer  {TOKEN} "}, 200),
    ],
    ids=str,
)
async def test_who_is_let_in(headers: dict[str, str], expected: int) -> None:
    """Programs with the token, under a name of the server; no page of another origin."""
    guard = Guard(behind, TOKEN, names_of(["agents.example.com"]))
    assert expected == await status(guard, **({"authorization": f"Bearer {TOKEN}"} | headers))


@pytest.mark.anyio
async def test_without_a_token_pages_stay_out() -> None:
    """Every program of the machine is let in, and still no page that a browser shows."""
    guard = Guard(behind, None, names_of([]))
    assert (200, 421, 403) == (
        await status(guard),
        await status(guard, host="evil.example.com"),
        await status(guard, origin="https://evil.example.com"),
    )


def test_a_guard_does_not_show_its_token() -> None:
    """It may be in a log."""
    assert TOKEN not in repr(Guard(behind, TOKEN, names_of([])))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x.de", False)],
)
def test_what_is_loopback(host: str, *, expected: bool) -> None:
    """Only this machine reaches it."""
    assert is_loopback(host) is expected


def test_a_server_that_others_reach_needs_a_token(folder: Path) -> None:
    """They would spend the user's money."""
    with pytest.raises(ConfigurationError, match="set AURASHOT_MCP_TOKEN"):
        run_http(ServerSettings(), host="0.0.0.0", port=0)


@pytest.mark.parametrize("token", ["", "short", "with a space in it, and long", "naïve-token-4711-4711", "a\x00" * 20])
def test_a_weak_token_is_refused(folder: Path, token: str) -> None:
    """It could be guessed, or not be sent."""
    with pytest.raises(ConfigurationError, match="at least 16 printable ASCII characters"):
        http_app(ServerSettings(), token=token)


def test_a_port_that_is_taken_is_an_error(folder: Path) -> None:
    """It says what to do."""
    with pytest.raises(ConfigurationError, match="choose another with --port"):
        run_http(ServerSettings(), host="127.0.0.256", port=0, token=TOKEN)
