from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from aurashot import ConfigurationError, SpendCapError
from aurashot.ledger import SpendCap, SQLiteLedger
from aurashot.ledger._table import PERIODS, SPENT
from tests.ledger.conftest import NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from pathlib import Path


def granted(ledger: SQLiteLedger, calls: int, **fields: Any) -> int:
    """Return how many of so many calls were let through."""
    through = 0
    for _ in range(calls):
        try:
            ledger.reserve(intent(uuid4().hex, **fields))
        except SpendCapError:
            continue
        through += 1
    return through


@pytest.mark.parametrize("per", ["day", "run"])
def test_a_cap_is_reached_and_not_exceeded(path: Path, per: Any) -> None:
    """What is over it is not written; the error says what the cap is, and how much was spent."""
    with SQLiteLedger(path, cap=SpendCap(max_images=3, per=per)) as ledger:
        assert 3 == granted(ledger, 3)
        with pytest.raises(SpendCapError, match=f"3 images a {per}") as caught:
            ledger.reserve(intent())
        assert (3, per, 3) == (caught.value.max_images, caught.value.per, caught.value.spent)
        assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
        assert 3 == len(ledger.entries())


def test_what_was_certainly_not_paid_is_released(path: Path) -> None:
    """A refusal gives its place back; an image and a lost response do not."""
    with SQLiteLedger(path, cap=SpendCap(max_images=3)) as ledger:
        for settlement in (PAID, UNKNOWN, NOT_PAID):
            ledger.settle(ledger.reserve(intent(settlement.payment)), settlement)
        assert 1 == granted(ledger, 5)
        ledger.resolve("unknown", "not_paid")
        assert 1 == granted(ledger, 5)


def test_a_day_ends_at_midnight(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC, whatever the clock on the wall says: yesterday's images are not counted."""
    with SQLiteLedger(path, cap=SpendCap(max_images=2, per="day")) as ledger:
        assert 2 == granted(ledger, 5)
        tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        monkeypatch.setattr("aurashot.ledger._entries.datetime", _At(tomorrow))
        assert 2 == granted(ledger, 5)


class _At:
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self, _: object) -> datetime:
        """Return the one moment."""
        return self._moment


def test_runs_are_counted_apart(path: Path) -> None:
    """A new object is a new run; those that give one name share one cap."""
    cap = SpendCap(max_images=2, per="run")
    with SQLiteLedger(path, cap=cap) as first, SQLiteLedger(path, cap=cap) as second:
        assert (2, 2) == (granted(first, 5), granted(second, 5))
    with SQLiteLedger(path, cap=cap, run="nightly") as first, SQLiteLedger(path, cap=cap, run="nightly") as second:
        assert (2, 0) == (granted(first, 5), granted(second, 5))


def test_a_cap_holds_for_sixty_four_at_once(path: Path) -> None:
    """Exactly as many as it allows are let through, whoever comes first."""
    with (
        SQLiteLedger(path, cap=SpendCap(max_images=37)) as ledger,
        ThreadPoolExecutor(64) as threads,
    ):
        assert 37 == sum(threads.map(granted, [ledger] * 64, [4] * 64))


CALLER = """
    import sys
    from uuid import uuid4
    from aurashot import SpendCapError
    from aurashot.ledger import Intent, SpendCap, SQLiteLedger

    ledger = SQLiteLedger({path!r}, cap=SpendCap(max_images=23))
    print("ready", flush=True)
    sys.stdin.readline()
    through = 0
    for _ in range(20):
        try:
            ledger.reserve(Intent(idempotency_key=uuid4().hex, operation="edit"))
        except SpendCapError:
            continue
        through += 1
    print(through)
"""


def test_a_cap_holds_across_processes(path: Path) -> None:
    """Four programs that open one new file at once, and spend from it at once."""
    code = textwrap.dedent(CALLER).format(path=str(path))
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert "ready\n" == program.stdout.readline()
    through = [int(program.communicate("go\n", timeout=60)[0]) for program in programs]
    assert 23 == sum(through)


