"""What holds the key shows it to nobody, wherever a call is interrupted and whatever the service says back."""

from __future__ import annotations

import copy
import gc
import gzip
import io
import json
import logging
import pickle
import ssl
import sys
import traceback
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from rich.console import Console
from rich.traceback import Traceback

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, ConfigurationError, save_key
from aurashot._config import ApiKey
from aurashot._hidden import Secret, links
from lab.server import CLOSE, body, headers_only, json_response, redirect
from tests.wire.images import FACE, GENERATE, png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from aurashot.instrumentation import Event
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer

KEY = "sk_live_" + "canary_0123456789" * 8
"""Longer than what tools that shorten text show of it."""
MARK = "canary_0123456789"
SIGNED = "signature=very-secret"
PACKAGES = ("aurashot", "h11", "httpcore", "httpx")


def show_it(value: object, depth: int = 4) -> bool:
    """Return whether a local variable has the key, as it is, in a view of bytes, or in what it contains."""
    if isinstance(value, bytes | bytearray | memoryview):
        return MARK.encode() in bytes(cast("Any", value))
    if isinstance(value, str):
        return MARK in value
    if depth and isinstance(value, dict):
        return any(show_it(each, depth - 1) for item in cast("Any", value).items() for each in item)
    if depth and isinstance(value, list | tuple | set):
        return any(show_it(each, depth - 1) for each in cast("Any", value))
    try:
        return MARK in repr(value)
    except AttributeError:  # of an object that was not made to its end
        return False


def exposing(error: BaseException) -> list[str]:
    """Return the frames of an error, and of what led to it, that hold the key."""
    frames = [frame for link in links(error) for frame, _ in traceback.walk_tb(link.__traceback__)]
    return [
        f"{frame.f_globals['__name__']}.{frame.f_code.co_name}: {name}"
        for frame in frames
        if not frame.f_globals["__name__"].startswith("tests.")
        for name, value in frame.f_locals.items()
        if show_it(value)
    ]


def told(error: BaseException) -> str:
    """Return what a report of an error shows, with local variables."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.format(chain=True) if "/tests/" not in frame]
    return "".join([*frames, *(repr(each) + str(each) + str(vars(each)) for each in links(error))])


class Interruption:
    """Raises KeyboardInterrupt at one line of a call, counted from its start."""

    def __init__(self, at: int) -> None:
        self.lines = 0
        self._at = at

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        """Trace the packages that a request passes through."""
        if frame.f_globals.get("__name__", "").partition(".")[0] not in PACKAGES:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self._at:
                raise KeyboardInterrupt
        return self

    def during(self, call: Callable[[], object]) -> BaseException | None:
        """Make a call, and return what it ended with."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            call()
        except BaseException as error:  # noqa: BLE001  # it is what is looked at
            return error
        finally:
            sys.settrace(before)
        return None


def close(client: httpx.Client) -> None:
    """Close the connections of a client, not its pool: a signal can leave httpcore's lock held for ever."""
    pool = cast("Any", client)._transport._pool
    for connection in pool.connections:
        connection.close()


@pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("kind", "samples"), [("engine", 60), ("httpx", 40)])
def test_no_interruption_leaves_the_key_in_a_frame(server: ScriptedServer, kind: str, samples: int) -> None:
    """Ctrl-C at any line of a call, in our frames or in those of the libraries below: no local variable has the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once, and not used

    def call(at: int) -> tuple[int, BaseException | None]:
        interruption = Interruption(at)
        given = httpx.Client(verify=context) if kind == "httpx" else None
        with AuraShot(KEY, base_url=server.url, http_client=given, retry=1) as client:
            error = interruption.during(lambda: client.generate("a cafe", face=FACE))
        if given is not None:
            close(given)
        return interruption.lines, error

    call(0)  # which imports the rest
    lines, error = call(0)
    assert error is None
    step = lines // samples
    for at in range(1 + lines % step, lines, step):
        _, error = call(at)
        if error is not None:  # it may hit what ignores errors
            assert [] == exposing(error), at
    del error
    gc.collect()  # what was interrupted while it was made is closed by nobody else


def test_failed_write_leaves_the_key_in_no_frame(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its bytes are sent, a request has the key; when that fails, the frames are cleared."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyError("not one of the errors of a transport")

    for place in ("sync.SyncStream", "anyio.AnyIOStream"):
        monkeypatch.setattr(f"httpcore._backends.{place}.write", interrupted)
    with pytest.raises(KeyError) as caught:
        make_client(server.url, KEY).generate("a cafe", face=FACE, timeout=2)
    assert [] == exposing(caught.value)
    assert "_send" in {frame.name for frame in traceback.extract_tb(caught.tb)}


def test_exception_that_was_being_handled_keeps_its_locals(server: ScriptedServer) -> None:
    """Only the frames of the call are cleared, and not those of what its caller was dealing with."""

    def failing() -> None:
        note = "of the caller"
        raise ValueError(note)

    def handling() -> None:
        try:
            failing()
        except ValueError:
            client.generate("a cafe", face=FACE)

    server.always(ECHOES["401 with JSON"], path=GENERATE)
    with AuraShot(KEY, base_url=server.url) as client, pytest.raises(AuraShotError) as caught:
        handling()
    (earlier,) = [each for each in links(caught.value) if isinstance(each, ValueError)]
    assert {"note": "of the caller"} == [frame for frame, _ in traceback.walk_tb(earlier.__traceback__)][-1].f_locals


def _start(value: Any) -> object:
    return value[:50]


def _state(value: Any) -> object:
    return value.__getstate__()


@pytest.mark.parametrize("secret", [ApiKey(KEY, "api_key="), Secret(KEY.encode())])
def test_holder_shows_nothing(secret: Any) -> None:
    """It is no text and no bytes: nothing can be taken of it, formatted, stored or copied."""
    assert not isinstance(secret, str | bytes | bytearray)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>300}",
        "%s %r" % (secret, secret),  # noqa: UP031  # as logging does
        json.dumps([secret], default=str),
    ]
    assert [] == [text for text in shown if MARK in text]
    attempts: list[Callable[[Any], object]] = [vars, copy.copy, copy.deepcopy, bytes, len, iter, _start, _state]
    for attempt in attempts:
        with pytest.raises(TypeError):
            attempt(secret)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    assert [] == [name for name in dir(secret) if show_it(getattr(secret, name)) and name != "text"]


WRONG: dict[str, Callable[[Path], object]] = {
    "option": lambda _: AuraShot(KEY, timeout=-1),
    "option by name": lambda _: AuraShot(api_key=KEY, max_connections=0),
    "async": lambda _: AsyncAuraShot(KEY, hooks=cast("Any", 3)),
    "key with a quote": lambda _: AuraShot(f"{KEY}'x"),
    "key with a space": lambda _: AuraShot(f"{KEY} x"),
    "key as bytes": lambda _: AuraShot(cast("Any", KEY.encode())),
    "file": lambda folder: save_key(KEY, folder=folder / "missing"),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_client_that_is_not_made_does_not_show_its_key(make: Callable[[Path], object], tmp_path: Path) -> None:
    """An error of the constructor, or of `save_key`, has no frame with the key."""
    with pytest.raises(ConfigurationError) as caught:
        make(tmp_path)
    assert [] == exposing(caught.value)


def test_wrong_key_of_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with a key that cannot be one is named, and its value is in no frame."""
    monkeypatch.setenv("AURASHOT_API_KEY", f"{KEY} x")
    with pytest.raises(ConfigurationError, match="AURASHOT_API_KEY") as caught:
        AuraShot()
    assert [] == exposing(caught.value)


TEXT = f"the key Bearer {KEY} is unknown".encode()
ZIPPED = gzip.compress(TEXT)
ECHOES: dict[str, Response] = {
    "401 with JSON": json_response({"error": {"message": TEXT.decode(), "code": KEY}}, 401),
    "key where a message is cut": json_response({"error": "x" * 460 + KEY}, 400),
    "escaped": (body(json.dumps({"error": KEY}).replace("_", "\\u005f").encode(), "application/json", 400),),
    "500 with text": (body(TEXT, "text/plain", 500),),
    "where a body is cut": (body(b"x" * 1_960 + KEY.encode(), "text/plain", 500),),
    "200 with HTML": (body(b"<html>" + TEXT, "text/html"),),
    "200 with another model": json_response({"status": "success", "outputs": KEY}),
    "200 compressed": (headers_only(content_encoding="gzip", content_length=len(ZIPPED)) + ZIPPED,),
    "200 with an unknown coding": (headers_only(content_encoding=KEY, content_length=len(TEXT)) + TEXT,),
    "failed": json_response({"status": "failed", "error": TEXT.decode(), "requestId": KEY}),
    "identifier": (headers_only(x_request_id=KEY, content_length=0),),
    "broken header": (b"HTTP/1.1 200 OK\r\nAuthorization : Bearer " + KEY.encode() + b"\r\n\r\n", CLOSE),
    "no HTTP": (b"Bearer " + KEY.encode() + b"\r\n\r\n", CLOSE),
    "redirect": redirect(f"https://example.com/?{KEY}"),
}


