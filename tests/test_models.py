from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from aurashot import models
from aurashot.errors import NoOutputError
from aurashot.models import (
    BilledRequest,
    CallMeta,
    EditImages,
    EditRequest,
    GenerateImages,
    GenerateRequest,
    Generation,
    IdPhotoImages,
    IdPhotoRequest,
    Output,
    PoseChangeInput,
    PoseChangeRequest,
    QueryRequest,
    Upload,
    VirtualTryOnInput,
    VirtualTryOnRequest,
    WireModel,
    WorkflowJob,
)
from aurashot.models._responses import STATUS_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATION: dict[str, Any] = {
    "requestId": "6e0c1d0e",
    "jobId": "c1",
    "taskType": "generate",
    "status": "success",
    "outputs": [{"url": "https://cdn.example.com/1.png", "type": "image"}],
    "pipeline": {"provider": "qwen-image-edit", "status": "success"},
    "tokenUsage": {"inputTokens": 0, "outputTokens": 1234},
    "createdAt": "2026-03-16T12:00:00Z",
}
JOB: dict[str, Any] = {
    "workflow": "virtual_try_on",
    "taskId": "t-1",
    "executionId": "e-1",
    "status": "success",
    "completed": True,
    "images": ["https://cdn.example.com/1.png", "https://cdn.example.com/2.png"],
    "results": [{"status": "Success", "image": "https://cdn.example.com/1.png", "progress": None, "error": None}],
}
META = CallMeta(
    attempts=2,
    elapsed=1.5,
    operation_id="o-1",
    idempotency_key="k-1",
    ledger_entry=7,
    from_ledger=True,
    status_code=200,
    headers=(("server", "x"),),
)
RESPONSES = [
    (Upload, {"url": "https://cdn.example.com/1.png"}),
    (Generation, GENERATION),
    (WorkflowJob, JOB),
]
UNKNOWN: dict[str, Any] = {"watermark": {"text": "sandbox", "position": [1, 2.5, None]}, "später": "ok"}


def wire(model: WireModel) -> Any:
    """Return a model as it would be on the wire."""
    return json.loads(model.model_dump_json(by_alias=True))


@pytest.mark.parametrize(("model", "body"), RESPONSES)
def test_a_response_survives_a_round_trip(model: type[WireModel], body: dict[str, Any]) -> None:
    """What the service sent comes out again, field by field, with what is not known of at the top and below."""
    body = {**body, **UNKNOWN}
    response = model.model_validate(body)
    assert body == wire(response)
    assert response == model.model_validate_json(response.model_dump_json(by_alias=True))
    assert response == model.model_validate(response.model_dump())


def test_unknown_fields_survive_inside_an_output() -> None:
    """The parts of a response keep their unknown fields like the whole."""
    body = {**GENERATION, "outputs": [{"url": "https://cdn.example.com/1.png", "type": "image", "width": 1024}]}
    assert body == wire(Generation.model_validate(body))
    assert 1024 == (Generation.model_validate(body).output.model_extra or {})["width"]


def test_the_fields_have_their_python_names() -> None:
    """On the wire it is camelCase, in Python snake_case."""
    response = Generation.model_validate(GENERATION)
    assert ("6e0c1d0e", "c1", "generate") == (response.request_id, response.job_id, response.task_type)
    assert response.pipeline is not None
    assert response.token_usage is not None
    assert ("qwen-image-edit", 0, 1234) == (
        response.pipeline.provider,
        response.token_usage.input_tokens,
        response.token_usage.output_tokens,
    )
    assert "https://cdn.example.com/1.png" == response.url == response.output.url == response.outputs[0].url
    assert "image" == response.output.type


def test_a_job_gives_its_first_image() -> None:
    """The legacy response lists addresses, and may list what became of each."""
    job = WorkflowJob.model_validate(JOB)
    assert ("https://cdn.example.com/1.png", "Success", None) == (job.url, job.results[0].status, job.results[0].error)
    assert job.completed


@pytest.mark.parametrize("field", sorted(set(GENERATION) - {"status"}))
def test_only_the_status_of_a_generation_is_indispensable(field: str) -> None:
    """Any other field may be absent or null: a paid response is not lost for it."""
    absent = {name: value for name, value in GENERATION.items() if name != field}
    assert Generation.model_validate(absent).succeeded
    assert Generation.model_validate({**GENERATION, field: None}).succeeded
    with pytest.raises(ValidationError):
        Generation.model_validate({**GENERATION, "status": None})


@pytest.mark.parametrize("field", sorted(set(JOB) - {"status"}))
def test_only_the_status_of_a_job_is_indispensable(field: str) -> None:
    """Any other field may be absent or null: a job that was taken is not lost for it."""
    absent = {name: value for name, value in JOB.items() if name != field}
    assert WorkflowJob.model_validate(absent).succeeded
    assert WorkflowJob.model_validate({**JOB, field: None}).succeeded


