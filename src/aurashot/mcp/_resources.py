"""Resources: the characters of the library, and the images of the server's folder as previews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from anyio import to_thread
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from aurashot.errors import AuraShotError
from aurashot.mcp._files import IMAGE_URI
from aurashot.mcp._showing import CHARACTER_URI, facts_of

if TYPE_CHECKING:
    from mcp.types import PaginatedRequestParams, ReadResourceRequestParams

    from aurashot.mcp._workspace import Workspace

_JSON: Final = "application/json"
_PAGE: Final = 100
"""Characters in one list."""
TEMPLATES: Final = (
    ResourceTemplate(
        uri_template=f"{CHARACTER_URI}{{name}}",
        name="character",
        title="A character",
        description="What is known of a character, as JSON.",
        mime_type=_JSON,
    ),
    ResourceTemplate(
        uri_template=f"{IMAGE_URI}{{+path}}",
        name="image",
        title="An image",
        description="A small preview of an image; the tool get_image has it in full size.",
        mime_type="image/jpeg",
    ),
)


async def list_resources(workspace: Workspace, params: PaginatedRequestParams | None) -> ListResourcesResult:
    """List the characters, a page at a time."""
    characters = await workspace.library.list()
    begin = _begin_of(params.cursor if params else None)
    page = characters[begin : begin + _PAGE]
    facts = [facts_of(character, None) for character in page]
    resources = [
        Resource(uri=each.uri, name=each.name, title=each.name, description=each.description or None, mime_type=_JSON)
        for each in facts
    ]
    end = begin + len(page)
    return ListResourcesResult(resources=resources, next_cursor=str(end) if end < len(characters) else None)


def _begin_of(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise MCPError(INVALID_PARAMS, "The cursor is not one of this list; begin without one")
    return int(cursor)


def list_templates() -> ListResourceTemplatesResult:
    """List the kinds of resources that there are."""
    return ListResourceTemplatesResult(resource_templates=list(TEMPLATES))


async def read_resource(workspace: Workspace, params: ReadResourceRequestParams) -> ReadResourceResult:
    """Read a character as JSON, or a preview of an image.

    Raises:
        MCPError: There is no such resource.
    """
    uri = params.uri
    try:
        if uri.startswith(CHARACTER_URI):
            return await _character(workspace, uri)
        if uri.startswith(IMAGE_URI):
            return await _image(workspace, uri)
    except AuraShotError as error:
        raise MCPError(INVALID_PARAMS, error.message, {"uri": uri}) from error
    raise MCPError(INVALID_PARAMS, "There is no such resource; list the resources and their templates", {"uri": uri})


async def _character(workspace: Workspace, uri: str) -> ReadResourceResult:
    character = await workspace.library.get(unquote(uri.removeprefix(CHARACTER_URI)))
    facts = facts_of(character, len(await workspace.library.gallery(character)))
    text = facts.model_dump_json(indent=2)
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, text=text, mime_type=_JSON)])


async def _image(workspace: Workspace, uri: str) -> ReadResourceResult:
    content = await to_thread.run_sync(workspace.files.read, "uri", uri)
    whole = await workspace.previews.examine(content, preview=True)
    return ReadResourceResult(contents=[BlobResourceContents(uri=uri, blob=whole.preview, mime_type="image/jpeg")])
