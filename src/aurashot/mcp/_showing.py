"""What answers show of images and characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from anyio import to_thread

from aurashot.mcp._answers import CharacterFacts, ImageFile, link_block, preview_block
from aurashot.mcp._files import uri_of

if TYPE_CHECKING:
    from mcp.types import ContentBlock

    from aurashot.characters import Character
    from aurashot.mcp._workspace import Workspace

CHARACTER_URI = "aurashot://characters/"
"""How the URIs of characters begin; the name follows."""


class Shown(NamedTuple):
    """An image of the folder, as answers show it.

    Attributes:
        image: The facts.
        blocks: The preview and the link, as far as the settings allow them.
    """

    image: ImageFile | None
    blocks: tuple[ContentBlock, ...]


async def shown(workspace: Workspace, path: str) -> Shown:
    """Return an image as answers show it; it was read to its end.

    Args:
        workspace: Where it is.
        path: Relative to the server's folder.

    Raises:
        InvalidImageError: It is not there any more, or is not a whole image.
    """
    uri = uri_of(path)
    content = await to_thread.run_sync(workspace.files.read, "image", uri)
    whole = await workspace.previews.examine(content)
    image = ImageFile(
        uri=uri,
        path=str(workspace.files.path(path)),
        media_type=whole.media_type,
        width=whole.width,
        height=whole.height,
        size=whole.size,
    )
    preview = (preview_block(whole.preview),) if whole.preview else ()
    link = (link_block(image),) if workspace.settings.resource_links else ()
    return Shown(image, (*preview, *link))


def facts_of(character: Character, images: int | None) -> CharacterFacts:
    """Return what answers say of a character."""
    return CharacterFacts(
        name=character.name,
        uri=CHARACTER_URI + quote(character.slug, safe=""),
        kind=character.kind,
        description=character.description,
        styles=list(character.styles),
        scenes=list(character.scenes),
        has_id_photo=character.anchor is not None,
        has_consent=character.has_consent,
        images=images,
    )
