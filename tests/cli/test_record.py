from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aurashot.testing import replay

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

PROGRAM = """
import sys
from aurashot import AuraShot

with AuraShot() as client:
    client.upload("face.gif")
sys.exit(3)
"""
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


def test_a_program_is_recorded(aurashot: Aurashot, server: SandboxServer, folder: Path) -> None:
    """The exit code is the program's; standard output is its own, and the recording is on standard error."""
    (folder / "app.py").write_text(PROGRAM)
    (folder / "face.gif").write_bytes(PIXEL)
    ran = aurashot("record", "--output", "face.har", "--", sys.executable, "app.py")

    assert (3, "", "1 request is recorded in face.har.\n") == (ran.code, ran.out, ran.err)
    with replay(folder / "face.har", all_served=False) as played:
        assert ("POST https://www.aurashot.art/v1/uploads",) == played.left


def test_a_program_that_sends_nothing(aurashot: Aurashot, folder: Path) -> None:
    """That is a failure, unless the program has failed already; the program has its options without a separator."""
    ran, failed = aurashot("record", "sh", "-c", "exit 0"), aurashot("record", "sh", "-c", "exit 7")

    assert (1, True) == (ran.code, ran.error.startswith("Nothing was recorded: no client of the SDK sent a request"))
    assert (7, "") == (failed.code, failed.err)
    assert [] == list(folder.glob("*.har"))


def test_a_recording_is_not_replaced_unasked(aurashot: Aurashot, folder: Path) -> None:
    """Nothing is run."""
    (folder / "recording.har").write_text("paid for")
    ran = aurashot("record", "sh", "-c", "touch started")

    assert (2, True) == (ran.code, ran.error.startswith("--output: recording.har exists"))
    assert not (folder / "started").exists()
    assert 7 == aurashot("record", "--replace", "sh", "-c", "exit 7").code
    assert "paid for" == (folder / "recording.har").read_text()


def test_errors_name_the_option(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the argument of the function."""
    missing, unknown = aurashot("record", "-o", "missing/a.har", "sh"), aurashot("record", "no-such-program")

    assert (2, "--output: there is no folder missing; make it first") == (missing.code, missing.error)
    assert (2, True) == (unknown.code, unknown.error.startswith("COMMAND: no-such-program cannot be started"))
