"""Record this process, if `aurashot record` has started it; then let the program's own `sitecustomize` run.

Python imports the first module of this name that is on its path, when it starts.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path


def record_this_process() -> None:
    """Begin to record, where aurashot and what recording needs can be imported."""
    folder = os.environ.get("AURASHOT_RECORD")
    if folder:
        with suppress(ImportError, OSError):  # another environment, or a program that outlives the recording
            from aurashot.testing._program import begin

            begin(Path(folder))


def run_the_next_one() -> None:
    """Import the module of this name that the program would have had."""
    here = Path(__file__).parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry) != here]
    this = sys.modules.pop(__name__)
    try:
        import_module(__name__)
    except ModuleNotFoundError:
        sys.modules[__name__] = this


if __name__ == "sitecustomize":
    record_this_process()
    run_the_next_one()
