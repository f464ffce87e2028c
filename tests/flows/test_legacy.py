from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from aurashot._flows import legacy as flows
from aurashot.errors import (
    AuraShotError,
    ContentBlockedError,
    DeadlineExceededError,
    GenerationFailedError,
    InputError,
    InvalidImageError,
    NotSentError,
    OutcomeUnknownError,
    UnexpectedResponseError,
    UnsafeURLError,
)
from aurashot.models import Generation, Upload, WorkflowJob, WorkflowResult
from tests.flows.steps import CLOTHES, FACE, RULES, SCENE, Play, body, png

if TYPE_CHECKING:
    from aurashot._calls import Flow

UNSAFE = "http://10.0.0.1/face.png"
TAKEN = WorkflowJob(workflow="virtual_try_on", task_id="t-1", execution_id="e-1", status="submitted")
WORKING = WorkflowJob(workflow="virtual_try_on", task_id="t-1", execution_id="e-1", status="processing")
DONE = WorkflowJob(workflow="virtual_try_on", execution_id="e-1", status="success", completed=True, images=(SCENE,))


def try_on(**options: Any) -> Flow[WorkflowJob]:
    """Return the flow of a try-on, with the defaults of the clients."""
    given: dict[str, Any] = {"scene_image": None, "version": "weshopFlash", "description": None, "wait": False}
    given |= {"product_image": CLOTHES, "model_image": FACE}
    return flows.virtual_try_on(RULES, **{**given, **options})


def pose(original_image: Any = FACE, description: Any = "sitting", **options: Any) -> Flow[WorkflowJob]:
    """Return the flow of a pose change, with the defaults of the clients."""
    given: dict[str, Any] = {"version": "lite", "wait": False}
    return flows.pose_change(RULES, original_image, description, **{**given, **options})


def query(job: Any = None, **options: Any) -> Flow[WorkflowJob]:
    """Return the flow of a query, with the defaults of the clients."""
    given: dict[str, Any] = {"workflow": None, "execution_id": None, "task_id": None, "wait": False}
    return flows.query(job, **{**given, **options})


@pytest.mark.parametrize(
    ("flow", "content"),
    [
        (
            try_on(),
            {
                "workflow": "virtual_try_on",
                "waitForResult": False,
                "input": {
                    "productImage": CLOTHES,
                    "modelImage": FACE,
                    "generateVersion": "weshopFlash",
                    "descriptionType": "auto",
                },
            },
        ),
        (
            try_on(scene_image=SCENE, version="bananaPro", description="on a beach"),
            {
                "workflow": "virtual_try_on",
                "waitForResult": False,
                "input": {
                    "productImage": CLOTHES,
                    "modelImage": FACE,
                    "sceneImage": SCENE,
                    "generateVersion": "bananaPro",
                    "descriptionType": "custom",
                    "textDescription": "on a beach",
                },
            },
        ),
        (
            pose(version="pro"),
            {
                "workflow": "pose_change",
                "waitForResult": False,
                "input": {"originalImage": FACE, "generateVersion": "pro", "textDescription": "sitting"},
            },
        ),
    ],
)
def test_a_job_is_submitted_in_one_billed_request(flow: Flow[WorkflowJob], content: dict[str, Any]) -> None:
    """The body is the contract's, and without waiting the response is returned as it is."""
    play = Play(TAKEN)
    assert TAKEN is play.run(flow)
    assert [("/api/aesthetic/generate", True, None)] == [
        (call.path, call.billable, call.dedupe_key) for call in play.calls
    ]
    assert content == body(play.calls[0])


@pytest.mark.parametrize(("flow", "name"), [(try_on(), "virtual_try_on"), (pose(), "pose_change")])
def test_a_job_is_sent_under_its_own_name(flow: Flow[WorkflowJob], name: str) -> None:
    """Events and the ledger call the workflow by name."""
    play = Play(TAKEN)
    play.run(flow)
    assert [name] == [call.name for call in play.calls] == [call.name for call in play.recalled]


def test_a_job_that_was_paid_for_is_waited_for_and_not_submitted_again() -> None:
    """What the ledger remembers is the job: no image is uploaded, and the first request asks how it is doing."""
    play = Play(DONE)
    play.remembered = TAKEN
    assert DONE is play.run(try_on(product_image=png(), wait=True))
    assert ["query"] == [call.name for call in play.calls]


