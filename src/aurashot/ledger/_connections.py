"""The connections of one process to a ledger: one that writes, shared by its threads, and some that read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from aurashot.ledger._commits import Commits
from aurashot.ledger._file import connect, connect_to_read, wait

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from pathlib import Path

IDLE: Final = 4
"""Reading connections that are kept; more are opened while more threads read at once."""


class Connections:
    """What one process has open of a ledger.

    Reading does not wait for writing, nor the other way round: each reader sees what was committed before.
    """

    def __init__(self, path: Path, timeout: float, *, create: bool) -> None:
        self.pid: int = os.getpid()
        self.connection, self._known = connect(path, timeout, create=create)
        self.commits = Commits(self.connection)
        self._path = path
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._is_closed = False

    @contextmanager
    def reading(self, timeout: float) -> Generator[sqlite3.Connection]:
        """Give this thread its own reading connection.

        Raises:
            LedgerError: The file cannot be opened.
        """
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = connect_to_read(self._path, timeout, self._known)
        try:
            wait(connection, timeout)
            yield connection
        finally:
            self._idle.put(connection)
            if self._is_closed or self._idle.qsize() > IDLE:
                self._close_idle(0 if self._is_closed else IDLE)

    def _close_idle(self, kept: int) -> None:
        while self._idle.qsize() > kept:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def close(self) -> None:
        """Close the file when nobody is writing; readers close their connections when they are done."""
        if self.pid == os.getpid():  # a child of `fork()` must not touch the parent's
            self._is_closed = True
            self._close_idle(0)
            self.commits.close()

    def abandon(self) -> None:
        """Close the file when it can no longer be used."""
        if self.pid == os.getpid():
            self._is_closed = True
            self._close_idle(0)
            self.connection.close()
