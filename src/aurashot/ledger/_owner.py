"""Which process wrote an entry, and whether it still runs.

A process is distinguished from a later one with the same number by its start time, where the system shows it to every
process (Linux: `/proc`). Elsewhere a process knows itself by a random token, can see that another one is
gone, and cannot be sure of one that is there.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import getnode, uuid4

PROC: Final = Path("/proc")
TICKS: Final = "ticks "
"""Begins a start time as `/proc` tells it; anything else is a token."""
ENDED: Final = frozenset({"Z", "X", "x"})
"""States of a process that has ended and is not removed yet: proc_pid_stat(5)."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that wrote an entry.

    Attributes:
        host: The boot of the machine and, on Linux, the namespaces in which the process's number counts.
        pid: The number of the process.
        started: What tells it from an earlier or later process with the same number.
    """

    host: str
    pid: int
    started: str


def this_process() -> Owner:
    """Return this process as an owner."""
    return _identified(os.getpid())


def lives(owner: Owner) -> bool | None:
    """Return whether a process still runs; None if that cannot be told from here."""
    mine = this_process()
    if owner == mine:
        return True
    if owner.host != mine.host:
        return None
    if owner.pid == mine.pid:  # the number is in use again, and by this process
        return False
    found = state_and_start(owner.pid) if owner.started.startswith(TICKS) else None
    if found is None:
        return _seen(owner.pid)
    state, started = found
    return state not in ENDED and started == owner.started


@lru_cache(maxsize=1)
def _identified(pid: int) -> Owner:
    found = state_and_start(pid) if _proc_is_of_this_namespace(pid) else None
    return Owner(_host(), pid, f"token {uuid4().hex}" if found is None else found[1])


def _proc_is_of_this_namespace(pid: int) -> bool:
    try:
        return (PROC / "self").readlink() == Path(str(pid))
    except OSError:
        return False


def state_and_start(pid: int) -> tuple[str, str] | None:
    """Return the state and the start time of a process; None where `/proc` does not tell."""
    try:
        content = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    return parsed(content)


def parsed(stat: bytes) -> tuple[str, str] | None:
    """Return the state (field 3) and the start time (field 22) of `/proc/<pid>/stat`.

    Field 2 is the name of the program in parentheses, and the name may have spaces and parentheses of its own.
    """
    fields = stat[stat.rfind(b")") + 1 :].decode("ascii", "replace").split()
    return (fields[0], f"{TICKS}{fields[19]}") if len(fields) > 19 else None


def _seen(pid: int) -> bool | None:
    """Return False if there is no such process; one that is there may be another with the same number."""
    if os.name != "posix":
        return None  # on Windows, `os.kill` ends the process
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another user's
        return None
    return None


def _host() -> str:
    try:
        boot = (PROC / "sys" / "kernel" / "random" / "boot_id").read_text("ascii").strip()
        return " ".join((boot, *(str((PROC / "self" / "ns" / name).readlink()) for name in ("pid", "time"))))
    except OSError:
        return f"{platform.node()} {getnode():x}"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_identified.cache_clear)
