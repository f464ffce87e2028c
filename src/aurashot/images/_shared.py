"""One read of an open file or a Pillow image, however many calls are given it at the same time.

Both change when they are read: a file moves on, and an image that Pillow opened decodes itself. So calls that hold the
same object at the same time share one read, with its result or its error. A call that starts after the last of them
has ended reads anew: a file from where it stands then.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aurashot.errors import InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_reads: Final[dict[int, SharedRead]] = {}
_lock: Final = threading.Lock()


class SharedRead:
    """The one read of an object."""

    def __init__(self) -> None:
        self.holders: int = 0
        self._lock = threading.Lock()
        self._result: bytes | None = None
        self._error: InvalidImageError | None = None

    def get(self, read: Callable[[], bytes]) -> bytes:
        """Read the object, or return what another call has read.

        Raises:
            InvalidImageError: It cannot be read.
        """
        with self._lock:
            if self._error is not None:
                raise InvalidImageError(self._error.message) from self._error
            if self._result is None:
                try:
                    self._result = read()
                except InvalidImageError as error:
                    self._error = error
                    raise
            return self._result


@contextmanager
def held(source: object) -> Generator[SharedRead]:
    """Give the read of an object to those who hold it at the same time."""
    with _lock:
        read = _reads.setdefault(id(source), SharedRead())
        read.holders += 1
    try:
        yield read
    finally:
        with _lock:
            read.holders -= 1
            if not read.holders:
                del _reads[id(source)]
