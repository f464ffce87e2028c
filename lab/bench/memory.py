"""How much memory this process has, and had at its worst.

`ru_maxrss` alone would hide whatever stays under the peak of the imports; Linux lets a process lower its high-water
mark.
"""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")


def resident() -> int:
    """Return the bytes that this process holds in memory; where that cannot be seen, its peak."""
    return _read("VmRSS")


def peak() -> int:
    """Return the most that this process held since `forget_peak`, in bytes."""
    return _read("VmHWM")


def forget_peak() -> None:
    """Start to look for the peak anew, where the system allows it."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _read(field: str) -> int:
    if not _STATUS.exists():
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    assert found, field
    return int(found[1]) * 1024
