"""Two users of one machine, in one process: who is root can act as each of them, and the kernel enforces it."""

from __future__ import annotations

import codecs
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ALICE: Final = 65533
MALLORY: Final = 65534

codecs.lookup("ascii")  # who is not root may be unable to read Python's own files, and what is not found stays so

needs_two_users: Final = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as two users"
)


@contextmanager
def acting_as(user: int) -> Generator[None]:
    """Have only the rights of a user in the block."""
    before = os.geteuid()
    _become(user)
    try:
        yield
    finally:
        _become(before)


def _become(user: int) -> None:
    os.seteuid(0)
    os.setegid(user)
    os.seteuid(user)


@contextmanager
def shared_folder(mode: int = 0o777) -> Generator[Path]:
    """Return a new folder that all users can reach."""
    folder = Path(tempfile.mkdtemp(prefix="aurashot-shared-", dir="/tmp"))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
