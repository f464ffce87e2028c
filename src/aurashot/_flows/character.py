"""The operations of the API, and the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, send
from aurashot._flows.references import billed, check_text, given, identities, located, prepared, ready
from aurashot.models import (
    EditImages,
    EditRequest,
    GenerateImages,
    GenerateRequest,
    Generation,
    IdPhotoImages,
    IdPhotoRequest,
    Upload,
)

if TYPE_CHECKING:
    from aurashot.images import ImageInput, ImageRules


def upload(rules: ImageRules, image: ImageInput) -> Flow[Upload]:
    """Put one picture where the service can see it; what is remote already stays where it is."""
    place = located(rules, "image", image)
    if isinstance(place, str):
        return Upload(url=place)
    payload = yield from prepared(rules, "image", place)
    return (yield from send(endpoints.upload(payload)))


def id_photo(
    rules: ImageRules, face: ImageInput, *, prompt: str | None, wait_for_result: bool | None
) -> Flow[Generation]:
    """Make the identity anchor of one face."""
    if prompt is not None:
        check_text("prompt", prompt)
    places = yield from ready(rules, face=face)
    images = IdPhotoImages(**identities(places))
    asked = IdPhotoRequest(images=images, prompt=prompt, wait_for_result=wait_for_result)
    return (yield from billed(endpoints.id_photo(asked), places))


def generate(
    rules: ImageRules,
    prompt: str,
    *,
    face: ImageInput,
    clothes: ImageInput | None,
    scene: ImageInput | None,
    wait_for_result: bool | None,
) -> Flow[Generation]:
    """Draw the person of the face reference in a new scene."""
    check_text("prompt", prompt)
    places = yield from ready(rules, face=face, **given(clothes=clothes, scene=scene))
    images = GenerateImages(**identities(places))
    asked = GenerateRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    return (yield from billed(endpoints.generate(asked), places))


def edit(
    rules: ImageRules,
    prompt: str,
    *,
    target: ImageInput,
    face: ImageInput | None,
    wait_for_result: bool | None,
) -> Flow[Generation]:
    """Change a picture, with the face locked if one is given."""
    check_text("prompt", prompt)
    places = yield from ready(rules, target=target, **given(face=face))
    images = EditImages(**identities(places))
    asked = EditRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    return (yield from billed(endpoints.edit(asked), places))
