from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot.cli._failures import describe, exit_code
from aurashot.cli._text import printable
from aurashot.errors import (
    AuraShotError,
    ConfigurationError,
    DownloadError,
    InvalidImageError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no key"), 2),
        (InvalidImageError("no image"), 2),
        (NotSentError("refused"), 1),
        (ServerError("500"), 1),
        (DownloadError("cut"), 1),
        (AuraShotError("anything else"), 1),
    ],
)
def test_exit_code(error: AuraShotError, code: int) -> None:
    """What the user gave is 2; the service and the network are 1."""
    assert code == exit_code(error)


def _error(outcome: Outcome, *, billed: bool = True) -> AuraShotError:
    error = OutcomeUnknownError("the response was lost.")
    error.outcome, error.billable = outcome, billed
    error.request_id, error.idempotency_key = "r-1", "k-1"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_error("rejected"), "the response was lost (request id r-1)"),
        (_error("unknown", billed=False), "the response was lost (request id r-1)"),
        (
            _error("unknown"),
            "the response was lost; it may have been billed anyway (request id r-1, idempotency key k-1)",
        ),
        (NotSentError("nobody there"), "nobody there"),
    ],
)
def test_in_words(error: AuraShotError, words: str) -> None:
    """An error's line says what it may have cost, and what to quote."""
    assert words == describe(error)


def test_in_words_on_one_line() -> None:
    """Notes join the line, and control characters of a foreign message do not reach the terminal."""
    error = AuraShotError("broken\r\nby \x1b[31mcolour\ud800")
    error.add_note("twice")
    assert r"broken  by \x1b[31mcolour\ud800; twice" == describe(error)


def test_interrupted(aurashot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is one word, and the exit code that shells know."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aurashot.sandbox.run", interrupt)
    ran = aurashot("sandbox", "serve")
    assert (130, "stopped\n") == (ran.code, ran.err)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x9b31mb", r"a\x9b31mb"),
        ("a\x07\x7f\x00b", r"a\x07\x7f\x00b"),
        ("a\x1c\x85b", r"a\x1c\x85b"),
        ("abc\u202ecba\u2066", r"abc\u202ecba\u2066"),
        ("pay\u200bpal\ufeff\u00ad", r"pay\u200bpal\ufeff\xad"),
        ("\U000e0041tag", r"\U000e0041tag"),
        ("two\nlines\tand\u2028more\u3000of\xa0it", "two lines and more of it"),
        ("日本 é 👩", "日本 é 👩"),
    ],
)
def test_what_would_change_the_terminal_is_escaped(text: str, shown: str) -> None:
    """Control characters of both sets, directions and invisible characters; letters of any script stay."""
    assert shown == printable(text)
