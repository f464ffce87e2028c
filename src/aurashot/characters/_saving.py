"""From what a caller saves to the bytes of an image and the facts about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from aurashot.characters._sidecar import Reference, Sidecar, digest_of, sidecar_of
from aurashot.errors import InputError, UnsafeURLError
from aurashot.images import ImageRules, locate, prepare
from aurashot.models import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot import AuraShot
    from aurashot.characters._character import Character
    from aurashot.images import ImageInput, LocalImage
    from aurashot.models import CallMeta, SentImage

Shot: TypeAlias = "Generation | ImageInput"
"""What can be saved: the response of a call, or an image."""
_RULES = ImageRules(own_origin="", strip_metadata=False)
"""The limits of a client, and nothing is taken out of an image."""


def content_of(shot: Shot, image: ImageInput | None, client: AuraShot | None) -> bytes:
    """Return the bytes of what is to be saved, and download them if that is needed.

    Raises:
        InputError: There is nothing to save.
        InvalidImageError: It is no image.
        DownloadError: It could not be downloaded.
    """
    if image is None and is_remote(shot):
        return _downloaded(shot, client)
    name, given = ("shot", shot) if image is None else ("image", image)
    try:
        payload = prepare(_local(given), _RULES)
    except InputError as error:
        raise error.about(name) from error
    with payload.open() as file:
        return file.read()


def _local(image: ImageInput) -> LocalImage:
    source = locate(image, _RULES)
    if isinstance(source, str):
        raise InputError("it is a URL; pass a path or bytes")
    return source


def is_remote(shot: Shot) -> TypeGuard[Generation | str]:
    """Whether what is to be saved has to be downloaded.

    Raises:
        InputError: It is neither a response nor an image.
    """
    if isinstance(shot, Generation):
        return True
    try:
        return isinstance(locate(shot, _RULES), str)
    except UnsafeURLError:  # the client that downloads it knows which hosts are its own
        return True
    except InputError as error:
        raise error.about("shot") from error


def _downloaded(what: Generation | str, client: AuraShot | None) -> bytes:
    if client is not None:
        return client.read(what)

    from aurashot import AuraShot

    with AuraShot() as own:
        return own.read(what)


def sidecar_for(
    shot: Shot, content: bytes, owner: Character, *, description: str, tags: Mapping[str, str] | None
) -> Sidecar:
    """Return the facts about an image that is saved for a character.

    Raises:
        InputError: A tag is invalid.
    """
    known = dict(tags or {})
    words: list[object] = [*known, *known.values()]
    if not all(isinstance(word, str) and word for word in words):
        raise InputError(f"tags: names and values are strings that are not empty, not {tags!r}", argument="tags")
    if not isinstance(shot, Generation):
        digest = digest_of(content)
        return Sidecar(
            sha256=digest,
            received_sha256=digest,
            description=description,
            created_at=datetime.now(UTC),
            tags=known,
            digital_source_type=None,
        )
    meta = shot.meta
    return sidecar_of(
        shot,
        content,
        prompt=meta.request.words if meta.request is not None else None,
        references=_references(meta),
        anchor_sha256=_anchor(meta.images, owner),
        tags={**meta.tags, **known},
        description=description,
    )


def _references(meta: CallMeta) -> dict[str, Reference]:
    """Return the images that were passed: what is known of them, or their URLs."""
    sent = meta.request.references.items() if meta.request is not None else ()
    urls = {role: Reference(url=url) for role, url in sent if role not in meta.images and "://" in url}
    return {**urls, **{role: _reference(image) for role, image in meta.images.items()}}


def _reference(image: SentImage) -> Reference:
    return Reference(sha256=image.sha256, url=image.url, request_id=image.request_id, character=image.character)


def _anchor(images: Mapping[str, SentImage], owner: Character) -> str | None:
    """Return the digest of the ID photo of the character that an image was made with, which may be an earlier one."""
    face = images.get("face")
    if face is None or face.character != owner.slug:
        return None
    return None if owner.face is not None and face.sha256 == owner.face.sha256 else face.sha256
