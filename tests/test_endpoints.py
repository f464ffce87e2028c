from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import _endpoints as endpoints
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
    Response,
    Upload,
    VirtualTryOnInput,
    VirtualTryOnRequest,
    WireModel,
    WorkflowJob,
)
from tests.flows.steps import png

if TYPE_CHECKING:
    from aurashot._calls import Call

ID_PHOTO = IdPhotoRequest(images=IdPhotoImages(face="f"))
GENERATE = GenerateRequest(prompt="p", images=GenerateImages(face="f"))
EDIT = EditRequest(prompt="p", images=EditImages(target="t"))
TRY_ON = VirtualTryOnRequest(input=VirtualTryOnInput(product_image="p", model_image="m"))
POSE = PoseChangeRequest(input=PoseChangeInput(original_image="o", text_description="sit"))
QUERY = QueryRequest(workflow="pose_change", task_id="t")


@pytest.mark.parametrize(
    ("call", "name", "path", "response", "sent"),
    [
        (endpoints.id_photo(ID_PHOTO), "id_photo", "/v1/character/id-photo", Generation, ID_PHOTO),
        (endpoints.generate(GENERATE), "generate", "/v1/character/generate", Generation, GENERATE),
        (endpoints.edit(EDIT), "edit", "/v1/character/edit", Generation, EDIT),
        (endpoints.virtual_try_on(TRY_ON), "virtual_try_on", "/api/aesthetic/generate", WorkflowJob, TRY_ON),
        (endpoints.pose_change(POSE), "pose_change", "/api/aesthetic/generate", WorkflowJob, POSE),
    ],
)
def test_a_billed_operation_is_one_call(
    call: Call[Any], name: str, path: str, response: type[Response], sent: WireModel
) -> None:
    """It says what it costs and what it asks for, and is never shared with another call."""
    assert (name, path, response) == (call.name, call.path, call.response)
    assert (True, None) == (call.billable, call.dedupe_key)
    assert sent is call.request is call.asked


def test_a_query_is_free_and_repeatable() -> None:
    """No ledger hears of it, and it is sent as often as it is asked, since asking twice costs nothing."""
    call = endpoints.query(QUERY)
    assert ("query", "/api/aesthetic/query", WorkflowJob) == (call.name, call.path, call.response)
    assert (False, None, None) == (call.billable, call.asked, call.dedupe_key)
    assert QUERY is call.request


def test_an_upload_is_free_and_sent_once_per_content() -> None:
    """It carries the image itself, and the digest under which it is shared."""
    image = prepare(LocalImage(png(), "me", "The image"), ImageRules(own_origin="https://www.aurashot.art"))
    call = endpoints.upload(image)
    assert ("upload", "/v1/uploads", Upload) == (call.name, call.path, call.response)
    assert (False, None, image.digest) == (call.billable, call.asked, call.dedupe_key)
    assert image is call.request


def test_every_public_function_is_one_operation() -> None:
    """There is one function for each operation of the contract, and nothing else."""
    functions = {name for name, _ in inspect.getmembers(endpoints, inspect.isfunction) if not name.startswith("_")}
    assert {"edit", "generate", "id_photo", "pose_change", "query", "upload", "virtual_try_on"} == functions
