"""Programs whose requests are recorded."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from aurashot import InputError
from aurashot.testing import record_program, replay
from aurashot.testing._cleaning import HOSTED
from lab.backends import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from lab.server import ScriptedServer

PROGRAM = """
import os, subprocess, sys
import sitecustomize

from aurashot import AuraShot

with AuraShot() as client:
    client.generate(sys.argv[1], face="https://example.com/face.jpg")
if sys.argv[1] == "a cafe":
    print(sitecustomize.mark, flush=True)
    subprocess.run([sys.executable, __file__, "a beach"], check=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """Return the path of a recording."""
    return tmp_path / "program.har"


def test_a_program_and_what_it_starts(
    server: ScriptedServer,
    tmp_path: Path,
    har: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Killed or not, each request is there; the program's own `sitecustomize` runs, and its output is its own."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("mark = 'own start'")
    (tmp_path / "app.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"))
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    monkeypatch.setenv("AURASHOT_BASE_URL", server.url)
    recorded = record_program([sys.executable, str(tmp_path / "app.py"), "a cafe"], har)

    prompts = [
        json.loads(entry["request"]["postData"]["text"])["prompt"]
        for entry in json.loads(har.read_text())["log"]["entries"]
    ]
    assert ["a cafe", "a beach"] == prompts
    assert 128 + signal.SIGKILL == recorded.exit_code
    assert (f"POST {HOSTED}/v1/character/generate",) * 2 == recorded.requests
    assert ("own start\n", "") == capfd.readouterr()
    assert KEY not in har.read_text()
    with replay(har, all_served=False) as played:
        assert recorded.requests == played.left


def test_a_program_that_sends_nothing(har: Path) -> None:
    """There is no file, and the exit code is the program's."""
    recorded = record_program(["sh", "-c", "exit 7"], har)

    assert (7, (), False) == (recorded.exit_code, recorded.requests, har.exists())


def test_a_request_to_terminate_is_passed_on(har: Path) -> None:
    """The program ends as it would without being recorded, and is waited for."""
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    recorded = record_program(["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"], har)
    timer.join()

    assert 3 == recorded.exit_code
    assert before is signal.getsignal(signal.SIGTERM)


@pytest.mark.parametrize("command", [[], "python app.py", ["no-such-program"], ["nul\0"]], ids=repr)
def test_what_cannot_be_started(har: Path, command: list[str]) -> None:
    """It is named."""
    with pytest.raises(InputError, match=r"^command: "):
        record_program(command, har)


def test_where_no_file_can_be(tmp_path: Path) -> None:
    """The program is not started."""
    with pytest.raises(InputError, match=r"^har_path: "):
        record_program(["sh", "-c", f"touch {tmp_path}/started"], tmp_path / "missing" / "a.har")

    assert not (tmp_path / "started").exists()
