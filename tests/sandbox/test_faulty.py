from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import httpx
import pytest

from aurashot import sandbox
from aurashot.sandbox._scenarios import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.sandbox import SandboxServer


@dataclass(frozen=True, slots=True)
class Seen:
    """What a bare socket saw of a response: all bytes, and how it ended."""

    data: bytes
    end: str  # "closed" by FIN, "reset" by RST, "open" when nothing more came

    @property
    def status(self) -> int | None:
        """The status of the first response, None when there was no proper one."""
        line, newline, _ = self.data.partition(b"\r\n")
        return int(line.split()[1]) if newline and line.startswith(b"HTTP/1.1 ") else None

    @property
    def body(self) -> bytes:
        """What followed the headers."""
        return self.data.partition(b"\r\n\r\n")[2]


@pytest.fixture
def meet(client: httpx.Client, server: SandboxServer, payload: dict[str, Any]) -> Callable[..., Seen]:
    """Return a function that sends a generation over a bare socket and lets it meet a fault."""
    body = json.dumps(payload).encode()

    def send(fault: str, patience: float = 5.0) -> Seen:
        lines = ["POST /v1/character/generate HTTP/1.1", f"Host: {server.url[7:]}", "Content-Type: application/json"]
        lines += [
            f"Authorization: Bearer {server.api_key}",
            f"Content-Length: {len(body)}",
            f"X-Sandbox-Fault: {fault}",
        ]
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=patience) as bare:
            bare.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            data = b""
            while True:
                try:
                    piece = bare.recv(65536)
                except TimeoutError:
                    return Seen(data, "open")
                except ConnectionResetError:
                    return Seen(data, "reset")
                if not piece:
                    return Seen(data, "closed")
                data += piece
                if _is_whole(data):
                    bare.settimeout(AFTERMATH.get(fault, 0.05))  # seconds for what should not come any more

    return send


def _is_whole(data: bytes) -> bool:
    head, blank, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(blank) and length is not None and len(body) >= int(length[1])


AFTERMATH = {"two-answers": 1.0, "close-idle": 5.0}


# name with parameters -> status, end of the connection, images billed
EXPECTED: dict[str, tuple[int | None, str, int]] = {
    "drop-before": (None, "closed", 0),
    "reset-before": (None, "reset", 0),
    "refuse;for=0.1": (None, "closed", 0),
    "redirect": (307, "open", 0),
    "bad-request": (400, "open", 0),
    "unauthorized": (401, "open", 0),
    "payment-required": (402, "open", 0),
    "forbidden": (403, "open", 0),
    "not-found": (404, "open", 0),
    "timeout": (408, "open", 0),
    "conflict": (409, "open", 0),
    "too-large": (413, "open", 0),
    "unprocessable": (422, "open", 0),
    "rate-limit": (429, "open", 0),
    "out-of-credit": (429, "open", 0),
    "unavailable": (503, "open", 0),
    "server-error": (500, "open", 1),
    "bad-gateway": (502, "open", 1),
    "gateway-timeout": (504, "open", 1),
    "html": (200, "open", 1),
    "bad-json": (200, "open", 1),
    "bad-utf8": (200, "open", 1),
    "null-json": (200, "open", 1),
    "deep-json": (200, "open", 1),
    "huge-number": (200, "open", 1),
    "empty": (200, "open", 1),
    "cut-gzip": (200, "open", 1),
    "bomb;mib=1": (200, "open", 1),
    "unknown-encoding": (200, "open", 1),
    "wrong-type": (200, "open", 1),
    "no-outputs": (200, "open", 1),
    "failed": (200, "open", 1),
    "content-blocked": (200, "open", 1),
    "pending": (200, "open", 1),
    "drop": (None, "closed", 1),
    "reset": (None, "reset", 1),
    "hang": (None, "open", 1),
    "stall": (200, "open", 1),
    "cut-headers": (200, "closed", 1),
    "cut": (200, "closed", 1),
    "cut-reset": (200, "reset", 1),
    "cut-chunked": (200, "closed", 1),
    "cut-unseen": (200, "closed", 1),
    "garbage": (None, "closed", 1),
    "two-lengths": (200, "closed", 1),
    "large-headers": (200, "closed", 1),
    "trickle;over=0.2": (200, "closed", 1),
    "trickle-headers;over=0.2": (200, "closed", 1),
    "informational;over=0.2": (103, "closed", 1),
    "two-answers": (200, "open", 1),
    "close-idle": (200, "closed", 1),
    "drift": (200, "open", 1),
}


