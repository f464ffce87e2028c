"""Responses from a recording."""

from __future__ import annotations

import base64
import json
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

import aurashot.testing
from aurashot import ConfigurationError, NotSentError, RetryPolicy, ServerError
from aurashot.testing import replay
from lab.backends import KEY
from lab.server import GENERATION, closed_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients

FACE = "https://example.com/face.jpg"
HOST = "https://www.aurashot.art"
URL = f"{HOST}/v1/character/generate"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@pytest.fixture
def client(make_client: Clients) -> AuraShot:
    """Return a client of the hosted service, which only a recording can response for."""
    return make_client(HOST, retry=RetryPolicy(max_attempts=2, initial_delay=0))


def entry(prompt: str = "a cafe", *, status: int = 200, **response: Any) -> dict[str, Any]:
    """Return the entry of a generation."""
    body = json.dumps({"images": {"face": FACE}, "prompt": prompt}, indent=2)
    content = {"text": json.dumps({**GENERATION, **response}), "mimeType": "application/json"}
    return {
        "request": {"method": "POST", "url": URL, "headers": [], "postData": {"text": body}},
        "response": {"status": status, "headers": [{"name": "X-Request-Id", "value": "r-1"}], "content": content},
    }


@pytest.fixture
def har(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of recordings."""

    def make(*entries: dict[str, Any]) -> Path:
        path = tmp_path / "recording.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
        return path

    return make


def test_responses_in_order(client: AuraShot, har: Callable[..., Path]) -> None:
    """Equal requests get their responses in the recorded order; other requests may come in between."""
    path = har(entry(requestId="1"), entry("a beach", requestId="2"), entry(requestId="3"))
    with replay(path) as recording:
        responses = [client.generate(prompt, face=FACE) for prompt in ("a cafe", "a cafe", "a beach")]

    assert ["1", "3", "2"] == [response.request_id for response in responses]
    assert "r-1" == dict(responses[0].meta.headers)["x-request-id"]
    assert (3, ()) == (recording.served, recording.left)


def test_errors_are_responses(client: AuraShot, har: Callable[..., Path]) -> None:
    """A recorded error is an error again, and a retry asks for the next recorded response."""
    with replay(har(entry(status=500))), pytest.raises(ServerError):
        client.generate("a cafe", face=FACE)
    with replay(har(entry(status=429), entry())):
        assert 2 == client.generate("a cafe", face=FACE).meta.attempts


def test_images(client: AuraShot, har: Callable[..., Path]) -> None:
    """An image that was recorded in base64 is downloaded like any other."""
    image: dict[str, Any] = {
        "request": {"method": "GET", "url": "https://cdn.aurashot.art/o/1.gif", "headers": []},
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Length", "value": "999"}, {"name": "Content-Encoding", "value": "gzip"}],
            "content": {"text": base64.b64encode(PIXEL).decode(), "encoding": "base64"},
        },
    }
    with replay(har(image)):
        assert PIXEL == client.read("https://cdn.aurashot.art/o/1.gif")


@pytest.mark.parametrize(("prompt", "times"), [("a beach", 1), ("a cafe", 2)], ids=["another", "too often"])
def test_unexpected_request(client: AuraShot, har: Callable[..., Path], prompt: str, times: int) -> None:
    """A request that was not recorded, or not so often, fails the test, names what is left and never the key."""
    with replay(har(entry(), entry("on a boat")), all_served=False):
        for _ in range(times - 1):
            client.generate(prompt, face=FACE)
        with pytest.raises(AssertionError, match="is not in") as caught:
            client.generate(prompt, face=FACE)

    assert f"POST {URL} with the body" in str(caught.value)
    assert prompt in str(caught.value)
    assert KEY not in str(caught.value)


def test_unexpected_host(make_client: Clients, har: Callable[..., Path]) -> None:
    """While a recording is played nothing reaches the network, whatever the address."""
    elsewhere = make_client(f"http://127.0.0.1:{closed_port()}")
    with replay(har(entry()), all_served=False), pytest.raises(AssertionError, match="is not in"):
        elsewhere.generate("a cafe", face=FACE)
    with pytest.raises(NotSentError):
        elsewhere.with_options(retry=RetryPolicy(max_attempts=1)).generate("a cafe", face=FACE)


def test_responses_that_were_not_requested(client: AuraShot, har: Callable[..., Path]) -> None:
    """A recording that was not played to its end fails the test, unless that was meant."""
    path = har(entry(), entry("a beach"))
    with pytest.raises(AssertionError, match="not requested") as caught, replay(path):
        client.generate("a cafe", face=FACE)
    with replay(path, all_served=False) as recording:
        client.generate("a cafe", face=FACE)

    assert f"POST {URL}" in str(caught.value)
    assert (1, (f"POST {URL}",)) == (recording.served, recording.left)


def test_error_of_the_block_comes_first(har: Callable[..., Path]) -> None:
    """An error in the block is not hidden by the responses that it kept from being asked for."""
    with pytest.raises(KeyError), replay(har(entry())):
        raise KeyError


def test_names() -> None:
    """The package has the names that it lists, and no others."""
    assert ["Replay", "replay"] == dir(aurashot.testing)
    assert aurashot.testing.replay is replay
    with pytest.raises(AttributeError, match="no attribute 'record'"):
        attrgetter("record")(aurashot.testing)


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without respx the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "respx", None)
    monkeypatch.delitem(sys.modules, "aurashot.testing._replay")
    monkeypatch.delattr("aurashot.testing._replay", raising=False)
    with pytest.raises(ConfigurationError, match=r"aurashot\[testing\]"):
        _ = aurashot.testing.replay
