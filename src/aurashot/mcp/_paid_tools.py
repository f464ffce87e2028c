"""The tools that make images. Each is one call of the client, under a key that pays once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pydantic import ValidationError

from aurashot.characters import Consent
from aurashot.errors import CharacterNotFoundError, InputError, UnresolvedError
from aurashot.mcp._answers import CharacterAnswer, ImageAnswer, result_of
from aurashot.mcp._calls import call_id
from aurashot.mcp._errors import on_the_bill
from aurashot.mcp._showing import Shown, facts_of, shown
from aurashot.models import Generation

if TYPE_CHECKING:
    from mcp.types import CallToolResult

    from aurashot import AsyncAuraShot
    from aurashot.characters import Character
    from aurashot.ledger import Entry
    from aurashot.mcp._arguments import CreateCharacter, Edit, Generate
    from aurashot.mcp._workspace import Workspace

T = TypeVar("T")

Progress: TypeAlias = Callable[[float], Awaitable[object]]
"""Called with the seconds that a call has taken so far."""

RUNNING = (
    "The image is still being made. Do not start another one: in half a minute, call get_image with this request_key, "
    "or repeat this call with it. Neither pays twice."
)
PAID = "An identical call had paid for this image. For another image of the same prompt, pass a new request_key."


class Stored(NamedTuple):
    """An image that is paid for and stored.

    Attributes:
        path: Relative to the server's folder.
        repeated: Whether an earlier call had paid for it.
    """

    path: str
    repeated: bool


class Wanted(NamedTuple):
    """An image that a tool was asked for.

    Attributes:
        operation: The method of the client.
        identity: What identifies the call.
        character: In whose gallery the image is filed.
        description: What the image shows, as the agent asked for it.
        arguments: Those of the method.
    """

    operation: str
    identity: str
    character: Character | None
    description: str
    arguments: dict[str, Any]


async def generate(workspace: Workspace, given: Generate, progress: Progress) -> CallToolResult:
    """Generate an image."""
    images = _images(workspace, given, ("face", "clothes", "scene"))
    return await _image(workspace, await _wanted(workspace, "generate", given, images), given.request_key, progress)


async def edit(workspace: Workspace, given: Edit, progress: Progress) -> CallToolResult:
    """Edit an image."""
    images = _images(workspace, given, ("target", "face"))
    return await _image(workspace, await _wanted(workspace, "edit", given, images), given.request_key, progress)


async def _wanted(
    workspace: Workspace, operation: str, given: Generate | Edit, images: dict[str, bytes | str]
) -> Wanted:
    character = None if given.character is None else await workspace.library.get(given.character)
    prompt = given.prompt if character is None else character.prompt(given.prompt)
    who = None if character is None else [character.slug, character.reference_sha256]
    identity = call_id(operation, {"prompt": prompt, "who": who, **_digests(images)})
    face = {} if character is None else {"face": character}
    return Wanted(operation, identity, character, given.prompt, {"prompt": prompt, **images, **face})


def _images(workspace: Workspace, given: Generate | Edit, names: tuple[str, ...]) -> dict[str, bytes | str]:
    found = {name: getattr(given, name) for name in names}
    return {name: image_of(workspace, name, text) for name, text in found.items() if text is not None}


def image_of(workspace: Workspace, argument: str, text: str) -> bytes | str:
    """Return the bytes of an image, or its URL.

    Raises:
        InputError: It is not below the allowed folders, or cannot be read.
    """
    is_url = text.startswith(("https://", "http://", "data:"))
    return text if is_url else workspace.files.read(argument, text)


def _digests(images: dict[str, bytes | str]) -> dict[str, str]:
    return {
        name: image if isinstance(image, str) else f"sha256:{hashlib.sha256(image).hexdigest()}"
        for name, image in images.items()
    }


async def _image(workspace: Workspace, wanted: Wanted, given: str | None, progress: Progress) -> CallToolResult:
    key = await workspace.calls.key_of(wanted.identity, given)

    async def make() -> Stored:
        return await _made(workspace, wanted, key)

    stored = await _run(workspace, key, wanted.identity, make, progress)
    name = wanted.character.name if wanted.character is not None else None
    if stored is None:
        return await running(workspace, key, name)
    with on_the_bill(key, True):
        show, spend = await shown(workspace, stored.path), await workspace.spend()
    answer = ImageAnswer(
        paid=True,
        spend=spend,
        request_key=key,
        repeated=stored.repeated,
        image=show.image,
        character=name,
        next=PAID if stored.repeated and given is None else "",
    )
    return result_of(answer, *show.blocks)


async def _run(
    workspace: Workspace, key: str, identity: str, make: Callable[[], Awaitable[T]], progress: Progress
) -> T | None:
    """Do a call, or join it; None if it is under way when it is time to answer."""
    try:
        return await workspace.calls.run(key, identity, make, progress)
    except UnresolvedError as error:
        if error.entry is not None and error.entry.is_under_way:  # another server, or a call that goes on detached
            return None
        raise


async def running(workspace: Workspace, key: str, character: str | None = None) -> CallToolResult:
    """Return the answer about a call that is under way."""
    with on_the_bill(key, "unknown"):
        spend = await workspace.spend()
    answer = ImageAnswer(
        status="running",
        paid="unknown",
        spend=spend,
        request_key=key,
        character=character,
        next=RUNNING,
    )
    return result_of(answer)


async def _made(workspace: Workspace, wanted: Wanted, key: str) -> Stored:
    """Make an image, or take the one that the key has paid for."""
    path = await workspace.stored(key)
    if path is not None:
        return Stored(path, repeated=True)
    tags = {"via": "mcp"} if wanted.character is None else {"via": "mcp", "character": wanted.character.name}
    generation = await _generation(workspace, wanted, key, workspace.client_for(wanted.identity, tags))
    with on_the_bill(key, True):
        path = await workspace.store(generation, wanted.character, key, wanted.description)
    return Stored(path, repeated=generation.meta.from_ledger)


async def _generation(workspace: Workspace, wanted: Wanted, key: str, client: AsyncAuraShot) -> Generation:
    method = getattr(client, wanted.operation)
    try:
        generation: Generation = await method(**wanted.arguments, idempotency_key=key)
    except InputError as error:
        if error.argument != "idempotency_key":
            raise
        recalled = await _recalled(workspace, wanted, key)
        if recalled is None:
            raise
        return recalled
    return generation


async def _recalled(workspace: Workspace, wanted: Wanted, key: str) -> Generation | None:
    """Return what the same call has paid for although its request differs: a character's image may have a new URL."""
    for entry in await workspace.calls.entries(key):
        if entry.payment == "paid" and entry.parent_id == wanted.identity:
            return generation_of(entry)
    return None


