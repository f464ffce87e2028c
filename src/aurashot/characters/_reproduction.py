"""The call that makes an image again, from the facts about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aurashot.characters._links import keys_of_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._sidecar import Reference, Sidecar
    from aurashot.characters._store import Store

_SHOWN: Final = 12
_METHODS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "id-photo": ("id_photo", ("face",)),
    "generate": ("generate", ("face", "prompt")),
    "edit": ("edit", ("target", "prompt")),
}
"""By operation: the client's method, and the arguments that it must have."""


class Reproduction(NamedTuple):
    """What to call to make an image again: `getattr(client, again.operation)(**again.arguments)`. It is billed anew.

    Attributes:
        operation: The client's method: `id_photo`, `generate` or `edit`.
        arguments: Its arguments. The idempotency key is not among them, as that one is paid for.
        missing: What is no longer known, as sentences; the call is the same only if there is none.
        by_url: Arguments that are URLs, as the image itself is not in the library; they may have ended.
    """

    operation: str
    arguments: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    by_url: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def reproduce(sidecar: Sidecar, images: Mapping[str, Path | bytes] | None = None) -> Reproduction:
    """Return the call that makes an image again.

    Args:
        sidecar: The facts about the image.
        images: What to pass for images that are at hand, by what they are known by, such as `sha256:…`; `at_hand`
            finds them.
    """
    method, needed = _METHODS.get(sidecar.operation, ("", ()))
    arguments: dict[str, Any] = {"prompt": sidecar.prompt} if sidecar.prompt is not None else {}
    missing = [] if method else [f"operation: '{sidecar.operation}' is no method of a client"]
    by_url: list[str] = []
    for role, reference in sidecar.references.items():
        found = next((images[key] for key in keys_of_reference(reference) if images and key in images), None)
        if found is not None:
            arguments[role] = found
        elif reference.url is not None:
            arguments[role] = reference.url
            by_url.append(role)
        else:
            missing.append(f"{role}: the image {_named(reference)} is not in the library")
    unknown = [name for name in needed if name not in arguments and name not in sidecar.references]
    missing += [f"{name}: it was not recorded" for name in unknown]
    if sidecar.tags:
        arguments["tags"] = dict(sidecar.tags)
    return Reproduction(method, arguments, tuple(missing), tuple(by_url))


def _named(reference: Reference) -> str:
    if reference.sha256:
        return f"with the SHA-256 {reference.sha256[:_SHOWN]}…"
    return f"of the request {reference.request_id}" if reference.request_id else "that was passed"


def at_hand(
    store: Store, sidecar: Sidecar, images: Iterable[GalleryImage], sources: Mapping[str, str] | None = None
) -> dict[str, Path | bytes]:
    """Return the references of an image that are in the library: their paths on this machine, or their bytes.

    Args:
        store: Where the library is.
        sidecar: The facts about the image.
        images: Finished images among which they are looked for.
        sources: The paths of other images, such as anchors, by what they are known by: `sha256:…`.

    Raises:
        LibraryError: An image cannot be read.
    """
    wanted = {key for reference in sidecar.references.values() for key in keys_of_reference(reference)}
    paths = {key: image.path for image in images for key in image.keys if key in wanted}
    paths |= {key: path for key, path in (sources or {}).items() if key in wanted}
    found = {key: _content(store, path) for key, path in paths.items()}
    return {key: content for key, content in found.items() if content is not None}


def _content(store: Store, path: str) -> Path | bytes | None:
    place = store.local(path)
    if place is not None:
        return place if place.is_file() else None
    try:
        return store.read(path)
    except FileNotFoundError:
        return None
