"""Why a verdict is what it is, and what is wrong with an image: codes and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

ReasonCode: TypeAlias = Literal[
    "no_face",
    "several_faces",
    "too_small",
    "blurred",
    "over_exposed",
    "low_contrast",
    "tilted",
    "turned",
    "covered",
    "drawn",
    "pasted",
    "very_close",
    "stranger",
    "no_image",
    "long_chain",
]
"""What a reason is about.

`no_face`, `several_faces`, `too_small`, `blurred`, `over_exposed`, `low_contrast`, `tilted` (the head leans to a side),
`turned` (to the left or right), `covered` (the eyes are), `drawn` (a drawn face, or not certainly a photographed one),
`pasted` (the pixels of the reference), `very_close` (suspiciously like the reference), `stranger` (one of several
references shows somebody else), `no_image` (the response has none), `long_chain` (many edits in a row).
"""

Verdict: TypeAlias = Literal["same", "different", "unsure"]
"""`same` person, `different` person, or `unsure`: then `reasons` say why, or the cosine is between the lines."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a verdict.

    Attributes:
        code: What it is about.
        sentence: The same as a sentence, with the measured value.
        about: `image`, `reference`, or for one of several `reference 2`.
        forbids: The verdicts that it rules out.
    """

    code: ReasonCode
    sentence: str
    about: str
    forbids: frozenset[Verdict]

    def __str__(self) -> str:
        """Return the code and the sentence."""
        return f"{self.about}: {self.sentence} ({self.code})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that makes an image a poor anchor.

    Attributes:
        code: What it is about.
        sentence: What was found.
        fix: What to do about it.
    """

    code: str
    sentence: str
    fix: str

    def __str__(self) -> str:
        """Return the sentence and the fix."""
        return f"{self.sentence}; {self.fix}"


_NONE: Final[frozenset[Verdict]] = frozenset()
_DIFFERENT: Final[frozenset[Verdict]] = frozenset(("different",))
_BOTH: Final[frozenset[Verdict]] = frozenset(("same", "different"))

_FORBIDS: Final[dict[ReasonCode, frozenset[Verdict]]] = {
    "no_face": _BOTH,
    "several_faces": _BOTH,
    "too_small": _DIFFERENT,
    "blurred": _DIFFERENT,
    "over_exposed": _DIFFERENT,
    "low_contrast": _DIFFERENT,
    "tilted": _DIFFERENT,
    "turned": _DIFFERENT,
    "covered": _DIFFERENT,
    "drawn": _BOTH,
    "pasted": _NONE,
    "very_close": _NONE,
    "stranger": _NONE,
    "no_image": _BOTH,
    "long_chain": _NONE,
}
"""Which verdicts a reason rules out: a face that is hard to see is no proof of another person."""


def reason(code: ReasonCode, sentence: str, about: str) -> Reason:
    """Return a reason that rules out what its code usually does."""
    return Reason(code, sentence, about, _FORBIDS[code])
