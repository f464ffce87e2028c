"""Making a character: check its photo, make the ID photo, check that, and store both.

The ID photo is paid for once. A draft in the library notes the idempotency key before the request, and the response
after it, so that a second call goes on where an interrupted one ended (`aurashot.characters._drafts`).
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from uuid import uuid4

from aurashot._calls import Flow, blocking
from aurashot._flows.character import id_photo
from aurashot._flows.creation_checks import Wanted, check, identity_tool
from aurashot._flows.images import read
from aurashot._flows.references import check_text, load_image, resolve_image
from aurashot._operations import check_key
from aurashot.errors import AuraShotError, DownloadError, IdentityDriftError, InputError
from aurashot.images import StoredURL
from aurashot.models import Generation

if TYPE_CHECKING:
    from aurashot.characters import AsyncCharacterLibrary, Character, CharacterLibrary, CharacterPlan
    from aurashot.characters._drafts import Draft
    from aurashot.identity import IdentityPolicy
    from aurashot.images import ImageInput, ImageRules

logger: Final = logging.getLogger("aurashot")


AnyLibrary: TypeAlias = "CharacterLibrary | AsyncCharacterLibrary"


def library_of(given: object) -> CharacterLibrary:
    """Return the library whose methods block.

    Raises:
        InputError: It is no library.
    """
    from aurashot.characters import AsyncCharacterLibrary, CharacterLibrary

    library = given.blocking if isinstance(given, AsyncCharacterLibrary) else given
    if not isinstance(library, CharacterLibrary):
        raise InputError(f"library: a CharacterLibrary is needed, not {type(given).__name__}", argument="library")
    return library


class Begun(NamedTuple):
    """A creation that may send its request.

    Attributes:
        draft: What the library noted.
        face: The bytes of the photo.
        is_new: Whether no earlier call has written the draft.
    """

    draft: Draft
    face: bytes
    is_new: bool


def begin(rules: ImageRules, wanted: Wanted, key: str | None, *, has_ledger: bool) -> Flow[Begun]:
    """Check everything that can be known before anything is paid for, and write a draft.

    Raises:
        InputError: The name, the photo or another argument is invalid.
        CharacterExistsError: The name is taken.
        UnresolvedError: An earlier call may have been billed, and nobody knows.
        LibraryError: The library cannot be used.
    """
    from aurashot.characters import _drafts
    from aurashot.characters._store import about

    face, new = yield from _examined(rules, wanted, key)
    with about(new.slug):
        draft = yield from blocking(lambda _: _drafts.begin(wanted.library.store, new, has_ledger=has_ledger))
    return Begun(draft, face, is_new=draft is new)


def plan(rules: ImageRules, wanted: Wanted, *, has_ledger: bool) -> Flow[CharacterPlan]:
    """Check the same, write nothing, and say what a call would cost."""
    from aurashot.characters import CharacterPlan, _drafts
    from aurashot.characters._store import about

    _, new = yield from _examined(rules, wanted, None)
    with about(new.slug):
        draft = yield from blocking(lambda _: _drafts.load(wanted.library.store, new.slug))
    if draft is None:
        return CharacterPlan(name=new.slug, images=1)
    _drafts.check_resumable(draft, new, has_ledger=has_ledger)
    return CharacterPlan(name=new.slug, images=0 if draft.response else 1, resumes=draft.key)


def _examined(rules: ImageRules, wanted: Wanted, key: str | None) -> Flow[tuple[bytes, Draft]]:
    """Check what is wanted, and return the bytes of the photo and a new draft, which is not written yet."""
    from aurashot.characters import _drafts, folder_name

    check_key("idempotency_key", key)
    slug = folder_name(wanted.name)
    if wanted.prompt is not None:
        check_text("prompt", wanted.prompt)
    face = yield from _bytes_of(rules, wanted.face)
    yield from blocking(lambda _: check(wanted, face))
    asked = hashlib.sha256(repr((hashlib.sha256(face).hexdigest(), wanted.prompt, wanted.kind)).encode()).hexdigest()
    return face, _drafts.Draft(slug=slug, key=key or str(uuid4()), asked=asked)


def create(rules: ImageRules, wanted: Wanted, begun: Begun, identity: IdentityPolicy | None) -> Flow[Character]:
    """Make the ID photo, or take the one that was paid for, and store the character.

    Raises:
        AuraShotError: What was paid for is in `delivered`; calling again goes on from there.
    """
    from aurashot.characters import _drafts

    store, draft = wanted.library.store, begun.draft
    if draft.response is not None:
        photo = Generation.model_validate(draft.response)
    else:
        photo = yield from _paid(rules, wanted, begun, identity)
    url = photo.url
    anchor = yield from _downloaded(rules, photo, draft.slug)
    if wanted.check:
        yield from blocking(lambda _: _warn_of_problems(wanted.name, anchor))

    def stored() -> Character:
        made = wanted.library.create(
            wanted.name,
            kind=wanted.kind,
            face=begun.face,
            anchor=anchor,
            anchor_url=url,
            **wanted.details,
        )
        _drafts.end(store, draft.slug)
        return made

    return (yield from blocking(lambda _: stored()))


def redo(
    rules: ImageRules,
    library: CharacterLibrary,
    character: str | Character,
    prompt: str | None,
    identity: IdentityPolicy | None,
) -> Flow[Character]:
    """Make a new ID photo from a character's face reference; the old one stays until the new one is stored.

    Raises:
        IdentityDriftError: The new one shows another person.
    """
    owner = yield from blocking(lambda _: _owner(library, character))
    face = yield from blocking(lambda _: owner.read_face())
    photo = yield from id_photo(rules, face, prompt=prompt, wait_for_result=None, identity=identity)
    url = photo.url
    anchor = yield from read(rules, photo, progress=None)
    yield from blocking(lambda _: _check_same_person(owner, face, anchor, photo))
    return (yield from blocking(lambda _: library.update(owner, anchor=anchor, anchor_url=url)))


def _owner(library: CharacterLibrary, character: str | Character) -> Character:
    from aurashot.characters import check_consent

    owner = library.get(character)
    if library.require_consent:
        check_consent(owner)
    return owner


def _check_same_person(character: Character, face: bytes, anchor: bytes, photo: Generation) -> None:
    """Check that a new ID photo shows the person of the face reference, where faces can be compared."""
    compare = identity_tool("compare")
    found = compare(face, anchor, paste_guard=False) if compare else None
    if found is not None and found.verdict == "different":
        error = IdentityDriftError(
            f"The new ID photo of '{character.slug}' does not show the person of the face reference ({found}); it is "
            "paid for and in error.delivered, and the old one is kept"
        )
        error.delivered = (photo,)
        raise error
    _warn_of_problems(character.name, anchor)


def _paid(rules: ImageRules, wanted: Wanted, begun: Begun, identity: IdentityPolicy | None) -> Flow[Generation]:
    """Make the ID photo, and note the response.

    A failure that cost nothing leaves no draft. But if the request was not sent, an earlier call may still have been
    billed under the key of its draft.
    """
    from aurashot.characters import _drafts
    from aurashot.characters._store import about

    store, draft = wanted.library.store, begun.draft
    try:
        photo = yield from id_photo(rules, begun.face, prompt=wanted.prompt, wait_for_result=None, identity=identity)
        _ = photo.url
    except AuraShotError as error:
        is_unsent = error.outcome == "not_sent" or (error.outcome == "unknown" and not error.billable)  # an upload
        if begun.is_new if is_unsent else error.outcome != "unknown":
            yield from blocking(lambda _: _drafts.end(store, draft.slug))
        raise
    with about(draft.slug):
        yield from blocking(lambda _: _drafts.note(store, draft, photo))
    return photo


def _downloaded(rules: ImageRules, photo: Generation, slug: str) -> Flow[bytes]:
    """Download an ID photo that is paid for; if that fails, say how to go on."""
    try:
        return (yield from read(rules, photo, progress=None))
    except DownloadError as error:
        error.add_note(
            f"The ID photo of '{slug}' is paid for: call again later to go on; if its URL is gone for good, call "
            f"library.discard_draft({slug!r}) first, and it is made, and billed, once more"
        )
        raise


def _bytes_of(rules: ImageRules, face: ImageInput) -> Flow[bytes]:
    """Return the photo as it is, so that it can be kept; one at a URL is downloaded."""
    source = resolve_image(rules, "face", face)
    if isinstance(source, StoredURL):
        source = source.local
    if isinstance(source, str):
        return (yield from read(rules, source, progress=None))
    payload = yield from load_image(rules._replace(strip_metadata=False), "face", source)
    with payload.open() as file:
        return file.read()


def _warn_of_problems(name: str, anchor: bytes) -> None:
    split = identity_tool("split_id_photo")
    for problem in split(anchor).problems if split else ():
        logger.warning("The ID photo of '%s': %s (%s)", name, problem.sentence, problem.fix)
