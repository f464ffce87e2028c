from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import _endpoints as endpoints
from aurashot._calls import Labels
from aurashot.images import ImageRules, LocalImage, prepare
from aurashot.models import (
    EditImages,
    EditRequest,
    GenerateImages,
    GenerateRequest,
    Generation,
    IdPhotoImages,
    IdPhotoRequest,
    PoseChangeInput,
    PoseChangeRequest,
    QueryRequest,
    Received,
    Upload,
    VirtualTryOnInput,
    VirtualTryOnRequest,
    WireModel,
    WorkflowJob,
)
from tests.flows.steps import png

if TYPE_CHECKING:
    from aurashot._calls import Call

LABELS = Labels("k", {"user": "alice"})
ID_PHOTO = IdPhotoRequest(images=IdPhotoImages(face="f"))
GENERATE = GenerateRequest(prompt="p", images=GenerateImages(face="f"))
EDIT = EditRequest(prompt="p", images=EditImages(target="t"))
TRY_ON = VirtualTryOnRequest(input=VirtualTryOnInput(product_image="p", model_image="m"))
POSE = PoseChangeRequest(input=PoseChangeInput(original_image="o", text_description="sit"))
QUERY = QueryRequest(workflow="pose_change", task_id="t")


@pytest.mark.parametrize(
    ("call", "operation", "path", "answer", "sent"),
    [
        (endpoints.id_photo(ID_PHOTO, LABELS), "id_photo", "/v1/character/id-photo", Generation, ID_PHOTO),
        (endpoints.generate(GENERATE, LABELS), "generate", "/v1/character/generate", Generation, GENERATE),
        (endpoints.edit(EDIT, LABELS), "edit", "/v1/character/edit", Generation, EDIT),
        (endpoints.workflow(TRY_ON, LABELS), "virtual_try_on", "/api/aesthetic/generate", WorkflowJob, TRY_ON),
        (endpoints.workflow(POSE, LABELS), "pose_change", "/api/aesthetic/generate", WorkflowJob, POSE),
    ],
)
def test_a_billed_operation_is_one_call(
    call: Call[Any], operation: str, path: str, answer: type[Received], sent: WireModel
) -> None:
    """It says what it costs, carries the labels that were given, and is never shared with another call."""
    assert (operation, path, answer) == (call.operation, call.path, call.answer)
    assert (True, LABELS, None) == (call.billed, call.labels, call.once)
    assert sent.to_wire() == call.content


def test_without_a_key_a_billed_call_leaves_it_to_the_driver() -> None:
    """The key is minted once per logical call, where the call is sent."""
    assert endpoints.generate(GENERATE).labels.idempotency_key is None


def test_a_query_is_free_and_repeatable() -> None:
    """It has no key, since asking twice costs nothing."""
    call = endpoints.workflow_query(QUERY)
    assert ("query", "/api/aesthetic/query", WorkflowJob) == (call.operation, call.path, call.answer)
    assert (False, None, None) == (call.billed, call.labels.idempotency_key, call.once)
    assert isinstance(call.content, bytes)
    assert {"workflow": "pose_change", "taskId": "t"} == json.loads(call.content)


def test_an_upload_is_free_and_sent_once_per_content() -> None:
    """It carries the picture itself, and the digest under which it is shared."""
    picture = prepare(LocalImage(png(), "me", "The picture"), ImageRules(own_origin="https://www.aurashot.art"))
    call = endpoints.upload(picture)
    assert ("upload", "/v1/uploads", Upload) == (call.operation, call.path, call.answer)
    assert (False, None, picture.digest) == (call.billed, call.labels.idempotency_key, call.once)
    assert picture is call.content


def test_every_public_function_is_one_operation() -> None:
    """There is one function for each operation of the contract, and nothing else."""
    functions = {name for name, _ in inspect.getmembers(endpoints, inspect.isfunction) if not name.startswith("_")}
    assert {"edit", "generate", "id_photo", "upload", "workflow", "workflow_query"} == functions
