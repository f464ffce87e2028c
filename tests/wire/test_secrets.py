"""The key turns up in one header of the API's own requests, and nowhere else."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import httpcore
import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient

import aurashot
from aurashot import AuraShotError, NotSentError, RetryPolicy
from aurashot._engine._network import Clock
from aurashot._transport._exchange import Exchange
from lab.backends import KEY, clients
from lab.server import CLOSE, HOLD, RESET, Response, body, closed_port, json_response, redirect, status
from tests.notebook import Notebook
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot import AuraShot
    from aurashot.instrumentation import Event
    from lab.backends import Clients
    from lab.server import ScriptedServer

SIGNED = "https://cdn.aurashot.art/o/1.png?signature=very-secret"

FAULTS: dict[str, Response] = {
    "drop": (CLOSE,),
    "reset": (RESET,),
    "hang": (HOLD,),
    "garbage": (b"garbage\r\n\r\n", CLOSE),
    "HTML": (body(b"<html>", "text/html"),),
    "401": status(401),
    "429": status(429, retry_after=60),
    "500": status(500),
    "redirect": redirect("https://example.com/"),
}


def written(error: BaseException) -> str:
    """Return everything that a reporter of errors could write down about one, local variables included."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([str(error), repr(error), str(vars(error)), *report.format(chain=True)])


@pytest.mark.parametrize("response", FAULTS.values(), ids=FAULTS)
def test_no_error_holds_the_key(
    client: AuraShot, server: ScriptedServer, caplog: pytest.LogCaptureFixture, response: Response
) -> None:
    """No error shows the key: not in its text, its traceback with local variables, its pickle, or a log at DEBUG."""
    server.always(response)
    with caplog.at_level(logging.DEBUG), pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE, timeout=0.3)

    assert caplog.text
    assert KEY not in caplog.text + written(caught.value)
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_error_without_a_connection_does_not_hold_the_key(
    make_client: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a connection that was never made does not show the key either."""
    client = make_client(f"http://127.0.0.1:{closed_port()}", retry=RetryPolicy(max_attempts=1))
    with caplog.at_level(logging.DEBUG), pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE)

    assert KEY not in caplog.text + written(caught.value)
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_time_that_runs_out_just_before_sending_does_not_show_the_key(
    client: AuraShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of the request are a local variable then, and do not show themselves."""
    genuine = Clock.left

    def left(self: Clock, over: type[httpcore.TimeoutException]) -> float:
        if over is httpcore.WriteTimeout:
            raise over
        return genuine(self, over)

    monkeypatch.setattr(Clock, "left", left)
    with pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE)
    assert "_send" in written(caught.value)
    assert KEY not in written(caught.value)


@pytest.mark.parametrize("place", ["before_send", "write"])
def test_whatever_interrupts_the_sending_does_not_show_the_key(
    client: AuraShot, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Neither our own frames nor those of the libraries below hold the request in plain bytes when it goes out."""

    def interrupted(*_: object, **__: object) -> None:
        raise NotSentError("interrupted")

    if place == "before_send":
        monkeypatch.setattr(Exchange, "before_send", interrupted)
    else:
        monkeypatch.setattr("httpcore._backends.sync.SyncStream.write", _interrupted_write)
        monkeypatch.setattr("httpcore._backends.anyio.AnyIOStream.write", _interrupted_async_write)
    with pytest.raises(NotSentError) as caught:
        client.generate("a cafe", face=FACE, timeout=0.3)
    assert "_send" in written(caught.value)
    assert KEY not in written(caught.value)


def _interrupted_write(_: object, buffer: bytes, timeout: float | None = None) -> None:
    assert len(buffer) > 100
    raise NotSentError(f"interrupted after {timeout} s")


async def _interrupted_async_write(_: object, buffer: bytes, timeout: float | None = None) -> None:
    _interrupted_write(None, buffer, timeout)


@pytest.fixture(params=["sync", "asyncio", "trio", "aiohttp"])
def other_client(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[AuraShot]:
    """Return a client that writes into a ledger and sends by a given httpx client, over aiohttp as well."""
    aiohttp = request.param == "aiohttp"
    with clients("asyncio" if aiohttp else request.param) as make:
        http_client = make.http(HttpxAiohttpClient if aiohttp else httpx.AsyncClient)
        yield make(server.url, http_client=http_client, ledger=Notebook())


@pytest.mark.parametrize("response", FAULTS.values(), ids=FAULTS)
def test_no_error_of_another_transport_holds_the_key(
    other_client: AuraShot, server: ScriptedServer, caplog: pytest.LogCaptureFixture, response: Response
) -> None:
    """The local variables of httpx, aiohttp and the drains do not show it either, and nor do their logs."""
    server.always(response)
    with caplog.at_level(logging.DEBUG), pytest.raises(AuraShotError) as caught:
        other_client.generate("a cafe", face=FACE, timeout=0.3)

    assert KEY not in caplog.text + written(caught.value)
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_no_file_of_the_package_holds_a_key() -> None:
    """What goes into a wheel is what is under `aurashot`: no key in it, and no file that could hold one."""
    package = Path(aurashot.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert set() == {path.suffix for path in files} - {".py", ".typed", ".html", ".md", ""}
    assert [] == [path for path in files if re.search(rb"sk_(live|test)_[0-9A-Za-z]{4,}", path.read_bytes())]


@pytest.mark.parametrize("response", FAULTS.values(), ids=FAULTS)
def test_errors_survive_pickling(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """An error comes out of a pickle with its kind, its message and what it says about the money."""
    server.always(response)
    with pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE, timeout=0.3)
    again: AuraShotError = pickle.loads(pickle.dumps(caught.value))

    assert type(caught.value) is type(again)
    assert (str(caught.value), vars(caught.value)) == (str(again), vars(again))


def test_success_writes_no_secret(
    make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A successful call logs neither key, nor prompt, nor the addresses of images, and nor do its events."""
    server.always(json_response({"status": "success", "outputs": [{"url": SIGNED}]}), path="/v1/character/generate")
    events: list[Event] = []
    client = make_client(server.url, hooks=[events.append])
    with caplog.at_level(logging.DEBUG):
        response = client.generate("a very private prompt", face=png())

    assert SIGNED == response.url
    told = caplog.text + repr(events)
    assert 6 == len(events)
    assert [] == [secret for secret in (KEY, "very private", "very-secret") if secret in told]


def test_client_does_not_show_its_key(client: AuraShot) -> None:
    """The representation of a client shows the last four characters of its key."""
    assert KEY not in repr(client)
    assert KEY[-4:] in repr(client)


def test_response_does_not_hold_the_key(client: AuraShot) -> None:
    """A response and how it was obtained can be pickled and printed without the key."""
    response = client.generate("a cafe", face=FACE)

    assert KEY.encode() not in pickle.dumps(response)
    assert KEY not in repr(response) + repr(response.meta)
