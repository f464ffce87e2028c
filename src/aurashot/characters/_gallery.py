"""The finished images of a character: named by what they show, each with its facts beside it.

An image is written first and its sidecar second, so that whatever is there is whole. A name is taken by creating the
file, which fails if it is there: no file is replaced, whoever writes at the same time. Images that other tools have put
there have no sidecar, and are listed with what is known of them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast
from unicodedata import normalize

from aurashot.characters._gallery_image import GalleryImage, gallery_folder, image_of
from aurashot.characters._metadata import metadata_of, with_metadata
from aurashot.characters._parts import parts_of, type_of
from aurashot.characters._sidecar import ENDING, LARGEST, Sidecar, digest_of, read_sidecar
from aurashot.errors import InputError, InvalidImageError
from aurashot.images import EXTENSIONS, safe_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set as AbstractSet

    from aurashot.characters._store import Store, StoredFile

VerdictFilter: TypeAlias = Literal["same", "different", "unsure", "unchecked"]
"""A verdict, or `unchecked` for images whose face was not compared."""
_VERDICTS: Final = ("same", "different", "unsure", "unchecked")
_ENDINGS: Final = frozenset((*EXTENSIONS.values(), ".jpeg", ".jpe", ".tif"))
_LONGEST_STEM: Final = 60
"""Characters of a file name before its number and its extension."""
_LONGEST_NUMBER: Final = 9
_ATTEMPTS: Final = 1_000
"""How many names are tried while others take them."""
_ALIKE: Final = 256
"""Bytes by which two files of one image differ at most that were saved by two calls."""
_IDENTIFYING: Final = ("received_sha256", "request_id", "idempotency_key", "prompt", "description")
"""Facts that are equal if two calls save the same image."""


def gallery(
    store: Store,
    character: str,
    *,
    verdict: VerdictFilter | None = None,
    since: datetime | None = None,
    tag: str | None = None,
) -> list[GalleryImage]:
    """Return the finished images of a character, the newest first.

    Args:
        store: Where the library is.
        character: The character's folder name.
        verdict: Only those with this verdict; `unchecked` are those whose face was not compared.
        since: Only those that were made at this time or later; a time with a zone.
        tag: Only those with this tag: its name, or `name=value`.

    Raises:
        InputError: An argument is invalid.
    """
    check_filters(verdict, since)
    images = (read_image(store, character, *found) for found in pairs(store.files(gallery_folder(character))))
    chosen = [image for image in images if matches(image, verdict=verdict, since=since, tag=tag)]
    return sorted(chosen, key=lambda image: (image.created_at, image.path), reverse=True)


def check_filters(verdict: str | None, since: datetime | None) -> None:
    """Check what images are chosen by.

    Raises:
        InputError: It is invalid.
    """
    if verdict is not None and verdict not in _VERDICTS:
        raise InputError(f"verdict: it is one of {', '.join(_VERDICTS)}, not {verdict!r}", argument="verdict")
    if since is not None and not isinstance(cast("object", since), datetime):
        raise InputError(f"since: a datetime with a time zone is needed, not {since!r}", argument="since")
    if since is not None and since.tzinfo is None:
        raise InputError("since: it has no time zone; pass datetime.now(UTC), for instance", argument="since")


def matches(
    image: GalleryImage, *, verdict: str | None = None, since: datetime | None = None, tag: str | None = None
) -> bool:
    """Whether an image is among those that are asked for."""
    return (
        (verdict is None or (image.verdict or "unchecked") == verdict)
        and (since is None or image.created_at >= since)
        and (tag is None or has_tag(image.tags, tag))
    )


def has_tag(tags: Mapping[str, str], tag: str) -> bool:
    """Whether a tag is among some; it is given by its name, or as `name=value`."""
    return tag in tags or any(f"{name}={value}" == tag for name, value in tags.items())


def stale(images: Iterable[GalleryImage], anchor_sha256: str | None) -> list[GalleryImage]:
    """Return the images that were made from an anchor that was replaced; what is not known to be, is not stale.

    Args:
        images: Images of one character.
        anchor_sha256: Its anchor now; None if it has none, so that none can be stale.
    """
    if anchor_sha256 is None:
        return []
    return [image for image in images if image.anchor_sha256 not in {None, anchor_sha256}]


def pairs(files: Iterable[StoredFile]) -> Iterator[tuple[StoredFile, StoredFile | None]]:
    """Yield the images among some files, each with its sidecar or None; hidden files are no images."""
    known = {file.path: file for file in files}
    for path, file in known.items():
        name = path.rpartition("/")[2]
        if not name.startswith(".") and PurePosixPath(name).suffix.lower() in _ENDINGS:
            yield file, known.get(path + ENDING)


def read_image(store: Store, character: str, file: StoredFile, beside: StoredFile | None) -> GalleryImage:
    """Return what is known of an image; its own file is not read."""
    sidecar = None
    if beside is not None and beside.size <= LARGEST:
        try:
            sidecar = read_sidecar(store.read(beside.path))
        except FileNotFoundError:  # it was removed meanwhile
            sidecar = None
    return image_of(character, file, sidecar)


def sidecar_beside(store: Store, path: str) -> Sidecar | None:
    """Return the facts about an image that are beside it; None if there are none that this SDK can read."""
    try:
        return read_sidecar(store.read(path + ENDING))
    except FileNotFoundError:
        return None


class Saved(NamedTuple):
    """An image that is in the gallery.

    Attributes:
        path: Its path, relative to the library's root.
        sidecar: The facts about it, as they are stored.
        content: Its bytes, as they are stored.
    """

    path: str
    sidecar: Sidecar
    content: bytes


def save(
    store: Store, character: str, image: bytes, sidecar: Sidecar, *, name: str | None = None, metadata: bool = True
) -> Saved:
    """Put an image and the facts about it into the gallery; both are on the disk when this returns.

    If the program is killed in between, the image may be there without its sidecar. Saving the same again then adds the
    sidecar, and makes no second file.

    Args:
        store: Where the library is.
        character: The character's folder name.
        image: A complete JPEG, PNG, WebP or GIF file.
        sidecar: The facts; the digest of the stored file is filled in.
        name: What to call it, without an extension; by default its description or its prompt, in any script.
        metadata: Whether to write the facts into the file as well. A file to which nothing can be added, as one with
            signed content credentials, is stored as it is.

    Raises:
        InvalidImageError: It is not a complete image.
        LibraryError: It cannot be written. If the image itself was, it stays.
    """
    media_type = type_of(image)
    parts_of(image, media_type)
    received = sidecar.received_sha256 or digest_of(image)
    known = sidecar.model_copy(update={"received_sha256": received})
    content = _with_facts(image, known) if metadata else image
    known = known.model_copy(update={"sha256": digest_of(content)})
    stem = stem_of(name or known.description or known.prompt or known.operation)
    wanted = f"{gallery_folder(character)}/{stem}{EXTENSIONS[media_type]}"
    files = {file.path: file for file in store.files(gallery_folder(character))}
    saved = _finished(store, files, wanted, content, known) or _stored(store, files, wanted, content, known)
    if saved is None:
        raise InputError(f"name: '{stem}' and all names like it are taken; pass another one", argument="name")
    return saved


def _with_facts(image: bytes, sidecar: Sidecar) -> bytes:
    """Return the image with its facts, or as it is if they cannot be added: it is paid for."""
    try:
        return with_metadata(image, sidecar)
    except InvalidImageError:
        return image


def _stored(
    store: Store, files: Mapping[str, StoredFile], wanted: str, content: bytes, sidecar: Sidecar
) -> Saved | None:
    """Store an image and its sidecar; None if all names are taken."""
    taken = {folded_path(path.removesuffix(ENDING)) for path in files}
    for _ in range(_ATTEMPTS):
        path = free_path(wanted, taken)
        taken.add(folded_path(path))
        try:
            store.create(path, content)
        except FileExistsError:  # somebody else was faster
            continue
        if _is_noted(store, path, sidecar):
            return Saved(path, sidecar, content)
        beside = sidecar_beside(store, path)
        if beside is None or beside.sha256 != sidecar.sha256:  # or else another has taken the image for one left behind
            store.remove(path)
    return None


def _is_noted(store: Store, path: str, sidecar: Sidecar) -> bool:
    """Put a sidecar beside an image, and return whether it is there; another one may be."""
    try:
        store.create(path + ENDING, sidecar.to_bytes())
    except FileExistsError:
        return sidecar_beside(store, path) == sidecar  # another process was saving the same
    return True


def _finished(
    store: Store, files: Mapping[str, StoredFile], wanted: str, content: bytes, sidecar: Sidecar
) -> Saved | None:
    """Put the sidecar beside the same image without one, which a killed program has left behind; None if there is none.

    The facts in that file are those of an earlier call: its operation, and perhaps its time, are other ones.
    """
    stem = wanted.rpartition(".")[0]
    for path, file in files.items():
        is_alike = path.startswith(stem) and abs(file.size - len(content)) <= _ALIKE
        if is_alike and path + ENDING not in files:
            found = _read(store, path)
            if found is not None and _is_same(found, content, sidecar):
                known = sidecar.model_copy(update={"sha256": digest_of(found)})
                return Saved(path, known, found) if _is_noted(store, path, known) else None
    return None


def _read(store: Store, path: str) -> bytes | None:
    try:
        return store.read(path)
    except FileNotFoundError:
        return None


def _is_same(found: bytes, content: bytes, sidecar: Sidecar) -> bool:
    """Whether a file is an image that is about to be saved: byte for byte, or by the facts that are in it."""
    if found == content:
        return True
    try:
        facts = metadata_of(found).sidecar
    except InvalidImageError:
        return False
    return facts is not None and all(getattr(facts, name) == getattr(sidecar, name) for name in _IDENTIFYING)


def stem_of(text: str) -> str:
    """Return a file name without extension for what an image shows, in whatever script it is described."""
    return safe_stem(safe_stem(text)[:_LONGEST_STEM])


def free_path(wanted: str, taken: AbstractSet[str]) -> str:
    """Return a path that is not taken: the wanted one, or one with the next number before its extension.

    Args:
        wanted: The path.
        taken: The paths of all images and of those that sidecars belong to, as `folded_path` writes them.
    """
    if folded_path(wanted) not in taken:
        return wanted
    stem, dot, extension = wanted.rpartition(".")
    start, end = folded_path(f"{stem}-"), folded_path(dot + extension)
    middles = (path[len(start) : -len(end)] for path in taken if path.startswith(start) and path.endswith(end))
    numbers = (int(each) for each in middles if each.isascii() and each.isdigit() and len(each) <= _LONGEST_NUMBER)
    return f"{stem}-{max(numbers, default=1) + 1}{dot}{extension}"


def folded_path(path: str) -> str:
    """Return a path without the difference of upper and lower case, and of composition, that many disks ignore."""
    return normalize("NFC", path).casefold()
