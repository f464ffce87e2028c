"""Whether the file of a ledger can be trusted: whose it is, who else can open it, and what is in it.

SQLite opens what stands at a path, takes over what the journals beside it say, and runs the triggers that it finds. So
whoever has made the file, or could have changed it, decides what is recorded, what a cap counts, and who reads it.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aurashot._part import Part, is_own
from aurashot.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

JOURNALS: Final = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a file for those beside it: https://www.sqlite.org/tempfiles.html."""
_KINDS: Final = {
    stat.S_IFDIR: "is a folder; pass the path of a file in it",
    stat.S_IFLNK: "is not a regular file, but a symbolic link; pass the path of the file itself",
}
_OTHER_KIND: Final = "is not a regular file; choose another path"

logger: Final = logging.getLogger("aurashot")


def check_file(path: Path) -> os.stat_result | None:
    """Return what is known of a ledger's file, or None if there is none; check the journals beside it, too.

    Raises:
        LedgerError: It is no regular file, belongs to another user, or other users can write to it.
    """
    state, *_ = [_checked(each) for each in (path, *_journals(path))]
    return state


def _journals(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in JOURNALS]


def _checked(path: Path) -> os.stat_result | None:
    try:
        state = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        raise LedgerError(f"The ledger {path} {_KINDS.get(stat.S_IFMT(state.st_mode), _OTHER_KIND)}")
    fault = _fault(path, state)
    if fault is not None and _keeps_modes(path):
        raise LedgerError(f"The ledger {path} {fault}")
    return state


def _fault(path: Path, state: os.stat_result) -> str | None:
    if not is_own(state):
        return "belongs to another user; choose another path, or make it yours with chown"
    if os.name == "posix" and state.st_mode & 0o022:
        return f"can be written to by other users; look at what is in it, and restrict it with chmod 600 '{path}'"
    return None


def _keeps_modes(path: Path) -> bool:
    """Return whether a file beside it is this user's and private if it is made so; on a USB stick, none is."""
    with suppress(OSError), Part(path.parent, path.name, mode=0o600) as probe:
        state = os.fstat(probe.file.fileno())
        return is_own(state) and not state.st_mode & 0o077
    return True


def check_unchanged(path: Path, known: os.stat_result) -> None:
    """Make sure that a path still leads to the file that was checked, now that SQLite has opened what is there.

    Raises:
        LedgerError: Another file stands there, or beside it.
    """
    state = check_file(path)
    if state is None or not os.path.samestat(state, known):
        raise LedgerError(f"The ledger {path} was replaced by another file; make a new SQLiteLedger for that one")


def make_private(path: Path) -> None:
    """Restrict a ledger, and the journals beside it, to this user; it may have been copied, or made by a shell."""
    for each in (path, *_journals(path)):
        with suppress(FileNotFoundError):
            if os.name == "posix" and each.lstat().st_mode & 0o077 and _restrict(each):
                logger.warning("%s could be read by other users; it is restricted to you now", each)


def _restrict(path: Path) -> bool:
    """Return whether the file is private now. Where SQLite has it open, it must not be opened and closed for that.

    Closing any descriptor of a file gives up all locks of the process on it; a path descriptor of Linux has none.
    """
    with suppress(OSError, NotImplementedError, AttributeError):
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        try:
            if is_own(os.fstat(descriptor)):
                os.chmod(f"/proc/self/fd/{descriptor}", 0o600)  # noqa: PTH101 - by descriptor
            return not os.fstat(descriptor).st_mode & 0o077
        finally:
            os.close(descriptor)
    return False
