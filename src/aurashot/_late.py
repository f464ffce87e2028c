"""Packages whose names are imported on first use (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def named(package: str, name: str, homes: Mapping[str, str]) -> object:
    """Import a name of a package from its home, and remember it.

    Args:
        package: The package's `__name__`.
        name: The name.
        homes: The module that each of its late names comes from.
    """
    home = homes.get(name)
    if home is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    setattr(sys.modules[package], name, value)
    return value


def listed(package: str, homes: Mapping[str, str]) -> list[str]:
    """Return the names of a package, those that are not imported yet included."""
    return sorted({*vars(sys.modules[package]), *homes})