def generation_of(entry: Entry) -> Generation | None:
    """Return the response that an entry has stored; None if it has none that can be read."""
    try:
        generation = Generation.model_validate_json(entry.result or "")
    except ValidationError:
        return None
    meta = replace(generation.meta, idempotency_key=entry.idempotency_key, ledger_entry=entry.number, from_ledger=True)
    return generation.with_meta(meta)


async def create_character(workspace: Workspace, given: CreateCharacter, progress: Progress) -> CallToolResult:
    """Make a character."""
    face = image_of(workspace, "face", given.face)
    about = given.model_dump(include={"name", "kind", "style"})
    identity = call_id("create_character", {**about, **_digests({"face": face})})
    key = await workspace.calls.key_of(identity, given.request_key)

    async def make() -> tuple[Character, bool]:
        return await _character(workspace, given, face, identity, key)

    made = await _run(workspace, key, identity, make, progress)
    if made is None:
        with on_the_bill(key, "unknown"):
            spend = await workspace.spend()
        answer = CharacterAnswer(status="running", paid="unknown", spend=spend, request_key=key, next=RUNNING)
        return result_of(answer)
    character, repeated = made
    with on_the_bill(key, True):
        show, spend = await shown_character(workspace, character), await workspace.spend()
    answer = CharacterAnswer(
        paid=True,
        spend=spend,
        request_key=key,
        repeated=repeated,
        character=facts_of(character, images=None),
        next="Pass its name as `character` to generate and edit.",
    )
    return result_of(answer, *show.blocks)


async def shown_character(workspace: Workspace, character: Character) -> Shown:
    """Return the image of a character's face as answers show it."""
    reference = character.reference
    if reference is None:
        return Shown(None, ())
    return await shown(workspace, f"avatars/{character.slug}/{reference.path}")


async def _character(
    workspace: Workspace, given: CreateCharacter, face: bytes | str, identity: str, key: str
) -> tuple[Character, bool]:
    """Make a character, or return the one that the key has paid for."""
    paid = [entry for entry in await workspace.calls.entries(key) if entry.payment == "paid"]
    if paid and paid[-1].parent_id == identity:
        with suppress(CharacterNotFoundError):  # it was paid for, and not stored, or removed since
            return await workspace.library.get(given.name), True
    consent = None
    if given.consent_who is not None and given.consent_purpose is not None:
        consent = Consent(who=given.consent_who, purpose=given.consent_purpose)
    character = await workspace.client_for(identity, {"via": "mcp", "character": given.name}).create_character(
        given.name,
        face=face,
        library=workspace.library,
        kind=given.kind,
        prompt=given.style,
        idempotency_key=key,
        description=given.description,
        consent=consent,
    )
    return character, bool(paid)