@pytest.mark.parametrize("name", ECHOES)
def test_key_in_a_response_is_not_repeated(
    make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """A service, or a proxy before it, that quotes the request: no message, event, log record or pickle has the key."""
    _check_echo(make_client, server, caplog, name)


@pytest.mark.parametrize("name", ["401 with JSON", "broken header", "200 compressed"])
def test_key_in_a_response_to_a_given_client_is_not_repeated(
    make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """An httpx client makes no difference."""
    _check_echo(make_client, server, caplog, name, http_client=make_client.http())


def _check_echo(
    make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture, name: str, **options: Any
) -> None:
    server.always(ECHOES[name], path=GENERATE)
    events: list[Event] = []
    client = make_client(server.url, KEY, hooks=[events.append], retry=1, **options)
    with caplog.at_level(logging.DEBUG), pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE, timeout=2)

    generation = getattr(caught.value, "generation", None)
    assert MARK not in told(caught.value) + caplog.text + repr(events)
    assert MARK not in repr(generation)
    assert MARK.encode() not in pickle.dumps(caught.value)


def test_key_in_the_error_of_a_job_is_not_repeated(make_client: Clients, server: ScriptedServer) -> None:
    """A job of the legacy workflows that reports the key when it fails does not make the error show it."""
    server.always(json_response({"workflow": "pose_change", "status": "failed", "results": [{"error": TEXT.decode()}]}))
    client = make_client(server.url, KEY)
    with pytest.raises(AuraShotError) as caught:
        client.legacy.query(workflow="pose_change", execution_id="1", wait=True)
    assert MARK not in told(caught.value)


def test_image_that_is_paid_for_is_not_changed(make_client: Clients, server: ScriptedServer) -> None:
    """A short key of a sandbox may be a part of a word; what succeeded is returned as it came."""
    url = "https://cdn.example.com/task_abcdef/1.png"
    server.always(json_response({"status": "success", "outputs": [{"url": url}]}), path=GENERATE)
    assert url == make_client(server.url, "sk_abcdef").generate("a cafe", face=FACE).url


def test_report_of_rich_does_not_show_the_key(server: ScriptedServer) -> None:
    """Rich shortens long texts by taking a part of them, which showed what its representation did not."""
    server.always(ECHOES["401 with JSON"], path=GENERATE)
    with AuraShot(KEY, base_url=server.url) as client, pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE)
    trace, out = caught.tb.tb_next, io.StringIO()  # without this function, which has the response
    report = Traceback.from_exception(type(caught.value), caught.value, trace, show_locals=True)
    Console(file=out, width=300).print(report)
    assert "_attempt" in out.getvalue()
    assert MARK not in out.getvalue()


@pytest.fixture(params=["engine", "httpx"])
def watched(request: pytest.FixtureRequest, make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client with either kind of transport."""
    http_client = make_client.http() if request.param == "httpx" else None
    return make_client(server.url, KEY, http_client=http_client, retry=1)


def test_log_of_httpcore_hides_headers(
    watched: AuraShot, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Cookies and redirects of responses can be secrets, those of images as well; the other headers stay in the log."""
    cookie, other = f"session={SIGNED}", {"x_harmless": "yes"}
    content = json.dumps({"status": "success", "outputs": [{"url": f"{server.url}/1.png"}]}).encode()
    server.always((headers_only(content_length=len(content), set_cookie=cookie, **other), content), path=GENERATE)
    server.always(
        (headers_only(302, location=f"{server.url}/2.png?{SIGNED}", set_cookie=cookie, content_length=0, **other),),
        path="/1.png",
    )
    server.always((body(png(), "image/png"),), path=f"/2.png?{SIGNED}")
    with caplog.at_level(logging.DEBUG):
        assert png() == watched.read(watched.generate("a cafe", face=FACE))

    assert 2 == caplog.text.lower().count("x-harmless")
    assert "set-cookie', b'(hidden)'" in caplog.text.lower()
    assert SIGNED not in caplog.text
