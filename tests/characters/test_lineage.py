from __future__ import annotations

from datetime import timedelta
from typing import Any

from aurashot.characters._gallery_image import GalleryImage, image_of
from aurashot.characters._lineage import Lineage, Source, lineage
from aurashot.characters._sidecar import Reference
from aurashot.characters._store import StoredFile
from tests.characters.images import ANCHOR, NOON, sidecar
from tests.stopwatch import no_later

SHEET = Source("id-photo.png", (f"sha256:{ANCHOR}",), is_anchor=True)
FACE = {"face": Reference(sha256=ANCHOR)}


def digest(number: int) -> str:
    """Return the digest of the image with a number."""
    return f"{number:064x}"


def image(number: int, **fields: Any) -> GalleryImage:
    """Return an image with a number, an hour later than the one before."""
    moment = NOON + timedelta(hours=number)
    usual: dict[str, Any] = {"sha256": digest(number), "request_id": f"r-{number}", "created_at": moment}
    file = StoredFile(f"avatars/Snow/gallery/{number}.png", 9, moment)
    return image_of("Snow", file, sidecar(**(usual | fields)))


def edited(number: int, target: int, **fields: Any) -> GalleryImage:
    """Return an image that was edited from another."""
    return image(number, operation="edit", references={"target": Reference(sha256=digest(target))}, **fields)


def labels(nodes: tuple[Lineage, ...]) -> list[str]:
    """Return how some images are called."""
    return [node.label for node in nodes]


def test_a_tree_leads_from_the_anchor_to_what_an_image_was_used_for() -> None:
    """It is drawn as text."""
    family = [image(1, references=FACE), edited(2, 1), edited(3, 2), edited(4, 2), image(9, references=FACE)]
    tree = lineage(family[1], family, [SHEET])
    assert ["1.png", "id-photo.png"] == labels(tree.ancestors)
    assert tree.is_complete
    assert str(tree) == (
        "2.png (edit, 2026-11-28)\n"
        "├─ made from\n"
        "│  └─ 1.png (target, generate, 2026-11-28)\n"
        "│     └─ id-photo.png (face, anchor)\n"
        "└─ used for\n"
        "   ├─ 3.png (target, edit, 2026-11-28)\n"
        "   └─ 4.png (target, edit, 2026-11-28)"
    )


def test_an_image_alone_is_one_line() -> None:
    """As one of another tool, of which nothing is known."""
    theirs = image_of("Snow", StoredFile("avatars/Snow/gallery/x.png", 9, NOON), None)
    assert "x.png (no sidecar, 2026-11-28)" == str(lineage(theirs, []))


def test_parents_that_are_gone_are_said_to_be_missing() -> None:
    """With what is known of them: their request, their digest, or nothing but that they had a URL."""
    references = {
        "face": Reference(sha256=ANCHOR),
        "clothes": Reference(request_id="r 7"),
        "scene": Reference(url="https://x.example"),
    }
    tree = lineage(image(1, references=references), [])
    assert [
        "an image with the SHA-256 aaaaaaaaaaaa…",
        "an image of the request r 7",
        "an image at a URL",
    ] == labels(tree.parents)
    assert not tree.is_complete
    assert "clothes, missing" in str(tree)


def test_a_gap_in_a_chain_of_edits_is_bridged() -> None:
    """If the image between was not saved, the one before it is still found."""
    first = image(1)
    last = image(3, operation="edit", edited_from=("r-0", "r-1", "r-2"))
    tree = lineage(last, [first])
    assert [("an image of the request r-2", True), ("1.png", False)] == [
        (each.label, each.is_missing) for each in tree.parents
    ]
    between = edited(2, 1)
    assert ["2.png", "1.png"] == labels(lineage(last, [first, between]).ancestors)


def test_images_are_found_by_url_and_by_request() -> None:
    """As they are recorded when a URL or an earlier result is passed."""
    first = image(1, url="https://images.example/1.png?signature=x")
    by_url = image(2, references={"target": Reference(url="https://images.example/1.png?signature=x")})
    by_request = image(3, references={"target": Reference(request_id="r-1")})
    by_parents = image(4, parents=(digest(1),))
    family = [first, by_url, by_request, by_parents]
    assert ["2.png", "3.png", "4.png"] == labels(lineage(first, family).children)
    assert [["1.png"]] * 3 == [labels(lineage(each, family).parents) for each in family[1:]]


def test_circles_have_an_end() -> None:
    """Only broken sidecars can make them: two images that are each other's parents, and one that is its own."""
    family = [edited(1, 2), edited(2, 1), edited(3, 3)]
    tree = lineage(family[0], family)
    assert "2.png (target, edit, 2026-11-28)\n│     └─ 1.png (target, edit, 2026-11-28, see above)" in str(tree)
    assert ["2.png"] == labels(tree.ancestors)
    assert "3.png (edit, 2026-11-28)" == str(lineage(family[2], family))


def test_what_is_reached_in_many_ways_is_followed_once() -> None:
    """Thirty pairs of images, each made from both before it, have a billion paths and 61 lines."""
    family = [image(0), image(1)]
    for number in range(2, 60, 2):
        both = (digest(number - 2), digest(number - 1))
        family += [image(number, parents=both), image(number + 1, parents=both)]
    with no_later(5):
        tree = lineage(family[-1], family)
        assert len(family) - 2 == len(tree.ancestors)
        assert len(str(tree).splitlines()) < 150


def test_a_long_chain_is_shown_as_far_as_it_can_be_read() -> None:
    """Thousands of edits in a row end in a mark, and raise nothing."""
    family = [image(0), *(edited(number, number - 1) for number in range(1, 5_000))]
    text = str(lineage(family[-1], family))
    assert 50 < len(text.splitlines()) < 60
    assert text.endswith("and so on)")


def test_an_anchor_that_is_used_twice_is_marked() -> None:
    """It is one image."""
    family = [image(1, references=FACE), edited(2, 1)]
    family[1] = image(2, references={"target": Reference(sha256=digest(1)), "face": Reference(sha256=ANCHOR)})
    tree = lineage(family[1], family, [SHEET])
    assert ["1.png", "id-photo.png"] == sorted(labels(tree.ancestors))
    assert "id-photo.png (face, anchor, see above)" in str(tree)
