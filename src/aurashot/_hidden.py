"""Secrets that do not show themselves: in text, in pickles, and in the local variables of tracebacks."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

P = ParamSpec("P")
T = TypeVar("T")

HIDDEN: Final = b"(hidden)"
"""What stands in the place of a secret, in a header until its bytes are sent."""


class Secret:
    """Bytes that only `reveal` returns.

    It is neither bytes nor text, so that nothing shows it by taking a part of it, and no attribute holds it.
    """

    __slots__ = ("reveal",)

    def __init__(self, value: bytes) -> None:
        self.reveal: Callable[[], bytes] = lambda: value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("A secret cannot be pickled or copied")


def hide_locals(error: BaseException) -> None:
    """Clear the local variables of all frames that an exception has left, and of the exceptions that led to it.

    Exceptions that were being handled before, in frames that still run, are left alone.
    """
    for link in links(error):
        for index, (frame, _) in enumerate(walk_tb(link.__traceback__)):
            if not _is_cleared(frame) and not index and link is not error:
                return


def _is_cleared(frame: FrameType) -> bool:
    with suppress(RuntimeError):  # it still runs
        frame.clear()
        return True
    return False


def links(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what led to it, once each: there may be a cycle."""
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        yield problem
        seen.add(id(problem))
        problem = problem.__cause__ or problem.__context__


def hides_locals(work: Callable[P, T]) -> Callable[P, T]:
    """Let a function that is given a secret raise exceptions that do not hold it as a local variable."""

    @wraps(work)
    def hiding(*args: P.args, **options: P.kwargs) -> T:
        try:
            return work(*args, **options)
        except BaseException as error:
            del args, options
            hide_locals(error)
            raise

    return hiding