@pytest.mark.parametrize(
    ("word", "judged"),
    [
        ("success", (True, False, False)),
        ("completed", (True, False, False)),
        ("Success", (True, False, False)),
        ("COMPLETED", (True, False, False)),
        ("failed", (False, True, False)),
        ("submitted", (False, False, True)),
        ("processing", (False, False, True)),
        ("queued", (False, False, False)),
        ("", (False, False, False)),
    ],
)
@pytest.mark.parametrize("model", [Generation, WorkflowJob])
def test_a_status_word_is_judged_and_kept(
    model: type[Generation | WorkflowJob], word: str, judged: tuple[bool, bool, bool]
) -> None:
    """Each known word belongs to one class, in any case; a word that is not known belongs to none."""
    response = model(status=word)
    assert judged == (response.succeeded, response.failed, response.pending)
    assert word == response.status == wire(response)["status"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_status_word_survives(word: str) -> None:
    """A word that nobody has heard of comes back unchanged, and counts as neither done, failed nor pending."""
    response = Generation.model_validate({"status": word})
    assert word == Generation.model_validate_json(response.model_dump_json(by_alias=True)).status
    known = word.casefold() in STATUS_WORDS
    assert known == any((response.succeeded, response.failed, response.pending))


@pytest.mark.parametrize(
    "response", [Generation(status="processing", request_id="r-1"), WorkflowJob(status="processing", task_id="r-1")]
)
def test_an_image_that_is_not_there_is_an_error_with_the_identifier(response: Generation | WorkflowJob) -> None:
    """Asking a pending response for its image says what its status is and which request it was."""
    with pytest.raises(NoOutputError, match="'processing'") as caught:
        _ = response.url
    error = caught.value
    assert ("r-1", "accepted", True, (response,)) == (
        error.request_id,
        error.outcome,
        error.may_be_charged,
        error.delivered,
    )
    assert isinstance(pickle.loads(pickle.dumps(error)), NoOutputError)


def test_an_output_that_is_not_there_is_the_same_error() -> None:
    """`output` fails as `url` does."""
    with pytest.raises(NoOutputError, match="has no image"):
        _ = Generation(status="failed").output


@pytest.mark.parametrize(("model", "body"), RESPONSES)
def test_a_response_is_frozen_and_hashable_by_what_it_says(model: type[WireModel], body: dict[str, Any]) -> None:
    """Nobody changes a response by accident, and two equal ones are one in a set."""
    response = model.model_validate(body)
    with pytest.raises(ValidationError, match="frozen"):
        response.url = "https://elsewhere.example"  # type: ignore[attr-defined]  # what the test is about
    assert hash(response) == hash(model.model_validate(body))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda response: pickle.loads(pickle.dumps(response))])  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]  # a lambda has no annotations
@pytest.mark.parametrize(("model", "body"), RESPONSES)
def test_a_response_is_copied_and_pickled_with_its_meta(
    model: type[Generation], body: dict[str, Any], again: Callable[[Generation], Generation]
) -> None:
    """A queue or a cache gives back the whole response, unknown fields and the story of its call included."""
    response = model.model_validate({**body, **UNKNOWN}).with_meta(META)
    remade = again(response)
    assert response == remade
    assert dataclasses.asdict(META) == dataclasses.asdict(remade.meta)


@pytest.mark.parametrize(("model", "body"), RESPONSES)
def test_how_a_response_was_obtained_is_not_what_it_says(model: type[Generation], body: dict[str, Any]) -> None:
    """The meta takes no part in equality, dumps and schema; without a call it is empty."""
    plain = model.model_validate(body)
    told = model.model_validate(body).with_meta(META)
    assert plain == told
    assert dataclasses.asdict(CallMeta()) == dataclasses.asdict(plain.meta)
    assert META == CallMeta()
    assert plain.model_dump_json() == told.model_dump_json()
    assert "k-1" not in repr(told)


@pytest.mark.parametrize(
    "aside",
    [
        {"requestId": ["r"]},
        {"jobId": {}},
        {"taskType": []},
        {"pipeline": "qwen"},
        {"pipeline": {"provider": {}, "status": []}},
        {"tokenUsage": {"inputTokens": 1.5, "outputTokens": "many"}},
        {"tokenUsage": 17},
        {"createdAt": {"seconds": 1}},
        {"outputs": [{"url": "https://cdn.example.com/1.png", "type": 4}]},
    ],
)
def test_a_paid_image_is_not_lost_over_a_side_field(aside: dict[str, Any]) -> None:
    """What is nice to know may have another shape than is documented; the image is there all the same."""
    response = {"status": "success", "outputs": [{"url": "https://cdn.example.com/1.png"}], **aside}
    assert "https://cdn.example.com/1.png" == Generation.model_validate(response).url


@pytest.mark.parametrize(
    "value", [{"url": None}, {"url": ["https://cdn.example.com/1.png"]}, {}, None, "https://cdn.example.com/1.png"]
)
def test_an_output_without_an_address_is_refused(value: Any) -> None:
    """An image is its address: what has none is no image."""
    with pytest.raises(ValidationError):
        Generation.model_validate({"status": "success", "outputs": [value]})


