"""The legacy workflows: submitted once, then polled until they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, pause, send
from aurashot._flows.references import check_text, identities, passed, ready, send_billed
from aurashot._operations import check_encodable
from aurashot._response_parsing import failure
from aurashot.errors import InputError, UnexpectedResponseError
from aurashot.models import (
    PoseChangeInput,
    PoseChangeRequest,
    QueryRequest,
    VirtualTryOnInput,
    VirtualTryOnRequest,
    WorkflowJob,
)

if TYPE_CHECKING:
    from aurashot.images import ImageInput, ImageRules

TRY_ON_VERSIONS: Final = ("weshopFlash", "weshopPro", "bananaPro")
POSE_VERSIONS: Final = ("lite", "pro")

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 10.0
GROWTH: Final = 1.5


def virtual_try_on(
    rules: ImageRules,
    *,
    product_image: ImageInput,
    model_image: ImageInput,
    scene_image: ImageInput | None,
    version: str,
    description: str | None,
    wait: bool,
) -> Flow[WorkflowJob]:
    """Dress a model in a product."""
    _check_version(version, TRY_ON_VERSIONS)
    if description is not None:
        check_text("description", description)
    sources = yield from ready(
        rules, product_image=product_image, model_image=model_image, **passed(scene_image=scene_image)
    )
    named = identities(sources)
    what = VirtualTryOnInput(
        product_image=named["product_image"],
        model_image=named["model_image"],
        scene_image=named.get("scene_image"),
        generate_version=version,
        description_type="auto" if description is None else "custom",
        text_description=description,
    )
    asked = VirtualTryOnRequest(wait_for_result=False, input=what)
    job = yield from send_billed(endpoints.virtual_try_on(asked), sources)
    return (yield from _finished(_question("virtual_try_on", job), job)) if wait else job


def pose_change(
    rules: ImageRules, original_image: ImageInput, description: str, *, version: str, wait: bool
) -> Flow[WorkflowJob]:
    """Change the pose of a person."""
    _check_version(version, POSE_VERSIONS)
    check_text("description", description)
    sources = yield from ready(rules, original_image=original_image)
    what = PoseChangeInput(generate_version=version, text_description=description, **identities(sources))
    asked = PoseChangeRequest(wait_for_result=False, input=what)
    job = yield from send_billed(endpoints.pose_change(asked), sources)
    return (yield from _finished(_question("pose_change", job), job)) if wait else job


def query(
    job: WorkflowJob | None, *, workflow: str | None, execution_id: str | None, task_id: str | None, wait: bool
) -> Flow[WorkflowJob]:
    """Return the state of a job."""
    for argument, text in (("workflow", workflow), ("execution_id", execution_id), ("task_id", task_id)):
        _check_identifier(argument, text)
    if job is not None and not isinstance(cast("object", job), WorkflowJob):
        message = (
            f"job: a job that an earlier call returned is needed, not an object of type {type(job).__name__}; pass an "
            "identifier as execution_id= or task_id=, together with workflow="
        )
        raise InputError(message, argument="job")
    if job is not None:
        workflow = workflow or job.workflow
        if not (execution_id or task_id):
            execution_id, task_id = job.execution_id, job.task_id
    if not workflow or not (execution_id or task_id):
        message = "job: give a job, or workflow= together with execution_id= or task_id="
        raise InputError(message, argument="job")
    question = QueryRequest(workflow=workflow, execution_id=execution_id, task_id=None if execution_id else task_id)
    response = yield from send(endpoints.query(question))
    return (yield from _finished(question, response)) if wait else response


def _check_identifier(argument: str, text: object) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise InputError(f"{argument}: a string is needed, not {type(text).__name__}", argument=argument)
    check_encodable(argument, text)


def _check_version(version: str, known: tuple[str, ...]) -> None:
    if version not in known:
        raise InputError(f"version: {version!r} is unknown; use {', '.join(known)}", argument="version")


def _question(workflow: str, job: WorkflowJob) -> QueryRequest:
    return QueryRequest(
        workflow=workflow, execution_id=job.execution_id, task_id=None if job.execution_id else job.task_id
    )


def _finished(question: QueryRequest, job: WorkflowJob) -> Flow[WorkflowJob]:
    """Poll until the job is done, with growing intervals."""
    seconds = FIRST_PAUSE
    while not _is_done(job):
        if not (question.execution_id or question.task_id):
            raise UnexpectedResponseError("The service accepted the job but returned no identifier for it")
        yield from pause(seconds)
        job = yield from send(endpoints.query(question))
        seconds = min(LONGEST_PAUSE, seconds * GROWTH)
    return job


def _is_done(job: WorkflowJob) -> bool:
    if job.failed:
        reason = next((result.error for result in job.results if result.error), None)
        raise failure(job.workflow or "workflow", {"error": reason} if reason else job.model_extra or {})
    return job.completed or job.succeeded
