from __future__ import annotations

import pytest

from aurashot._calls import Blocking, Flow, Pause, Together, blocking, pause, together


def word(text: str) -> Flow[str]:
    """Return a flow that pauses and gives back a word."""
    yield Pause(0)
    return text


def test_no_flows_together_are_no_step() -> None:
    """Nothing to do is done at once."""
    with pytest.raises(StopIteration) as end:
        next(together(list[Flow[str]]()))
    assert [] == end.value.value


def test_flows_together_are_one_step_and_give_their_results_in_order() -> None:
    """The driver gets all of them, and what it sends back is returned."""
    flow = together([word("a"), word("b")])
    step = next(flow)
    assert isinstance(step, Together)
    assert 2 == len(step.flows)
    with pytest.raises(StopIteration) as end:
        flow.send(["a", "b"])
    assert ["a", "b"] == end.value.value


def test_a_pause_is_a_step_with_its_seconds() -> None:
    """Waiting is the driver's: the flow only says how long."""
    flow = pause(1.5)
    assert Pause(1.5) == next(flow)
    with pytest.raises(StopIteration):
        flow.send(None)


def test_blocking_work_is_handed_over_and_not_done() -> None:
    """The flow returns what the driver sends in, whoever did the work."""
    done: list[int] = []
    flow = blocking(lambda: done.append(1))
    step = next(flow)
    assert isinstance(step, Blocking)
    assert [] == done
    with pytest.raises(StopIteration) as end:
        flow.send("result")
    assert "result" == end.value.value
