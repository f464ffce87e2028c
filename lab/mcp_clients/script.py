"""What the scripted models do, and what they print of the answers."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

COMMAND: Final = ("-m", "aurashot", "mcp", "--max-images", "3", "--no-previews")
"""The arguments of the Python that the server runs with."""
CHARACTER: Final[tuple[str, dict[str, Any]]] = ("create_character", {"name": "Mia", "face": "selfie.jpg"})
IMAGE: Final[tuple[str, dict[str, Any]]] = ("generate", {"prompt": "in a cafe", "character": "Mia"})
MOST_CALLS: Final = 12


def next_call(answers: list[str]) -> tuple[str, dict[str, Any]] | None:
    """Return the next call of a model that repeats each call until its answer says that it is done; None at the end."""
    done = sum("status: done" in answer for answer in answers)
    return None if done > 1 or len(answers) >= MOST_CALLS else (CHARACTER, IMAGE)[done]


def tell(answer: str) -> None:
    """Print an answer for the process that compares it with the bill."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
