"""One mutant before its judges: the tests of the policy, and the chaos suite, which knows no test."""

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
CHAOS: Final = (("sync, with a ledger", 1_000), ("outage", 10_000))
"""Runs of the chaos suite, of both clients, and their calls."""
PATIENCE: Final = 900
"""Seconds for one judge; a mutant that takes longer hangs, and that is noticed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the judges say.

    Attributes:
        name: The mutant.
        test: The first test that failed, empty if none did.
        chaos: The first thing that the chaos suite complains about, empty if there is none.
    """

    name: str
    test: str
    chaos: str


@contextmanager
def planted(mutant: Mutant | None) -> Generator[dict[str, str]]:
    """Give an environment in which `aurashot` is a copy of the package, with the mutant in it."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "aurashot")
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            mutant.mutate(package)
        mine = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment = {**mine, "PYTHONPATH": os.pathsep.join((folder, str(ROOT)))}
        where = _run(environment, "-c", "import aurashot; print(aurashot.__file__)").stdout
        if not where.startswith(folder):
            raise RuntimeError(f"the mutant would not be the one that is tested: {where}")
        yield environment


def trial(mutant: Mutant | None, tests: Sequence[str] = TESTS, chaos: Sequence[tuple[str, int]] = CHAOS) -> Trial:
    """Bring a mutant before its judges; without one, it is the package as it is, which must pass."""
    with planted(mutant) as environment:
        complaints = [_first_complaint(_run(environment, *_chaos(*run))) for run in chaos]
        name = "nothing: the package as it is" if mutant is None else mutant.name
        failure = _first_failure(_run(environment, *_pytest(tests)))
        return Trial(name, failure, next(filter(None, complaints), ""))


def _pytest(tests: Sequence[str]) -> tuple[str, ...]:
    options = ("-x", "--quiet", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not quickly")  # speed is no policy
    return ("-m", "pytest", *options, *tests)


def _chaos(name: str, calls: int) -> tuple[str, ...]:
    return ("-m", "lab.chaos", "--only", name, "--calls", str(calls))


def _first_failure(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", done.stdout, re.MULTILINE)
    return found[1] if found else "the tests did not end well"


def _first_complaint(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == 0:
        return ""
    found = re.search(r"^  (?! |File )([^:\n]+)", done.stderr, re.MULTILINE)
    return re.sub(r"chaos-\S+", "a call", found[1]) if found else "the run did not end well"


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(  # ourselves
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", "")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started
    return subprocess.CompletedProcess(command, process.returncode, out, err)