def test_a_validation_error_hides_what_was_sent() -> None:
    """The input is what a user sent or paid for: it is in no message."""
    with pytest.raises(ValidationError) as caught:
        GenerateRequest.model_validate({"prompt": ["a private prompt"], "images": {"face": 1}})
    assert "private" not in str(caught.value)


REQUESTS: list[tuple[WireModel, dict[str, Any]]] = [
    (IdPhotoRequest(images=IdPhotoImages(face="f")), {"images": {"face": "f"}}),
    (
        IdPhotoRequest(images=IdPhotoImages(face="f"), prompt="anime", wait_for_result=False),
        {"images": {"face": "f"}, "prompt": "anime", "waitForResult": False},
    ),
    (GenerateRequest(prompt="p", images=GenerateImages(face="f")), {"prompt": "p", "images": {"face": "f"}}),
    (
        GenerateRequest(prompt="咖啡馆", images=GenerateImages(face="f", clothes="c", scene="s"), wait_for_result=True),
        {"prompt": "咖啡馆", "images": {"face": "f", "clothes": "c", "scene": "s"}, "waitForResult": True},
    ),
    (EditRequest(prompt="p", images=EditImages(target="t")), {"prompt": "p", "images": {"target": "t"}}),
    (
        EditRequest(prompt="p", images=EditImages(target="t", face="f")),
        {"prompt": "p", "images": {"target": "t", "face": "f"}},
    ),
    (
        VirtualTryOnRequest(input=VirtualTryOnInput(product_image="p", model_image="m"), wait_for_result=False),
        {
            "workflow": "virtual_try_on",
            "waitForResult": False,
            "input": {
                "productImage": "p",
                "modelImage": "m",
                "generateVersion": "weshopFlash",
                "descriptionType": "auto",
            },
        },
    ),
    (
        PoseChangeRequest(input=PoseChangeInput(original_image="o", text_description="sit")),
        {
            "workflow": "pose_change",
            "input": {"originalImage": "o", "generateVersion": "lite", "textDescription": "sit"},
        },
    ),
    (QueryRequest(workflow="pose_change", execution_id="e"), {"workflow": "pose_change", "executionId": "e"}),
    (QueryRequest(workflow="pose_change", task_id="t"), {"workflow": "pose_change", "taskId": "t"}),
]


@pytest.mark.parametrize(("request_model", "body"), REQUESTS)
def test_a_request_is_the_body_of_the_contract(request_model: WireModel, body: dict[str, Any]) -> None:
    """What goes out is camelCase, and holds nothing that was not given."""
    assert body == json.loads(request_model.to_wire())


@pytest.mark.parametrize(
    ("request_model", "words", "references"),
    [
        (IdPhotoRequest(images=IdPhotoImages(face="f")), None, {"face": "f"}),
        (IdPhotoRequest(images=IdPhotoImages(face="f"), prompt="anime"), "anime", {"face": "f"}),
        (
            GenerateRequest(prompt="p", images=GenerateImages(face="f", scene="s"), wait_for_result=True),
            "p",
            {"face": "f", "scene": "s"},
        ),
        (EditRequest(prompt="p", images=EditImages(target="t", face="f")), "p", {"target": "t", "face": "f"}),
        (
            VirtualTryOnRequest(input=VirtualTryOnInput(product_image="p", model_image="m")),
            None,
            {"productImage": "p", "modelImage": "m"},
        ),
        (
            VirtualTryOnRequest(
                input=VirtualTryOnInput(product_image="p", model_image="m", scene_image="s", text_description="beach")
            ),
            "beach",
            {"productImage": "p", "modelImage": "m", "sceneImage": "s"},
        ),
        (
            PoseChangeRequest(input=PoseChangeInput(original_image="o", text_description="sit")),
            "sit",
            {"originalImage": "o"},
        ),
    ],
)
def test_a_billed_request_says_what_a_ledger_writes_down(
    request_model: BilledRequest, words: str | None, references: dict[str, str]
) -> None:
    """Its words, and the images that were given, by the names that they have on the wire."""
    assert (words, references) == (request_model.words, request_model.references)


def test_every_request_but_a_query_is_billed() -> None:
    """A query costs nothing; everything else that is asked for does."""
    assert [QueryRequest] * 2 == [type(request) for request, _ in REQUESTS if not isinstance(request, BilledRequest)]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_prompt_in_any_script_travels_unchanged(prompt: str) -> None:
    """What the user wrote is what the service reads."""
    body = GenerateRequest(prompt=prompt, images=GenerateImages(face="f"))
    assert prompt == json.loads(body.to_wire())["prompt"]


def test_every_model_of_the_package_is_public() -> None:
    """What the package offers is sorted and complete."""
    found = {name for name in dir(models) if isinstance(getattr(models, name), type) and not name.startswith("_")}
    assert sorted(found) == models.__all__


def test_an_output_stands_for_its_image() -> None:
    """One image of a response has an address and perhaps a type."""
    assert Output(url="u") == Output.model_validate({"url": "u", "type": None})
