"""The legacy workflows: jobs that are submitted, then polled."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request

from aurashot.sandbox._emulator import emulator_of, url_of
from aurashot.sandbox._errors import ApiError, request_id
from aurashot.sandbox._render import ImageRequest
from aurashot.sandbox._routes import KEYED, KeyedRoute, refusals
from aurashot.sandbox._wire import (
    PoseRequest,
    QueryRequest,
    SandboxNote,
    TryOnRequest,
    Workflow,
    WorkflowRequest,
    WorkflowResponse,
    WorkflowResult,
)

if TYPE_CHECKING:
    from aurashot.sandbox._store import StoredFile

router = APIRouter(route_class=KeyedRoute, dependencies=KEYED, tags=["legacy workflows"])


@dataclass(slots=True)
class Job:
    """A workflow, which is billed and drawn when it is accepted; polls return it when it is due."""

    workflow: Workflow
    key: str
    file: StoredFile
    stand_ins: list[str]
    polls_left: int
    due: float  # on the monotonic clock
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def finished(self) -> bool:
        """Return whether the job is done; each call counts as a poll."""
        if self.polls_left > 0:
            self.polls_left -= 1
            return False
        return time.monotonic() >= self.due


@router.post("/api/aesthetic/generate", responses=refusals(400, 401, 402, 413, 422))
async def submit(body: WorkflowRequest, request: Request) -> WorkflowResponse:
    """Submit a try-on or a change of pose; with `waitForResult` the response contains the finished image."""
    emulator = emulator_of(request)
    loaded = await emulator.load_references(request, _references(body))
    emulator.bill(request, body.workflow)
    image_request = ImageRequest(body.workflow, request_id(request.scope), body.input.text_description, loaded.images)
    due = time.monotonic() + emulator.latency
    file = (await emulator.draw(image_request)).file
    job = Job(body.workflow, request.state.key, file, loaded.stand_ins, emulator.settings.polls, due)
    jobs = _jobs(request)
    jobs[job.task_id] = jobs[job.execution_id] = job
    if not body.wait_for_result:
        return _response(job, request, "submitted")
    await emulator.wait_latency()
    return _response(job, request, "success")


@router.post("/api/aesthetic/query", responses=refusals(400, 401, 404, 413, 422))
async def query(body: QueryRequest, request: Request) -> WorkflowResponse:
    """Return the state of a job."""
    jobs = [_jobs(request).get(name) for name in (body.execution_id, body.task_id) if name]
    job = jobs[0]
    if job is None or any(other is not job for other in jobs) or job.key != request.state.key:
        raise ApiError(404, "not_found", "There is no such job.")
    return _response(job, request, "success" if job.finished() else "processing")


def _jobs(request: Request) -> dict[str, Job]:
    jobs: dict[str, Job] = request.app.state.jobs
    return jobs


def _references(body: TryOnRequest | PoseRequest) -> dict[str, str | None]:
    if isinstance(body, PoseRequest):
        return {"input.originalImage": body.input.original_image}
    return {
        "input.productImage": body.input.product_image,
        "input.modelImage": body.input.model_image,
        "input.sceneImage": body.input.scene_image,
    }


def _response(job: Job, request: Request, status: Literal["submitted", "processing", "success"]) -> WorkflowResponse:
    images = [url_of(job.file, request)] if status == "success" else []
    return WorkflowResponse(
        workflow=job.workflow,
        task_id=job.task_id,
        execution_id=job.execution_id,
        status=status,
        completed=status == "success",
        images=images,
        results=[WorkflowResult(image=image) for image in images],
        request_id=request_id(request.scope),
        sandbox=SandboxNote(stand_ins=job.stand_ins),
    )
