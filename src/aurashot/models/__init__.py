"""What travels on the wire: requests, and the answers that they become.

Every model is frozen, speaks camelCase on the wire and snake_case in Python, and keeps the fields and status words
that it does not know, so that an answer survives a round trip through `model_dump_json(by_alias=True)`.
"""

from aurashot.models._requests import (
    EditImages,
    EditRequest,
    GenerateImages,
    GenerateRequest,
    IdPhotoImages,
    IdPhotoRequest,
    PoseChangeInput,
    PoseChangeRequest,
    QueryRequest,
    VirtualTryOnInput,
    VirtualTryOnRequest,
)
from aurashot.models._responses import (
    CallMeta,
    Generation,
    Output,
    Pipeline,
    Received,
    TokenUsage,
    Upload,
    WorkflowJob,
    WorkflowResult,
)
from aurashot.models._wire import WireModel

__all__ = [
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
    "Received",
    "TokenUsage",
    "Upload",
    "VirtualTryOnInput",
    "VirtualTryOnRequest",
    "WireModel",
    "WorkflowJob",
    "WorkflowResult",
]
