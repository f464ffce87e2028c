from __future__ import annotations

import importlib
import inspect
import ssl
import sys
from types import ModuleType
from typing import Any

import httpcore
import httpx
import pytest

from aurashot._deadline import Deadline
from aurashot._engine._public import PrivateAddressError
from aurashot._transport._error_mapping import translate, transport_errors
from aurashot._transport._tracebacks import clear_frames
from aurashot.errors import AuraShotError, DeadlineExceededError, NotSentError, Outcome, OutcomeUnknownError

PLENTY = Deadline(1e9)
OVER = Deadline(0.0)


def caused(problem: Exception, cause: BaseException) -> Exception:
    """Return an error as `raise ... from` leaves it."""
    problem.__cause__ = cause
    return problem


def classes(module: Any) -> list[type[Exception]]:
    """Return every error class that a library offers."""
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]


def made(kind: type[Exception]) -> Exception:
    """Return an error of a class without running its constructor, which wants requests and streams."""
    return kind.__new__(kind, "x")


ALL = {*classes(httpx), *classes(httpcore)} - {httpx.CookieConflict}  # which only a reader of cookies meets
NOT_SENT = [
    httpcore.ConnectError("refused"),
    httpcore.ConnectTimeout("slow"),
    httpcore.PoolTimeout("full"),
    httpcore.ProxyError("407"),
    httpcore.UnsupportedProtocol("gopher"),
    PrivateAddressError("images.example.com", "127.0.0.1", "a public address"),
]
UNKNOWN = [
    httpcore.ReadError("reset"),
    httpcore.ReadTimeout("slow"),
    httpcore.WriteError("reset"),
    httpcore.WriteTimeout("slow"),
    httpcore.RemoteProtocolError("disconnected"),
    httpcore.LocalProtocolError("bad header"),
    httpcore.ConnectionNotAvailable("gone"),
]


@pytest.mark.parametrize("cause", NOT_SENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrap", [None, httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError])
def test_what_httpcore_calls_a_failed_connection_was_not_sent(
    cause: Exception, wrap: type[httpx.TransportError] | None
) -> None:
    """The cause decides, whatever class httpx puts around it."""
    problem = cause if wrap is None else caused(wrap("wrapped"), cause)
    error = translate(problem, PLENTY)
    assert type(error) is NotSentError
    assert ("not_sent", False) == (error.outcome, error.final)
    assert str(cause) in str(error)


@pytest.mark.parametrize("cause", UNKNOWN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrap", [None, httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError])
def test_everything_else_may_have_been_worked_on(cause: Exception, wrap: type[httpx.TransportError] | None) -> None:
    """A ConnectTimeout of httpx proves nothing when what lies beneath came after sending."""
    problem = cause if wrap is None else caused(wrap("wrapped"), cause)
    error = translate(problem, PLENTY)
    assert type(error) is OutcomeUnknownError
    assert "unknown" == error.outcome


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ReadTimeout])
def test_an_error_of_httpx_alone_proves_nothing(kind: type[httpx.TransportError]) -> None:
    """A transport of somebody else's may say connect and have sent: without a cause the outcome is unknown."""
    assert type(translate(kind("x"), PLENTY)) is OutcomeUnknownError


@pytest.mark.parametrize(
    ("name", "kind", "outcome"),
    [
        ("ClientConnectorError", NotSentError, "not_sent"),
        ("ClientConnectorDNSError", NotSentError, "not_sent"),
        ("ClientConnectorSSLError", NotSentError, "not_sent"),
        ("ClientProxyConnectionError", NotSentError, "not_sent"),
        ("ConnectionTimeoutError", NotSentError, "not_sent"),
        ("ServerDisconnectedError", OutcomeUnknownError, "unknown"),
        ("ClientOSError", OutcomeUnknownError, "unknown"),
        ("ClientResponseError", OutcomeUnknownError, "unknown"),
        ("ClientPayloadError", OutcomeUnknownError, "unknown"),
        ("SocketTimeoutError", OutcomeUnknownError, "unknown"),
    ],
)
def test_over_aiohttp_the_cause_decides(name: str, kind: type[AuraShotError], outcome: Outcome) -> None:
    """Its bridge to httpx calls a disconnect after processing a ConnectTimeout; only two classes prove otherwise."""
    cause: type[Exception] = getattr(importlib.import_module("aiohttp"), name)
    stand_in = type(cause.__name__, (cause,), {"__str__": object.__repr__, "__module__": cause.__module__})
    error = translate(caused(httpx.ConnectTimeout("wrapped"), made(stand_in)), PLENTY)
    assert type(error) is kind
    assert outcome == error.outcome


