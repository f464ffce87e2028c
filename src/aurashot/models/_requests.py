"""The bodies of the service's endpoints."""

from __future__ import annotations

from typing import Literal

from aurashot.models._wire import WireModel


class IdPhotoImages(WireModel):
    """The picture that an ID photo is made from."""

    face: str
    """Public https URL of one face photo."""


class IdPhotoRequest(WireModel):
    """The body of `POST /v1/character/id-photo`."""

    images: IdPhotoImages
    prompt: str | None = None
    """A style, for an anime character for instance."""
    wait_for_result: bool | None = None
    """Whether the service answers when the picture is there; left out unless asked."""


class GenerateImages(WireModel):
    """The pictures that a generation refers to."""

    face: str
    """Public https URL of the face reference: the anchor wherever there is one."""
    clothes: str | None = None
    scene: str | None = None


class GenerateRequest(WireModel):
    """The body of `POST /v1/character/generate`."""

    prompt: str
    images: GenerateImages
    wait_for_result: bool | None = None


class EditImages(WireModel):
    """The pictures that an edit refers to."""

    target: str
    """Public https URL of the picture to change."""
    face: str | None = None
    """The identity lock: the face that has to stay."""


class EditRequest(WireModel):
    """The body of `POST /v1/character/edit`."""

    prompt: str
    images: EditImages
    wait_for_result: bool | None = None


class VirtualTryOnInput(WireModel):
    """What the legacy try-on works on."""

    product_image: str
    model_image: str
    scene_image: str | None = None
    generate_version: str = "weshopFlash"
    """`weshopFlash`, `weshopPro` or `bananaPro`."""
    description_type: Literal["auto", "custom"] = "auto"
    """`custom` exactly when a description is given."""
    text_description: str | None = None


class VirtualTryOnRequest(WireModel):
    """The body of `POST /api/aesthetic/generate` for `virtual_try_on`."""

    workflow: Literal["virtual_try_on"] = "virtual_try_on"
    wait_for_result: bool | None = None
    input: VirtualTryOnInput


class PoseChangeInput(WireModel):
    """What the legacy pose change works on."""

    original_image: str
    generate_version: str = "lite"
    """`lite` or `pro`."""
    text_description: str


class PoseChangeRequest(WireModel):
    """The body of `POST /api/aesthetic/generate` for `pose_change`."""

    workflow: Literal["pose_change"] = "pose_change"
    wait_for_result: bool | None = None
    input: PoseChangeInput


class QueryRequest(WireModel):
    """The body of `POST /api/aesthetic/query`: one of the two identifiers."""

    workflow: str
    execution_id: str | None = None
    task_id: str | None = None
