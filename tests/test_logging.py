"""The log: fields that programs can search, and AURASHOT_LOG for people."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from aurashot import AuraShot, AuraShotError, OutcomeUnknownError, RetryPolicy, _logging
from aurashot._logging import FIELDS, Formatter
from aurashot.instrumentation import _events as events
from aurashot.instrumentation._log import fields_of, level_of, sentence_of
from aurashot.ledger import SQLiteLedger
from lab.server import CLOSE, ScriptedServer, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk_live_canary_0123456789"
FACE = "https://cdn.example.com/somebody.png?signature=secret"
PROMPT = "a prompt that is nobody's business"
QUICK = RetryPolicy(max_attempts=3, initial_delay=0.0, max_delay=0.0)
RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What `extra=` must not have."""


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return the logger of the library, which is as before when the test ends."""
    ours = logging.getLogger("aurashot")
    handlers, level = list(ours.handlers), ours.level
    yield ours
    ours.handlers[:] = handlers
    ours.setLevel(level)


def logged(log: pytest.LogCaptureFixture, name: str) -> list[object]:
    """Return a field of every record; None where it is not there."""
    return [getattr(record, name, None) for record in log.records if record.name == "aurashot"]


def test_records_have_fields(server: ScriptedServer, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """A paid call, a retry and a lost response: who did what, which attempt, what it may have cost."""
    server.queue(status(429, retry_after=0))
    caplog.set_level(logging.DEBUG, "aurashot")
    with (
        SQLiteLedger(tmp_path / "spend.db") as ledger,
        AuraShot(KEY, base_url=server.url, ledger=ledger, retry=QUICK) as client,
    ):
        paid = client.with_options(parent_id="story-3").generate(PROMPT, face=FACE, tags={"user": "alice"})
        server.queue((CLOSE,))
        with pytest.raises(OutcomeUnknownError) as lost:
            client.edit(PROMPT, target=FACE)
    started, *_, failed = [record for record in caplog.records if record.name == "aurashot"]
    assert {"user": "alice"} == getattr(started, "tags", None)
    assert "story-3" == getattr(started, "parent_id", None)
    assert [paid.meta.operation_id] * 8 == logged(caplog, "operation_id")[:8]
    assert ["generate"] * 8 + ["edit"] * 5 == logged(caplog, "operation")
    assert [1, 1, 1, 2, 2] == [number for number in logged(caplog, "attempt")[:8] if number]
    assert ["paid", "unknown"] == [payment for payment in logged(caplog, "payment") if payment]
    assert [paid.request_id, None] == [
        getattr(record, "request_id", None) for record in caplog.records if hasattr(record, "payment")
    ]
    assert ("OutcomeUnknownError", "unknown", True, 1, lost.value.idempotency_key) == tuple(
        getattr(failed, name) for name in ("error", "outcome", "may_be_charged", "attempts", "idempotency_key")
    )
    for secret in (KEY, KEY[-12:], PROMPT, "somebody", "signature", "cdn.aurashot.art", "127.0.0.1"):
        assert secret not in caplog.text
        assert secret not in str([vars(record) for record in caplog.records])


def test_what_is_worth_a_line_in_production(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """At INFO there is a line for the end of each operation, and one for each retry."""
    server.queue(status(429, retry_after=0))
    caplog.set_level(logging.INFO, "aurashot")
    with AuraShot(KEY, base_url=server.url, retry=QUICK) as client:
        client.generate(PROMPT, face=FACE)
        with pytest.raises(AuraShotError):
            client.generate("", face=FACE)
    assert ["RetryScheduled", "OperationSucceeded", "OperationFailed"] == logged(caplog, "event")
    first, second, third = caplog.messages
    assert "generate: request 1 (generate, attempt 1) is retried in 0.00 s: RateLimitError: 429 scripted 429" == first
    assert second.startswith("generate: succeeded after ")
    assert "InputError: prompt: " in third


def test_a_failure_to_record_has_its_fields(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a paid image is not in the ledger can be found by payment, entry and key."""
    with SQLiteLedger(tmp_path / "spend.db") as ledger, AuraShot(KEY, base_url=server.url, ledger=ledger) as client:
        write = ledger.write

        def broken(writes: list[object], *, timeout: float = 5.0) -> object:
            if any(type(each).__name__ == "Settle" for each in writes):
                raise OSError("the disk is gone")
            return write(writes, timeout=timeout)  # type: ignore[arg-type]  # it is what the library has made

        monkeypatch.setattr(ledger, "write", broken)
        image = client.generate(PROMPT, face=FACE)
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ("paid", 1, "generate", image.meta.idempotency_key, image.request_id) == tuple(
        getattr(error, name) for name in ("payment", "ledger_entry", "operation", "idempotency_key", "request_id")
    )


