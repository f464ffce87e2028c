"""The tools that cost nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from mcp.types import ImageContent

from aurashot.errors import InputError, UnresolvedError
from aurashot.mcp._answers import (
    CharacterAnswer,
    CharactersAnswer,
    FullImageAnswer,
    ImageFile,
    ImagesAnswer,
    ListedImage,
    SpendAnswer,
    UnresolvedCall,
    VerdictAnswer,
    preview_block,
    result_of,
)
from aurashot.mcp._errors import on_the_bill
from aurashot.mcp._files import IMAGES, uri_of
from aurashot.mcp._paid_tools import RUNNING, generation_of, image_of, shown_character
from aurashot.mcp._showing import facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcp.types import CallToolResult, ContentBlock

    from aurashot.characters import GalleryImage
    from aurashot.ledger import Entry
    from aurashot.mcp._arguments import (
        GetImage,
        ListCharacters,
        RecentImages,
        ShowCharacter,
        ShowSpend,
        VerifyIdentity,
    )
    from aurashot.mcp._paid_tools import Progress
    from aurashot.mcp._workspace import Workspace

_SHOWN: Final = 5
"""Newest images of a character that are shown with it."""
_MOST_UNRESOLVED: Final = 20
ID_PHOTO: Final = "id_photo"
"""The operation that makes a character's ID photo."""
OF_A_CHARACTER: Final = (
    "This is the ID photo of create_character. show_character shows it; if the character is not there, repeat "
    "create_character with this request_key, which pays nothing."
)
LARGEST_FULL: Final = 15_000_000
"""Bytes of an image that fit into an answer."""


async def list_characters(workspace: Workspace, _given: ListCharacters, _progress: Progress) -> CallToolResult:
    """List the characters of the library."""
    found = await workspace.library.list()
    answer = CharactersAnswer(spend=await workspace.spend(), characters=[facts_of(each, None) for each in found])
    return result_of(answer)


async def show_character(workspace: Workspace, given: ShowCharacter, _progress: Progress) -> CallToolResult:
    """Show a character, its face and its newest images."""
    character = await workspace.library.get(given.name)
    images = await workspace.library.gallery(character)
    face = await shown_character(workspace, character)
    answer = CharacterAnswer(
        spend=await workspace.spend(),
        character=facts_of(character, len(images)),
        recent_images=[uri_of(each.path) for each in images[:_SHOWN]],
    )
    return result_of(answer, *face.blocks)


async def verify_identity(workspace: Workspace, given: VerifyIdentity, _progress: Progress) -> CallToolResult:
    """Compare the face in an image with a character or a photo."""
    from aurashot.identity import acompare

    image = image_of(workspace, "image", given.image)
    calibration = None
    if given.character is not None:
        character = await workspace.library.get(given.character)
        reference: bytes | str = await to_thread.run_sync(character.read_reference)
        calibration = character.calibration.calibration() if character.calibration is not None else None
    else:
        reference = image_of(workspace, "reference", given.reference or "")
    is_local = isinstance(image, bytes) and isinstance(reference, bytes)
    compare = acompare if is_local else workspace.client.compare  # what is at a URL is downloaded
    found = await compare(reference, image, calibration=calibration, paste_guard=not given.is_edit)
    answer = VerdictAnswer(
        spend=await workspace.spend(),
        verdict=found.verdict,
        similarity=None if found.similarity is None else round(found.similarity, 3),
        reasons=[str(reason) for reason in found.reasons],
    )
    return result_of(answer)


async def recent_images(workspace: Workspace, given: RecentImages, _progress: Progress) -> CallToolResult:
    """List the newest images."""
    if given.character is not None:
        images = [_listed(workspace, each) for each in await workspace.library.gallery(given.character)]
    else:
        found = await workspace.library.search(limit=given.limit)
        others = await to_thread.run_sync(_other_images, workspace.files.path(IMAGES), given.limit)
        images = [*(_listed(workspace, each) for each in found), *others]
        images.sort(key=lambda each: each.created_at, reverse=True)
    return result_of(ImagesAnswer(spend=await workspace.spend(), images=images[: given.limit]))


