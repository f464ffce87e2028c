"""Print constraints that pin what aurashot needs at run time to the lowest versions that pyproject.toml declares."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

EXTRAS = ("images", "sandbox", "cli", "testing")


def main() -> None:
    """Print one line for each dependency with a lower bound."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    found = (re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", each) for each in wanted)
    print("\n".join(sorted({f"{match[1]}=={match[2]}" for match in found if match})))


if __name__ == "__main__":
    main()
