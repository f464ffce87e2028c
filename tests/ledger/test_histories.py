"""Any history of a ledger, held against what a list of plain records says of it."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aurashot import InputError, SpendCapError, UnresolvedError
from aurashot.ledger import Intent, Payment, Scalar, Settlement, SpendCap, SQLiteLedger
from aurashot.ledger._entries import microseconds, moment
from aurashot.ledger._schema import DAY

if TYPE_CHECKING:
    from aurashot import AuraShotError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TAGS = TEXTS.map(lambda text: text.replace("\0", "0"))
NOTES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
OUTCOMES: tuple[Payment, ...] = get_args(Payment)
CAP = 6


class Histories(RuleBasedStateMachine):
    """Calls are recorded, settled, resolved and annotated in any order; in between the file is opened anew."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "spend.db")
        self.ledger = self.opened()
        self.keys: list[str] = []
        self.tags: list[str] = []
        self.outcomes: list[Payment] = []
        self.urls: list[tuple[str, ...]] = []
        self.notes: list[dict[str, Scalar]] = []

    def opened(self) -> SQLiteLedger:
        """Open the file, with one cap for all its lives."""
        return SQLiteLedger(self.path, cap=SpendCap(max_images=CAP, per="run"), run="one", keep_prompts=True)

    @property
    def spent(self) -> int:
        """How many may be on the bill."""
        return sum(outcome not in {"not_paid", "blocked"} for outcome in self.outcomes)

    def expected(self, key: str) -> type[AuraShotError] | int | None:
        """Return what a new request under a key has to meet: an error, the number of a paid entry, or nothing."""
        of_key = [(outcome, index + 1) for index, outcome in enumerate(self.outcomes) if self.keys[index] == key]
        paid = [number for outcome, number in of_key if outcome == "paid"]
        if paid:
            return paid[-1]
        return UnresolvedError if any(outcome != "not_paid" for outcome, _ in of_key) else None

    @rule(key=st.sampled_from("abc"), tag=TAGS, pay_once=st.booleans())
    def reserve(self, key: str, tag: str, *, pay_once: bool) -> None:
        """Record a call; one that may not go out leaves no trace."""
        intent = Intent(idempotency_key=key, operation="generate", prompt=key, tags={"user": tag}, pay_once=pay_once)
        expected = self.expected(key) if pay_once else None
        if isinstance(expected, int):
            assert expected == self.ledger.reserve(intent).number
            return
        error = expected or (SpendCapError if self.spent >= CAP else None)
        if error is not None:
            with pytest.raises(error):
                self.ledger.reserve(intent)
            return
        number = self.ledger.reserve(intent).number
        self.keys.append(key)
        self.tags.append(tag)
        self.outcomes.append("unknown")
        self.urls.append(())
        self.notes.append({})
        assert len(self.keys) == number

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), urls=st.lists(TEXTS, max_size=2))
    def settle(self, data: st.DataObject, outcome: Payment, urls: list[str]) -> None:
        """Write down what became of a call, be it one that was resolved or settled before."""
        number = data.draw(st.integers(1, len(self.keys)))
        self.ledger.settle(number, Settlement(payment=outcome, attempts=1, urls=tuple(urls)))
        self.outcomes[number - 1] = outcome
        self.urls[number - 1] = tuple(urls)

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), notes=st.dictionaries(st.sampled_from("xyz"), NOTES, max_size=2))
    def annotate(self, data: st.DataObject, notes: dict[str, Scalar]) -> None:
        """Add notes to a call."""
        number = data.draw(st.integers(1, len(self.keys)))
        self.ledger.annotate(number, notes)
        self.notes[number - 1] |= notes

    @rule(key=st.sampled_from("abc"), outcome=st.sampled_from(["paid", "not_paid"]))
    def resolve(self, key: str, outcome: Payment) -> None:
        """Resolve all that is unknown under a key, or learn that nothing is."""
        is_open = [each not in {"paid", "not_paid"} for each in self.outcomes]
        indices = [index for index, each in enumerate(self.keys) if each == key and is_open[index]]
        if not indices:
            with pytest.raises(InputError, match="nothing is unresolved"):
                self.ledger.resolve(key, outcome)
            return
        assert len(indices) == self.ledger.resolve(key, outcome)
        for index in indices:
            self.outcomes[index] = outcome

    @rule()
    def reopen(self) -> None:
        """Close the file and open it again, as the next run of the program does."""
        self.ledger.close()
        self.ledger = self.opened()

    @invariant()
    def agrees(self) -> None:
        """Entries, what is unresolved, and the sums say the same as the records."""
        entries = self.ledger.entries()
        assert self.keys == [entry.idempotency_key for entry in entries]
        assert self.outcomes == [entry.payment for entry in entries]
        assert self.urls == [entry.urls for entry in entries]
        assert self.tags == [entry.tags["user"] for entry in entries]
        assert sum(each in {"unknown", "pending"} for each in self.outcomes) == len(self.ledger.unresolved())
        summary, counted = self.ledger.summary(), Counter(self.outcomes)
        assert [counted[each] for each in OUTCOMES] == [getattr(summary, each) for each in OUTCOMES]
        assert len(self.outcomes) - self.outcomes.count("not_paid") == summary.at_most
        by_user = summary.by_tag.get("user", {})
        assert Counter(self.tags) == {tag: each.at_most + each.not_paid for tag, each in by_user.items()}

    @invariant()
    def counts(self) -> None:
        """The counts of the file are those of its rows: of the day, of the run, in all and by tag."""
        expected = Counter[tuple[str, str, str, str]]()
        for entry in self.ledger.entries():
            day = str(microseconds(entry.started_at) // DAY)
            for per, period in (("day", day), ("run", entry.run)):
                for tag, value in (("", ""), *entry.tags.items()):
                    expected[per, period, tag, value] += entry.payment not in {"not_paid", "blocked"}
        assert self.ledger._own is not None
        rows = self.ledger._own.connection.execute("SELECT per, period, tag, value, spent FROM counts")
        assert +expected == +Counter({tuple(row)[:4]: row["spent"] for row in rows})

    @invariant()
    def notes_agree(self) -> None:
        """Notes are what was added, the last of each name."""
        assert self.notes == [entry.notes for entry in self.ledger.entries()]

    @invariant()
    def found(self) -> None:
        """What is found by key and tag is what a look at all entries finds."""
        entries = self.ledger.entries()
        for key in "abc":
            assert [entry for entry in entries if entry.idempotency_key == key] == self.ledger.find(key=key)
        for tags in ({"user": tag} for tag in self.tags[-2:]):
            assert [entry for entry in entries if entry.tags == tags] == self.ledger.find(tags=tags)

    def teardown(self) -> None:
        """Close and remove the file."""
        self.ledger.close()
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=max(15, settings().max_examples // 50), stateful_step_count=20)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis adds the zone
def test_a_moment_is_kept_to_the_microsecond(when: datetime) -> None:
    """What is stored as a whole number comes out as the same time."""
    assert abs(moment(microseconds(when)) - when) <= timedelta(microseconds=1)
