"""What the figures were measured on, and what was measured."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Final

MEASURED: Final = (
    "aurashot",
    "httpx",
    "httpx2",
    "aiohttp",
    "httpx-aiohttp",
    "pydantic",
    "openai",
    "anthropic",
    "replicate",
    "runwayml",
    "fal-client",
)


def machine() -> str:
    """Return one line about the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def versions() -> str:
    """Return one line about what is measured."""
    return ", ".join(f"{name} {version(name)}" for name in MEASURED)


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    found = (
        re.search(r"^model name\s*: (.+)$", told.read_text(encoding="utf-8"), re.MULTILINE) if told.exists() else None
    )
    return found[1] if found else platform.processor() or platform.machine()
