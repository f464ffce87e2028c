"""The operations of the API, and the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, send
from aurashot._flows.references import (
    check_flag,
    check_text,
    given,
    identities,
    load_image,
    ready,
    resolve_image,
    send_billed,
)
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
    """Upload one image; a URL is returned as it is."""
    source = resolve_image(rules, "image", image)
    if isinstance(source, str):
        return Upload(url=source)
    payload = yield from load_image(rules, "image", source)
    return (yield from send(endpoints.upload(payload)))


def id_photo(
    rules: ImageRules, face: ImageInput, *, prompt: str | None, wait_for_result: bool | None
) -> Flow[Generation]:
    """Make the identity anchor of one face."""
    check_flag("wait_for_result", wait_for_result)
    if prompt is not None:
        check_text("prompt", prompt)
    sources = yield from ready(rules, face=face)
    images = IdPhotoImages(**identities(sources))
    asked = IdPhotoRequest(images=images, prompt=prompt, wait_for_result=wait_for_result)
    return (yield from send_billed(endpoints.id_photo(asked), sources))


def generate(
    rules: ImageRules,
    prompt: str,
    *,
    face: ImageInput,
    clothes: ImageInput | None,
    scene: ImageInput | None,
    wait_for_result: bool | None,
) -> Flow[Generation]:
    """Generate an image of the person in a new scene."""
    check_flag("wait_for_result", wait_for_result)
    check_text("prompt", prompt)
    sources = yield from ready(rules, face=face, **given(clothes=clothes, scene=scene))
    images = GenerateImages(**identities(sources))
    asked = GenerateRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    return (yield from send_billed(endpoints.generate(asked), sources))


def edit(
    rules: ImageRules,
    prompt: str,
    *,
    target: ImageInput,
    face: ImageInput | None,
    wait_for_result: bool | None,
) -> Flow[Generation]:
    """Change an image, with the face locked if one is given."""
    check_flag("wait_for_result", wait_for_result)
    check_text("prompt", prompt)
    sources = yield from ready(rules, target=target, **given(face=face))
    images = EditImages(**identities(sources))
    asked = EditRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    return (yield from send_billed(endpoints.edit(asked), sources))
