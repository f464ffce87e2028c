from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from aurashot.cli._output import as_json, write
from aurashot.cli._screen import Screen
from aurashot.errors import AuraShotError


def test_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Names that look like markup, hold control characters or are long are printed as they are, on one line."""
    name = "[red]\x1b[31m\ud800" + 100 * "x"
    Screen().row("Face", name, "a remark")
    assert f"  Face      [red]\\x1b[31m\\ud800{100 * 'x'}  a remark\n" == capsys.readouterr().out


def test_row_without_remark(capsys: pytest.CaptureFixture[str]) -> None:
    """A row does not end in spaces."""
    Screen().row("Face", "face.png")
    assert "  Face      face.png\n" == capsys.readouterr().out


IN_BYTES = os.fsencode("日").decode("ascii", "surrogateescape")
"""A name as Python has it in a C locale."""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("cp1252", "é \\u65e5\\u672c \\U0001f600 \\u65e5 \\udcff"),
        ("ascii", "\\xe9 \\u65e5\\u672c \\U0001f600 \\u65e5 \\udcff"),
        ("utf-8", "é 日本 \U0001f600 日 \\udcff"),
    ],
)
def test_what_the_encoding_cannot_show(monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str) -> None:
    """It is escaped, by every kind of output; JSON is ASCII."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding, write_through=True))
    screen, text = Screen(), "é 日本 \U0001f600"
    screen.say(text)
    screen.lines(f"{IN_BYTES}\n\udcff")
    screen.row("Tag", text, text)
    screen.table((text,), [(text,)])
    write([as_json({text: text})])
    with screen.working(text):
        pass
    printed = buffer.getvalue().decode(encoding).splitlines()
    long, byte, bad = shown.rsplit(" ", 2)
    assert [long, byte, bad, f"  Tag       {long:<14}  {long}", f"  {long}", f"  {long}"] == printed[:6]
    assert {text: text} == json.loads("".join(printed[6:9]))
    assert "".join(printed[6:9]).isascii()


@pytest.mark.parametrize(("encoding", "spinner"), [("utf-8", "dots"), ("cp1252", "line")])
def test_a_spinner_that_can_be_shown(monkeypatch: pytest.MonkeyPatch, encoding: str, spinner: str) -> None:
    """Its characters are in the encoding."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    status: Any = Screen().working("making")
    assert spinner == status._spinner.name if hasattr(status, "_spinner") else status.renderable.name


def test_columns_of_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """They take two places each on a terminal."""
    Screen().table(("name", "n"), [("日本語", "1"), ("é", "22")])
    assert ["  name     n", "  日本語   1", "  é       22"] == capsys.readouterr().out.splitlines()


def test_a_reader_who_has_left(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`aurashot spend | head -1` goes on quietly: what it does may be paid for."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        screen = Screen()
        for _ in range(2):
            screen.say("one")
            screen.table(("a",), [("b",)])
            write([as_json({})])
    assert ("", "") == tuple(capfd.readouterr())


def test_an_output_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, and comes once."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    with Path("/dev/full").open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(AuraShotError, match=r"^The output cannot be written \(No space left"):
            Screen().say("one")


def test_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the input is a no."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not Screen().agrees("Go on?")
