"""A local emulator of the AuraShot service: its HTTP API, its billing and its faults, without an API key or network.

    with sandbox.serve() as server:
        client = AuraShot(api_key=server.api_key, base_url=server.url)

It implements the service's HTTP API, charges and rejects requests as the service does, and fails on demand.
Its images are drawn on the CPU and marked SANDBOX; no model is involved. It needs the extra `sandbox`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aurashot.sandbox._accounts import Bill, BillEntry
    from aurashot.sandbox._app import create_app
    from aurashot.sandbox._render import draw_portrait
    from aurashot.sandbox._server import SandboxServer, run, serve

__all__ = ["Bill", "BillEntry", "SandboxServer", "create_app", "draw_portrait", "run", "serve"]

_HOMES = {
    "Bill": "_accounts",
    "BillEntry": "_accounts",
    "SandboxServer": "_server",
    "create_app": "_app",
    "draw_portrait": "_render",
    "run": "_server",
    "serve": "_server",
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> Any:
        """Import a public name on first use, so that importing the package costs nothing."""
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        except ModuleNotFoundError as missing:
            from aurashot.errors import ConfigurationError

            package = str(missing.name).partition(".")[0]
            raise ConfigurationError(
                f"The sandbox needs {package}; install it with pip install 'aurashot[sandbox]'"
            ) from missing
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
