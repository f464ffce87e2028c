"""The result of one call as the caller sees it: a line of the worker's log."""

from __future__ import annotations

import json
import pickle
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from lab.billing import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEP_CHECK_INTERVAL: Final = 25
"""Every n-th error, the pickle and the locals of the traceback are searched too; both are slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """The result of one call, as the caller sees it.

    Attributes:
        key: The idempotency key of the call.
        image: The ID of the image in the response, if any.
        error: The class name of the error, empty for a result.
        typed: Whether the error is one of the client's own classes.
        outcome: The `outcome` of the error.
        error_key: The idempotency key in the error.
        attempts: The number of requests that the client reports.
        leaks: Whether the error contains the API key.
        text: The error message.
        rounds: Number of calls that the caller made; each has its own deadline.
        seconds: Duration of the call for the caller.
        stalled: Seconds of these for which the machine did not schedule the process.
    """

    key: str
    image: str | None = None
    error: str = ""
    typed: bool = True
    outcome: str = ""
    error_key: str | None = None
    attempts: int = 0
    leaks: bool = False
    text: str = ""
    rounds: int = 1
    seconds: float = 0.0
    stalled: float = 0.0

    @property
    def delivered(self) -> bool:
        """Whether the caller got an image, even that of another call."""
        return not self.error

    def dump(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, line: str) -> Self:
        """Create it from the output of `dump`."""
        fields: dict[str, Any] = json.loads(line)
        return cls(**fields)


def leaks(error: BaseException, *, thorough: bool) -> bool:
    """Return whether an error contains the API key."""
    return any(CANARY in text for text in _representations(error, thorough=thorough))


def _representations(error: BaseException, *, thorough: bool) -> Iterator[str]:
    yield str(error)
    yield repr(error)
    if thorough:
        yield pickle.dumps(error).decode("latin-1")
        yield from _locals(error, set())


def _locals(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    """Yield what a crash reporter shows: the locals of all frames, including those of the causes."""
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
    except Exception:  # noqa: BLE001  # repr() of any object may fail
        return ""
