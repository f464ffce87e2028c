"""Whether a block ends when it should, on a machine however slow and busy."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

SLACK: Final = 20.0
"""Seconds that a block may take longer than it was given.

More than a busy machine takes for itself; what a block must not wait for takes `FOR_LONG`, or never ends.
"""

FOR_LONG: Final = 60.0
"""Seconds that a server of a test keeps a client waiting who does not give up."""


@contextmanager
def no_later(seconds: float) -> Generator[None]:
    """Check that the block takes so many seconds, or up to `SLACK` longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began <= seconds + SLACK


@contextmanager
def in_time(seconds: float) -> Generator[None]:
    """Check that the block takes as many seconds as a call was given, or up to `SLACK` longer."""
    began = time.monotonic()
    with no_later(seconds):
        yield
    assert seconds - 0.01 <= time.monotonic() - began
