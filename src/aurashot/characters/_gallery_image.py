"""One finished image in a list: a few values, and all others in one piece that is decoded when one of them is used.

A library can have 100,000 images, and most values of most of them are never looked at.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from aurashot.characters._links import Link, keys_of, links_of
from aurashot.characters._names import AVATARS
from aurashot.characters._sidecar import ENDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aurashot.characters._sidecar import Sidecar
    from aurashot.characters._store import StoredFile

_GALLERY: Final = "gallery"
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row: TypeAlias = tuple[str, str, int, str | None, bytes]
"""Character, name in the gallery, time of making in microseconds since 1970, verdict, and `_Facts` as JSON."""


class _Facts(NamedTuple):
    """What is not searched for; times are in microseconds since 1970."""

    size: int = 0
    modified: int = 0
    has_sidecar: bool = False
    operation: str | None = None
    prompt: str | None = None
    description: str = ""
    similarity: float | None = None
    anchor: str | None = None
    tags: Mapping[str, str] | None = None
    keys: Sequence[str] = ()
    links: Sequence[tuple[str, Sequence[str]]] = ()


class GalleryImage:
    """One finished image, as far as it is known.

    Args:
        row: What is known; made by `image_of`, or by an index.
    """

    __slots__ = ("_decoded", "row")

    def __init__(self, row: Row) -> None:
        self.row: Row = row
        self._decoded: _Facts | None = None

    @property
    def _facts(self) -> _Facts:
        if self._decoded is None:
            try:
                self._decoded = _Facts(*json.loads(self.row[4]))
            except (TypeError, ValueError):  # of a damaged index
                self._decoded = _Facts()
        return self._decoded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GalleryImage) and self.row == other.row

    def __hash__(self) -> int:
        return hash(self.row)

    def __repr__(self) -> str:
        return f"GalleryImage({self.path!r}, verdict={self.verdict!r}, created_at={self.created_at:%Y-%m-%d})"

    @property
    def character(self) -> str:
        """The folder name of its character."""
        return self.row[0]

    @property
    def path(self) -> str:
        """The path of its file, relative to the library's root."""
        return f"{AVATARS}/{self.row[0]}/{_GALLERY}/{self.row[1]}"

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.row[1].rpartition("/")[2]

    @property
    def sidecar_path(self) -> str:
        """Where the facts about it are."""
        return self.path + ENDING

    @property
    def size(self) -> int:
        """The size of its file, in bytes."""
        return self._facts.size

    @property
    def modified(self) -> datetime:
        """When its file was last written."""
        return _moment(self._facts.modified)

    @property
    def created_at(self) -> datetime:
        """When it was made; without a sidecar, when its file was written."""
        return _moment(self.row[2])

    @property
    def has_sidecar(self) -> bool:
        """Whether there are facts beside it that this SDK can read."""
        return self._facts.has_sidecar

    @property
    def operation(self) -> str | None:
        """`id-photo`, `generate`, `edit` or `other`."""
        return self._facts.operation

    @property
    def prompt(self) -> str | None:
        """What was asked for."""
        return self._facts.prompt

    @property
    def description(self) -> str:
        """What it shows."""
        return self._facts.description

    @property
    def verdict(self) -> str | None:
        """`same`, `different` or `unsure`; None if its face was not checked."""
        return self.row[3]

    @property
    def similarity(self) -> float | None:
        """How alike the faces are, 0 to 1; None if there was nothing to compare."""
        return self._facts.similarity

    @property
    def anchor_sha256(self) -> str | None:
        """The anchor that it was made with."""
        return self._facts.anchor

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of its operation."""
        return self._facts.tags or {}

    @property
    def keys(self) -> tuple[str, ...]:
        """What other images know it by, such as `sha256:…`."""
        return tuple(self._facts.keys)

    @property
    def links(self) -> tuple[Link, ...]:
        """What it was made from."""
        return tuple(Link(role, tuple(keys)) for role, keys in self._facts.links)

    @property
    def sha256(self) -> str | None:
        """The digest of its file as it was stored; None without a sidecar."""
        return self._facts.keys[0].removeprefix("sha256:") if self._facts.keys else None


def gallery_folder(character: str) -> str:
    """Return where the finished images of a character are, relative to the library's root."""
    return f"{AVATARS}/{character}/{_GALLERY}"


def image_of(character: str, file: StoredFile, sidecar: Sidecar | None) -> GalleryImage:
    """Return what is known of an image from the facts about it."""
    name = file.path.removeprefix(gallery_folder(character) + "/")
    modified = microseconds(file.modified)
    if sidecar is None:
        return GalleryImage((character, name, modified, None, _encoded(_Facts(file.size, modified))))
    facts = _Facts(
        file.size,
        modified,
        has_sidecar=True,
        operation=sidecar.operation,
        prompt=sidecar.prompt,
        description=sidecar.description,
        similarity=sidecar.identity.similarity if sidecar.identity else None,
        anchor=sidecar.anchor_sha256,
        tags=dict(sidecar.tags) or None,
        keys=keys_of(sidecar),
        links=links_of(sidecar),
    )
    return GalleryImage((character, name, microseconds(sidecar.created_at), sidecar.verdict, _encoded(facts)))


def _encoded(facts: _Facts) -> bytes:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _moment(since: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=since)
    except OverflowError:  # of a damaged index
        return _EPOCH
