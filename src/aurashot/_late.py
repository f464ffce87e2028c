"""What is imported or made on first use: the names of packages (PEP 562), and properties."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


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


class lazy_property(Generic[T]):  # noqa: N801  # named as `property` and `cached_property` are
    """A property that is made on first use and kept.

    Threads that use it first at once may each make one, and all get the same one. `functools.cached_property` does not
    promise that since Python 3.12.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.__doc__ = make.__doc__
        self._make = make
        self._name = make.__name__

    def __get__(self, instance: object, owner: type | None = None) -> T:
        kept: T = vars(instance).setdefault(self._name, self._make(instance))
        return kept
