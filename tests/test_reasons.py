"""What an error says in a message: never nothing."""

from __future__ import annotations

import errno
import os
import re
import socket
import sqlite3
from pathlib import Path

import pytest

import aurashot
from aurashot._reasons import described, reason_of

SOURCES = sorted(Path(aurashot.__file__).parent.rglob("*.py"))
_BARE = re.compile(r"\((?:\{(?:error|problem|cause)\}|\{\w+\.strerror\b.*?\})\)|str\((?:error|problem|cause)\)")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "TimeoutError"),
        (OSError(), "OSError"),
        (OSError(None), "OSError"),
        (OSError(errno.ENOENT, os.strerror(errno.ENOENT), "secret.png"), os.strerror(errno.ENOENT)),
        (OSError(errno.ENOENT, ""), "[Errno 2]"),
        (socket.gaierror(socket.EAI_NONAME, "unknown name"), "unknown name"),
        (sqlite3.OperationalError(), "OperationalError"),
        (KeyError(), "KeyError"),
        (ValueError("  "), "ValueError"),
        (ValueError(()), "ValueError"),
        (ValueError("two\nlines "), "two lines"),
    ],
)
def test_reason(error: Exception, reason: str) -> None:
    """The reason of the operating system, or the text on one line, or the class."""
    assert reason == reason_of(error)


def test_described() -> None:
    """The class is named once."""
    assert ["TimeoutError", "ValueError: no"] == [described(TimeoutError()), described(ValueError("no"))]


def test_no_error_is_quoted_without_a_fallback() -> None:
    """Where a message quotes an error of another library, `reason_of` or `described` words it."""
    found = {path.name: _BARE.findall(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {} == {name: quotes for name, quotes in found.items() if quotes}
