"""What a client accepts as the same face, and what it found out about an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, get_args

from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.identity._calibration import Calibration
    from aurashot.identity._comparison import Comparison
    from aurashot.identity._findings import Reason, Verdict
    from aurashot.identity._model import FaceModel
    from aurashot.identity._reference import ReferenceInput
    from aurashot.models import Generation

Accept: TypeAlias = Literal["not_different", "same"]
"""Which verdicts are accepted: all but `different`, or `same` only."""

LONG_CHAIN: Final = 3
"""From so many edits in a row on, faces are known to drift away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """How a client holds images to a face: each is downloaded and compared, and generated again if it is not accepted.

        client.generate("in a cafe", face=anchor, identity=IdentityPolicy())

    Every further attempt is billed, under an idempotency key of its own. What it compares stays on your machine.

    Attributes:
        accept: `not_different` generates again only if the verdict is `different`. `same` does so on `unsure` as well,
            which costs more images: of the right faces of good generators, one in five is `unsure`.
        attempts: How often the image is generated at most, the first time included.
        max_images: How many images may be paid for at most.
        max_chain: How many edits in a row an image may have behind it. An edit of one that has so many starts from the
            last image before it that passed, or else from the first one; the edits in between are lost. None never
            does that.
        strict: Whether "same" needs a cosine of 0.60 rather than 0.50.
        calibration: The person's own line.
        reference: What to compare with instead of `face`. A `FaceReference` is prepared once for many calls.
        paste_guard: Whether to look for pixels that were copied from the reference. None looks for them except in
            edits, which should keep pixels.
        model: The engine; YuNet and SFace by default.

    Raises:
        ConfigurationError: A value is invalid.
    """

    accept: Accept = "not_different"
    attempts: int = 3
    max_images: int = 3
    max_chain: int | None = None
    strict: bool = False
    calibration: Calibration | None = None
    reference: ReferenceInput | None = field(default=None, repr=False)
    paste_guard: bool | None = None
    model: FaceModel | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the values."""
        if self.accept not in get_args(Accept):
            raise ConfigurationError(f"accept= takes 'not_different' or 'same', not {self.accept!r}")
        for name in ("attempts", "max_images", "max_chain"):
            value = cast("object", getattr(self, name))
            if value is None and name == "max_chain":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name}= takes a whole number of at least 1, not {value!r}")
        if not isinstance(cast("object", self.strict), bool):
            raise ConfigurationError(f"strict= takes True or False, not {self.strict!r}")

    def accepts(self, verdict: Verdict) -> bool:
        """Whether an image with this verdict is accepted."""
        return verdict == "same" or (verdict == "unsure" and self.accept == "not_different")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCheck:
    """What a policy found out about one image: `generation.identity`.

    Attributes:
        comparison: The comparison of its face with the reference.
        accepted: Whether the policy accepts it.
        attempts: Which attempt it was; the first is 1.
        images_paid: How many images were paid for up to this one, which is among them.
        rebased: Whether the edit started from an earlier image than the one that was passed.
        candidates: All images of the call that returned this one, in order, this one included; each is paid for.
    """

    comparison: Comparison
    accepted: bool
    attempts: int
    images_paid: int
    rebased: bool = False
    candidates: tuple[Generation, ...] = field(default=(), repr=False)

    @property
    def verdict(self) -> Verdict:
        """`same`, `different` or `unsure`."""
        return self.comparison.verdict

    @property
    def similarity(self) -> float | None:
        """How alike the faces are, 0 to 1; no probability. None if there was nothing to compare."""
        return self.comparison.similarity

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What the verdict rests on beside the similarity."""
        return self.comparison.reasons

    @property
    def notes(self) -> Mapping[str, Any]:
        """What a ledger notes of it."""
        return {
            "identity_verdict": self.verdict,
            "identity_similarity": None if self.similarity is None else round(self.similarity, 4),
            "identity_reasons": " ".join(dict.fromkeys(each.code for each in self.reasons)),
            "identity_attempt": self.attempts,
        }

    def __str__(self) -> str:
        """Return the comparison, and what it cost."""
        images = "1 image" if self.images_paid == 1 else f"{self.images_paid} images"
        return f"{self.comparison}; attempt {self.attempts}, {images} paid"
