"""Test a mutant with the tests of the policy and with the chaos suite, which is independent of the tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.mutants.planted import PACKAGE, Mutant

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ROOT: Final = PACKAGE.parents[1]
TESTS: Final = (
    "tests/test_retry_decisions.py",
    "tests/test_call_state.py",
    "tests/test_retry.py",
    "tests/test_retry_after.py",
    "tests/test_response_parsing.py",
    "tests/test_refusals.py",
    "tests/test_error_mapping.py",
    "tests/test_network.py",
    "tests/test_operations.py",
    "tests/ledger",
    "tests/wire",
)
CHAOS: Final = (("sync, with a ledger", 1_000), ("outage", 4_000))
"""Names and numbers of calls of the chaos runs."""
TIMEOUT: Final = 600
"""Seconds for one run; a mutant that takes longer has failed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of testing a mutant.

    Attributes:
        name: The name of the mutant.
        test: The first failing test, or an empty string.
        chaos: The first problem in the chaos suite, or an empty string.
    """

    name: str
    test: str
    chaos: str


@contextmanager
def planted(mutant: Mutant | None) -> Generator[dict[str, str]]:
    """Yield environment variables with which `aurashot` is a mutated copy of the package."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "aurashot")
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            mutant.mutate(package)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment = {**inherited, "PYTHONPATH": os.pathsep.join((folder, str(ROOT)))}
        path = _run(environment, "-c", "import aurashot; print(aurashot.__file__)").stdout
        if not path.startswith(folder):
            raise RuntimeError(f"another copy of the package would be tested: {path}")
        yield environment


def trial(mutant: Mutant | None, tests: Sequence[str] = TESTS, chaos: Sequence[tuple[str, int]] = CHAOS) -> Trial:
    """Test a mutant, or the unmodified package, which must pass."""
    with planted(mutant) as environment:
        problems = [_first_problem(_run(environment, *_chaos(*run))) for run in chaos]
        name = "none (unmodified package)" if mutant is None else mutant.name
        failure = _first_failure(_run(environment, *_pytest(tests)))
        return Trial(name, failure, next(filter(None, problems), ""))


def _pytest(tests: Sequence[str]) -> tuple[str, ...]:
    options = (
        "-x",
        "--quiet",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-k",
        "not quickly",
    )  # tests of speed are not about the policy
    return ("-m", "pytest", *options, *tests)


def _chaos(name: str, calls: int) -> tuple[str, ...]:
    return ("-m", "lab.chaos", "--only", name, "--calls", str(calls))


def _first_failure(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", done.stdout, re.MULTILINE)
    return found[1] if found else "the tests ended without a result"


def _first_problem(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == 0:
        return ""
    found = re.search(r"^  (?! |File )([^:\n]+)", done.stderr, re.MULTILINE)
    return re.sub(r"chaos-\S+", "a call", found[1]) if found else "the run ended without a result"


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(  # runs this interpreter
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", "")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # including its child processes
    return subprocess.CompletedProcess(command, process.returncode, out, err)
