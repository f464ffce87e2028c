"""The command line: a thin layer over the public API, one module for each group of commands.

Only typer is imported before a command runs, so that `aurashot --help` is fast. For the
same reason the modules that hold commands do not import `annotations` from `__future__`: typer would evaluate every
annotation at each start.
"""

from aurashot.cli._app import app

__all__ = ["app"]
