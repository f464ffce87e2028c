"""`aurashot characters create`: what is wanted, what it would cost, and making it."""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from aurashot._reasons import reason_of
from aurashot.cli._asked import SERVICE
from aurashot.cli._character_report import show_character
from aurashot.cli._output import Output
from aurashot.errors import AuraShotError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aurashot.characters import CharacterDetails, CharacterLibrary, CharacterPlan, Consent
    from aurashot.cli._options import Wanted
    from aurashot.cli._screen import Screen

_NO_KEY: Final = "sk_dry_run_sends_nothing"
_DISCARD: Final = "discard_draft"
"""What errors tell programs to call; on the command line it is a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The character that is asked for."""

    name: str
    face: str
    kind: Literal["real", "virtual"]
    prompt: str | None
    check: bool
    details: CharacterDetails

    def arguments(self, library: CharacterLibrary) -> dict[str, Any]:
        """Return the arguments that making and planning it have in common."""
        return {
            "face": self.face,
            "library": library,
            "kind": self.kind,
            "prompt": self.prompt,
            "check": self.check,
            **self.details,
        }


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

    return Consent(
        who=who or "", purpose=purpose or "", evidence_sha256=None if evidence is None else _digest(evidence)
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        message = f"--consent-evidence: '{path}' cannot be read ({reason_of(problem)}); pass a file"
        raise InputError(message, argument="--consent-evidence") from problem


def details_of(
    description: str, styles: Sequence[str], scenes: Sequence[str], template: str | None, consent: Consent | None
) -> CharacterDetails:
    """Return what the library keeps beside the images; what was not given is left to the library."""
    details: CharacterDetails = {"description": description, "styles": styles, "scenes": scenes}
    if template is not None:
        details["prompt_template"] = template
    if consent is not None:
        details["consent"] = consent
    return details


def create(asked: Asked, wanted: Wanted, library: CharacterLibrary) -> None:
    """Make a character and print it; or print what that would cost, if that is wanted."""
    from aurashot.cli._paying import Account

    output, tags = Output(), wanted.tag_values()
    if wanted.dry_run:
        _plan(asked, wanted, library, output)
        return
    with Account(wanted.ledger, timeout=wanted.timeout).client() as client:
        try:
            with output.working(f"making the ID photo of {asked.name}"):
                character = client.create_character(
                    asked.name, idempotency_key=wanted.key, tags=tags, **asked.arguments(library)
                )
        except AuraShotError as error:
            _translate(error, asked.name)
            raise
    show_character(character, verb="Created")


def _translate(error: AuraShotError, name: str) -> None:
    """Name the command that discards a draft, where an error names the method."""
    if any(_DISCARD in text for text in (error.message, *getattr(error, "__notes__", ()))):
        error.add_note(f"{_DISCARD} is this command: {shlex.join(['aurashot', 'characters', 'discard', name])}")


def _plan(asked: Asked, wanted: Wanted, library: CharacterLibrary, output: Output) -> None:
    """Print what a call would send, after checking all that can be checked here. No key is needed.

    Raises:
        InputError: It could not be sent.
    """
    from contextlib import ExitStack

    from aurashot import AuraShot
    from aurashot.ledger import SQLiteLedger

    with ExitStack() as stack:
        there = wanted.ledger is not None and wanted.ledger.exists()
        ledger = stack.enter_context(SQLiteLedger(wanted.ledger, create=False)) if wanted.ledger and there else None
        client = stack.enter_context(AuraShot(_NO_KEY, ledger=ledger))
        try:
            found = client.plan_character(asked.name, timeout=wanted.timeout, **asked.arguments(library))
        except AuraShotError as error:
            _translate(error, asked.name)
            raise
    plan: dict[str, Any] = {
        "dry_run": True,
        "operation": "create_character",
        "paid": False,
        "images_billed_at_most": found.images,
        "service": os.environ.get("AURASHOT_BASE_URL") or SERVICE,
        "prompt": asked.prompt,
        "character": found.name,
        "kind": asked.kind,
        "face": asked.face,
        "resumes_key": found.resumes,
        "ledger": None if wanted.ledger is None else str(wanted.ledger),
        "tags": wanted.tag_values(),
    }
    output.show(plan, lambda screen: _tell(plan, found, screen), [str(found.images)])


def _tell(plan: dict[str, Any], found: CharacterPlan, screen: Screen) -> None:
    if found.images:
        screen.row("Send", "id_photo", f"to {plan['service']}")
    if plan["prompt"]:
        screen.row("Prompt", plan["prompt"])
    screen.row("Face", plan["face"], "uploaded first, and kept as it is" if found.images else "kept as it is")
    screen.row("Save", found.name, f"as a {plan['kind']} character")
    if plan["ledger"]:
        screen.row("Ledger", plan["ledger"])
    if found.resumes:
        screen.row("Resume", "an interrupted creation", f"under the key {found.resumes}")
    screen.row("Bill", "1 image" if found.images == 1 else f"{found.images} images", "at most")
    screen.say()
    screen.say("Nothing was sent or billed.")
