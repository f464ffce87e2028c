"""What a caller was told at the end of one call: a line of the worker's log."""

from __future__ import annotations

import json
import pickle
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from lab.billing import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_CLOSER: Final = 25
"""Every so many errors the pickle and the traceback with its locals are searched as well: both are slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """The end of one call, as the caller saw it.

    Attributes:
        key: The idempotency key that the call was made under.
        answered: The identity in the response, where there was one.
        error: The name of the error's class, empty for a result.
        typed: Whether it is one of the client's own errors.
        outcome: What the error says about the request.
        error_key: The key that the error names.
        attempts: How many requests the client says it made.
        leaks: Whether the API key could be read from the error.
        text: The error in words.
        rounds: How many calls the caller made, the deadline of each of which starts anew.
        seconds: How long the caller waited.
        withheld: Seconds of them for which the machine did not let the process run.
    """

    key: str
    answered: str | None = None
    error: str = ""
    typed: bool = True
    outcome: str = ""
    error_key: str | None = None
    attempts: int = 0
    leaks: bool = False
    text: str = ""
    rounds: int = 1
    seconds: float = 0.0
    withheld: float = 0.0

    @property
    def delivered(self) -> bool:
        """Whether the caller has an image, be it someone else's."""
        return not self.error

    def dump(self) -> str:
        """Return the line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, line: str) -> Self:
        """Read what `dump` wrote."""
        told: dict[str, Any] = json.loads(line)
        return cls(**told)


def leaks(error: BaseException, *, closely: bool) -> bool:
    """Say whether the API key can be read from an error."""
    return any(CANARY in text for text in _faces(error, closely=closely))


def _faces(error: BaseException, *, closely: bool) -> Iterator[str]:
    yield str(error)
    yield repr(error)
    if closely:
        yield pickle.dumps(error).decode("latin-1")
        yield from _locals(error, set())


def _locals(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    """Give what a crash reporter shows: every local of every frame, through all causes."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for name, value in frame.f_locals.items():
            if frame.f_globals.get("__name__", "").partition(".")[0] != "lab":
                yield f"{frame.f_code.co_qualname}: {name} = {_shown(value)}"
    yield from _locals(error.__cause__, seen)
    yield from _locals(error.__context__, seen)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # foreign objects may be half made
        return ""
