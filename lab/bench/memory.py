"""The current and the peak memory of this process.

`ru_maxrss` hides everything below the peak of the imports, but on Linux a process can reset its peak.
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
    """Return the resident memory in bytes, or the peak if it is not available."""
    return _read("VmRSS")


def peak() -> int:
    """Return the peak of the resident memory since `reset_peak`, in bytes."""
    return _read("VmHWM")


def reset_peak() -> None:
    """Reset the peak, if the system supports it."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _read(field: str) -> int:
    if not _STATUS.exists():
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    assert found, field
    return int(found[1]) * 1024
