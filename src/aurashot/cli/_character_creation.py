"""`aurashot characters create`: what is wanted, what it would cost, and making it."""

from __future__ import annotations

import hashlib
import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aurashot._reasons import reason_of
from aurashot.cli._character_report import show_character
from aurashot.cli._library import opened
from aurashot.cli._output import Output
from aurashot.errors import AuraShotError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aurashot import AuraShot
    from aurashot.characters import CharacterDetails, CharacterPlan, Consent
    from aurashot.cli._screen import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The character that is wanted."""

    name: str
    face: str
    kind: Literal["real", "virtual"]
    prompt: str | None
    check: bool
    details: CharacterDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How the request is sent and recorded."""

    idempotency_key: str | None
    tags: Sequence[str]
    ledger: Path | None
    timeout: float | None

    def client(self, stack: ExitStack) -> AuraShot:
        """Return a client that is closed with the stack."""
        from aurashot import AuraShot
        from aurashot.ledger import SQLiteLedger

        ledger = None if self.ledger is None else stack.enter_context(SQLiteLedger(self.ledger))
        return stack.enter_context(AuraShot(ledger=ledger))


def consent_of(who: str | None, purpose: str | None, evidence: Path | None) -> Consent | None:
    """Return the note of consent that the options describe.

    Raises:
        InputError: A part of it is missing, or the evidence cannot be read.
    """
    if who is None and purpose is None and evidence is None:
        return None
    for option, value in (("--consent-by", who), ("--consent-purpose", purpose)):
        if not value:
            raise InputError(f"{option}: a note of consent needs it; say who agreed, and to what", argument=option)

    from aurashot.characters import Consent

    return Consent(who=who or "", purpose=purpose or "", evidence_sha256=evidence and _digest(evidence))


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        message = f"--consent-evidence: '{path}' cannot be read ({reason_of(problem)}); pass a file"
        raise InputError(message, argument="--consent-evidence") from problem


def details_of(
    description: str,
    styles: Sequence[str] | None,
    scenes: Sequence[str] | None,
    template: str | None,
    consent: Consent | None,
) -> CharacterDetails:
    """Return what the library keeps beside the images; what was not given is left to the library."""
    details: CharacterDetails = {"description": description, "styles": styles or (), "scenes": scenes or ()}
    if template is not None:
        details["prompt_template"] = template
    if consent is not None:
        details["consent"] = consent
    return details


def tags_of(given: Sequence[str]) -> dict[str, str]:
    """Return tags by name.

    Raises:
        InputError: One has no name or no value.
    """
    tags: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise InputError(f"--tag: {each!r} is no tag; write NAME=VALUE", argument="--tag")
        tags[name] = value
    return tags


def plan(wanted: Wanted, sending: Sending, place: str, *, require_consent: bool) -> None:
    """Print what creating a character would send and cost."""
    tags_of(sending.tags)
    library = opened(place, require_consent=require_consent)
    with ExitStack() as stack:
        found = sending.client(stack).plan_character(
            wanted.name,
            face=wanted.face,
            library=library,
            kind=wanted.kind,
            prompt=wanted.prompt,
            check=wanted.check,
            timeout=sending.timeout,
            **wanted.details,
        )
    document = {
        "dry_run": True,
        "operation": "create_character",
        "name": found.name,
        "kind": wanted.kind,
        "face": wanted.face,
        "prompt": wanted.prompt,
        "images_billed": found.images,
        "resumes_key": found.resumes,
    }
    Output().show(document, lambda screen: _show_plan(found, wanted, screen), [found.name])


def _show_plan(found: CharacterPlan, wanted: Wanted, screen: Screen) -> None:
    screen.row("Name", found.name, wanted.kind)
    screen.row("Face", wanted.face, "would be uploaded, and kept in the library as it is")
    if wanted.prompt:
        screen.row("Prompt", wanted.prompt)
    if found.resumes:
        screen.row("Goes on", f"with the interrupted creation under the key {found.resumes}")
    screen.row("Billed", f"{found.images} image" if found.images == 1 else f"{found.images} images", "at most")
    screen.say("Nothing was sent.")


def create(wanted: Wanted, sending: Sending, place: str, *, require_consent: bool) -> None:
    """Make a character, and print it."""
    output = Output()
    tags = tags_of(sending.tags)
    library = opened(place, require_consent=require_consent)
    try:
        with ExitStack() as stack:
            client = sending.client(stack)
            stack.enter_context(output.working(f"making the ID photo of {wanted.name}"))
            character = client.create_character(
                wanted.name,
                face=wanted.face,
                library=library,
                kind=wanted.kind,
                prompt=wanted.prompt,
                check=wanted.check,
                timeout=sending.timeout,
                idempotency_key=sending.idempotency_key,
                tags=tags,
                **wanted.details,
            )
    except AuraShotError as error:
        if "discard_draft" in error.message or any("discard_draft" in note for note in getattr(error, "__notes__", ())):
            error.add_note(f"the command is: {shlex.join(['aurashot', 'characters', 'discard', wanted.name])}")
        raise
    show_character(character, verb="Created")
