from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from aurashot.cli._screen import Screen

if TYPE_CHECKING:
    import pytest


def test_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Names that look like markup, hold control characters or are long are printed as they are, on one line."""
    name = "[red]\x1b[31m\ud800" + 100 * "x"
    Screen().row("Face", name, "a remark")
    assert f"  Face      [red] [31m {100 * 'x'}  a remark\n" == capsys.readouterr().out


def test_row_without_remark(capsys: pytest.CaptureFixture[str]) -> None:
    """A row does not end in spaces."""
    Screen().row("Face", "face.png")
    assert "  Face      face.png\n" == capsys.readouterr().out


def test_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the input is a no."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not Screen().agrees("Go on?")
