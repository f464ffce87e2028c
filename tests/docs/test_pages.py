from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module or script in the root of the repository."""
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_line_reference_is_what_help_says() -> None:
    """`docs/cli.md` holds the commands' present `--help`."""
    done = run("docs/make_cli_reference.py", "--check")
    assert (done.returncode, done.stderr) == (0, "")
