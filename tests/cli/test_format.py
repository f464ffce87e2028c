"""The formats: chosen by an option, a variable or the surroundings, and the same for every command."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aurashot.cli import _format
from aurashot.cli._exit_codes import KINDS, kind_of
from aurashot.cli._failures import failure_of
from aurashot.cli._output import Output, as_lines, write
from aurashot.errors import (
    AuraShotError,
    AuthenticationError,
    ConfigurationError,
    ContentBlockedError,
    DeadlineExceededError,
    DownloadError,
    GenerationFailedError,
    IdentityDriftError,
    InputError,
    OutcomeUnknownError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    SpendCapError,
    UnresolvedError,
)
from aurashot.models import CallMeta, Generation

if TYPE_CHECKING:
    from tests.cli.conftest import Aurashot

KEYS = [
    "error",
    "detail",
    "code",
    "exit_code",
    "type",
    "paid",
    "outcome",
    "status_code",
    "retry_after",
    "request_id",
    "idempotency_key",
    "images",
]


@pytest.mark.parametrize(
    ("words", "rest", "format_", "debug"),
    [
        (["spend", "x.db"], ["spend", "x.db"], "human", False),
        (["--format", "json", "spend"], ["spend"], "json", False),
        (["spend", "x.db", "--format=agent", "--debug"], ["spend", "x.db"], "agent", True),
        (["spend", "--json"], ["spend"], "json", False),
        (["record", "--", "app", "--json"], ["record", "--", "app", "--json"], "human", False),
        (["--format", "quiet", "--format", "human"], [], "human", False),
    ],
    ids=["none", "before", "after", "json", "after-two-dashes", "the-last-one"],
)
def test_the_options_of_every_command(words: list[str], rest: list[str], format_: str, *, debug: bool) -> None:
    """They may stand anywhere before `--`."""
    assert rest == _format.split(words)
    assert (format_, debug) == _format.current()


@pytest.mark.parametrize("words", [["--format", "xml"], ["--format"]], ids=["unknown", "missing"])
def test_an_unknown_format(aurashot: Aurashot, words: list[str]) -> None:
    """The error names those that there are."""
    ran = aurashot("spend", "x.db", *words)
    assert 2 == ran.code
    assert ran.error.endswith("is not a format; choose one of auto, human, json, agent, quiet")


def test_the_variable(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch) -> None:
    """AURASHOT_FORMAT is the default, and the option wins; the error about the variable names it."""
    monkeypatch.setenv("AURASHOT_FORMAT", "json")
    assert "failed" == json.loads(aurashot("spend", "x.db").out)["code"]
    assert "" == aurashot("spend", "x.db", "--format", "human").out
    monkeypatch.setenv("AURASHOT_FORMAT", "xml")
    assert aurashot("spend", "x.db").error.startswith("AURASHOT_FORMAT: 'xml' is not a format")


@pytest.mark.parametrize(
    ("variables", "is_terminal", "chosen"),
    [
        ({}, False, "human"),
        ({"CLAUDECODE": "1"}, False, "agent"),
        ({"AGENT": "goose"}, False, "agent"),
        ({"CLAUDECODE": "1"}, True, "human"),
        ({"CLAUDECODE": "0", "CODEX_SANDBOX": ""}, False, "human"),
    ],
    ids=["nobody", "agent", "named", "terminal", "off"],
)
def test_by_itself(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], chosen: str, *, is_terminal: bool
) -> None:
    """A terminal is for people, a pipe for the agent whose variable is set, and else for people again."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    _format.split([])
    assert chosen == _format.current().format


def test_lines_for_agents() -> None:
    """One fact a line; lists of objects as tables; nothing is cut or loses a tab, and nothing moves the cursor."""
    data = {
        "paid": True,
        "none": None,
        "tags": {"user": "a\tb", "é": "日"},
        "names": ["a", "b"],
        "text": "x\\y\nz\x1b[31m",
        "images": [{"path": "a b.png", "score": 0.5}, {"path": "c", "more": {"deep": False}}],
        "empty": [],
    }
    assert [
        "paid=true",
        "none=-",
        "tags.user=a\\tb",
        "tags.é=日",
        "names=a,b",
        "text=x\\\\y\\nz\\x1b[31m",
        "empty=-",
        "images\tpath\tscore\tmore.deep",
        "1\ta b.png\t0.5\t-",
        "2\tc\t-\tfalse",
    ] == list(as_lines(data))


def test_each_format_shows_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    """People get lines, programs a document, agents facts, scripts ids; hints go to standard error, and not to all."""
    shown: dict[str, tuple[str, str]] = {}
    for name in ("human", "json", "agent", "quiet"):
        _format.split(["--format", name])
        output = Output()
        output.show({"path": "é"}, lambda screen: screen.say("A line"), ["é"])
        output.hint("A hint")
        shown[name] = capsys.readouterr()
    assert {
        "human": ("A line\n", "A hint\n"),
        "json": ('{\n  "path": "\\u00e9"\n}\n', ""),
        "agent": ("path=é\n", "A hint\n"),
        "quiet": ("é\n", ""),
    } == shown


