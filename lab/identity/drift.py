"""Generate images in a sandbox that drifts, and count what a policy delivers and what it pays for.

The sandbox says in each response whether it drew another person. The policy does not look there, and the table does.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aurashot import AuraShot, Generation, IdentityDriftError, IdentityPolicy, sandbox
from aurashot.identity import FaceReference
from lab.identity.photographs import NAMES, PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aurashot.identity import FaceModel

SHARE: Final = 0.3
ATTEMPTS: Final = 3
LEAST_RIGHT: Final = 0.99
HEAD: Final = (
    "photograph",
    "calls",
    "delivered",
    "right of them",
    "false alarms",
    "images paid per delivered",
    "ideal",
)
_AT_ONCE: Final = 2
_PLACES: Final = ("in a park", "in a cafe", "on the beach", "in a library", "in the snow")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call.

    Attributes:
        images: All images that were paid for.
        is_delivered: Whether the last one was returned.
    """

    images: tuple[Generation, ...]
    is_delivered: bool

    @property
    def is_right(self) -> bool:
        """Whether the delivered image shows the right person."""
        return self.is_delivered and not drifted(self.images[-1])

    @property
    def false_alarms(self) -> int:
        """How many images of the right person were refused."""
        refused = self.images[:-1] if self.is_delivered else self.images
        return sum(not drifted(image) for image in refused)


def drifted(image: Generation) -> bool:
    """Return whether the sandbox drew another person."""
    note = (image.model_extra or {})["sandbox"]
    return bool(note["drifted"])


def measure(model: FaceModel, calls: int) -> tuple[list[tuple[object, ...]], bool]:
    """Return a row for each photograph and one for all, and whether enough faces are right.

    Args:
        model: The engine.
        calls: How many calls are made with each photograph.
    """
    found = {name: _outcomes(path, model, calls) for name, path in zip(NAMES, PATHS, strict=True)}
    everything = [outcome for outcomes in found.values() for outcome in outcomes]
    rows = [row(name, outcomes) for name, outcomes in found.items()]
    rows.append(row("both", everything))
    delivered = [outcome for outcome in everything if outcome.is_delivered]
    return rows, sum(each.is_right for each in delivered) >= LEAST_RIGHT * len(delivered) > 0


def row(name: str, outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    """Return a row of the table."""
    delivered = [outcome for outcome in outcomes if outcome.is_delivered]
    right = sum(outcome.is_right for outcome in delivered)
    shown = sum(not drifted(image) for outcome in outcomes for image in outcome.images)
    alarms = sum(outcome.false_alarms for outcome in outcomes)
    paid = sum(len(outcome.images) for outcome in outcomes)
    ideal = sum(_ideal(outcome) for outcome in outcomes)
    return (
        name,
        len(outcomes),
        len(delivered),
        f"{right} ({interval(right, len(delivered))})",
        f"{alarms} of {shown} ({interval(alarms, shown)})",
        f"{paid / max(len(delivered), 1):.2f}",
        f"{ideal / max(len(delivered), 1):.2f}",
    )


def _ideal(outcome: Outcome) -> int:
    """Return how many of the images somebody would have paid for who is never wrong."""
    right = [place for place, image in enumerate(outcome.images, 1) if not drifted(image)]
    return right[0] if right else len(outcome.images)


def interval(count: int, total: int) -> str:
    """Return the 95 % confidence interval of a share (Wilson), in percent."""
    if not total:
        return "-"
    z, share = 1.96, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return f"{100 * max(middle - half, 0):.1f} to {100 * min(middle + half, 1):.1f} %"


def _outcomes(photograph: Path, model: FaceModel, calls: int) -> list[Outcome]:
    reference = FaceReference.from_images(photograph, model=model)
    policy = IdentityPolicy(attempts=ATTEMPTS, max_images=ATTEMPTS, reference=reference, model=model)
    with (
        sandbox.serve(drift=SHARE, seed=7) as server,
        AuraShot(server.api_key, base_url=server.url, timeout=600) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        held = client.with_options(identity=policy)

        def call(number: int) -> Outcome:
            try:
                image = held.generate(_PLACES[number % len(_PLACES)], face=photograph)
            except IdentityDriftError as error:
                return Outcome(tuple(each for each in error.delivered if isinstance(each, Generation)), False)
            return Outcome(image.identity.candidates if image.identity else (image,), True)

        return list(pool.map(call, range(calls)))
