"""Ctrl-C during a billed call of the sync client that is recorded: what is paid for is not lost."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from aurashot.ledger import SQLiteLedger
from lab.backends import KEY
from lab.server import GENERATION, HOLD, json_response, wait_until
from tests.wire.images import FACE, GENERATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.server import ScriptedServer

CALLER = """
    import logging, signal, sys, time
    from aurashot import AuraShot
    from aurashot.ledger import SQLiteLedger

    {stop}
    logging.basicConfig(format="%(message)s")
    ledger = SQLiteLedger({path!r})
    client = AuraShot({key!r}, base_url={url!r}, ledger=ledger, timeout=30{more})
    try:
        client.generate("a cafe", face={face!r})
    except BaseException as error:
        print(type(error).__name__)
"""
BY_CTRL_C = "signal.signal(signal.SIGINT, signal.default_int_handler)"
BY_TERM = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))"
WAITING = """, rate_limiter=Limiter()"""
LIMITER = """
    class Limiter:
        def acquire(self, request, *, billable, timeout):
            print("waiting", flush=True)
            time.sleep(20)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "spend.db"


@pytest.fixture
def start(server: ScriptedServer, path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a program with one call; it is ended with the test."""
    programs: list[subprocess.Popen[str]] = []

    def start(stop: str = BY_CTRL_C, more: str = "") -> subprocess.Popen[str]:
        code = textwrap.dedent(CALLER).format(stop=stop, key=KEY, url=server.url, face=FACE, path=str(path), more=more)
        command = [sys.executable, "-c", code]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.communicate()


STOPS = {"KeyboardInterrupt": (signal.SIGINT, BY_CTRL_C), "SystemExit": (signal.SIGTERM, BY_TERM)}


@pytest.mark.parametrize("name", STOPS)
def test_the_response_is_awaited_and_recorded(
    server: ScriptedServer, path: Path, start: Callable[..., subprocess.Popen[str]], name: str
) -> None:
    """The program ends a little later, and says why; the image is in the ledger."""
    number, stop = STOPS[name]
    server.queue((1.0, *json_response(GENERATION)), path=GENERATE)
    program = start(stop)
    wait_until(lambda: len(server.posts(GENERATE)) == 1)
    program.send_signal(number)
    out, err = program.communicate(timeout=60)
    assert f"{name}\n" == out
    assert re.search(r"interrupted; waiting up to [123]\d s for the response to a billed request", err)
    assert 1 == err.count("\n")
    with SQLiteLedger(path) as ledger:
        (entry,) = ledger.entries()
    assert ("paid", (GENERATION["outputs"][0]["url"],)) == (entry.payment, entry.urls)


def test_the_second_interruption_ends_the_wait(
    server: ScriptedServer, path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Nobody has to wait for a service that is silent; the entry says the truth."""
    server.queue((HOLD,), path=GENERATE)
    program = start()
    assert program.stderr is not None
    wait_until(lambda: len(server.posts(GENERATE)) == 1)
    program.send_signal(signal.SIGINT)
    assert "Interrupt again to stop waiting" in program.stderr.readline()
    program.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt\n" == program.communicate(timeout=60)[0]
    with SQLiteLedger(path) as ledger:
        (entry,) = ledger.entries()
    assert ("unknown", False, False) == (entry.payment, entry.is_finished, entry.owner_lives)


def test_what_is_not_sent_ends_at_once(
    server: ScriptedServer, path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """While it waits for permission there is nothing to wait for, and nothing is sent later."""
    program = start(f"{BY_CTRL_C}\n{textwrap.dedent(LIMITER)}", WAITING)
    assert program.stdout is not None
    assert "waiting\n" == program.stdout.readline()
    program.send_signal(signal.SIGINT)
    assert ("KeyboardInterrupt\n", "") == program.communicate(timeout=60)
    with SQLiteLedger(path) as ledger:
        assert [] == ledger.entries()
    assert [] == server.requests
