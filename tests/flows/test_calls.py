from __future__ import annotations

import inspect

import pytest

from aurashot._calls import (
    Annotate,
    Blocking,
    Call,
    Flow,
    Forget,
    Gather,
    Pause,
    Recall,
    Together,
    annotate,
    blocking,
    forget,
    gather,
    pause,
    recall,
    send,
    together,
)
from aurashot.errors import BadRequestError, NotSentError
from aurashot.models import GenerateImages, GenerateRequest, Generation
from tests.flows.steps import FACE, Play

REQUEST = GenerateRequest(prompt="in a cafe", images=GenerateImages(face=FACE))
CALL = Call(name="generate", path="/x", response=Generation, request=REQUEST, billable=True, asked=REQUEST)
DONE = Generation(status="success")


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
    flow = blocking(lambda _: done.append(1))
    step = next(flow)
    assert isinstance(step, Blocking)
    assert [] == done
    with pytest.raises(StopIteration) as end:
        flow.send("result")
    assert "result" == end.value.value


def test_one_flow_together_needs_no_step_of_its_own() -> None:
    """A single flow is run where it is."""
    play = Play()
    assert ["a"] == play.run(together([word("a")]))
    assert [Pause(0)] == play.steps


def test_flows_gathered_are_one_step_with_its_limit() -> None:
    """The driver gets all of them, started by nobody yet, and what it sends back is returned."""
    flow = gather([word("a"), word("b")], limit=3)
    step = next(flow)
    assert isinstance(step, Gather)
    assert (2, 3) == (len(step.flows), step.limit)
    assert ["GEN_CREATED", "GEN_CREATED"] == [inspect.getgeneratorstate(each) for each in step.flows]
    with pytest.raises(StopIteration) as end:
        flow.send(["a", "b"])
    assert ["a", "b"] == end.value.value


@pytest.mark.parametrize("number", [0, 1])
def test_few_flows_gathered_are_a_step_as_well(number: int) -> None:
    """One flow alone is gathered, too: its error is its result, and its keys are those of the first of several."""
    flow = gather([word("a") for _ in range(number)])
    step = next(flow)
    assert isinstance(step, Gather)
    assert (number, 8) == (len(step.flows), step.limit)


def test_an_error_of_a_gathered_flow_is_its_result() -> None:
    """The others come to their own end, and each result stands in its place."""
    refused = BadRequestError("no")
    play = Play(DONE, refused, DONE)
    assert [DONE, refused, DONE] == play.run(gather([send(CALL) for _ in range(3)]))
    assert 3 == len(play.calls)


def test_an_error_of_flows_together_ends_them_all() -> None:
    """What they do costs nothing, so that nothing is lost."""
    lost = NotSentError("no way")
    play = Play(DONE, lost, DONE)
    with pytest.raises(NotSentError) as caught:
        play.run(together([send(CALL) for _ in range(3)]))
    assert lost is caught.value
    assert 2 == len(play.calls)


@pytest.mark.parametrize("remembered", [None, DONE])
def test_a_recall_is_a_step_that_sends_nothing(remembered: Generation | None) -> None:
    """The ledger's response is returned, or None if it knows nothing."""
    play = Play()
    play.remembered = remembered
    assert remembered is play.run(recall(CALL))
    assert ([CALL], []) == (play.recalled, play.steps)
    assert Recall(CALL) == next(recall(CALL))


def test_an_annotation_is_a_step_with_its_response_and_notes() -> None:
    """The flow says what is to be noted about which response, and returns nothing."""
    play = Play()
    play.run(annotate(DONE, {"chosen": True, "score": 0.5}))
    assert [Annotate(DONE, {"chosen": True, "score": 0.5})] == play.steps


def test_forgetting_is_a_step_with_the_urls() -> None:
    """The flow says which uploads are of no use any more, and returns nothing."""
    play = Play()
    play.run(forget([FACE, FACE]))
    assert [Forget(frozenset({FACE}))] == play.steps
