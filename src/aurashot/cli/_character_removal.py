"""How characters leave a library from the command line: after a question, or with `--yes`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot.cli._confirmation import confirm
from aurashot.cli._library import opened, place_of
from aurashot.cli._output import Output
from aurashot.errors import AuraShotError, CharacterNotFoundError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.characters import Receipt
    from aurashot.cli._screen import Screen


def remove(place: str, name: str, *, yes: bool) -> None:
    """Remove a character.

    Args:
        place: The library.
        name: The character's name.
        yes: Whether the user has agreed already.

    Raises:
        CharacterNotFoundError: There is none.
    """
    output, library = Output(), opened(place)
    number = len(library.gallery(name))
    images = "1 finished image" if number == 1 else f"{number} finished images"
    confirm(output, f"{name}, with {images}, will be removed from {place_of(library)}", yes=yes)
    library.remove(name)
    output.show({"removed": name, "images": number}, lambda screen: screen.say(f"{name} is removed."), [name])


def forget(place: str, name: str, file: Path | None, *, yes: bool) -> None:
    """Remove every trace of a character, and print the receipt.

    Args:
        place: The library.
        name: The character's name.
        file: Where the receipt is written to as well.
        yes: Whether the user has agreed already.

    Raises:
        CharacterNotFoundError: There is no trace of it.
        InputError: The receipt cannot be written there; then nothing was removed.
    """
    output, library = Output(), opened(place)
    if file is not None:
        _check(file)
    confirm(output, f"Every file of {name} will be removed from {place_of(library)}", yes=yes)
    receipt = library.forget(name)
    document = {**receipt.model_dump(mode="json"), "sha256": receipt.sha256}
    fault = None if file is None else _written(file, document)
    output.show(document, lambda screen: _show_receipt(receipt, screen), [receipt.sha256])
    if fault is not None:
        raise AuraShotError(f"'{file}' cannot be written ({fault}); the receipt is the output of this command")


def _check(file: Path) -> None:
    fault = _atomic.path_fault(str(file))
    if fault is None and file.exists():
        fault = f"'{file}' exists"
    if fault is None and not file.absolute().parent.is_dir():
        fault = f"there is no folder '{file.parent}'"
    if fault is not None:
        raise InputError(f"--receipt: {fault}; pass the path of a new file", argument="--receipt")


def _written(file: Path, document: dict[str, Any]) -> str | None:
    """Write the receipt, and return why that failed: the character is gone, so that the receipt must be printed."""
    try:
        _atomic.write(file, (json.dumps(document, indent=2) + "\n").encode())
    except OSError as problem:
        return reason_of(problem)
    return None


def _show_receipt(receipt: Receipt, screen: Screen) -> None:
    screen.say(f"{receipt.character} is forgotten.")
    screen.row("When", f"{receipt.when:%Y-%m-%d %H:%M:%S} UTC")
    screen.row("Id", receipt.id)
    for title, lines in (
        ("Removed files, with their SHA-256", [f"{each.path}  {each.sha256 or '-'}" for each in receipt.removed]),
        ("Removed records", receipt.records),
        ("Other characters with the same face, which were not removed", receipt.same_face),
        ("What may remain", receipt.may_remain),
    ):
        if lines:
            screen.say(f"{title}:")
            screen.lines("\n".join(f"  {line}" for line in lines))
    screen.row("Receipt", receipt.sha256)


def discard(place: str, name: str, *, yes: bool) -> None:
    """Discard the draft of a character.

    Args:
        place: The library.
        name: The character's name.
        yes: Whether the user has agreed already.

    Raises:
        CharacterNotFoundError: No creation was interrupted.
    """
    output, library = Output(), opened(place)
    confirm(output, f"The draft of {name} will be discarded; its ID photo may be paid for already", yes=yes)
    if not library.discard_draft(name):
        raise CharacterNotFoundError(
            f"No creation of '{name}' was interrupted; there is nothing to discard", character=name
        )
    output.show({"discarded": name}, lambda screen: screen.say(f"The draft of {name} is discarded."), [name])
