"""Small images of every format, sidecars, and their decoded pixels."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from aurashot.characters._sidecar import Sidecar, digest_of

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ANCHOR = "a" * 64
FORMATS = ["PNG", "JPEG", "WEBP"]


def drawn(file_format: str = "PNG", *, size: tuple[int, int] = (24, 16), mode: str = "RGB", **options: Any) -> bytes:
    """Return a small image with a gradient in it."""
    image = Image.linear_gradient("L").resize(size).convert(mode)
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def pixels(content: bytes) -> tuple[str, tuple[int, int], bytes]:
    """Return the mode, the size and the decoded pixels of a file, of all its frames."""
    with Image.open(io.BytesIO(content)) as image:
        frames: list[bytes] = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(image.convert("RGBA").tobytes())
        return image.mode, image.size, b"".join(frames)


def sidecar(image: bytes = b"", **fields: Any) -> Sidecar:
    """Return the facts about an image."""
    usual: dict[str, Any] = {
        "sha256": digest_of(image),
        "operation": "generate",
        "prompt": "in a cafe",
        "created_at": NOON,
        "payment": "paid",
        "request_id": "r-1",
        "idempotency_key": "order-17",
        "anchor_sha256": ANCHOR,
    }
    return Sidecar.model_validate(usual | fields)
