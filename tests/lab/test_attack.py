"""The suite of attacks with images: nothing that was planted is sent, and nothing costs more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from lab.attack import __main__ as suite
from lab.attack.canary import CANARY, is_in
from lab.attack.judge import MEMORY, SLACK, TIME, Row, judge

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], Row]:
    """Return what became of all files; those with many parts are small."""
    return suite.attack(0.1)


def test_nothing_that_is_planted_is_sent_or_stored(rows: dict[tuple[str, str], Row]) -> None:
    """In every place of every format a mark is planted: it goes, or the file is refused, and the pixels stay."""
    assert [] == [problem for row in rows.values() for problem in row.problems]
    planted = {key: row.results["files"] for key, row in rows.items() if key[0].startswith("a mark")}
    assert set(suite.PLANTED) < {name for name, _ in planted}
    assert 240 < sum(planted.values())
    assert all(row.results["taken"] > 4 * row.results["refused"] for key, row in rows.items() if key in planted)


def test_files_of_very_many_parts_are_refused(rows: dict[tuple[str, str], Row]) -> None:
    """Most of what is made to cost much is refused; the rest is as cheap as any image."""
    for way in ("upload", "download"):
        row = rows["many parts and bombs", way]
        assert row.results["refused"] > row.results["taken"]


def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run with a problem fails, and names it."""
    good, bad = Row(), Row()
    good.add("a file", {"taken"}, 0.1, 1)
    bad.add("a file", {"taken", "marks left"}, 0.1, 1)
    monkeypatch.setattr(suite, "attack", Mock(return_value={("a mark", "upload"): good}))
    assert 0 == suite.main([])
    monkeypatch.setattr(suite, "attack", Mock(return_value={("a mark", "upload"): bad}))
    assert 1 == suite.main([])
    printed = capsys.readouterr()
    assert "| a mark | upload | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0.10 | 1 |" in printed.out
    assert "a mark: upload: a file: marks left" in printed.err


def _broken(_: bytes) -> bytes:
    raise ZeroDivisionError


def _unchanged(content: bytes) -> bytes:
    return content


def _else(_: bytes) -> bytes:
    return b"else"


@pytest.mark.parametrize(
    ("way", "word"),
    [(_unchanged, "marks left"), (_broken, "foreign exceptions"), (_else, "pixels changed")],
)
def test_each_fault_is_noticed(way: Callable[[bytes], bytes], word: str) -> None:
    """What is sent as it was, fails in another way, or shows something else is a problem."""
    name, content = next(iter(suite.PLANTED["a mark in JPEG"](suite.original())))
    row = Row()
    judge(row, name, content, way, look=True)
    assert 1 == row.results[word] == len(row.problems)
    row.add("slow", {"taken"}, TIME + SLACK + 1, MEMORY + 1)
    assert (1, 1) == (row.results["over time"], row.results["over memory"])


def test_the_mark_is_seen_in_every_form() -> None:
    """Each file that is planted has the mark in it before, where it is long enough to be told."""
    image = suite.original()
    unseen = {
        name
        for planted in suite.PLANTED.values()
        for name, content in planted(image)
        if not is_in(content) and CANARY[:4] not in content
    }
    assert unseen <= {"TIFF: EXIF"}
