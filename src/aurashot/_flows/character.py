"""The operations of the API, and the upload."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, send
from aurashot._flows.references import (
    check_flag,
    check_text,
    identities,
    load_image,
    passed,
    ready,
    resolve_image,
    send_billed,
    sent_images,
)
from aurashot.images import is_stored_face
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
    from aurashot._calls import Call
    from aurashot._flows.references import ImageSources
    from aurashot.characters import CalibrationNote
    from aurashot.identity import IdentityPolicy
    from aurashot.images import ImageInput, ImageRules


def upload(rules: ImageRules, image: ImageInput) -> Flow[Upload]:
    """Upload one image; a URL is returned as it is."""
    source = resolve_image(rules, "image", image)
    if isinstance(source, str):
        return Upload(url=source)
    payload = yield from load_image(rules, "image", source)
    return (yield from send(endpoints.upload(payload)))


def id_photo(
    rules: ImageRules,
    face: ImageInput,
    *,
    prompt: str | None,
    wait_for_result: bool | None,
    identity: IdentityPolicy | None = None,
) -> Flow[Generation]:
    """Make the identity anchor of one face."""
    check_flag("wait_for_result", wait_for_result)
    if prompt is not None:
        check_text("prompt", prompt)
    sources = yield from ready(rules, face=face)
    asked = IdPhotoRequest(images=IdPhotoImages(**identities(sources)), prompt=prompt, wait_for_result=wait_for_result)
    call = endpoints.id_photo(asked)._replace(images=sent_images(sources, face=face))
    flow = send_billed(rules, call, sources) if identity is None else _held(rules, call, sources, face, identity)
    return (yield from flow)


def generate(
    rules: ImageRules,
    prompt: str,
    *,
    face: ImageInput,
    clothes: ImageInput | None,
    scene: ImageInput | None,
    wait_for_result: bool | None,
    identity: IdentityPolicy | None = None,
) -> Flow[Generation]:
    """Generate an image of the person in a new scene."""
    check_flag("wait_for_result", wait_for_result)
    check_text("prompt", prompt)
    sources = yield from ready(rules, face=face, **passed(clothes=clothes, scene=scene))
    images = GenerateImages(**identities(sources))
    asked = GenerateRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    call = endpoints.generate(asked)._replace(images=sent_images(sources, face=face, clothes=clothes, scene=scene))
    flow = send_billed(rules, call, sources) if identity is None else _held(rules, call, sources, face, identity)
    return (yield from flow)


def _held(
    rules: ImageRules, call: Call[Generation], sources: ImageSources, face: ImageInput, policy: IdentityPolicy
) -> Flow[Generation]:
    from aurashot._flows.identity import Hold, hold

    return hold(rules, call, sources, Hold(calibrated(policy, face), "face", face))


def edit(
    rules: ImageRules,
    prompt: str,
    *,
    target: ImageInput,
    face: ImageInput | None,
    wait_for_result: bool | None,
    identity: IdentityPolicy | None = None,
) -> Flow[Generation]:
    """Change an image, with the face locked if one is given."""
    check_flag("wait_for_result", wait_for_result)
    check_text("prompt", prompt)
    start = target if identity is None else _start(target, identity)
    sources = yield from ready(rules, target=start, **passed(face=face))
    images = EditImages(**identities(sources))
    asked = EditRequest(prompt=prompt, images=images, wait_for_result=wait_for_result)
    call = endpoints.edit(asked)._replace(images=sent_images(sources, target=start, face=face))
    behind = _behind(start)
    if identity is None:
        made = yield from send_billed(rules, call, sources)
        return made.with_meta(replace(made.meta, edited_from=behind)) if behind else made

    from aurashot._flows.identity import Hold, hold

    held = Hold(
        calibrated(identity, face or target),
        "target" if face is None else "face",
        (behind[0] if behind else target) if face is None else face,
        is_edit=True,
        edited_from=behind,
        rebased=start is not target,
    )
    return (yield from hold(rules, call, sources, held))


def calibrated(policy: IdentityPolicy, face: ImageInput) -> IdentityPolicy:
    """Return a policy with the calibration of the character, if it has none of its own."""
    note: CalibrationNote | None = getattr(face, "calibration", None) if is_stored_face(face) else None
    return policy if note is None or policy.calibration is not None else replace(policy, calibration=note.calibration())


def _behind(target: ImageInput) -> tuple[Generation, ...]:
    """Return the images that an edit of a target has behind it, the target last."""
    return (*target.meta.edited_from, target) if isinstance(target, Generation) else ()


def _start(target: ImageInput, policy: IdentityPolicy) -> ImageInput:
    """Return what to edit: the target, or an earlier image if it has too many edits behind it."""
    if policy.max_chain is None or not isinstance(target, Generation):
        return target
    earlier = target.meta.edited_from
    if len(earlier) < policy.max_chain:
        return target
    fit = [each for each in earlier if len(each.meta.edited_from) < policy.max_chain]
    passed = [each for each in fit if each.identity is not None and each.identity.verdict == "same"]
    return passed[-1] if passed else fit[0]
