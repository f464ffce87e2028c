"""Print constraints that pin what aurashot needs at run time to the lowest versions that pyproject.toml declares."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

EXTRAS = ("images", "identity", "sandbox", "cli", "keyring", "mcp", "otel", "testing")


def lowest() -> list[str]:
    """Return one line for each dependency with a lower bound."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    found = (re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", each) for each in wanted)
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    print("\n".join(lowest()))
