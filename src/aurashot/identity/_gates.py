"""What makes a face hard to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot.identity._findings import Reason, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity._faces import Face
    from aurashot.identity._findings import ReasonCode
    from aurashot.identity._thresholds import Thresholds

_GATES: Final[tuple[tuple[ReasonCode, Callable[[Face, Thresholds], bool], Callable[[Face, Thresholds], str]], ...]] = (
    (
        "drawn",
        lambda face, lines: face.score < lines.min_score,
        lambda face, lines: (
            f"The face may be drawn, or is hard to recognise as a face: the detector's score is {face.score:.2f}, "
            f"below {lines.min_score:.2f}"
        ),
    ),
    (
        "too_small",
        lambda face, lines: face.size < lines.min_width,
        lambda face, lines: f"The face is {face.size:.0f} pixels wide, less than {lines.min_width:.0f}",
    ),
    (
        "blurred",
        lambda face, lines: face.sharpness < lines.min_sharpness,
        lambda face, lines: (
            f"The face is blurred: its sharpness is {face.sharpness:.3f}, below {lines.min_sharpness:.3f}"
        ),
    ),
    (
        "over_exposed",
        lambda face, lines: face.exposure > lines.max_exposure,
        lambda face, _: f"The face is over-exposed: {face.exposure:.0%} of it is white",
    ),
    (
        "low_contrast",
        lambda face, lines: face.contrast < lines.min_contrast,
        lambda face, _: f"The face is too dark or too pale: its brightness varies by {face.contrast:.1f} of 255 only",
    ),
    (
        "tilted",
        lambda face, lines: abs(face.roll) > lines.max_roll,
        lambda face, _: f"The head is tilted by {abs(face.roll):.0f} degrees",
    ),
    (
        "turned",
        lambda face, lines: abs(face.yaw) > lines.max_yaw,
        lambda face, _: f"The head is turned far to the {'right' if face.yaw > 0 else 'left'} of the image",
    ),
    (
        "covered",
        lambda face, lines: face.eye_brightness < lines.min_eye_brightness,
        lambda _, __: "The eyes are much darker than the cheeks, as with sunglasses",
    ),
)

_DRAWN: Final = "The image's metadata say that the face was drawn, and drawn faces cannot be told apart"


def reasons_about(face: Face, thresholds: Thresholds, about: str) -> tuple[Reason, ...]:
    """Return why a face is hard to judge, by its measurements."""
    return tuple(
        reason(code, sentence(face, thresholds), about)
        for code, applies, sentence in _GATES
        if applies(face, thresholds)
    )


def drawn(about: str, *, both: bool) -> Reason:
    """Return the reason for a face that is known to be drawn.

    Args:
        about: The image or the reference.
        both: Whether the other face is drawn as well. A drawn face against a photograph can be somebody else for sure.
    """
    usual = reason("drawn", _DRAWN, about)
    return usual if both else Reason(usual.code, usual.sentence, about, frozenset(("same",)))
