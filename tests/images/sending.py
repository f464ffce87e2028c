"""What would be sent for an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aurashot.images import held, locate, prepare

if TYPE_CHECKING:
    from aurashot.images import ImageRules, Payload


def sent(image: Any, rules: ImageRules) -> Payload:
    """Locate and prepare an image, as a flow does."""
    found = locate(image, rules)
    assert not isinstance(found, str)
    with held(found.source) as read:
        return prepare(found, rules, read)


def content_of(payload: Payload) -> bytes:
    """Read what would be sent."""
    with payload.open() as file:
        return file.read()