ENDLESS = {"hang", "stall"}


def test_every_row_of_the_table_is_observed() -> None:
    """A fault that nobody has seen does not count."""
    assert set(TABLE) == {name.partition(";")[0] for name in EXPECTED}


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_does_to_connection_and_bill_what_the_table_says(
    meet: Callable[..., Seen], server: SandboxServer, fault: str
) -> None:
    """Status, end and bill, seen from a bare socket."""
    seen = meet(fault, patience=0.4 if fault in ENDLESS else 5.0)
    billed = server.bill().total
    wait_for(server)
    assert EXPECTED[fault] == (seen.status, seen.end, billed)
    assert TABLE[fault.partition(";")[0]].worked is (billed == 1)


def wait_for(server: SandboxServer) -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
        else:
            return


CHECKS: list[tuple[str, Callable[[Seen], bool]]] = [
    ("cut", lambda seen: 0 < len(seen.body) < int(headers_of(seen)["content-length"])),
    ("cut-unseen", lambda seen: "content-length" not in headers_of(seen) and seen.body.startswith(b"{")),
    ("cut-chunked", lambda seen: int(seen.body.partition(b"\r\n")[0], 16) > len(seen.body)),
    ("cut-headers", lambda seen: b"\r\n\r\n" not in seen.data),
    ("stall", lambda seen: seen.data.endswith(b"\r\n\r\n")),
    ("two-answers", lambda seen: seen.data.count(b"HTTP/1.1 200") == 2),
    ("two-lengths", lambda seen: seen.data.count(b"content-length: ") == 2),
    ("large-headers", lambda seen: len(seen.data) > 300_000),
    ("informational;over=0.2", lambda seen: seen.data.count(b"HTTP/1.1 103") == 50 and b" 200 OK" in seen.data),
    ("garbage", lambda seen: not seen.data.startswith(b"HTTP")),
    ("close-idle", lambda seen: json.loads(seen.body)["status"] == "success"),
    ("drift", lambda seen: json.loads(seen.body)["status"] == "success"),
    ("trickle;over=0.2", lambda seen: json.loads(seen.body)["status"] == "success"),
    ("trickle-headers;over=0.2", lambda seen: json.loads(seen.body)["status"] == "success"),
    ("html", lambda seen: seen.body.startswith(b"<!doctype html>")),
    ("bad-gateway", lambda seen: seen.body.startswith(b"<!doctype html>")),
    ("deep-json", lambda seen: seen.body.startswith(b"[[[[")),
    ("null-json", lambda seen: seen.body == b"null"),
    ("empty", lambda seen: seen.body == b""),
    ("bomb;mib=1", lambda seen: len(gzip.decompress(seen.body)) == 1024**2 > 100 * len(seen.body)),
    ("wrong-type", lambda seen: b"text/plain" in seen.data and json.loads(seen.body)["status"] == "success"),
    ("unknown-encoding", lambda seen: headers_of(seen)["content-encoding"] == "rot13"),
    ("redirect;to=https://evil.example/", lambda seen: headers_of(seen)["location"] == "https://evil.example/"),
    ("rate-limit;retry-after=2", lambda seen: headers_of(seen)["retry-after"] == "2"),
    ("unavailable", lambda seen: "retry-after" not in headers_of(seen)),
    ("unavailable;retry-after=0.5", lambda seen: headers_of(seen)["retry-after"] == "0.5"),
    ("out-of-credit", lambda seen: json.loads(seen.body)["error"]["code"] == "insufficient_credits"),
    ("no-outputs", lambda seen: json.loads(seen.body)["outputs"] == []),
    ("failed", lambda seen: json.loads(seen.body)["status"] == "failed"),
    ("content-blocked", lambda seen: json.loads(seen.body)["error"]["code"] == "content_blocked"),
    ("pending", lambda seen: json.loads(seen.body)["status"] == "processing"),
]


@pytest.mark.parametrize(("fault", "check"), CHECKS)
def test_a_fault_puts_on_the_wire_what_its_sentence_says(
    meet: Callable[..., Seen], fault: str, check: Callable[[Seen], bool]
) -> None:
    """The bytes, seen from a bare socket."""
    seen = meet(fault, patience=0.4 if fault in ENDLESS else 5.0)
    assert check(seen), seen


