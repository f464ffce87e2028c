"""Do PydanticAI and the OpenAI Agents SDK work with the server? One character and one image each, paid for once."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.sandbox import SandboxServer

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venv-mcp-clients" / "bin" / "python"
PHOTO: Final = ROOT / "tests" / "fixtures" / "photos" / "astronaut.jpg"
CLIENTS: Final = ("pydantic-ai", "openai-agents")
SLOW: Final = 8.0
"""Seconds that the image takes: more than the five that the OpenAI Agents SDK waits by default."""


def main(arguments: Sequence[str]) -> int:
    """Run each client, and compare what it was answered with the bill."""
    parser = argparse.ArgumentParser("scripts/lab mcp-clients", description=__doc__)
    parser.add_argument("--only", choices=CLIENTS, help="run one of them")
    only = parser.parse_args(arguments).only
    faults = [f"{client}: {fault}" for client in CLIENTS if only in {None, client} for fault in faults_of(client)]
    print("\n".join(faults) or "all paid once")
    return 1 if faults else 0


def faults_of(client: str) -> list[str]:
    """Run a client with a server and a sandbox of its own, and return what is wrong."""
    with tempfile.TemporaryDirectory() as place, sandbox.serve() as service:
        folder = Path(place).resolve()
        shutil.copy(PHOTO, folder / "selfie.jpg")
        answers = answers_of(client, folder, service)
        bill = service.bill().total
    for answer in answers:
        print(f"  {client}: {answer[:160]!r}")
    last = answers[-1] if answers else ""
    faults = {
        "the image is not there": "status: done" not in last or "avatars/Mia/gallery/" not in last,
        f"{bill} images are on the bill, not 2": bill != 2,
    }
    return [fault for fault, is_so in faults.items() if is_so]


def answers_of(client: str, folder: Path, service: SandboxServer) -> list[str]:
    """Return what the tools answered, as the model of the client saw it."""
    environment = os.environ | {"AURASHOT_BASE_URL": service.url, "AURASHOT_API_KEY": service.api_key}
    script = Path(__file__).with_name(f"{client.replace('-', '_')}_client.py")
    process = subprocess.Popen(
        [str(PYTHON), str(script), sys.executable], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    answers: list[str] = []
    with process:
        for line in process.stdout or ():
            found: Any = json.loads(line)
            answers.append(str(found))
            service.latency = SLOW if "status: done" in answers[-1] else service.latency  # the character is there
    return answers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
