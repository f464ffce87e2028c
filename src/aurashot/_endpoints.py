"""One pure function per operation of the API: its request, and the model of its response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot._calls import Call, M
from aurashot.models import Generation, Upload

if TYPE_CHECKING:
    from aurashot.images import Payload
    from aurashot.models import (
        BilledRequest,
        EditRequest,
        GenerateRequest,
        IdPhotoRequest,
        PoseChangeRequest,
        QueryRequest,
        VirtualTryOnRequest,
        WorkflowJob,
    )

UPLOADS: Final = "/v1/uploads"
ID_PHOTO: Final = "/v1/character/id-photo"
GENERATE: Final = "/v1/character/generate"
EDIT: Final = "/v1/character/edit"
WORKFLOW: Final = "/api/aesthetic/generate"
WORKFLOW_QUERY: Final = "/api/aesthetic/query"


def upload(image: Payload) -> Call[Upload]:
    """`POST /v1/uploads`: free, and sent once for the same content."""
    return Call(name="upload", path=UPLOADS, response=Upload, request=image, dedupe_key=image.digest)


def id_photo(body: IdPhotoRequest) -> Call[Generation]:
    """`POST /v1/character/id-photo`."""
    return _billed("id_photo", ID_PHOTO, Generation, body)


def generate(body: GenerateRequest) -> Call[Generation]:
    """`POST /v1/character/generate`."""
    return _billed("generate", GENERATE, Generation, body)


def edit(body: EditRequest) -> Call[Generation]:
    """`POST /v1/character/edit`."""
    return _billed("edit", EDIT, Generation, body)


def virtual_try_on(body: VirtualTryOnRequest) -> Call[WorkflowJob]:
    """`POST /api/aesthetic/generate` for `virtual_try_on`."""
    from aurashot.models import WorkflowJob

    return _billed("virtual_try_on", WORKFLOW, WorkflowJob, body)


def pose_change(body: PoseChangeRequest) -> Call[WorkflowJob]:
    """`POST /api/aesthetic/generate` for `pose_change`."""
    from aurashot.models import WorkflowJob

    return _billed("pose_change", WORKFLOW, WorkflowJob, body)


def query(body: QueryRequest) -> Call[WorkflowJob]:
    """`POST /api/aesthetic/query`: free, and safe to repeat."""
    from aurashot.models import WorkflowJob

    return Call(name="query", path=WORKFLOW_QUERY, response=WorkflowJob, request=body)


def _billed(name: str, path: str, response: type[M], body: BilledRequest) -> Call[M]:
    return Call(name=name, path=path, response=response, request=body, billable=True, asked=body)
