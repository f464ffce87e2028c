"""The script that writes the blocking client from the async one."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "scripts" / "sync_client.py"

ASYNC = '''"""The async client."""

from aurashot._transport._async import AsyncConnections


class AsyncAuraShot:
    """Close it with `aclose`, or use it in an `async with` statement."""

    async def aclose(self) -> None:
        await self._transport.aclose()
'''
BLOCKING = '''# Written by scripts/sync-client from _async.py: change that file, and run it again.
"""The blocking client."""

from aurashot._transport._sync import Connections


class AuraShot:
    """Close it with `close`, or use it in a `with` statement."""

    def close(self) -> None:
        self._transport.close()
'''


@pytest.fixture(name="script")
def loaded() -> dict[str, Any]:
    """Return the names of the script."""
    return runpy.run_path(str(SCRIPT))


def test_the_blocking_client_is_up_to_date() -> None:
    """What is committed is what the script writes."""
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_async_code_becomes_blocking(script: dict[str, Any]) -> None:
    """Names, syntax and phrases are replaced, and the first line says where the code comes from."""
    assert BLOCKING == script["blocking"](ASYNC, "_async.py")


@pytest.mark.parametrize(
    "line", ["async with self.lock:", "async for one in many:", "import asyncio", "x = AsyncOther()", "x = await(it)"]
)
def test_a_word_that_the_script_does_not_know(script: dict[str, Any], line: str) -> None:
    """The script stops and shows the line, rather than writing half a translation."""
    blocking: Callable[[str, str], str] = script["blocking"]
    with pytest.raises(ValueError, match=r"^_async\.py: add what this is in blocking code"):
        blocking(f"{line}\n", "_async.py")


def test_a_stale_file_is_shown(script: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --check the difference is printed and the script fails; without, the file is written."""
    monkeypatch.setitem(script["main"].__globals__, "FOLDER", tmp_path)
    monkeypatch.setitem(script["main"].__globals__, "FILES", {"_async.py": "_sync.py"})
    (tmp_path / "_async.py").write_text(ASYNC, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["sync_client.py", "--check"])
    with pytest.raises(SystemExit, match="stale"):
        script["main"]()
    assert not (tmp_path / "_sync.py").exists()

    monkeypatch.setattr(sys, "argv", ["sync_client.py"])
    script["main"]()
    assert BLOCKING == (tmp_path / "_sync.py").read_text(encoding="utf-8")
