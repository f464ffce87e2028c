"""The bodies of the service's endpoints."""

from __future__ import annotations

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
