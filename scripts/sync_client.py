"""Write the blocking client from the async one; with `--check`, fail when it is stale instead.

Between the two only words differ, and those are in a table: names, `async def` and `await`, and a few phrases of the
docstrings. Where more would have to differ, the code belongs in `_transport`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "src" / "aurashot" / "_client"
FILES: Final = {
    "_async.py": "_sync.py",
    "_async_calls.py": "_sync_calls.py",
    "_async_characters.py": "_sync_characters.py",
    "_async_legacy.py": "_sync_legacy.py",
}
HEAD: Final = "# Written by scripts/sync-client from {source}: change that file, and run it again.\n"

GRACE: Final = """

        With a ledger, first wait for the responses to requests of cancelled calls, and record their images.

        Args:
            grace: Seconds to wait for them at most. Default: as long as the timeouts of those calls allow.

        Raises:
            ConfigurationError: `grace` is not a number of seconds of at least 0.
        """
WORDS: Final = {
    # phrases of docstrings
    "The async client": "The blocking client",
    "the async client": "the blocking client",
    "async, on asyncio and trio": "blocking",
    "between tasks": "between threads",
    "an `async with`": "a `with`",
    # calls that outlive their callers' tasks exist in async code only
    "aclose(self, *, grace: float | None = None)": "close(self)",
    "aclose(grace)": "close()",
    GRACE: "",
    # names
    "AsyncAuraShot": "AuraShot",
    "AsyncCalls": "Calls",
    "AsyncCharacterCalls": "CharacterCalls",
    "AsyncClient": "Client",
    "AsyncConnections": "Connections",
    "AsyncLegacy": "Legacy",
    "AsyncRateLimiter": "RateLimiter",
    "AsyncTransport": "Transport",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "_async": "_sync",
    "_async_calls": "_sync_calls",
    "_async_characters": "_sync_characters",
    "_async_legacy": "_sync_legacy",
    "aclose": "close",
    # syntax
    "async def ": "def ",
    "await ": "",
}
_WORD: Final = re.compile("|".join(rf"(?<!\w){re.escape(word)}" + r"(?!\w)" * word[-1].isalnum() for word in WORDS))
_LEFT: Final = re.compile(r".*(?:async|\bawait\b).*", re.IGNORECASE)


def blocking(code: str, source: str) -> str:
    """Return the blocking form of async code.

    Raises:
        ValueError: A word about waiting is left that is not in the table.
    """
    code = _WORD.sub(lambda found: WORDS[found[0]], code)
    if left := _LEFT.search(code):
        raise ValueError(f"{source}: add what this is in blocking code to the table: {left[0].strip()}")
    return formatted(HEAD.format(source=source) + code)


def formatted(code: str) -> str:
    """Return code as ruff lays it out."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(FOLDER / "_sync.py"), "-"]
    done = subprocess.run(command, input=code, capture_output=True, encoding="utf-8", check=True)  # noqa: S603 - our own command
    return done.stdout


def difference(source: str, name: str, code: str) -> list[str]:
    """Return what is to change in a file, line by line; nothing if it is up to date."""
    path = FOLDER / name
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    return [
        *unified_diff(old.splitlines(keepends=True), code.splitlines(keepends=True), name, f"{name}, from {source}")
    ]


def main() -> None:
    """Write the files, or compare them."""
    changes: list[str] = []
    for source, name in FILES.items():
        code = blocking((FOLDER / source).read_text(encoding="utf-8"), source)
        if "--check" in sys.argv:
            changes += difference(source, name, code)
        else:
            (FOLDER / name).write_text(code, encoding="utf-8")
    sys.stdout.writelines(changes)
    if changes:
        sys.exit("the blocking client is stale: run scripts/sync-client")


if __name__ == "__main__":
    main()