@pytest.mark.parametrize("number", [0, -1, True, 2.0, float("nan"), float("inf"), "5", None])
def test_a_cap_of_nothing_is_refused(number: Any) -> None:
    """Zero, less, and what is no whole number."""
    with pytest.raises(ConfigurationError, match="max_images"):
        SpendCap(max_images=number)


@pytest.mark.parametrize("per", ["month", "", None, 1])
def test_an_unknown_period_is_refused(per: Any) -> None:
    """The error names those that there are."""
    with pytest.raises(ConfigurationError, match="day, run"):
        SpendCap(max_images=1, per=per)


@pytest.mark.parametrize("by", ["", 7, True, b"user", ["user"]])
def test_a_cap_by_what_is_no_tag_is_refused(by: Any) -> None:
    """It has to be the name of one."""
    with pytest.raises(ConfigurationError, match="by must be the name of a tag"):
        SpendCap(max_images=1, by=by)


@pytest.mark.parametrize("per", ["day", "run"])
def test_each_value_of_a_tag_has_its_own_cap(path: Path, per: Any) -> None:
    """One user who is through does not stop another; the error says who it is."""
    with SQLiteLedger(path, cap=SpendCap(max_images=2, per=per, by="user")) as ledger:
        assert 2 == granted(ledger, 5, tags={"user": "alice"})
        assert 2 == granted(ledger, 5, tags={"user": "bob", "team": "alice"})
        with pytest.raises(SpendCapError, match=f"2 images a {per} for user='bob'") as caught:
            ledger.reserve(intent(tags={"user": "bob"}))
        assert ("user", "bob", 2) == (caught.value.by, caught.value.value, caught.value.spent)


def test_a_call_without_the_tag_is_limited_by_the_total_alone(path: Path) -> None:
    """Several caps all hold, whichever is reached first."""
    caps = [SpendCap(max_images=4), SpendCap(max_images=1, by="user")]
    with SQLiteLedger(path, cap=caps) as ledger:
        assert tuple(caps) == ledger.cap
        assert 1 == granted(ledger, 5, tags={"user": "alice"})
        assert 3 == granted(ledger, 5)
        with pytest.raises(SpendCapError, match="4 images a day is reached") as caught:
            ledger.reserve(intent(tags={"user": "bob"}))
        assert (None, None) == (caught.value.by, caught.value.value)
        again: SQLiteLedger = pickle.loads(pickle.dumps(ledger))
        assert 0 == granted(again, 2)
        again.close()


@pytest.mark.parametrize("value", ["", "\1", "\ud800", "'; DROP TABLE counts; --", "在", '"\\'])
def test_a_tag_may_be_any_text(path: Path, value: str) -> None:
    """It is counted as what it is."""
    with SQLiteLedger(path, cap=SpendCap(max_images=2, by="user")) as ledger:
        assert 2 == granted(ledger, 4, tags={"user": value})
        assert 2 == granted(ledger, 4, tags={"user": f"{value}."})


def test_the_check_reads_one_row_of_an_index(path: Path) -> None:
    """It costs the same however many entries there are."""
    cap = SpendCap(max_images=5, by="user")
    with SQLiteLedger(path, cap=cap) as ledger:
        assert ledger._own is not None
        query = f"EXPLAIN QUERY PLAN {SPENT.format(period=PERIODS['day'])}"
        plan = [row["detail"] for row in ledger._own.connection.execute(query, ("day", 0, "{}"))]
        assert [True] == ["SEARCH counts USING PRIMARY KEY" in line for line in plan if "counts" in line]
        assert [] == [line for line in plan if line.startswith("SCAN") and "json_each" not in line]


@pytest.mark.parametrize("cap", [5, "5", {"max_images": 5}, [5], [SpendCap(max_images=1), None]])
def test_what_is_no_cap_is_refused(path: Path, cap: Any) -> None:
    """A number alone does not say what it is for; no file is made."""
    with pytest.raises(ConfigurationError, match="SpendCap"):
        SQLiteLedger(path, cap=cap)
    assert not path.exists()
