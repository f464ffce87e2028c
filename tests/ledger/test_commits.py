"""Commits that threads share: nobody waits for ever, nothing is lost, and what was interrupted is not left behind."""

from __future__ import annotations

import linecache
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import InputError, LedgerError
from aurashot.ledger import Annotate, Reserve, Settle, SQLiteLedger, _commits, _sqlite
from tests.ledger.conftest import NOT_PAID, PAID, intent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from aurashot.ledger._commits import Commits

TRACED = {_commits.__file__, _sqlite.__file__}
NEVER = ("with self._mutex", "try:", "finally:", "except ")
"""Lines at which a tracer can raise and the interpreter does not: it looks for signals at calls and at jumps back."""


MOST = 1000
"""More steps than a thread has."""


def commits(ledger: SQLiteLedger) -> Commits:
    """Return what a ledger's threads share."""
    assert ledger._own is not None
    return ledger._own.commits


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, for long enough on any machine."""
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.001)


class Held:
    """A leader that holds the file until it is let go."""

    def __init__(self, ledger: SQLiteLedger) -> None:
        self.started, self.release = threading.Event(), threading.Event()
        job = _commits.Job([self._hold], 60)
        self.thread = threading.Thread(target=commits(ledger).run, args=[job])
        self.thread.start()
        assert self.started.wait(30)

    def _hold(self, connection: object) -> None:
        self.started.set()
        assert self.release.wait(60)

    def let_go(self) -> None:
        """Let it commit, and wait until it has."""
        self.release.set()
        self.thread.join(30)


class Writer:
    """A thread that reserves one key, interrupted at one of its steps if so wished."""

    def __init__(self, ledger: SQLiteLedger, key: str, interrupted_at: int | None = None) -> None:
        self._ledger = ledger
        self._key = key
        self._left = interrupted_at
        self.result: Any = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        sys.settrace(None if self._left is None else self._trace)
        try:
            self.result = self._ledger.reserve(intent(self._key))
        except BaseException as error:  # noqa: BLE001  # an interruption is what is looked for
            self.error = error
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in TRACED:
            return None
        if event in {"call", "line"} and self._left is not None:
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            if not line.startswith(NEVER):
                self._left -= 1
            if self._left == 0:
                self._left = None
                raise KeyboardInterrupt
        return self._trace

    def end(self) -> None:
        """Wait for its end."""
        self.thread.join(30)
        assert not self.thread.is_alive()


def queued_behind(ledger: SQLiteLedger, held: Held, keys: list[str]) -> list[Writer]:
    """Return writers that wait in this order."""
    writers: list[Writer] = []
    for number, key in enumerate(keys, 1):
        writers.append(Writer(ledger, key))
        until(lambda: len(commits(ledger)._queue) == number)  # noqa: B023  # asked at once
    assert held.thread.is_alive()
    return writers


def counting(ledger: SQLiteLedger) -> list[str]:
    """Return a list to which each COMMIT from now on is added."""
    assert ledger._own is not None
    seen: list[str] = []
    ledger._own.connection.set_trace_callback(lambda words: seen.append(words) if words == "COMMIT" else None)
    return seen


def test_those_who_wait_share_a_commit(ledger: SQLiteLedger) -> None:
    """All that is queued while one commits is committed at once by the next; each has its own entry."""
    held, seen = Held(ledger), counting(ledger)
    writers = queued_behind(ledger, held, [str(number) for number in range(12)])
    held.let_go()
    for writer in writers:
        writer.end()
    assert 2 == len(seen)
    assert {str(number) for number in range(12)} == {writer.result.idempotency_key for writer in writers}
    assert 12 == len({writer.result.number for writer in writers}) == len(ledger.entries())


def test_each_write_succeeds_or_fails_by_itself(ledger: SQLiteLedger) -> None:
    """One that is refused leaves no trace and takes none of the others with it."""
    first = ledger.reserve(intent("a"))
    results = ledger.write(
        [
            Settle(first.number, PAID),
            Reserve(intent("a", prompt="another")),
            Reserve(intent("b")),
            Settle(99, PAID),
            Annotate(first.number, {"shown": True}),
            Annotate(99, {}),
        ]
    )
    assert [type(None), InputError, type(first), LedgerError, type(None), LedgerError] == [
        type(each) for each in results
    ]
    assert [("a", "paid", {"shown": True}), ("b", "unknown", {})] == [
        (entry.idempotency_key, entry.payment, entry.notes) for entry in ledger.entries()
    ]


def test_nothing_to_write_is_nothing(ledger: SQLiteLedger) -> None:
    """An empty list has an empty result, and no commit."""
    seen = counting(ledger)
    assert [] == ledger.write([])
    assert [] == seen


def test_what_cannot_be_stored_is_an_error_of_its_own(ledger: SQLiteLedger) -> None:
    """A text that SQLite does not take stops the one write that has it."""
    broken, sound = ledger.write([Reserve(intent("\ud800")), Reserve(intent("b"))])
    assert isinstance(broken, LedgerError)
    assert ["b"] == [entry.idempotency_key for entry in ledger.entries()]
    assert sound == ledger.entries()[0]


def test_a_commit_that_fails_fails_for_all(ledger: SQLiteLedger) -> None:
    """Each thread has an error of its own, and nothing is written."""
    assert ledger._own is not None
    held = Held(ledger)
    writers = queued_behind(ledger, held, ["a", "b"])
    ledger._own.connection.execute("PRAGMA query_only = ON")
    held.let_go()
    for writer in writers:
        writer.end()
        assert isinstance(writer.error, LedgerError)
    assert writers[0].error is not writers[1].error
    assert [] == ledger.entries()


def test_a_file_that_is_full_takes_nothing_and_is_whole(ledger: SQLiteLedger) -> None:
    """Each write has its error; as soon as there is room, all is written."""
    assert ledger._own is not None
    connection = ledger._own.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [Reserve(intent(str(number), tags={"user": "x" * 3000})) for number in range(20)]
    errors = ledger.write(big)
    assert 20 == sum(isinstance(each, LedgerError) and "is on a full disk" in str(each) for each in errors)
    assert [] == ledger.entries()
    connection.execute("PRAGMA max_page_count = 100000")
    assert ledger.write(big) == ledger.entries()
    assert 20 == len(ledger.entries())
    assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]


def test_who_waits_too_long_is_withdrawn(ledger: SQLiteLedger) -> None:
    """Nothing of it is written later, when the others are through."""
    held = Held(ledger)
    with pytest.raises(LedgerError, match="busy"):
        ledger.reserve(intent("late"), timeout=0.01)
    held.let_go()
    ledger.reserve(intent("next"))
    assert ["next"] == [entry.idempotency_key for entry in ledger.entries()]


@pytest.mark.parametrize("timeout", [float("inf"), 1e12])
def test_a_very_long_patience_is_fine(ledger: SQLiteLedger, timeout: float) -> None:
    """More seconds than SQLite can count are as good as any."""
    assert 1 == ledger.reserve(intent(), timeout=timeout).number
    assert [] == ledger.find(key="other")


def test_closing_waits_for_those_who_write(path: Path) -> None:
    """What was queued before is written; what comes after finds a closed ledger."""
    ledger = SQLiteLedger(path)
    held = Held(ledger)
    shared = commits(ledger)
    writers = queued_behind(ledger, held, ["a"])
    closing = threading.Thread(target=ledger.close)
    closing.start()
    until(lambda: len(shared._queue) == 2)
    held.let_go()
    closing.join(30)
    writers[0].end()
    assert not closing.is_alive()
    with pytest.raises(LedgerError, match="closed"):
        ledger.reserve(intent("b"))
    with SQLiteLedger(path) as again:
        assert len(again.entries()) == (writers[0].error is None)


def test_a_leader_may_be_interrupted_anywhere(ledger: SQLiteLedger) -> None:
    """Whatever line it is at: those who queued with it have their entries, and its own is not left unknown."""
    point = 0
    for point in range(1, MOST):
        held = Held(ledger)
        victim = Writer(ledger, f"victim-{point}", point)
        until(lambda: commits(ledger)._queue or not victim.thread.is_alive())  # noqa: B023  # asked at once
        other = Writer(ledger, f"other-{point}")
        until(lambda: len(commits(ledger)._queue) == 1 + victim.thread.is_alive())  # noqa: B023  # asked at once
        held.let_go()
        check(ledger, victim, other)
        if victim.error is None:
            break
    assert 20 < point < MOST - 1, "it was interrupted at each of its steps"


def test_a_thread_alone_may_be_interrupted_anywhere(ledger: SQLiteLedger) -> None:
    """Whoever comes next finds nobody in the way, and no entry of a request that was never sent."""
    point = 0
    for point in range(1, MOST):
        victim = Writer(ledger, f"victim-{point}", point)
        victim.end()
        check(ledger, victim, Writer(ledger, f"other-{point}"))
        if victim.error is None:
            break
    assert 20 < point < MOST - 1, "it was interrupted at each of its steps"


def test_a_thread_that_waits_may_be_interrupted_anywhere(ledger: SQLiteLedger) -> None:
    """What it queued is withdrawn; what another has taken is awaited, and released."""
    point = 0
    for point in range(1, MOST):
        held = Held(ledger)
        other = queued_behind(ledger, held, [f"other-{point}"])[0]
        victim = Writer(ledger, f"victim-{point}", point)
        until(lambda: len(commits(ledger)._queue) == 2 or not victim.thread.is_alive())  # noqa: B023  # asked at once
        held.let_go()
        check(ledger, victim, other)
        if victim.error is None:
            break
    assert 20 < point < MOST - 1, "it was interrupted at each of its steps"


def test_what_another_thread_has_taken_is_awaited(ledger: SQLiteLedger) -> None:
    """An interrupted thread does not leave before it knows what became of its entry, and then releases it."""
    held, interrupted = Held(ledger), threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def helper() -> None:
        with ThreadPoolExecutor(1) as threads:
            until(lambda: len(commits(ledger)._queue) == 1)
            leader = _commits.Job([lambda _: taken.set(), lambda _: interrupted.wait(30)], 60)
            done = threads.submit(commits(ledger).run, leader)
            until(lambda: len(commits(ledger)._queue) == 2)
            commits(ledger)._queue.reverse()
            held.let_go()
            assert taken.wait(30)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            done.result(30)

    taken = threading.Event()
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with ThreadPoolExecutor(1) as threads:
            helping = threads.submit(helper)
            with pytest.raises(KeyboardInterrupt):
                ledger.reserve(intent())
            helping.result(30)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [("not_paid", "KeyboardInterrupt")] == [(entry.payment, entry.error) for entry in ledger.entries()]


def check(ledger: SQLiteLedger, victim: Writer, other: Writer) -> None:
    """Check what has to be true when one thread was interrupted and another was not."""
    victim.end()
    other.end()
    assert other.error is None
    assert [other.result] == ledger.find(key=other.result.idempotency_key)
    assert (None, []) == (commits(ledger)._leader, commits(ledger)._queue)
    outcomes = [(entry.payment, entry.error) for entry in ledger.find(key=victim._key)]
    if victim.error is None:
        assert [("unknown", None)] == outcomes
    else:
        assert outcomes in ([], [("not_paid", "KeyboardInterrupt")])


def test_many_threads_lose_nothing(ledger: SQLiteLedger) -> None:
    """Each of 16 threads writes 20 entries and settles them; all are there, once."""

    def work(thread: int) -> None:
        for number in range(20):
            entry = ledger.reserve(intent(f"{thread}-{number}"), timeout=60)
            ledger.settle(entry, PAID if number % 2 else NOT_PAID, timeout=60)

    with ThreadPoolExecutor(16) as threads:
        assert [None] * 16 == [*threads.map(work, range(16))]
    summary = ledger.summary()
    assert (160, 160, 0) == (summary.paid, summary.not_paid, summary.unknown)


def test_a_step_that_fails_after_it_has_written_leaves_no_trace(ledger: SQLiteLedger) -> None:
    """Steps write with one statement, which leaves nothing when it fails. One that does more takes all back with it."""
    entry = ledger.reserve(intent())

    def write_and_fail(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE calls SET outcome = 'paid'")
        raise ValueError("after it has written")

    with pytest.raises(ValueError, match="after it has written"):
        commits(ledger).run(_commits.Job([write_and_fail], 5))
    assert [entry] == ledger.unresolved()
    ledger.settle(entry, PAID)
    assert [] == ledger.unresolved()
