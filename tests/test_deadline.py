from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from aurashot import _deadline
from aurashot._deadline import Deadline, check_timeout
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.errors import DeadlineExceededError

START = 1_000.0


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Give a function that moves the monotonic clock on by some seconds."""
    now = [START]
    monkeypatch.setattr(_deadline, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


@pytest.mark.parametrize(
    ("gone", "remaining", "passed"), [(0.0, 10.0, False), (9.5, 0.5, False), (10.0, 0.0, True), (12.0, 0.0, True)]
)
def test_a_deadline_counts_down_and_stays_at_nothing(
    pass_time: Callable[[float], None],
    gone: float,
    remaining: float,
    passed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """What is left shrinks to zero and never below; what is gone keeps growing."""
    deadline = Deadline(10.0)
    pass_time(gone)
    assert (remaining, gone, passed) == (deadline.remaining, deadline.elapsed, deadline.passed)
    assert (deadline.seconds, deadline.at) == (10.0, START + 10.0)


@pytest.mark.parametrize(("asked", "bounded"), [(None, 4.0), (1.0, 1.0), (4.0, 4.0), (60.0, 4.0), (0.0, 0.0)])
def test_no_timeout_outlives_the_call(pass_time: Callable[[float], None], asked: float | None, bounded: float) -> None:
    """A single timeout is at most what is left of the whole; none at all is exactly that."""
    deadline = Deadline(10.0)
    pass_time(6.0)
    assert bounded == deadline.bound(asked)


def test_nothing_is_left_to_bound_once_the_time_is_over(pass_time: Callable[[float], None]) -> None:
    """After the deadline every timeout is zero."""
    deadline = Deadline(1.0)
    pass_time(5.0)
    assert 0.0 == deadline.bound(3.0)
    assert 0.0 == deadline.bound(None)


@pytest.mark.parametrize(
    ("error", "when"),
    [
        (Deadline(2.5).exceeded(), "before the request was sent"),
        (Deadline(2.5).exceeded("while it waited"), "while it waited"),
    ],
)
def test_a_call_that_ran_out_before_sending_says_so(error: DeadlineExceededError, when: str) -> None:
    """The error names the seconds and what was going on, and says that nothing was sent."""
    assert f"The call's 2.5 s ran out {when}" == str(error)
    assert ("not_sent", False) == (error.outcome, error.may_be_charged)


@pytest.mark.parametrize("seconds", [1, 0.001, 86_400.0])
def test_a_number_of_seconds_above_nothing_can_work(seconds: float) -> None:
    """It is returned as it is."""
    assert seconds is check_timeout(seconds)


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), True, "5", None])
def test_what_is_no_time_is_refused(seconds: object) -> None:
    """A timeout that cannot work is an error of the set-up, not a call that never ends."""
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds above 0"):
        check_timeout(seconds)
