"""One finished image in a list: a row of values, from which what is asked for is made.

A library can have 100,000 of them, so that nothing is decoded before it is used.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote, unquote

from aurashot.characters._links import Link, keys_of, links_of
from aurashot.characters._sidecar import ENDING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.characters._sidecar import Sidecar
    from aurashot.characters._store import StoredFile

AVATARS: Final = "avatars"
_GALLERY: Final = "gallery"
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row: TypeAlias = tuple[
    str, str, int, int, int, int, str | None, str | None, str, str | None, float | None, bytes | None, str, str, str
]
"""Character, name in the gallery, size, times of change and of making in microseconds since 1970, whether there is a
sidecar, operation, prompt, description, verdict, similarity, anchor, tags as JSON, keys, links."""


class GalleryImage:
    """One finished image, as far as it is known.

    Args:
        row: What is known; made by `image_of`, or by an index.
    """

    __slots__ = ("row",)

    def __init__(self, row: Row) -> None:
        self.row: Row = row

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
        return self.row[2]

    @property
    def modified(self) -> datetime:
        """When its file was last written."""
        return _moment(self.row[3])

    @property
    def created_at(self) -> datetime:
        """When it was made; without a sidecar, when its file was written."""
        return _moment(self.row[4])

    @property
    def has_sidecar(self) -> bool:
        """Whether there are facts beside it that this SDK can read."""
        return bool(self.row[5])

    @property
    def operation(self) -> str | None:
        """`id-photo`, `generate`, `edit` or `other`."""
        return self.row[6]

    @property
    def prompt(self) -> str | None:
        """What was asked for."""
        return self.row[7]

    @property
    def description(self) -> str:
        """What it shows."""
        return self.row[8]

    @property
    def verdict(self) -> str | None:
        """`same`, `different` or `unsure`; None if its face was not checked."""
        return self.row[9]

    @property
    def similarity(self) -> float | None:
        """How alike the faces are, 0 to 1; None if there was nothing to compare."""
        return self.row[10]

    @property
    def anchor_sha256(self) -> str | None:
        """The anchor that it was made with."""
        return self.row[11].hex() if self.row[11] else None

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of its operation."""
        try:
            tags: dict[str, str] = json.loads(self.row[12]) if self.row[12] else {}
        except ValueError:  # of a damaged index
            return {}
        return tags

    @property
    def keys(self) -> tuple[str, ...]:
        """What other images know it by, such as `sha256:…`."""
        return tuple(self.row[13].split())

    @property
    def links(self) -> tuple[Link, ...]:
        """What it was made from."""
        lines = (line.split() for line in self.row[14].splitlines())
        return tuple(Link(unquote(role), tuple(keys)) for role, *keys in lines)

    @property
    def sha256(self) -> str | None:
        """The digest of its file as it was stored; None without a sidecar."""
        return self.row[13].partition(" ")[0].removeprefix("sha256:") or None


def gallery_folder(character: str) -> str:
    """Return where the finished images of a character are, relative to the library's root."""
    return f"{AVATARS}/{character}/{_GALLERY}"


def image_of(character: str, file: StoredFile, sidecar: Sidecar | None) -> GalleryImage:
    """Return what is known of an image from the facts about it."""
    name = file.path.removeprefix(gallery_folder(character) + "/")
    modified = microseconds(file.modified)
    if sidecar is None:
        return GalleryImage(
            (character, name, file.size, modified, modified, 0, None, None, "", None, None, None, "", "", "")
        )
    links = (" ".join((quote(link.role, safe=""), *link.keys)) for link in links_of(sidecar))
    return GalleryImage(
        (
            character,
            name,
            file.size,
            modified,
            microseconds(sidecar.created_at),
            1,
            sidecar.operation,
            sidecar.prompt,
            sidecar.description,
            sidecar.verdict,
            sidecar.identity.similarity if sidecar.identity else None,
            bytes.fromhex(sidecar.anchor_sha256) if sidecar.anchor_sha256 else None,
            json.dumps(dict(sidecar.tags), ensure_ascii=False) if sidecar.tags else "",
            " ".join(keys_of(sidecar)),
            "\n".join(links),
        )
    )


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _moment(since: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=since)
    except OverflowError:  # of a damaged index
        return _EPOCH