def test_a_reader_who_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed pipe ends nothing: what follows may be paid for."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        write(["one"])
        write(["two"])


def _error(kind: type[AuraShotError], **facts: Any) -> AuraShotError:
    error = kind("It failed")
    for name, value in facts.items():
        setattr(error, name, value)
    return error


MADE = Generation.model_validate({"status": "success", "outputs": [{"url": "https://example.com/1.png"}]}).with_meta(
    CallMeta(idempotency_key="k-1")
)
PENDING = Generation(status="processing")


@pytest.mark.parametrize(
    ("error", "code", "word", "paid"),
    [
        (_error(AuraShotError), 1, "failed", False),
        (_error(ConfigurationError), 2, "usage", False),
        (_error(InputError), 2, "usage", False),
        (_error(AuthenticationError, billable=True), 3, "authentication", False),
        (_error(QuotaExceededError, billable=True), 4, "quota", False),
        (_error(SpendCapError), 4, "quota", False),
        (_error(RateLimitError, billable=True), 5, "rate_limit", False),
        (_error(OutcomeUnknownError, billable=True), 6, "outcome_unknown", "unknown"),
        (_error(ServerError, billable=True), 6, "outcome_unknown", "unknown"),
        (_error(DeadlineExceededError, billable=True, outcome="unknown"), 6, "outcome_unknown", "unknown"),
        (_error(UnresolvedError), 6, "outcome_unknown", "unknown"),
        (
            _error(AuraShotError, billable=True, outcome="accepted", delivered=(PENDING,)),
            6,
            "outcome_unknown",
            "unknown",
        ),
        (_error(DeadlineExceededError, billable=True), 7, "timeout", False),
        (_error(IdentityDriftError, delivered=(MADE,)), 8, "identity_drift", True),
        (_error(ContentBlockedError, billable=True), 9, "content_refused", "unknown"),
        (_error(DownloadError, delivered=(MADE,)), 10, "not_saved", True),
        (_error(DownloadError), 1, "failed", False),
        (_error(GenerationFailedError, billable=True), 11, "generation_failed", "unknown"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_exit_codes(error: AuraShotError, code: int, word: str, *, paid: bool | str) -> None:
    """Each class of failures has a code and a word; what may be on the bill goes before what went wrong."""
    failure = failure_of(error)
    assert KEYS == list(failure)
    assert (code, word, paid) == (failure["exit_code"], failure["code"], failure["paid"])


def test_a_free_failure_is_not_about_the_bill() -> None:
    """What a sandbox did costs nothing."""
    assert 1 == kind_of(_error(OutcomeUnknownError, billable=True), is_free=True).code


def test_every_code_is_its_own() -> None:
    """No two classes share a code or a word."""
    assert len(KINDS) == len({kind.code for kind in KINDS}) == len({kind.word for kind in KINDS})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["generate", "--fase", "x"], "No such option: --fase"),
        (["login", "extra"], "Got unexpected extra argument"),
        (["spend", "x.db"], "There is no ledger"),
        (["generate", "a cafe", "--face", "x.png"], "No API key was found"),
    ],
    ids=["command", "option", "argument", "ledger", "key"],
)
def test_errors_as_data(aurashot: Aurashot, arguments: list[str], said: str) -> None:
    """As JSON, every failure is one object of the same shape on standard output, and nothing else."""
    ran = aurashot("--format", "json", *arguments)
    failure = json.loads(ran.out)
    assert KEYS == list(failure)
    assert failure["error"].startswith(said)
    assert (ran.code, "") == (failure["exit_code"], ran.err)
    told = aurashot(*arguments, "--format", "agent")
    assert ("", True) == (told.out, f"code={failure['code']}" in told.err.splitlines())


def test_what_nobody_foresaw(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one line, with how to see more; --debug shows it."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nnought")

    monkeypatch.setattr("aurashot.ledger.SQLiteLedger", broken)
    ran = aurashot("spend", "x.db")
    assert (1, True) == (ran.code, ran.error.startswith("Unexpected error (ZeroDivisionError: by nought); run"))
    with pytest.raises(ZeroDivisionError):
        aurashot("spend", "x.db", "--debug")


def test_debug_shows_the_traceback(aurashot: Aurashot) -> None:
    """Of an error of the SDK, before its line."""
    ran = aurashot("spend", "x.db", "--debug")
    assert ran.err.startswith("Traceback")
    assert "error: There is no ledger" in ran.err.splitlines()[-1]
