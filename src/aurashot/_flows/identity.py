"""Comparing faces, and holding generated images to a face.

All that can be known beforehand is checked before anything is sent: whether there is an engine, and a face in the
reference. After that, each image is paid for, downloaded, compared, and noted in the ledger, one after the other. What
fails in between raises, and the driver attaches all that was paid for to the error, so that nothing is lost.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from aurashot._calls import Flow, annotate, blocking, report, together
from aurashot._flows.images import read
from aurashot._flows.references import resolve_image, send_billed
from aurashot.errors import IdentityDriftError, InputError, InvalidImageError
from aurashot.images import StoredURL
from aurashot.models import Generation

if TYPE_CHECKING:
    from aurashot._calls import Call
    from aurashot._flows.references import ImageSources
    from aurashot.identity import (
        Calibration,
        Comparison,
        FaceModel,
        FaceReference,
        IdentityCheck,
        IdentityPolicy,
        Reason,
        ReferenceInput,
    )
    from aurashot.images import ImageInput, ImageRules, Payload

_READ_AGAIN: Final = (str, bytes, os.PathLike)
"""What can be read twice; of anything else, what was prepared to be sent is compared."""


class Hold(NamedTuple):
    """What an operation has to do about identity.

    Attributes:
        policy: The user's policy.
        name: The argument that is the reference.
        face: What was passed for it.
        is_edit: Whether an image is edited, which keeps pixels.
        edited_from: The images that are behind the one to edit, that one included.
        rebased: Whether an earlier image is edited than the one that was passed.
    """

    policy: IdentityPolicy
    name: str
    face: ImageInput
    is_edit: bool = False
    edited_from: tuple[Generation, ...] = ()
    rebased: bool = False


def compare(
    rules: ImageRules,
    reference: ReferenceInput,
    image: ImageInput,
    *,
    strict: bool,
    calibration: Calibration | None,
    paste_guard: bool,
    model: FaceModel | None,
) -> Flow[Comparison]:
    """Compare the face in an image with a reference; what is remote is downloaded."""
    from aurashot import identity

    known = yield from _local_reference(rules, "reference", reference)
    local = yield from _local(rules, "image", image)
    return (
        yield from blocking(
            lambda _: identity.compare(
                known, local, strict=strict, calibration=calibration, paste_guard=paste_guard, model=model
            )
        )
    )


def hold(rules: ImageRules, call: Call[Generation], sources: ImageSources, held: Hold) -> Flow[Generation]:
    """Make a billable call until its image is accepted, within the limits of the policy.

    Raises:
        IdentityDriftError: No image was accepted.
    """
    from aurashot.identity import IdentityCheck

    policy = held.policy
    reference = yield from _reference(rules, sources, held)
    made: tuple[Generation, ...] = ()
    paid = 0
    while len(made) < policy.attempts and paid < policy.max_images:
        image = yield from send_billed(rules, call, sources)
        paid += max(1, len(image.outputs))
        comparison = yield from _comparison(rules, image, reference, held)
        accepted = policy.accepts(comparison.verdict)
        check = IdentityCheck(
            comparison=comparison, accepted=accepted, attempts=len(made) + 1, images_paid=paid, rebased=held.rebased
        )
        yield from _tell(image, check)
        made = (*made, _with_check(image, check, held))
        if accepted:
            return _with_check(image, replace(check, candidates=made), held)
    raise _drift(made, policy)


def _tell(image: Generation, check: IdentityCheck) -> Flow[None]:
    from aurashot.instrumentation import IdentityChecked

    yield from annotate(image, check.notes)
    yield from report(
        IdentityChecked,
        attempt=check.attempts,
        verdict=check.verdict,
        similarity=check.similarity,
        accepted=check.accepted,
        images_paid=check.images_paid,
        idempotency_key=image.meta.idempotency_key,
    )


def _with_check(image: Generation, check: IdentityCheck, held: Hold) -> Generation:
    return image.with_meta(replace(image.meta, identity=check, edited_from=held.edited_from))


def _drift(made: tuple[Generation, ...], policy: IdentityPolicy) -> IdentityDriftError:
    count = "The only image" if len(made) == 1 else f"None of {len(made)} images"
    verb = "does not show" if len(made) == 1 else "shows"
    wanted = "surely " if policy.accept == "same" else ""
    verdicts = "; ".join(str(each.identity.comparison) for each in made if each.identity)
    error = IdentityDriftError(
        f"{count} {verb} {wanted}the person of the reference ({verdicts}); all are paid for and in error.delivered: "
        "look at them, use a better face reference, or raise attempts and max_images"
    )
    error.delivered = made
    error.idempotency_key = made[0].meta.idempotency_key
    error.request_id = made[-1].request_id
    return error


def _comparison(rules: ImageRules, image: Generation, reference: FaceReference, held: Hold) -> Flow[Comparison]:
    from aurashot import identity

    policy = held.policy
    if not image.outputs:
        return _nothing(image, reference)
    content = yield from read(rules, image, progress=None)
    guarded = not held.is_edit if policy.paste_guard is None else policy.paste_guard
    found = yield from blocking(
        lambda _: identity.compare(
            reference,
            content,
            strict=policy.strict,
            calibration=policy.calibration,
            paste_guard=guarded,
            model=policy.model,
        )
    )
    return replace(found, reasons=(*found.reasons, *_chain_reasons(held)))


def _nothing(image: Generation, reference: FaceReference) -> Comparison:
    from aurashot.identity import Comparison, reason

    sentence = f"The response has no image; its status is {image.status!r}"
    return Comparison(
        verdict="unsure",
        similarity=None,
        cosine=None,
        engine=reference.engine,
        reasons=(reason("no_image", sentence, "image"),),
        reference_faces=reference.faces,
    )


def _chain_reasons(held: Hold) -> list[Reason]:
    from aurashot.identity import reason
    from aurashot.identity._policy import LONG_CHAIN

    count = len(held.edited_from)
    if count < LONG_CHAIN:
        return []
    sentence = (
        f"It is the result of {count} edits in a row, and faces drift away; edit an earlier image, or set max_chain"
    )
    return [reason("long_chain", sentence, "image")]


# -- the reference -----------------------------------------------------------------------------------------------------


def _reference(rules: ImageRules, sources: ImageSources, held: Hold) -> Flow[FaceReference]:
    """Return the face to compare with, before anything is paid for.

    Raises:
        InvalidImageError: No face is in it.
        InputError: No image can be accepted, whatever it shows, or the calibration is one of another engine.
    """
    from aurashot import identity

    policy, name = held.policy, held.name
    if policy.reference is not None:
        name = "identity"
        images = yield from _local_reference(rules, name, policy.reference)
    else:
        images = yield from _source(rules, sources.get(name), held)
    known = yield from blocking(lambda _: identity.FaceReference.from_images(images, model=policy.model))
    if policy.calibration is not None:
        policy.calibration.check_engine(known.engine)
    if not known.faces:
        raise InvalidImageError(
            f"{name}: no face was found in it, so that no image can be held to it; pass another image, or "
            "identity=False",
            argument=name,
        )
    if policy.accept == "same" and known.is_drawn:
        raise InputError(
            f"{name}: the face is drawn, and drawn faces are never called the same; use accept='not_different'",
            argument=name,
        )
    return known


def _source(rules: ImageRules, source: object, held: Hold) -> Flow[ImageInput]:
    """Return the image of an argument: what was passed, or what was made of it if that can be read once only."""
    if isinstance(held.face, _READ_AGAIN) or source is None or isinstance(source, str):
        return (yield from _local(rules, held.name, held.face))
    return cast("Payload", source).open()


def _local_reference(rules: ImageRules, name: str, reference: ReferenceInput) -> Flow[ReferenceInput]:
    """Return a reference of which every image is local."""
    from aurashot.identity import FaceReference

    if isinstance(reference, FaceReference) or isinstance(getattr(reference, "reference", None), FaceReference):
        return reference
    if not isinstance(reference, Sequence) or isinstance(reference, str | bytes | bytearray | memoryview):
        return (yield from _local(rules, name, cast("ImageInput", reference)))
    return (yield from together([_local(rules, name, image) for image in reference]))


def _local(rules: ImageRules, name: str, image: ImageInput) -> Flow[ImageInput]:
    """Return an image that is local; one at a URL is downloaded."""
    source = resolve_image(rules, name, image)
    if isinstance(source, StoredURL):
        return source.local.source
    if not isinstance(source, str):
        return image
    return (yield from read(rules, image if isinstance(image, Generation) else source, progress=None))
