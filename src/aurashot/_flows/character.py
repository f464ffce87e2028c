"""The operations of the API, and the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, Labels, send
from aurashot._flows.references import check_labels, check_text, given, located, prepared, references
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
    rules: ImageRules, face: ImageInput, *, prompt: str | None, wait_for_result: bool | None, labels: Labels
) -> Flow[Generation]:
    """Make the identity anchor of one face."""
    if prompt is not None:
        check_text("prompt", prompt)
    check_labels(labels)
    urls = yield from references(rules, face=face)
    call = endpoints.id_photo(
        IdPhotoRequest(images=IdPhotoImages(face=urls["face"]), prompt=prompt, wait_for_result=wait_for_result), labels
    )
    return (yield from send(call))


def generate(
    rules: ImageRules,
    prompt: str,
    *,
    face: ImageInput,
    clothes: ImageInput | None,
    scene: ImageInput | None,
    wait_for_result: bool | None,
    labels: Labels,
) -> Flow[Generation]:
    """Draw the person of the face reference in a new scene."""
    check_text("prompt", prompt)
    check_labels(labels)
    urls = yield from references(rules, face=face, **given(clothes=clothes, scene=scene))
    call = endpoints.generate(
        GenerateRequest(
            prompt=prompt,
            images=GenerateImages(face=urls["face"], clothes=urls.get("clothes"), scene=urls.get("scene")),
            wait_for_result=wait_for_result,
        ),
        labels,
    )
    return (yield from send(call))


def edit(
    rules: ImageRules,
    prompt: str,
    *,
    target: ImageInput,
    face: ImageInput | None,
    wait_for_result: bool | None,
    labels: Labels,
) -> Flow[Generation]:
    """Change a picture, with the face locked if one is given."""
    check_text("prompt", prompt)
    check_labels(labels)
    urls = yield from references(rules, target=target, **given(face=face))
    call = endpoints.edit(
        EditRequest(
            prompt=prompt,
            images=EditImages(target=urls["target"], face=urls.get("face")),
            wait_for_result=wait_for_result,
        ),
        labels,
    )
    return (yield from send(call))
