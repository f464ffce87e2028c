"""Describe the machine and the versions of the measured packages."""

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
    """Return a one-line description of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def versions() -> str:
    """Return the measured packages and their versions, as one line."""
    return ", ".join(f"{name} {version(name)}" for name in MEASURED)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()
