"""Keep errors out of reference cycles, and secrets out of tracebacks.

The frames of a failed call hold its response, up to 8 MiB. If an object that these frames reach keeps the error, they
keep each other alive until the garbage collector runs. Three rules prevent it, and what they need is here:

* a call drops the errors that it keeps when it ends (`CallState.end`);
* an error that is passed on to be raised elsewhere travels in a list that is emptied by raising it (`raise_from`);
* the frames of packages that keep errors are cleared (`clear_frames`).

`_hidden.hide_locals` clears the frames of an attempt, which may hold the key.
"""

from __future__ import annotations

from contextlib import suppress
from traceback import walk_tb
from typing import Any, NoReturn

from aurashot._hidden import links


def raise_from(held: list[Any]) -> NoReturn:
    """Raise the error that a list holds, and leave the list empty."""
    raise held.pop()


def forget_frames(problem: BaseException) -> None:
    """Take the tracebacks off an exception and what led to it."""
    for link in links(problem):
        link.__traceback__ = None


def clear_frames(error: BaseException, *packages: str) -> None:
    """Clear the local variables of some packages' frames: tenacity's hold the error, in a cycle."""
    for each in links(error):
        for frame, _ in walk_tb(each.__traceback__):
            if frame.f_globals.get("__name__", "").partition(".")[0] in packages:
                with suppress(RuntimeError):  # it still runs: asyncio asks the resolver in a thread of `concurrent`
                    frame.clear()
