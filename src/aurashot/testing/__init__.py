"""Helpers for testing an application that uses aurashot; they need the extra `testing`.

With pytest, four fixtures are available without an import: `aurashot_sandbox` (a running sandbox, as if new for each
test), `aurashot_client` (an `AuraShot` client of it), `async_aurashot_client`, and `aurashot_environment` (both
environment variables). `replay` responds from a recording instead:

    from aurashot.testing import replay

    def test_cafe():
        with replay("tests/cafe.har"), AuraShot("sk_live_any_key") as client:
            assert client.generate("a cozy cafe", face="https://example.com/face.jpg").succeeded

`assert_same_person(anchor, image)` fails if an image shows another person; it needs the extra `identity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aurashot.testing._identity import assert_same_person
    from aurashot.testing._replay import Replay, replay

__all__ = ["Replay", "assert_same_person", "replay"]

_HOMES = {"Replay": "_replay", "assert_same_person": "_identity", "replay": "_replay"}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> Any:
        """Import a public name on first use: pytest imports this package at every start."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        try:
            home = import_module(f"{__name__}.{_HOMES[name]}")
        except ModuleNotFoundError as missing:
            from aurashot.errors import ConfigurationError

            raise ConfigurationError(
                f"Replaying needs {missing.name}; install it with pip install 'aurashot[testing]'"
            ) from missing
        return getattr(home, name)


def __dir__() -> list[str]:
    return __all__
