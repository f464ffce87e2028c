"""How images know what they were made from: by digests, by the requests that made them, and by URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aurashot.characters._sidecar import digest_of

if TYPE_CHECKING:
    from aurashot.characters._sidecar import Reference, Sidecar


class Link(NamedTuple):
    """One image that another was made from.

    Attributes:
        role: `face`, `clothes`, `scene`, `target`, `parent`, or `before` for what the target was itself edited from.
        keys: What it is known by, as `keys_of` writes it.
    """

    role: str
    keys: tuple[str, ...]


def keys_of(sidecar: Sidecar) -> tuple[str, ...]:
    """Return what other images can know an image by: its digests, its request and its URL."""
    digests = dict.fromkeys(filter(None, (sidecar.sha256, sidecar.received_sha256)))
    return (*(f"sha256:{each}" for each in digests), *_service_keys(sidecar.request_id, sidecar.url))


def _service_keys(request_id: str | None, url: str | None) -> tuple[str, ...]:
    """Return keys for what the service has made; a URL can be signed, so that only its digest is kept."""
    request = (f"request:{request_id}",) if request_id else ()
    return (*request, f"url:{digest_of(url.encode())[:32]}") if url else request


def links_of(sidecar: Sidecar) -> tuple[Link, ...]:
    """Return the images that an image was made from, as far as they are known by something."""
    links = {role: keys_of_reference(reference) for role, reference in sidecar.references.items()}
    if sidecar.edited_from:
        links["target"] = tuple(dict.fromkeys([*links.get("target", ()), f"request:{sidecar.edited_from[-1]}"]))
    known = {key for keys in links.values() for key in keys}
    further = [Link("parent", (f"sha256:{each}",)) for each in sidecar.parents if f"sha256:{each}" not in known]
    before = [Link("before", (f"request:{each}",)) for each in reversed(sidecar.edited_from[:-1])]
    return (*(Link(role, keys) for role, keys in links.items() if keys), *further, *before)


def keys_of_reference(reference: Reference) -> tuple[str, ...]:
    """Return what an image that was passed is known by."""
    digest = (f"sha256:{reference.sha256}",) if reference.sha256 else ()
    return (*digest, *_service_keys(reference.request_id, reference.url))
