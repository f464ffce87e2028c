"""The requests and responses of the API.

Every model is frozen, is camelCase on the wire and snake_case in Python, and keeps unknown fields and status words, so
that a response survives a round trip through `model_dump_json(by_alias=True)`.
"""

from typing import TYPE_CHECKING

from aurashot import _late
from aurashot.models._requests import (
    BilledRequest,
    EditImages,
    EditRequest,
    GenerateImages,
    GenerateRequest,
    IdPhotoImages,
    IdPhotoRequest,
)
from aurashot.models._responses import CallMeta, Generation, Output, Pipeline, Response, SentImage, TokenUsage, Upload
from aurashot.models._wire import WireModel

if TYPE_CHECKING:
    from aurashot.models._legacy import (
        PoseChangeInput,
        PoseChangeRequest,
        QueryRequest,
        VirtualTryOnInput,
        VirtualTryOnRequest,
        WorkflowJob,
        WorkflowResult,
    )

__all__ = [
    "BilledRequest",
    "CallMeta",
    "EditImages",
    "EditRequest",
    "GenerateImages",
    "GenerateRequest",
    "Generation",
    "IdPhotoImages",
    "IdPhotoRequest",
    "Output",
    "Pipeline",
    "PoseChangeInput",
    "PoseChangeRequest",
    "QueryRequest",
    "Response",
    "SentImage",
    "TokenUsage",
    "Upload",
    "VirtualTryOnInput",
    "VirtualTryOnRequest",
    "WireModel",
    "WorkflowJob",
    "WorkflowResult",
]

_HOMES = dict.fromkeys(__all__, "aurashot.models._legacy")


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
