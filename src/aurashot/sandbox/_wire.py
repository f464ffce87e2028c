"""The requests and responses of the sandbox, modelled after the API contract, not after the SDK."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Reference: TypeAlias = Annotated[
    str,
    Field(json_schema_extra={"format": "uri"}, description="A public https URL, or the URL of a file on this server."),
]
"""The URL of an image; `_references` checks the rules that no schema can express."""

Prompt: TypeAlias = Annotated[str, Field(pattern=r"\S", description="Any language; not blank.")]


class Wire(BaseModel):
    """camelCase in JSON; unknown fields are ignored, and values are not converted from other types."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=True)


class IdPhotoImages(Wire):
    """The one reference of an identity anchor."""

    face: Reference


class GenerateImages(Wire):
    """The references of a generation."""

    face: Reference
    clothes: Reference | None = None
    scene: Reference | None = None


class EditImages(Wire):
    """The image to edit, and the face to keep."""

    target: Reference
    face: Reference | None = None


class IdPhotoRequest(Wire):
    """`POST /v1/character/id-photo`."""

    images: IdPhotoImages
    prompt: Prompt | None = None
    wait_for_result: bool = False


class GenerateRequest(Wire):
    """`POST /v1/character/generate`."""

    images: GenerateImages
    prompt: Prompt
    wait_for_result: bool = False


class EditRequest(Wire):
    """`POST /v1/character/edit`."""

    images: EditImages
    prompt: Prompt
    wait_for_result: bool = False


class Output(Wire):
    """One finished image."""

    url: str
    type: Literal["image"] = "image"


class Pipeline(Wire):
    """What generated the image: in the sandbox never a model."""

    provider: Literal["sandbox"] = "sandbox"
    status: Literal["success"] = "success"


class TokenUsage(Wire):
    """The tokens that a model would have counted."""

    input_tokens: int
    output_tokens: int


class SandboxNote(Wire):
    """States that no model was used, which references were replaced by portraits, and whether it is another person."""

    note: Literal["made by the AuraShot sandbox, not by a model"] = "made by the AuraShot sandbox, not by a model"
    stand_ins: list[str] = []
    drifted: bool = False


class GenerationResponse(Wire):
    """The response of the three operations on characters."""

    request_id: str
    job_id: str
    task_type: Literal["id-photo", "generate", "edit"]
    status: Literal["success"] = "success"
    outputs: list[Output]
    pipeline: Pipeline = Pipeline()
    token_usage: TokenUsage
    created_at: datetime
    sandbox: SandboxNote


class UploadResponse(Wire):
    """The response of `POST /v1/uploads`."""

    url: str


class TryOnInput(Wire):
    """What `virtual_try_on` takes."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"descriptionType": {"const": "custom"}}, "required": ["descriptionType"]},
            "then": {"properties": {"textDescription": {"type": "string"}}, "required": ["textDescription"]},
        },
    )

    product_image: Reference
    model_image: Reference
    scene_image: Reference | None = None
    generate_version: Literal["weshopFlash", "weshopPro", "bananaPro"] = "weshopFlash"
    description_type: Literal["auto", "custom"] = "auto"
    text_description: Prompt | None = Field(None, description="Required with `custom`, ignored with `auto`.")

    @model_validator(mode="after")
    def _describe_custom(self) -> TryOnInput:
        if self.description_type == "custom" and self.text_description is None:
            raise ValueError("textDescription is required when descriptionType is custom")
        return self


class PoseInput(Wire):
    """What `pose_change` takes."""

    original_image: Reference
    generate_version: Literal["lite", "pro"] = "lite"
    text_description: Prompt | None = None


class TryOnRequest(Wire):
    """`POST /api/aesthetic/generate` for a try-on."""

    workflow: Literal["virtual_try_on"]
    input: TryOnInput
    wait_for_result: bool = False


class PoseRequest(Wire):
    """`POST /api/aesthetic/generate` for a change of pose."""

    workflow: Literal["pose_change"]
    input: PoseInput
    wait_for_result: bool = False


WorkflowRequest: TypeAlias = Annotated[TryOnRequest | PoseRequest, Field(discriminator="workflow")]
Workflow: TypeAlias = Literal["virtual_try_on", "pose_change"]


class QueryRequest(Wire):
    """`POST /api/aesthetic/query`: either identifier names the job."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["executionId"]}, {"required": ["taskId"]}]},
    )

    workflow: Workflow
    execution_id: str = Field("", min_length=1)
    task_id: str = Field("", min_length=1)

    @model_validator(mode="after")
    def _name_the_job(self) -> QueryRequest:
        if not self.execution_id and not self.task_id:
            raise ValueError("executionId or taskId is required")
        return self


class WorkflowResult(Wire):
    """One image of a workflow."""

    status: Literal["Success"] = "Success"
    image: str
    progress: float | None = None
    error: str | None = None


class WorkflowResponse(Wire):
    """The response of both legacy endpoints."""

    workflow: Workflow
    task_id: str
    execution_id: str
    status: Literal["submitted", "processing", "success"]
    completed: bool
    images: list[str] = []
    results: list[WorkflowResult] = []
    request_id: str
    sandbox: SandboxNote


class ErrorDetail(Wire):
    """What went wrong, for programs and for people."""

    code: str
    message: str


class ErrorResponse(Wire):
    """The format of every error response."""

    error: ErrorDetail
    request_id: str


class BillLine(Wire):
    """One billed image."""

    operation: str
    idempotency_key: str | None
    request_id: str
    at: datetime


class BillResponse(Wire):
    """Everything that was billed, oldest first."""

    billed: int
    entries: list[BillLine]


def camel(model: BaseModel) -> dict[str, Any]:
    """Return a model as JSON values with camelCase names."""
    return model.model_dump(mode="json", by_alias=True)