def test_a_class_of_that_name_elsewhere_proves_nothing() -> None:
    """Only aiohttp's own classes are known by name."""
    stranger = type("ClientConnectorError", (Exception,), {"__module__": "elsewhere.client"})
    assert type(translate(caused(httpx.ConnectError("x"), stranger("y")), PLENTY)) is OutcomeUnknownError


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_a_bad_certificate_is_final(link: str) -> None:
    """Trying again cannot help: the error says so, however deep the reason lies."""
    middle = OSError("tls")
    setattr(middle, link, ssl.SSLCertVerificationError("self-signed certificate"))
    error = translate(caused(httpx.ConnectError("x"), caused(httpcore.ConnectError("bad"), middle)), PLENTY)
    assert isinstance(error, NotSentError)
    assert error.final
    assert "certificate is not valid" in str(error)


def test_a_circle_of_causes_is_walked_once() -> None:
    """Errors that name each other as their reason do not hang the reader."""
    first, second = httpcore.ConnectError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first
    error = translate(first, PLENTY)
    assert isinstance(error, NotSentError)
    assert not error.final


@pytest.mark.parametrize(
    ("problem", "outcome", "words"),
    [
        (caused(httpx.ConnectTimeout("x"), httpcore.ConnectTimeout("x")), "not_sent", "before the request was sent"),
        (caused(httpx.PoolTimeout("x"), httpcore.PoolTimeout("x")), "not_sent", "before the request was sent"),
        (caused(httpx.ReadTimeout("x"), httpcore.ReadTimeout("x")), "unknown", "after the request was sent"),
        (httpx.ReadTimeout("The response was not complete in time"), "unknown", "after the request was sent"),
        (httpcore.ReadTimeout("x"), "unknown", "after the request was sent"),
    ],
)
def test_a_timeout_after_the_deadline_is_the_deadlines(problem: Exception, outcome: Outcome, words: str) -> None:
    """When the call's time is over, the error is about that, and still says whether the request had gone out."""
    error = translate(problem, OVER)
    assert type(error) is DeadlineExceededError
    assert outcome == error.outcome
    assert words in str(error)
    assert not isinstance(translate(problem, PLENTY), DeadlineExceededError)


@pytest.mark.parametrize("deadline", [PLENTY, OVER])
@pytest.mark.parametrize(
    "problem", [httpcore.WriteTimeout("x"), httpcore.ReadError("x"), httpcore.LocalProtocolError()]
)
def test_what_never_left_was_not_sent(problem: Exception, deadline: Deadline) -> None:
    """Whatever a transport calls it: no byte of the request was out, so the service never had it."""
    assert "not_sent" == translate(problem, deadline, is_out=False).outcome


def test_a_fault_that_is_no_timeout_keeps_its_name_after_the_deadline() -> None:
    """A reset is a reset, also in the last moment."""
    assert type(translate(httpcore.ReadError("reset"), OVER)) is OutcomeUnknownError


def test_a_fault_without_a_message_is_called_by_its_class() -> None:
    """An empty reason would help nobody."""
    assert str(translate(httpcore.ReadError(), PLENTY)).endswith(": ReadError")


@pytest.mark.parametrize("kind", sorted(ALL, key=repr))
def test_every_error_of_the_transports_is_caught_and_becomes_ours(kind: type[Exception]) -> None:
    """A new class in httpx or httpcore that the seam does not know turns this red."""
    assert issubclass(kind, transport_errors())
    error = translate(made(kind), PLENTY)
    assert isinstance(error, NotSentError | OutcomeUnknownError)


def test_aiohttp_is_known_once_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors are caught when somebody uses it, and nobody imports it for that."""
    aiohttp = importlib.import_module("aiohttp")
    assert aiohttp.ClientError in transport_errors()
    monkeypatch.delitem(sys.modules, "aiohttp")
    assert aiohttp.ClientError not in transport_errors()
    assert "aiohttp" not in sys.modules


def test_a_module_that_is_being_imported_has_no_errors_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may be importing it: the module is there, and its names are not."""
    monkeypatch.setitem(sys.modules, "aiohttp", ModuleType("aiohttp"))
    assert issubclass(httpcore.ReadError, transport_errors())


@pytest.mark.parametrize("kind", [OSError, ValueError, TimeoutError, KeyboardInterrupt, GeneratorExit, SystemExit])
def test_what_is_no_transports_error_passes_through(kind: type[BaseException]) -> None:
    """Cancellation, interrupts and worker time limits are not caught."""
    assert not issubclass(kind, transport_errors())


RUNNING = """
def run():
    try:
        raise OSError("no such name")
    except OSError as error:
        clear(error)
"""


def test_a_frame_that_still_runs_is_left_alone() -> None:
    """An error can come from a thread that is not back from raising it; clearing frames passes over that one."""
    seen: list[str] = []

    def clear(error: BaseException) -> None:
        clear_frames(error, "concurrent")
        seen.append("all cleared")

    module: dict[str, Any] = {"__name__": "concurrent.futures.thread", "clear": clear}
    exec(RUNNING, module)
    module["run"]()

    assert ["all cleared"] == seen