def test_local_images_of_a_job_are_uploaded_first() -> None:
    """The legacy workflows take the same forms of image as the others."""
    play = Play(Upload(url=CLOTHES), Upload(url=FACE), TAKEN)
    play.run(try_on(product_image=png("red"), model_image=png("blue")))
    assert ["upload", "upload", "virtual_try_on"] == [call.name for call in play.calls]
    assert {"productImage": CLOTHES, "modelImage": FACE}.items() <= body(play.calls[-1])["input"].items()


@pytest.mark.parametrize(
    ("flow", "argument", "kind"),
    [
        (try_on(version=""), "version", InputError),
        (try_on(version="lite"), "version", InputError),
        (pose(version="weshopFlash"), "version", InputError),
        (try_on(description=""), "description", InputError),
        (try_on(product_image=UNSAFE), "product_image", UnsafeURLError),
        (try_on(product_image=png(), model_image=b"no image"), "model_image", InvalidImageError),
        (try_on(product_image=png(), scene_image=UNSAFE), "scene_image", UnsafeURLError),
        (try_on(model_image=None), "model_image", InvalidImageError),
        (pose(""), "original_image", InvalidImageError),
        (pose(None), "original_image", InvalidImageError),
        (pose(png(), ""), "description", InputError),
        (pose(png(), None), "description", InputError),
        (pose(png(), version=None), "version", InputError),
        (query(), "job", InputError),
        (query(workflow="pose_change"), "job", InputError),
        (query(execution_id="e-1"), "job", InputError),
        (query(WorkflowJob(status="submitted", workflow="pose_change")), "job", InputError),
        (query(WorkflowJob(status="submitted", execution_id="e-1")), "job", InputError),
        (query("e-1"), "job", InputError),
        (query("e-1", workflow="pose_change"), "job", InputError),
        (query({"executionId": "e-1"}, workflow="pose_change"), "job", InputError),
        (query(Generation(status="success")), "job", InputError),
        (query(workflow=7, execution_id="e-1"), "workflow", InputError),
        (query(workflow="pose_change", execution_id=uuid4()), "execution_id", InputError),
        (query(workflow="pose_change", task_id=b"t-1"), "task_id", InputError),
        (query(workflow="pose_change", task_id="\ud800"), "task_id", InputError),
    ],
)
def test_every_argument_is_checked_before_anything_is_sent(
    flow: Flow[Any], argument: str, kind: type[InputError]
) -> None:
    """Whatever is wrong is found first, and the error names the argument."""
    play = Play()
    with pytest.raises(kind) as caught:
        play.run(flow)
    assert (argument, kind) == (caught.value.argument, type(caught.value))
    assert [] == play.steps


@pytest.mark.parametrize(
    ("flow", "content"),
    [
        (query(TAKEN), {"workflow": "virtual_try_on", "executionId": "e-1"}),
        (
            query(WorkflowJob(workflow="pose_change", task_id="t-1", status="submitted")),
            {"workflow": "pose_change", "taskId": "t-1"},
        ),
        (
            query(WorkflowJob(execution_id="e-1", status="submitted"), workflow="pose_change"),
            {"workflow": "pose_change", "executionId": "e-1"},
        ),
        (
            query(workflow="pose_change", execution_id="e-1", task_id="t-1"),
            {"workflow": "pose_change", "executionId": "e-1"},
        ),
        (query(workflow="pose_change", task_id="t-1"), {"workflow": "pose_change", "taskId": "t-1"}),
    ],
)
def test_a_query_asks_by_one_identifier(flow: Flow[WorkflowJob], content: dict[str, Any]) -> None:
    """It is free, names the workflow, and prefers the execution id."""
    play = Play(WORKING)
    assert WORKING is play.run(flow)
    assert [("/api/aesthetic/query", False, "query")] == [(call.path, call.billable, call.name) for call in play.calls]
    assert content == body(play.calls[0])


def test_a_finished_job_is_not_asked_about() -> None:
    """When the first response is final, waiting takes no pause and no query."""
    play = Play(DONE)
    assert DONE is play.run(try_on(wait=True))
    assert (1, []) == (len(play.calls), play.pauses)


@pytest.mark.parametrize(
    "last", [DONE, WorkflowJob(status="completed"), WorkflowJob(status="archived", completed=True)]
)
def test_waiting_asks_until_the_job_is_done(last: WorkflowJob) -> None:
    """A success word or the flag ends it; the question is always the same."""
    play = Play(TAKEN, WORKING, WORKING, last)
    assert last is play.run(try_on(wait=True))
    assert ["virtual_try_on", "query", "query", "query"] == [call.name for call in play.calls]
    assert [{"workflow": "virtual_try_on", "executionId": "e-1"}] * 3 == [body(call) for call in play.calls[1:]]