def test_fields_have_free_names() -> None:
    """No field is called like an attribute of every record, and all that events have are shown."""
    names = {each.name for kind in events.Event.__args__ for each in fields(kind)} - {"at"}
    assert set() == (names | {"event", *FIELDS}) & RESERVED
    assert names <= set(FIELDS)


def test_a_comparison_of_faces_is_a_record() -> None:
    """It has the verdict, and not the similarity if there was nothing to compare."""
    event = events.IdentityChecked(
        operation_id="o-1",
        parent_id=None,
        operation="generate",
        attempt=2,
        verdict="unsure",
        similarity=None,
        accepted=False,
        images_paid=2,
        idempotency_key="k-1",
    )
    assert "generate: the face of image 2 is unsure, not accepted" == sentence_of(event)
    assert logging.DEBUG == level_of(event)
    assert {
        "event": "IdentityChecked",
        "operation": "generate",
        "operation_id": "o-1",
        "attempt": 2,
        "verdict": "unsure",
        "accepted": False,
        "images_paid": 2,
        "idempotency_key": "k-1",
    } == fields_of(event)


def test_a_line_for_people() -> None:
    """Time, level and message, then the fields; what a terminal would obey is escaped."""
    record = logging.makeLogRecord(
        {
            "name": "aurashot",
            "levelname": "INFO",
            "msg": "it says %s",
            "args": ("\x1b[31mred\nnext",),
            "operation": "generate",
            "elapsed": 0.5,
            "billable": True,
            "attempt": 1,
            "tags": {"user": "alice"},
            "error": "two words",
            "of_another_library": "left out",
        }
    )
    line = Formatter().format(record)
    assert line.endswith(
        "INFO aurashot: it says \\x1b[31mred\\nnext operation=generate attempt=1 billable=true elapsed=0.500"
        ' error="two words" tags={"user": "alice"}'
    )


def test_a_traceback_follows_the_line() -> None:
    """Its lines stay lines."""
    with pytest.raises(ValueError, match="red") as caught:
        int("\x1b[31mred")
    problem = caught.value
    trace = (type(problem), problem, problem.__traceback__)
    record = logging.makeLogRecord({"name": "aurashot", "levelname": "ERROR", "msg": "it failed", "exc_info": trace})
    first, second, *_, last = Formatter().format(record).splitlines()
    assert first.endswith("ERROR aurashot: it failed")
    assert "Traceback (most recent call last):" == second
    assert last.startswith("ValueError: ")
    assert "\x1b" not in last


@pytest.mark.parametrize(("value", "level"), [("debug", logging.DEBUG), (" INFO ", logging.INFO)])
def test_the_level_is_set(logger: logging.Logger, value: str, level: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One handler writes to standard error, however often it is set up; it is silent where the program has its own."""
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    for _ in range(2):
        _logging.set_up(value)
    assert level == logger.level
    logger.info("the program logs by itself")
    root.handlers[:] = []
    try:
        logger.info("a line")
    finally:
        root.handlers[:] = handlers
    assert ["INFO aurashot: a line"] == [line.split(" ", 2)[2] for line in capsys.readouterr().err.splitlines()]


def test_a_level_that_is_none(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """It is no error, since it must not keep a program from starting; a warning names those that there are."""
    _logging.set_up("verbose")
    assert logging.WARNING == logger.level
    assert ["AURASHOT_LOG is 'verbose', which is no level; use one of debug, info, warning, error"] == caplog.messages


def test_the_variable(server: ScriptedServer) -> None:
    """It needs no code; the lines go to standard error, and the key is in none of them."""
    script = "import aurashot\nwith aurashot.AuraShot() as client:\n    client.upload(b'GIF89a')\n"
    environment = {**os.environ, "AURASHOT_LOG": "debug", "AURASHOT_API_KEY": KEY, "AURASHOT_BASE_URL": server.url}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True, env=environment)
    assert "" == done.stdout
    assert "DEBUG aurashot: upload: started operation=upload operation_id=" in done.stderr
    assert "INFO aurashot: upload: failed after" in done.stderr
    assert KEY not in done.stderr