def _listed(workspace: Workspace, image: GalleryImage) -> ListedImage:
    return ListedImage(
        uri=uri_of(image.path),
        path=str(workspace.files.path(image.path)),
        character=image.character,
        prompt=image.prompt,
        created_at=_written(image.created_at),
        verdict=image.verdict,
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _other_images(folder: Path, limit: int) -> list[ListedImage]:
    """Return the newest images that belong to no character."""
    if not folder.is_dir():
        return []
    files = [(each.stat().st_mtime, each) for each in folder.iterdir() if each.is_file() and each.name[0] != "."]
    return [
        ListedImage(
            uri=uri_of(f"{IMAGES}/{path.name}"),
            path=str(path),
            character=None,
            prompt=None,
            created_at=_written(datetime.fromtimestamp(modified, UTC)),
            verdict=None,
        )
        for modified, path in sorted(files, reverse=True)[:limit]
    ]


async def spend(workspace: Workspace, _given: ShowSpend, _progress: Progress) -> CallToolResult:
    """Show what was spent."""
    ledger = workspace.ledger
    summary = await to_thread.run_sync(ledger.summary)
    unresolved = await to_thread.run_sync(ledger.unresolved)
    answer = SpendAnswer(
        spend=await workspace.spend(),
        all_paid=summary.paid,
        unresolved=[_unresolved(entry) for entry in unresolved[-_MOST_UNRESOLVED:]],
        ledger=str(ledger.path.absolute()),
    )
    return result_of(answer)


def _unresolved(entry: Entry) -> UnresolvedCall:
    return UnresolvedCall(
        request_key=entry.idempotency_key,
        operation=entry.operation,
        started_at=_written(entry.started_at),
        is_running=entry.is_under_way,
    )


async def get_image(workspace: Workspace, given: GetImage, progress: Progress) -> CallToolResult:
    """Get one image."""
    if given.image is not None:
        return await _full(workspace, given.image, given.size)
    key = given.request_key or ""
    is_running = await workspace.calls.join(key, progress)
    path = await workspace.stored(key)
    if path is not None:
        with on_the_bill(key, True):
            return await _full(workspace, uri_of(path), given.size, key)
    entries = await workspace.calls.entries(key)
    if is_running or any(entry.is_under_way for entry in entries):
        with on_the_bill(key, "unknown"):
            spend = await workspace.spend()
        answer = FullImageAnswer(status="running", paid="unknown", spend=spend, request_key=key, next=RUNNING)
        return result_of(answer)
    if any(entry.payment == "paid" and entry.operation == ID_PHOTO for entry in entries):
        with on_the_bill(key, True):
            spend = await workspace.spend()
        answer = FullImageAnswer(paid=True, spend=spend, request_key=key, next=OF_A_CHARACTER)
        return result_of(answer)
    path = await _fetched(workspace, key, entries)
    with on_the_bill(key, True):
        return await _full(workspace, uri_of(path), given.size, key)


async def _fetched(workspace: Workspace, key: str, entries: Sequence[Entry]) -> str:
    """Download the image of a call that was paid for and is not stored.

    Raises:
        InputError: No call has this key, or it made no image.
        UnresolvedError: It may be on the bill, and there is no response.
    """
    counted = [entry for entry in entries if entry.payment != "not_paid"]
    if not counted:
        raise InputError(f"request_key: nothing was paid for under '{key}'; repeat the call", argument="request_key")
    entry = counted[-1]
    generation = generation_of(entry) if entry.payment == "paid" else None
    if generation is None:
        error = UnresolvedError(f"The call '{key}' has no image: it is recorded as {entry.payment}")
        error.idempotency_key, error.entry = key, entry
        raise error
    name = entry.tags.get("character")
    character = None if name is None else await workspace.library.get(name)
    with on_the_bill(key, True):
        return await workspace.store(generation, character, key)


async def _full(workspace: Workspace, given: str, size: str, key: str | None = None) -> CallToolResult:
    """Return the answer with an image of the folders."""
    found = await to_thread.run_sync(workspace.files.find, "image", given)
    whole = await workspace.previews.examine(found.content, preview=True)
    if size == "full" and len(found.content) > LARGEST_FULL:
        raise InputError(
            f"image: it has {len(found.content):,} bytes, too many for an answer; get the preview, or use its file",
            argument="image",
        )
    relative = workspace.files.relative(found.path)
    image = ImageFile(
        uri="" if relative is None else uri_of(relative),
        path=str(found.path),
        media_type=whole.media_type,
        width=whole.width,
        height=whole.height,
        size=whole.size,
    )
    block: ContentBlock = preview_block(whole.preview)
    if size == "full":
        data = base64.b64encode(found.content).decode()
        block = ImageContent(type="image", data=data, mime_type=whole.media_type)
    answer = FullImageAnswer(spend=await workspace.spend(), paid=key is not None, image=image, request_key=key)
    return result_of(answer, block)
