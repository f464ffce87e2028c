"""What an image was made from, and what was made from it, as a tree.

    cafe.png (generate, 28 November 2026, same)
    ├─ made from
    │  └─ id-photo.png (face)
    └─ used for
       └─ roof.png (edit, 28 November 2026, same)

Images know each other by digests, requests and URLs. One that is not in the library any more is shown as missing; one
that comes up again is shown and not followed, so that circles, which only broken sidecars can make, have an end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._links import Link

_DEEPEST: Final = 50
"""Generations of images that a tree shows."""
_SHOWN: Final = 12


class Source(NamedTuple):
    """An image that is no result: the anchor of a character, its face reference, an image of clothes or of a scene.

    Attributes:
        label: How it is called in a tree.
        keys: What others know it by, such as `sha256:…`.
        is_anchor: Whether it is the anchor of a character.
    """

    label: str
    keys: tuple[str, ...]
    is_anchor: bool = False


@dataclass(frozen=True, slots=True)
class Lineage:
    """An image with what it was made from and what was made from it.

    Attributes:
        label: Its file name, or what is known of it.
        role: What it was for the image that this tree is about, or for the one between: `face`, `target`, …
        image: The image; None if it is missing, or no result.
        is_anchor: Whether it is the anchor of a character.
        is_missing: Whether it is not in the library.
        is_repeated: Whether it is in the tree already, where it is followed.
        is_cut: Whether the tree ends with it, as it is deep enough.
        parents: What it was made from; for images made from this one, empty.
        children: What was made from it; for images that this one was made from, empty.
    """

    label: str
    role: str | None = None
    image: GalleryImage | None = None
    is_anchor: bool = False
    is_missing: bool = False
    is_repeated: bool = False
    is_cut: bool = False
    parents: tuple[Lineage, ...] = ()
    children: tuple[Lineage, ...] = ()

    @property
    def ancestors(self) -> tuple[Lineage, ...]:
        """What it was made from, directly or not: the nearest first, each once."""
        found: list[Lineage] = []
        waiting = deque(self.parents)
        while waiting:
            each = waiting.popleft()
            if not each.is_repeated:
                found.append(each)
            waiting.extend(each.parents)
        return tuple(found)

    @property
    def is_complete(self) -> bool:
        """Whether nothing that it was made from is missing."""
        return not any(each.is_missing for each in self.ancestors)

    def __str__(self) -> str:
        """Return the tree as text."""
        sections = [("made from", self.parents), ("used for", self.children)]
        filled = [(title, branch) for title, branch in sections if branch]
        lines = [_line(self)]
        for number, (title, branch) in enumerate(filled, 1):
            is_last = number == len(filled)
            lines.append(f"{_fork(is_last=is_last)}{title}")
            lines += _branch_lines(branch, _indent(is_last=is_last))
        return "\n".join(lines)


def lineage(image: GalleryImage, images: Iterable[GalleryImage], sources: Sequence[Source] = ()) -> Lineage:
    """Return the tree of an image.

    Args:
        image: The image.
        images: Those among which its parents and children are looked for: those of its character, or of all.
        sources: Images that are no results, which it may have been made from.
    """
    return _Family(image, images, sources).tree()


class _Family:
    """The images that know each other."""

    def __init__(self, image: GalleryImage, images: Iterable[GalleryImage], sources: Sequence[Source]) -> None:
        self._image = image
        self._images = {each.path: each for each in [*images, image]}
        known: list[GalleryImage | Source] = [*sources, *self._images.values()]
        self._by_key = {key: each for each in reversed(known) for key in each.keys}
        self._children: dict[str, list[tuple[str, GalleryImage]]] = {}
        for each in self._images.values():
            for link, parent in self._parents_of(each):
                if parent is not None and not isinstance(parent, Source):
                    self._children.setdefault(parent.path, []).append((link.role, each))

    def tree(self) -> Lineage:
        """Return the tree of the image that it is about."""
        image = self._image
        up = self._up(image, {image.path}, 1)
        down = self._down(image, {image.path}, 1)
        return Lineage(image.name, image=image, parents=up, children=down)

    def _parents_of(self, image: GalleryImage) -> Iterator[tuple[Link, GalleryImage | Source | None]]:
        """Yield what an image was made from; what its target was edited from only counts if the target is missing."""
        is_known = False
        for link in image.links:
            parent = next((self._by_key[key] for key in link.keys if key in self._by_key), None)
            if parent is image:
                continue
            if link.role == "before":
                if not is_known and parent is not None:
                    is_known = True
                    yield link, parent
                continue
            is_known = is_known or (link.role == "target" and parent is not None)
            yield link, parent

    def _up(self, image: GalleryImage, seen: set[str], depth: int) -> tuple[Lineage, ...]:
        nodes: list[Lineage] = []
        for link, parent in self._parents_of(image):
            if parent is None:
                nodes.append(Lineage(_name_of(link), link.role, is_missing=True))
            elif isinstance(parent, Source):
                repeated = parent.label in seen
                seen.add(parent.label)
                nodes.append(Lineage(parent.label, link.role, is_anchor=parent.is_anchor, is_repeated=repeated))
            else:
                nodes.append(self._followed(parent, link.role, seen, depth, upward=True))
        return tuple(nodes)

    def _down(self, image: GalleryImage, seen: set[str], depth: int) -> tuple[Lineage, ...]:
        children = sorted(self._children.get(image.path, []), key=lambda child: (child[1].created_at, child[1].path))
        return tuple(self._followed(child, role, seen, depth, upward=False) for role, child in children)

    def _followed(self, image: GalleryImage, role: str, seen: set[str], depth: int, *, upward: bool) -> Lineage:
        if image.path in seen:
            return Lineage(image.name, role, image, is_repeated=True)
        if depth >= _DEEPEST:
            return Lineage(image.name, role, image, is_cut=True)
        seen.add(image.path)
        if upward:
            return Lineage(image.name, role, image, parents=self._up(image, seen, depth + 1))
        return Lineage(image.name, role, image, children=self._down(image, seen, depth + 1))


def _name_of(link: Link) -> str:
    """Return how an image is called that is not there, by the best that is known of it."""
    known = {kind: value for kind, _, value in (key.partition(":") for key in link.keys)}
    if "request" in known:
        return f"an image of the request {known['request']}"
    if "sha256" in known:
        return f"an image with the SHA-256 {known['sha256'][:_SHOWN]}…"
    return "an image at a URL"


def _line(node: Lineage) -> str:
    facts = [node.role] if node.role else []
    if node.image is not None:
        facts += [
            node.image.operation or "no sidecar",
            f"{node.image.created_at:%Y-%m-%d}",
            node.image.verdict or "",
        ]
    facts += ["anchor"] if node.is_anchor else []
    facts += ["missing"] if node.is_missing else []
    facts += ["see above"] if node.is_repeated else []
    facts += ["and so on"] if node.is_cut else []
    described = ", ".join(filter(None, facts))
    return f"{node.label} ({described})" if described else node.label


def _fork(*, is_last: bool) -> str:
    return "└─ " if is_last else "├─ "


def _indent(*, is_last: bool) -> str:
    return "   " if is_last else "│  "


def _branch_lines(branch: Sequence[Lineage], indent: str) -> Iterator[str]:
    for number, node in enumerate(branch, 1):
        is_last = number == len(branch)
        yield f"{indent}{_fork(is_last=is_last)}{_line(node)}"
        yield from _branch_lines([*node.parents, *node.children], indent + _indent(is_last=is_last))
