"""Making characters with the async client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from aurashot._client import _setup as setup
from aurashot._operations import Labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from aurashot._flows.creation import AnyLibrary
    from aurashot._transport._async import AsyncTransport
    from aurashot.characters import Character, CharacterDetails, CharacterPlan, Kind
    from aurashot.identity import IdentityPolicy
    from aurashot.images import ImageInput, ImageRules


class AsyncCharacterCalls:
    """What the async client offers for characters."""

    _rules: ImageRules
    _transport: AsyncTransport
    _identity: IdentityPolicy | None = None

    async def create_character(
        self,
        name: str,
        *,
        face: ImageInput,
        library: AnyLibrary,
        kind: Kind = "real",
        prompt: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        identity: IdentityPolicy | Literal[False] | None = None,
        **details: Unpack[CharacterDetails],
    ) -> Character:
        """Make the ID photo of a person, and keep both in a library as a character. Billed: one image.

        Make a call that was interrupted again, and it goes on where it ended: nothing is paid twice.

        Args:
            name: Its name, in any script.
            face: One photo with one face, or an image of an invented person. It is kept as it is.
            library: Where the character is kept.
            kind: `real` for a real person, `virtual` for an invented one.
            prompt: A style for the ID photo, for example for an anime character.
            check: Whether a photo that is not good enough, or is another character's, is refused, and problems of the
                ID photo are logged. Without the extra `identity`, only equal files are noticed.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key.
            tags: Labels for finding the call in the ledger; not sent to the service.
            identity: As for `id_photo`.
            **details: What else the library keeps: `description`, `styles`, `scenes`, `prompt_template`, `consent`, …

        Raises:
            InputError: An argument is invalid, the photo is not good enough or another character's; nothing was sent.
            CharacterExistsError: The name is taken; nothing was sent.
            UnresolvedError: An earlier call with this name may have been billed; nothing was sent.
            LibraryError: The library cannot be used; what was paid for is in `delivered`.
        """
        from aurashot._flows import creation, creation_checks

        since = time.monotonic()
        policy = self._identity if identity is None else setup.identity_policy(identity)
        Labels(idempotency_key, tags).check()
        wanted = creation_checks.Wanted(creation.library_of(library), name, kind, face, prompt, check, details)
        flow = creation.begin(self._rules, wanted, idempotency_key, has_ledger=self._transport.has_ledger)
        begun = await self._transport.run("create_character", flow, timeout=timeout)
        making = creation.create(self._rules, wanted, begun, policy)
        left, labels = setup.time_left(timeout, since), Labels(begun.draft.key, tags)
        return await self._transport.run("create_character", making, labels, left)

    async def plan_character(
        self,
        name: str,
        *,
        face: ImageInput,
        library: AnyLibrary,
        kind: Kind = "real",
        prompt: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        **details: Unpack[CharacterDetails],
    ) -> CharacterPlan:
        """Check everything that `create_character` checks, and return what it would cost. Free: nothing is sent.

        Nothing is written into the library, either. A photo at a URL is downloaded.

        Args:
            name: As for `create_character`.
            face: As for `create_character`.
            library: As for `create_character`.
            kind: As for `create_character`.
            prompt: As for `create_character`.
            check: As for `create_character`.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            **details: As for `create_character`.

        Raises:
            InputError: An argument is invalid, the photo is not good enough or another character's.
            CharacterExistsError: The name is taken.
            UnresolvedError: An earlier call with this name may have been billed.
            LibraryError: The library cannot be read.
        """
        from aurashot._flows import creation, creation_checks

        wanted = creation_checks.Wanted(creation.library_of(library), name, kind, face, prompt, check, details)
        flow = creation.plan(self._rules, wanted, has_ledger=self._transport.has_ledger)
        return await self._transport.run("plan_character", flow, timeout=timeout)

    async def redo_anchor(
        self,
        character: str | Character,
        *,
        library: AnyLibrary,
        prompt: str | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        identity: IdentityPolicy | Literal[False] | None = None,
    ) -> Character:
        """Make a new ID photo from a character's face reference, and keep it. Billed: one image.

        The old one stays until the new one is stored. With the extra `identity`, a new one that shows another person is
        refused.

        Args:
            character: The character, or its name.
            library: Where it is kept.
            prompt: A style for the ID photo.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key.
            tags: Labels for finding the call in the ledger; not sent to the service.
            identity: As for `id_photo`.

        Raises:
            IdentityDriftError: The new ID photo shows another person; it is in `delivered`, and the old one is kept.
            LibraryError: The library cannot be used; what was paid for is in `delivered`.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
        """
        from aurashot._flows import creation

        policy = self._identity if identity is None else setup.identity_policy(identity)
        flow = creation.redo(self._rules, creation.library_of(library), character, prompt, policy)
        return await self._transport.run("redo_anchor", flow, Labels(idempotency_key, tags), timeout)
