"""Responses from a recording."""

from __future__ import annotations

import base64
import codecs
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

import aurashot.testing
from aurashot import ConfigurationError, InputError, NotSentError, RetryPolicy, ServerError
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

    def application() -> None:
        for _ in range(times):
            client.generate(prompt, face=FACE)

    path = har(entry(), entry("on a boat"))
    with pytest.raises(AssertionError, match="is not in") as caught, replay(path, all_served=False):
        application()

    assert f"POST {URL} with the body" in str(caught.value)
    assert prompt in str(caught.value)
    assert KEY not in str(caught.value)


def test_unexpected_host(make_client: Clients, har: Callable[..., Path]) -> None:
    """While a recording is played nothing reaches the network, whatever the address."""
    elsewhere = make_client(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(AssertionError, match="is not in"), replay(har(entry()), all_served=False):
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


class ApplicationError(Exception):
    """What an application makes of any failure."""


@pytest.mark.parametrize("all_served", [True, False])
def test_a_miss_that_was_caught_fails_at_the_end(
    client: AuraShot, har: Callable[..., Path], *, all_served: bool
) -> None:
    """An application that catches every exception does not hide that it made another request."""

    def application() -> None:
        for prompt in ("a beach", "a cafe"):
            with suppress(AssertionError):
                client.generate(prompt, face=FACE)

    path = har(entry())
    with (
        pytest.raises(AssertionError, match="has no response for requests that were made") as caught,
        replay(path, all_served=all_served) as recording,
    ):
        application()

    assert f"POST {URL}" in str(caught.value)
    assert KEY not in str(caught.value)
    assert ((f"POST {URL}",), 1, ()) == (recording.missed, recording.served, recording.left)


def test_a_miss_that_became_another_error_is_a_miss(client: AuraShot, har: Callable[..., Path]) -> None:
    """What the application raised is its cause, so that a test that expects it does not pass."""

    def application() -> None:
        try:
            client.generate("a beach", face=FACE)
        except Exception as error:
            raise ApplicationError from error

    with pytest.raises(AssertionError, match="has no response") as caught, replay(har(entry())):
        application()
    assert isinstance(caught.value.__cause__, ApplicationError)


def test_a_miss_in_another_thread_fails_at_the_end(client: AuraShot, har: Callable[..., Path]) -> None:
    """Nobody asked for the result of that thread."""
    path = har(entry())
    with (
        pytest.raises(AssertionError, match="has no response"),
        replay(path, all_served=False),
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(client.generate, "a beach", face=FACE)


def changed(**changes: Any) -> dict[str, Any]:
    """Return an archive of one entry with changes, by the path of what changes: `entries__0__response`."""
    archive: dict[str, Any] = {"log": {"entries": [entry()]}}
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        place: Any = archive
        for step in steps:
            place = place[step]
        place[last] = value
    return archive


BROKEN: dict[str, Any] = {
    "empty": b"",
    "no JSON": b"<html>",
    "cut": b'{"log": {"entries": [',
    "not UTF-8": b'{"log": {"entries": "\xff\xfe"}}',
    "UTF-16": json.dumps(changed()).encode("utf-16"),
    "deep": b"[" * 100_000,
    "binary": bytes(range(256)),
    "an object": {},
    "a list": [],
    "null": None,
    "a number": 7,
    "no entries": {"log": {}},
    "entries: an object": changed(log__entries={}),
    "entries: null": changed(log__entries=None),
    "an entry: null": changed(log__entries__0=None),
    "an entry: empty": changed(log__entries__0={}),
    "request: null": changed(log__entries__0__request=None),
    "method: a number": changed(log__entries__0__request__method=7),
    "url: no URL": changed(log__entries__0__request__url="example"),
    "url: a bad port": changed(log__entries__0__request__url="https://example.com:port/"),
    "postData: a string": changed(log__entries__0__request__postData="{}"),
    "text: an object": changed(log__entries__0__request__postData__text={}),
    "response: null": changed(log__entries__0__response=None),
    "status: a word": changed(log__entries__0__response__status="OK"),
    "status: too large": changed(log__entries__0__response__status=1_000),
    "status: negative": changed(log__entries__0__response__status=-1),
    "headers: an object": changed(log__entries__0__response__headers={"X-Request-Id": "r-1"}),
    "a header: no value": changed(log__entries__0__response__headers=[{"name": "X-Request-Id"}]),
    "content: null": changed(log__entries__0__response__content=None),
    "content: no base64": changed(log__entries__0__response__content={"text": "a", "encoding": "base64"}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_recording(tmp_path: Path, content: Any) -> None:
    """Whatever is wrong with it, the error names the file, and nothing is replayed."""
    path = tmp_path / "broken.har"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(InputError, match=r"^har_path: .*broken\.har is not a recording") as caught, replay(path):
        pytest.fail("it was replayed")

    assert "har_path" == caught.value.argument


def test_the_place_of_the_fault_is_named(tmp_path: Path) -> None:
    """The message says which entry, and shows nothing of the content, which may hold a key."""
    path = tmp_path / "broken.har"
    path.write_text(json.dumps(changed(log__entries__0__response__status=KEY)), encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.entries\.0\.response\.status: ") as caught, replay(path):
        pytest.fail("it was replayed")

    assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.har", ".", "nul\0.har"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """It is missing, or is a folder."""
    with pytest.raises(InputError, match=r"^har_path: .* cannot be read"), replay(tmp_path / name):
        pytest.fail("it was replayed")


def test_what_browsers_write_as_well(client: AuraShot, har: Callable[..., Path]) -> None:
    """A byte-order mark, requests without a response, data URLs and empty bodies are no faults."""
    blocked: dict[str, Any] = {
        "request": {"method": "GET", "url": "https://example.com/"},
        "response": {"status": 0, "headers": []},
    }
    inline = {"request": {"method": "GET", "url": "data:text/plain,hi"}, "response": {"status": 200}}
    empty: dict[str, Any] = {
        "request": {"method": "GET", "url": "https://example.com/empty", "postData": None},
        "response": {"status": 204, "content": {"size": 0, "text": None}},
    }
    path = har(blocked, inline, entry(), empty)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    with replay(path, all_served=False) as recording:
        assert client.generate("a cafe", face=FACE).succeeded

    assert ("GET https://example.com/empty",) == recording.left


def test_error_of_the_block_comes_first(har: Callable[..., Path]) -> None:
    """An error in the block is not hidden by the responses that it kept from being asked for."""
    with pytest.raises(KeyError), replay(har(entry())):
        raise KeyError


def test_names() -> None:
    """The package has the names that it lists, and no others."""
    assert {"AuraShotMock", "factories", "record", "replay"} <= set(dir(aurashot.testing))
    assert aurashot.testing.replay is replay
    with pytest.raises(AttributeError, match="no attribute 'rerun'"):
        attrgetter("rerun")(aurashot.testing)


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without respx the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "respx", None)
    monkeypatch.delitem(sys.modules, "aurashot.testing._replay")
    monkeypatch.delattr("aurashot.testing._replay", raising=False)
    with pytest.raises(ConfigurationError, match=r"aurashot\[testing\]"):
        _ = aurashot.testing.replay