def headers_of(seen: Seen) -> httpx.Headers:
    """Return the headers of the first response."""
    lines = seen.data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return httpx.Headers([(name, value) for name, _, value in (line.partition(b": ") for line in lines)])


@pytest.mark.parametrize("fault", ["bad-json", "bad-utf8", "huge-number", "cut-gzip"])
def test_an_unusable_response_cannot_be_parsed(client: httpx.Client, payload: dict[str, Any], fault: str) -> None:
    """It comes as a clean 200, and only its reader notices."""
    response = client.post("/v1/character/generate", json=payload, headers={"X-Sandbox-Fault": fault})
    assert 200 == response.status_code
    with pytest.raises(ValueError, match=r"."):
        response.json()


def test_a_trickle_takes_its_time(meet: Callable[..., Seen]) -> None:
    """No piece is late enough for a read timeout, and the whole is slow."""
    started = time.monotonic()
    assert "closed" == meet("trickle;over=1", patience=0.5).end
    assert time.monotonic() - started > 0.9


def test_a_client_that_leaves_ends_a_trickle(meet: Callable[..., Seen], server: SandboxServer) -> None:
    """The server stops writing; the next request is served as ever."""
    assert "open" == meet("trickle;over=30", patience=0.1).end
    wait_for(server)


def test_a_refusing_server_refuses_and_comes_back(client: httpx.Client, server: SandboxServer) -> None:
    """New connections are refused, kept ones are closed, and after a while all is well."""
    server.fault("refuse;for=2")
    with pytest.raises(httpx.TransportError):
        client.get("/_sandbox/bill")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/_sandbox/bill")
    wait_for(server)


def test_refusing_twice_lasts_as_long_as_the_second_time_says(client: httpx.Client, server: SandboxServer) -> None:
    """The first return is called off."""
    assert 200 == client.post("/_sandbox/faults", json={"fault": "refuse;for=60"}).status_code
    server.fault("refuse;for=0.1")
    wait_for(server)


def test_a_second_response_meets_the_next_request(server: SandboxServer) -> None:
    """That is why a connection with bytes left over must not be used again."""
    host = server.url.removeprefix("http://")
    with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), timeout=5) as bare:
        responses = bare.makefile("rb")
        bare.sendall(f"GET /openapi.json HTTP/1.1\r\nHost: {host}\r\nX-Sandbox-Fault: two-answers\r\n\r\n".encode())
        first = read_response(responses)
        bare.sendall(f"GET /_sandbox/bill HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert [first, True] == [read_response(responses), b"billed" in read_response(responses)]


def read_response(responses: BinaryIO) -> bytes:
    """Return the body of the next response of a connection."""
    length = 0
    while (line := responses.readline()) != b"\r\n":
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"content-length" else length
    return responses.read(length)


def test_a_fault_hits_downloads_and_uploads_too(client: httpx.Client, image: str, png: bytes) -> None:
    """A cut image is shorter than it said; an upload has no address left."""
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(image, headers={"X-Sandbox-Fault": "cut"})
    assert b"<" == client.get(image, headers={"X-Sandbox-Fault": "html"}).content[:1]
    assert {"error"} == set(client.get(image, headers={"X-Sandbox-Fault": "failed"}).json())
    response = client.post("/v1/uploads", files={"file": png}, headers={"X-Sandbox-Fault": "no-outputs"})
    assert {"url": None} == response.json()


def test_an_unknown_fault_is_400(client: httpx.Client, server: SandboxServer, payload: dict[str, Any]) -> None:
    """A typing error is not mistaken for a sandbox without faults."""
    response = client.post("/v1/character/generate", json=payload, headers={"X-Sandbox-Fault": "explode"})
    assert (400, "unknown_fault") == (response.status_code, response.json()["error"]["code"])
    assert 0 == server.bill().total


async def _in_process(fault: str) -> httpx.Response:
    transport = httpx.ASGITransport(sandbox.create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.get("/openapi.json", headers={"X-Sandbox-Fault": fault})


def test_an_application_without_a_connection_shows_what_it_can() -> None:
    """Responses can be replaced in-process; for the connection a server is needed, and the refusal says so."""
    assert 429 == asyncio.run(_in_process("rate-limit")).status_code
    refused = asyncio.run(_in_process("drop"))
    assert 409 == refused.status_code
    assert "sandbox.serve()" in refused.json()["error"]["message"]
