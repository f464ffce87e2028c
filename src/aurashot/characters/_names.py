"""Names of characters, which are names of folders: any script, and safe on every file system and in every store."""

from __future__ import annotations

import unicodedata
from typing import Final

from aurashot.errors import InputError
from aurashot.images._names import DEVICE

AVATARS: Final = "avatars"
"""The folder with a folder for each character."""
LONGEST: Final = 100
"""Characters of a name."""
LONGEST_IN_BYTES: Final = 200
"""File systems allow 255 bytes."""
_FORBIDDEN: Final = '<>:"|?*'
"""Characters that file names of Windows cannot have."""
_JOINERS: Final = "\u200c\u200d"
"""Invisible characters that belong to the spelling of Persian words, of scripts of India, and of emoji."""
_INVISIBLE: Final = frozenset({"Cf", "Zl", "Zp"})
_SHOWN: Final = 40


def folder_of(slug: str) -> str:
    """Return the path of a character's folder, relative to the library's root."""
    return f"{AVATARS}/{slug}"


def folder_name(name: str) -> str:
    """Return the name of a new character's folder: the name itself, in Unicode's composed form (NFC).

    A name is never changed into another one.

    Raises:
        InputError: It cannot be the name of a folder everywhere; the message suggests one that can.
    """
    composed = unicodedata.normalize("NFC", checked_text(name))
    if fault := name_fault(composed):
        raise InputError(
            f"name: {_shown(name)} cannot be the name of a character, since {fault}; {_suggestion(composed)}",
            argument="name",
        )
    return composed


def checked_text(name: object) -> str:
    """Return a name if it is a text.

    Raises:
        InputError: It is not.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise InputError(f"name: a character or its name is needed, not an object of type {kind}", argument="name")
    return name


def name_key(name: str) -> str:
    """Return what two names have in common that some file systems take for one: case and composition do not count.

    Raises:
        InputError: It is not a text.
    """
    folded = unicodedata.normalize("NFD", checked_text(name)).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def name_fault(name: str) -> str | None:
    """Return why a text cannot be the name of a character, or None if it can."""
    return escape_fault(name) or next((sentence for is_wrong, sentence in _checks(name) if is_wrong), None)


def _checks(name: str) -> tuple[tuple[bool, str], ...]:
    return (
        (_has_invisible(name), "it has an invisible character in it, such as one that changes the direction of text"),
        (any(each in _FORBIDDEN for each in name), f"Windows allows none of {_FORBIDDEN} in a file name"),
        (name.startswith("."), "a folder whose name begins with a dot is hidden"),
        (name != name.strip(), "it begins or ends with a space"),
        (name.endswith("."), "it ends with a dot, which Windows removes"),
        (DEVICE.fullmatch(name) is not None, "Windows keeps it for a device"),
        (len(name) > LONGEST, f"it is longer than {LONGEST} characters"),
        (len(name.encode()) > LONGEST_IN_BYTES, f"it is longer than {LONGEST_IN_BYTES} bytes in UTF-8"),
    )


def _has_invisible(name: str) -> bool:
    return any(each not in _JOINERS and unicodedata.category(each) in _INVISIBLE for each in name)


def escape_fault(name: str) -> str | None:
    """Return why a text could lead out of the folder of characters, or None if it names something in it."""
    if not name.strip():
        return "it is empty"
    if name in {".", ".."}:
        return "dots alone stand for other folders"
    if "/" in name or "\\" in name:
        return "it has a slash or a backslash in it"
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in name):
        return "it has a control character or half a character in it"
    return None


def suggested_name(text: str) -> str | None:
    """Return a name that is like a text and can be that of a character; None if nothing is left of it."""
    kept = "".join(_kept(each) for each in unicodedata.normalize("NFC", text))
    name = " ".join(kept.split()).strip(". -")
    if DEVICE.fullmatch(name):
        name = f"{name.replace('.', ' ')} 1"
    short = name[:LONGEST].encode()[:LONGEST_IN_BYTES].decode(errors="ignore").strip(". -")
    return short if short and name_fault(short) is None else None


def _kept(character: str) -> str:
    if character in _JOINERS:
        return character
    if character in _FORBIDDEN or character in "/\\":
        return " "
    return "" if unicodedata.category(character) in _INVISIBLE | {"Cc", "Cs"} else character


def _suggestion(name: str) -> str:
    suggested = suggested_name(name)
    return "pass another name, such as 'Snow'" if suggested is None else f"{_shown(suggested)} would do"


def _shown(name: str) -> str:
    """Return a name for a message: what is invisible in it as escapes, and not all of a long one."""
    escaped = ascii(name) if _has_hidden(name) else repr(name)
    return escaped if len(escaped) <= 2 * _SHOWN else f"{escaped[:_SHOWN]}…{escaped[-_SHOWN:]}"


def _has_hidden(name: str) -> bool:
    return any(unicodedata.category(each)[0] in "CZ" and each != " " for each in name)
