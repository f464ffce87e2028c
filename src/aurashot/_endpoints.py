"""One pure function per operation of the API: what goes out, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot._calls import Call, Labels, M
from aurashot.models import Generation, Upload

if TYPE_CHECKING:
    from aurashot.images import Payload
    from aurashot.models import (
        EditRequest,
        GenerateRequest,
        IdPhotoRequest,
        PoseChangeRequest,
        QueryRequest,
        VirtualTryOnRequest,
        WireModel,
        WorkflowJob,
    )

UPLOADS: Final = "/v1/uploads"
ID_PHOTO: Final = "/v1/character/id-photo"
GENERATE: Final = "/v1/character/generate"
EDIT: Final = "/v1/character/edit"
WORKFLOW: Final = "/api/aesthetic/generate"
WORKFLOW_QUERY: Final = "/api/aesthetic/query"

UNLABELLED: Final = Labels()


def upload(picture: Payload) -> Call[Upload]:
    """`POST /v1/uploads`: free, and sent once for the same content."""
    return Call(operation="upload", path=UPLOADS, answer=Upload, content=picture, once=picture.digest)


def id_photo(body: IdPhotoRequest, labels: Labels = UNLABELLED) -> Call[Generation]:
    """`POST /v1/character/id-photo`."""
    return _billed("id_photo", ID_PHOTO, Generation, body, labels)


def generate(body: GenerateRequest, labels: Labels = UNLABELLED) -> Call[Generation]:
    """`POST /v1/character/generate`."""
    return _billed("generate", GENERATE, Generation, body, labels)


def edit(body: EditRequest, labels: Labels = UNLABELLED) -> Call[Generation]:
    """`POST /v1/character/edit`."""
    return _billed("edit", EDIT, Generation, body, labels)


def workflow(body: VirtualTryOnRequest | PoseChangeRequest, labels: Labels = UNLABELLED) -> Call[WorkflowJob]:
    """`POST /api/aesthetic/generate`."""
    from aurashot.models import WorkflowJob

    return _billed(body.workflow, WORKFLOW, WorkflowJob, body, labels)


def workflow_query(body: QueryRequest) -> Call[WorkflowJob]:
    """`POST /api/aesthetic/query`: free, and safe to repeat."""
    from aurashot.models import WorkflowJob

    return Call(operation="query", path=WORKFLOW_QUERY, answer=WorkflowJob, content=body.to_wire())


def _billed(operation: str, path: str, answer: type[M], body: WireModel, labels: Labels) -> Call[M]:
    content = body.to_wire()
    return Call(operation=operation, path=path, answer=answer, content=content, billed=True, labels=labels)
