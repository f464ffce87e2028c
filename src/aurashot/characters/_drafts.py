"""Characters that are being made: what was asked for, and the idempotency key under which it is paid for.

An ID photo is paid for before its character is there. So a draft is written first, and the response is added to it as
soon as there is one. Whoever creates the same character once more goes on from there:

    draft                  the second call
    none                   begins
    without a response     sends under the same key if the client has a ledger, which knows whether that key was paid;
                           without one it refuses, since the first request may have been billed
    with a response        downloads and stores its image; nothing is sent
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pydantic import Field, JsonValue, ValidationError

from aurashot.characters._character import Moment  # noqa: TC001 - pydantic reads the annotations
from aurashot.characters._names import folder_of, name_key
from aurashot.characters._store import OWN_FOLDER, lock_key
from aurashot.errors import InputError, LibraryError, UnresolvedError
from aurashot.models import Generation, WireModel

if TYPE_CHECKING:
    from aurashot.characters._character import Character
    from aurashot.characters._store import Store

_FOLDER: Final = f"{OWN_FOLDER}/drafts"


class Draft(WireModel):
    """A character that is not there yet."""

    slug: str
    key: str
    """The idempotency key under which the ID photo is asked for."""
    asked: str
    """A digest of what it is made from."""
    started_at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    response: dict[str, JsonValue] | None = None
    """The response with the ID photo, once it was paid for."""


def begin(store: Store, draft: Draft, *, has_ledger: bool) -> Draft:
    """Write a draft, or return the one that an interrupted call has left.

    Args:
        store: The library's files.
        draft: The new one.
        has_ledger: Whether the client knows what was paid under a key.

    Raises:
        InputError: The interrupted call asked for something else.
        UnresolvedError: It may have been billed, and nobody knows.
        LibraryError: The draft cannot be read or written.
    """
    try:
        store.create(_path(draft.slug), _serialised(draft))
    except FileExistsError:
        earlier = load(store, draft.slug)
    else:
        return draft
    if earlier is None:  # it was finished meanwhile
        return begin(store, draft, has_ledger=has_ledger)
    check_resumable(earlier, draft, has_ledger=has_ledger)
    return earlier


def check_resumable(earlier: Draft, draft: Draft, *, has_ledger: bool) -> None:
    """Check that a call may go on with the draft that an interrupted one has left.

    Args:
        earlier: What that one has left.
        draft: What is asked for now.
        has_ledger: Whether the client knows what was paid under a key.

    Raises:
        InputError: The interrupted call asked for something else.
        UnresolvedError: It may have been billed, and nobody knows.
    """
    if earlier.asked != draft.asked:
        since = f"{earlier.started_at:%Y-%m-%d %H:%M} UTC"
        raise InputError(
            f"face: '{draft.slug}' is being made from another image, prompt or kind since {since}; pass the same ones "
            "to go on, or call discard_draft to begin anew",
            argument="face",
        )
    if earlier.response is None and not has_ledger:
        raise UnresolvedError(
            f"'{draft.slug}' is being made by another call, or one was interrupted: its ID photo may be billed under "
            f"the key {earlier.key}; use a client with the ledger, or look at your bill, and call discard_draft"
        )


def note(store: Store, draft: Draft, response: Generation) -> Draft:
    """Add the response that was paid for."""
    content = json.loads(response.model_dump_json(by_alias=True))
    noted = draft.model_copy(update={"response": content})
    store.replace(_path(draft.slug), _serialised(noted))
    return noted


def load(store: Store, slug: str) -> Draft | None:
    """Return the draft of a name; None if there is none.

    Raises:
        LibraryError: It is broken.
    """
    path = _path(slug)
    try:
        return Draft.model_validate_json(store.read(path))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise LibraryError(
            f"The draft '{path}' of the character '{slug}' is broken; look at your bill, and call discard_draft",
            character=slug,
            path=path,
        ) from error


def finish(store: Store, character: Character) -> None:
    """Remove the draft of a character that is there, which a program has left that was killed in between.

    The draft of another ID photo stays: that one is paid for, and can be stored once the name is free.
    """
    url = character.anchor.url if character.anchor is not None else None
    try:
        draft = load(store, character.slug)
    except LibraryError:  # it is broken, and nobody knows whose it is
        return
    if url is None or draft is None or draft.response is None:
        return
    if url in {output.url for output in Generation.model_validate(draft.response).outputs}:
        end(store, character.slug)


def end(store: Store, slug: str) -> bool:
    """Remove the draft of a name, and return whether there was one."""
    return store.remove(_path(slug))


def files_of(store: Store, slug: str) -> list[str]:
    """Return the files of the draft of a name, with the partial ones that killed programs have left."""
    key = _key(slug)
    return [file.path for file in store.files(_FOLDER, hidden=True) if key in file.path]


def erase(store: Store, slug: str) -> bool:
    """Remove the draft of a name and what is left of earlier ones, and return whether there was any."""
    return sum(store.remove(path) for path in files_of(store, slug)) > 0


def _serialised(draft: Draft) -> bytes:
    return draft.model_dump_json(indent=2).encode()


def _path(slug: str) -> str:
    return f"{_FOLDER}/{_key(slug)}.json"


def _key(slug: str) -> str:
    return lock_key(name_key(folder_of(slug)))