def test_a_query_that_waits_asks_at_once_and_then_less_often() -> None:
    """The first question needs no pause; an unknown status word is not the end."""
    play = Play(WORKING, WorkflowJob(status="queued"), DONE)
    assert DONE is play.run(query(TAKEN, wait=True))
    assert [1.0, 1.5] == play.pauses


def test_waiting_is_the_clients_work() -> None:
    """The service is not asked to hold the connection: whoever waits asks again."""
    play = Play(TAKEN, DONE)
    play.run(try_on(wait=True))
    assert body(play.calls[0])["waitForResult"] is False


def test_the_pauses_grow_and_are_capped() -> None:
    """A second at first, half as much again each time, ten seconds at most."""
    play = Play(TAKEN, *[WORKING] * 9, DONE)
    play.run(try_on(wait=True))
    assert [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10.0, 10.0, 10.0, 10.0] == play.pauses


@pytest.mark.parametrize(
    ("job", "kind", "words"),
    [
        (WorkflowJob(workflow="pose_change", status="failed"), GenerationFailedError, "the pose_change failed"),
        (WorkflowJob(status="failed"), GenerationFailedError, "the workflow failed"),
        (
            WorkflowJob(status="failed", results=(WorkflowResult(error=None), WorkflowResult(error="no person"))),
            GenerationFailedError,
            "failed: no person",
        ),
        (
            WorkflowJob.model_validate({"status": "failed", "error": {"message": "out of memory"}}),
            GenerationFailedError,
            "failed: out of memory",
        ),
        (
            WorkflowJob(status="failed", results=(WorkflowResult(error="blocked by content policy"),)),
            ContentBlockedError,
            "content policy",
        ),
    ],
)
def test_a_job_that_failed_is_an_error_for_who_waits(
    job: WorkflowJob, kind: type[GenerationFailedError], words: str
) -> None:
    """Waiting for a job ends with its failure, in the service's words."""
    with pytest.raises(kind, match=words) as caught:
        Play(TAKEN, job).run(try_on(wait=True))
    assert type(caught.value) is kind
    assert "accepted" == caught.value.outcome
    with pytest.raises(kind, match=words):
        Play(job).run(query(TAKEN, wait=True))


def test_a_job_that_failed_is_a_response_for_who_does_not_wait() -> None:
    """A single question is answered as the service answered it."""
    failed = WorkflowJob(status="failed")
    assert failed is Play(failed).run(query(TAKEN))
    assert failed is Play(failed).run(try_on())


@pytest.mark.parametrize(
    "error",
    [
        DeadlineExceededError("the call's 120 s ran out"),
        NotSentError("could not connect"),
        OutcomeUnknownError("the answer was lost"),
        UnexpectedResponseError("a web page"),
    ],
)
def test_an_error_while_waiting_is_the_error_of_the_call(error: AuraShotError) -> None:
    """The flow changes nothing about it: that the job is paid for, the operation knows and writes onto the error."""
    with pytest.raises(type(error)) as caught:
        Play(TAKEN, WORKING, error).run(try_on(wait=True))
    assert error is caught.value
    assert (type(error).outcome, None) == (error.outcome, error.request_id)


@pytest.mark.parametrize("name", ["virtual_try_on", "pose_change"])
def test_the_question_names_the_workflow_when_the_service_does_not(name: str) -> None:
    """The workflow is known from the request."""
    job = WorkflowJob(status="submitted", task_id="t-1")
    play = Play(job, DONE)
    play.run((try_on if name == "virtual_try_on" else pose)(wait=True))
    assert {"workflow": name, "taskId": "t-1"} == body(play.calls[-1])


def test_an_error_while_submitting_is_the_error_of_the_call() -> None:
    """When the job itself was not taken, nobody asks about it."""
    error = NotSentError("could not connect")
    play = Play(error)
    with pytest.raises(NotSentError) as caught:
        play.run(try_on(wait=True))
    assert error is caught.value
    assert (["virtual_try_on"], "not_sent") == ([call.name for call in play.calls], error.outcome)


def test_a_job_without_an_identifier_cannot_be_asked_about() -> None:
    """Waiting for it ends at once instead of never."""
    play = Play(WorkflowJob(status="submitted"))
    with pytest.raises(UnexpectedResponseError, match="no identifier"):
        play.run(try_on(wait=True))
    assert [] == play.pauses
