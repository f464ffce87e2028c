"""What a notebook says about a generation: its prompt, its face, and what it cost. No URL is among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.models._responses import Generation


def title_of(image: Generation) -> str:
    """Return what a generation is called."""
    return f"AuraShot {image.task_type}" if image.task_type else "AuraShot image"


def facts_of(image: Generation) -> Iterator[tuple[str, str]]:
    """Yield names and values."""
    prompt = prompt_of(image)
    if prompt:
        yield "Prompt", prompt
    if not image.succeeded:
        yield "Status", image.status
    if image.identity is not None:
        yield "Face", _face(image)
    yield "Cost", _cost(image)
    if image.request_id:
        yield "Request", image.request_id


def prompt_of(image: Generation) -> str:
    """Return the prompt that the image was made with; empty if it is not known."""
    return (image.meta.request.words if image.meta.request else None) or ""


def _face(image: Generation) -> str:
    check = image.identity
    if check is None:
        return "not compared"
    similarity = "" if check.similarity is None else f", similarity {check.similarity:.2f}"
    return f"{check.verdict}{similarity}{'' if check.accepted else ', not accepted'}"


def _cost(image: Generation) -> str:
    if image.meta.from_ledger:
        return "nothing now; it was paid for by an earlier call with the same key"
    if not image.outputs:
        return "may be billed; there is no image yet" if image.pending else "may be billed; there is no image"
    paid = image.identity.images_paid if image.identity else len(image.outputs)
    return "1 image" if paid == 1 else f"{paid} images"
