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
    from aurashot.testing import factories
    from aurashot.testing._assertions import SentRequest
    from aurashot.testing._contract import MockFault, Operation
    from aurashot.testing._identity import assert_same_person
    from aurashot.testing._mock import AuraShotMock, mock
    from aurashot.testing._no_network import NetworkGuard, no_network
    from aurashot.testing._program import RecordedProgram, record_program
    from aurashot.testing._record import Recording, record
    from aurashot.testing._replay import Replay, replay

__all__ = [
    "AuraShotMock",
    "MockFault",
    "NetworkGuard",
    "Operation",
    "RecordedProgram",
    "Recording",
    "Replay",
    "SentRequest",
    "assert_same_person",
    "factories",
    "mock",
    "no_network",
    "record",
    "record_program",
    "replay",
]

_HOMES = {
    "AuraShotMock": "_mock",
    "MockFault": "_contract",
    "NetworkGuard": "_no_network",
    "Operation": "_contract",
    "RecordedProgram": "_program",
    "Recording": "_record",
    "Replay": "_replay",
    "SentRequest": "_assertions",
    "assert_same_person": "_identity",
    "factories": "factories",
    "mock": "_mock",
    "no_network": "_no_network",
    "record": "_record",
    "record_program": "_program",
    "replay": "_replay",
}


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
                f"Testing needs {missing.name}; install it with pip install 'aurashot[testing]'"
            ) from missing
        return home if name == "factories" else getattr(home, name)


def __dir__() -> list[str]:
    return __all__
