"""What is installed: versions, extras, and the files of the face engine."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from aurashot._version import __version__
from aurashot.diagnostics._finding import Finding, problem
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS: Final = ("images", "identity", "characters", "sandbox", "cli", "keyring", "mcp", "otel", "testing")
"""The extras that users install, of which a version of this SDK may not have all."""
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9._-]+).*;\s*extra\s*==\s*['\"]([A-Za-z0-9_-]+)['\"]\s*")
"""A package and the extra that it is for, without further conditions."""


def python() -> Iterator[Finding]:
    """Say which versions these are."""
    summary = f"aurashot {__version__} on Python {platform.python_version()}, {platform.system()}"
    yield Finding(check="python", level="ok", summary=summary)


def extras() -> Iterator[Finding]:
    """Say which extras are installed, and what the others need."""
    missing = {extra: _missing(packages) for extra, packages in _packages().items()}
    if there := [extra for extra, packages in missing.items() if not packages]:
        yield Finding(check="extra", level="ok", summary=f"Installed extras: {', '.join(there)}")
    if missing.get("images"):
        summary = (
            "The extra images is not installed: photos are uploaded with the location that a phone writes into them"
        )
        yield Finding(check="extra", level="warning", summary=summary, fix="pip install 'aurashot[images]'")
    others = [extra for extra, packages in missing.items() if packages and extra != "images"]
    if others:
        listed = ", ".join(f"{extra} ({', '.join(missing[extra])})" for extra in others)
        fix = f"if you need one, run pip install 'aurashot[{','.join(others)}]'"
        yield Finding(check="extra", level="note", summary=f"Not installed: {listed}", fix=fix)


def _packages() -> dict[str, list[str]]:
    """Return the packages of each extra, as the installed version says."""
    try:
        required = metadata.requires("aurashot") or []
    except metadata.PackageNotFoundError:  # it runs from a folder of sources
        return {}
    found: dict[str, list[str]] = {}
    for match in filter(None, map(_REQUIREMENT.fullmatch, required)):
        found.setdefault(match[2], []).append(match[1])
    return {extra: found[extra] for extra in EXTRAS if extra in found}


def _missing(packages: list[str]) -> list[str]:
    return [package for package in packages if not _is_installed(package)]


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def face_models() -> Iterator[Finding]:
    """Check the files of the face engine, if the engine is there."""
    if find_spec("cv2") is None:
        return
    from aurashot.identity._files import FILES, model_folder, read_model

    try:
        folder = model_folder()
        for file in FILES:
            read_model(folder, file)
    except ConfigurationError as error:
        yield problem("face_models", error)
    else:
        yield Finding(check="face_models", level="ok", summary=f"The face models are in {folder}")
