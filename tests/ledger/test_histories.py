"""Any history of a ledger, held against what a list of plain records says of it."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aurashot import InputError, SpendCapError
from aurashot.ledger import Intent, Payment, Settlement, SpendCap, SQLiteLedger
from aurashot.ledger._entries import microseconds, moment

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OUTCOMES: tuple[Payment, ...] = get_args(Payment)
CAP = 6


class Histories(RuleBasedStateMachine):
    """Calls are recorded, settled and resolved in any order, and the file is closed and opened in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "spend.db")
        self.ledger = self.opened()
        self.keys: list[str] = []
        self.tags: list[str] = []
        self.outcomes: list[Payment] = []
        self.urls: list[tuple[str, ...]] = []
        self.under_way: set[int] = set()

    def opened(self) -> SQLiteLedger:
        """Open the file, with one cap for all its lives."""
        return SQLiteLedger(self.path, cap=SpendCap(max_images=CAP, per="run"), run="one", keep_prompts=True)

    @property
    def spent(self) -> int:
        """How many may be on the bill."""
        return len(self.outcomes) - self.outcomes.count("not_paid")

    @rule(key=st.sampled_from("abc"), prompt=TEXTS, tag=TEXTS)
    def reserve(self, key: str, prompt: str, tag: str) -> None:
        """Record a call; one too many leaves no trace."""
        intent = Intent(idempotency_key=key, operation="generate", prompt=prompt, tags={"user": tag})
        if self.spent >= CAP:
            with pytest.raises(SpendCapError):
                self.ledger.reserve(intent)
            return
        number = self.ledger.reserve(intent)
        self.keys.append(key)
        self.tags.append(tag)
        self.outcomes.append("unknown")
        self.urls.append(())
        self.under_way.add(number)
        assert len(self.keys) == number

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), urls=st.lists(TEXTS, max_size=2))
    def settle(self, data: st.DataObject, outcome: Payment, urls: list[str]) -> None:
        """Write down what became of a call."""
        number = data.draw(st.sampled_from(sorted(self.under_way)))
        self.ledger.settle(number, Settlement(outcome=outcome, attempts=1, urls=tuple(urls)))
        self.under_way.remove(number)
        self.outcomes[number - 1] = outcome
        self.urls[number - 1] = tuple(urls)

    @rule(key=st.sampled_from("abc"), outcome=st.sampled_from(["paid", "not_paid"]))
    def resolve(self, key: str, outcome: Payment) -> None:
        """Resolve all that is unknown under a key, or learn that nothing is."""
        places = [place for place, each in enumerate(self.outcomes) if each == "unknown" and self.keys[place] == key]
        if not places:
            with pytest.raises(InputError, match="nothing is unresolved"):
                self.ledger.resolve(key, outcome)
            return
        assert len(places) == self.ledger.resolve(key, outcome)
        for place in places:
            self.outcomes[place] = outcome

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
        assert self.outcomes == [entry.outcome for entry in entries]
        assert self.urls == [entry.urls for entry in entries]
        assert self.tags == [entry.tags["user"] for entry in entries]
        assert self.outcomes.count("unknown") == len(self.ledger.unresolved())
        summary, counted = self.ledger.summary(), Counter(self.outcomes)
        assert [counted[each] for each in OUTCOMES] == [summary.paid, summary.not_paid, summary.unknown]
        assert self.spent == summary.at_most <= CAP
        by_user = summary.by_tag.get("user", {})
        assert Counter(self.tags) == {tag: each.at_most + each.not_paid for tag, each in by_user.items()}

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
