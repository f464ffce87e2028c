"""The two images of a profile: from what a user passes to a file, and from a file to what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot.characters._character import StoredImage
from aurashot.characters._layout import ANCHOR, FACE
from aurashot.characters._names import folder_of
from aurashot.errors import InputError, InvalidImageError
from aurashot.images import EXTENSIONS, ImageRules, locate, prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.characters._character import Character
    from aurashot.characters._store import Store
    from aurashot.images import ImageInput

STEMS: Final[Mapping[str, str]] = {"face": FACE, "anchor": ANCHOR}
"""The names of the two images' files, by the fields of a character."""
_RULES: Final = ImageRules(own_origin="", strip_metadata=False)
"""What a user hands over is kept as it is; what is uploaded later is stripped then."""


class GivenImage(NamedTuple):
    """An image that is about to be stored.

    Attributes:
        stored: What will be known of it.
        content: Its bytes.
    """

    stored: StoredImage
    content: bytes


def given_image(which: str, image: ImageInput, url: str | None) -> GivenImage:
    """Read an image, and say under which name it will be stored.

    Args:
        which: `face` or `anchor`.
        image: Anything but a URL. HEIC and other formats that the service does not take are converted.
        url: Where the service has it.

    Raises:
        InvalidImageError: It is a URL, cannot be read, or is no image.
    """
    try:
        local = locate(image, _RULES)
        if isinstance(local, str):
            raise InvalidImageError("it is a URL, and the library keeps a file; download it, and pass the bytes")
        payload = prepare(local, _RULES)
        with payload.open() as file:
            content = file.read()
    except InputError as error:
        raise error.about(which) from error
    path = f"profile/{STEMS[which]}{EXTENSIONS[payload.media_type]}"
    since = None if url is None else datetime.now(UTC)
    return GivenImage(StoredImage.of(path, content, url=url, url_since=since), content)


def found_images(store: Store, slug: str) -> dict[str, str]:
    """Return the paths of a profile's images by their names, for a `character.json` that says nothing of them."""
    folder = folder_of(slug)
    paths = [each.path.removeprefix(f"{folder}/") for each in store.files(f"{folder}/profile")]
    return {which: path for which, stem in STEMS.items() for path in paths if _is_image(path, stem)}


def _is_image(path: str, stem: str) -> bool:
    name, dot, ending = path.removeprefix("profile/").rpartition(".")
    return bool(dot) and name == stem and f".{ending.lower()}" in {*EXTENSIONS.values(), ".jpeg"}


def examined(store: Store, character: Character) -> Character:
    """Return a character with the digests of its images as they are now.

    A URL is dropped if the file is another one than that which was uploaded. A missing file changes nothing: its URL
    may still be alive.

    Raises:
        LibraryError: A file cannot be read.
    """
    images = {which: _examined(store, character.slug, getattr(character, which)) for which in STEMS}
    return character.model_copy(update=images)


def _examined(store: Store, slug: str, image: StoredImage | None) -> StoredImage | None:
    if image is None or (image.sha256 is not None and store.local(folder_of(slug)) is None):
        return image  # to fetch it from an object store each time would cost more than it is worth
    try:
        content = store.read(f"{folder_of(slug)}/{image.path}")
    except FileNotFoundError:
        return image
    now = StoredImage.of(image.path, content)
    if image.sha256 is None:  # another tool has written it, and nothing but its URL can be known
        return now.model_copy(update={"url": image.url, "url_since": image.url_since})
    return image if now.sha256 == image.sha256 else now
