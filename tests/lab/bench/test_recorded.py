from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot.errors import SpendCapError
from aurashot.ledger import Intent, SpendCap, SQLiteLedger
from lab.bench.recorded import USERS, count_entries, fill, tasks, threads, time_entries
from lab.bench.sections.recording import _checked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.bench.load import Tally
    from lab.bench.sections.recording import Run
    from lab.server import ScriptedServer


def test_a_ledger_can_be_filled(tmp_path: Path) -> None:
    """The entries count towards the daily cap and the cap per user."""
    path, entries = tmp_path / "spend.db", 2 * USERS + 1
    fill(path, entries)
    assert {"paid": entries} == count_entries(path)

    intent = Intent(idempotency_key="next", operation="generate", tags={"user": "user-7"})
    for cap in (SpendCap(max_images=entries), SpendCap(max_images=2, by="user")):
        with SQLiteLedger(path, cap=cap) as ledger, pytest.raises(SpendCapError) as caught:
            ledger.reserve(intent)
        assert cap.max_images == caught.value.spent


def test_timed_entries_are_written(tmp_path: Path) -> None:
    """There is one entry per call, and one before the measurement."""
    path = tmp_path / "spend.db"
    cost = time_entries(str(path), 3)
    assert {"paid": 4} == count_entries(path)
    assert cost["wall"] > 0


@pytest.mark.parametrize("run", [tasks, threads])
def test_every_call_has_its_entry(run: Callable[..., Tally], server: ScriptedServer, tmp_path: Path) -> None:
    """With a ledger, each call has an entry; a load also runs without a ledger."""
    path = tmp_path / "spend.db"
    tally = run(server.url, str(path), at_once=2, warm_up=0.1, seconds=0.2)
    assert not tally.errors
    assert {"paid": tally.made} == count_entries(path)
    assert tally.made == len(server.requests)
    assert run(server.url, None, at_once=2, warm_up=0.1, seconds=0.1).made


def test_a_missing_entry_ends_the_benchmark(tmp_path: Path) -> None:
    """A ledger that loses entries must not be measured."""
    path = tmp_path / "spend.db"
    fill(path, 5)
    whole: Run = {"made": 5, "errors": {}}
    assert whole == _checked(whole, path)
    for change in ({"made": 6}, {"errors": {"ReadError": 1}}):
        with pytest.raises(SystemExit, match="the ledger has"):
            _checked({**whole, **change}, path)
