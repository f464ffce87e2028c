"""Look up the lowest and the pinned versions of what aurashot needs in the database of known vulnerabilities, OSV.

Exits with 77 where the database cannot be reached, as a test that was skipped. `OSV_URL` names a mirror of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from lowest import lowest

ROOT: Final = Path(__file__).parents[1]
OSV_URL: Final = os.environ.get("OSV_URL", "https://api.osv.dev/v1/query")
SKIPPED: Final = 77
PATIENCE: Final = 40.0
"""Seconds for each set of versions: no check is to wait for a database that is slow."""
AUDIT: Final = "--no-deps --disable-pip --progress-spinner=off --timeout=3 --vulnerability-service=osv --format=json"
NO_ANSWER: Final = re.compile(r"requests\.exceptions\.\w+|urllib3\.exceptions\.\w+|ServiceError|ConnectionError")
"""What pip-audit ends with where the database does not answer; it has no exit status of its own for that."""
ACCEPTED: Final[dict[str, str]] = {}
"""Vulnerabilities that do not concern aurashot, by their id, each with the reason."""


class UnreachableError(Exception):
    """The database does not answer."""


def main() -> int:
    """Audit both sets and return the exit status."""
    sets = {"lowest": lowest(), "pinned": (ROOT / "constraints.txt").read_text(encoding="utf-8").split()}
    try:
        found = [f"{name}: {each}" for name, versions in sets.items() for each in audit(versions)]
    except UnreachableError:
        print("skipped: no advisory source")
        return SKIPPED
    print("\n".join(found) or "no known vulnerabilities")
    return 1 if found else 0


def audit(versions: list[str]) -> list[str]:
    """Return the vulnerabilities of some versions.

    Raises:
        UnreachableError: The database does not answer.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write("\n".join(versions))
        requirements.flush()
        report = _report(["--requirement", requirements.name, *_ignored(), "--osv-url", OSV_URL, *AUDIT.split()])
    return [line for package in report["dependencies"] for line in _lines(package)]


def _ignored() -> list[str]:
    return [option for each in ACCEPTED for option in ("--ignore-vuln", each)]


def _report(arguments: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "pip_audit", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        raise UnreachableError from None
    if not done.stdout and NO_ANSWER.search(done.stderr):
        raise UnreachableError
    if not done.stdout:
        raise SystemExit(done.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _lines(package: dict[str, Any]) -> list[str]:
    """Return a line for each vulnerability of a package, or for the reason for which it was not looked up."""
    if "skip_reason" in package:
        return [f"{package['name']} was not looked up: {package['skip_reason']}"]
    name = f"{package['name']} {package['version']}"
    return [f"{name} has {each['id']}, fixed in {each['fix_versions']}" for each in package["vulns"]]


if __name__ == "__main__":
    sys.exit(main())
