"""The entry point of `aurashot` and of `python -m aurashot`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit; with code 2 when the extra that it needs is not installed."""
    try:
        from aurashot.cli import app
    except ModuleNotFoundError as missing:
        print(f"The command line needs {missing.name}; install aurashot[cli]", file=sys.stderr)  # noqa: T201 - no typer
        sys.exit(2)
    app(prog_name="aurashot")


if __name__ == "__main__":
    main()
