from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from aurashot import AuraShot

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```([^\s`]+)", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
FAULT = re.compile(r"^\| `([a-z0-9-]+)` \| (.+?) \| (yes|no) \|", re.MULTILINE)
NOT_RUN = {"sh", "text", "json", "yaml", "{eval-rst}", "{toctree}"}


def languages(document: Path) -> list[str]:
    """Return the language of each fenced block of a document."""
    return FENCE.findall(document.read_text(encoding="utf-8"))


def read(document: Path) -> int:
    """Run the blocks of a document, in order and in one namespace; return how many there are."""
    parsed = Sybil([PythonCodeBlockParser()]).parse(document)
    examples = list(parsed.examples())
    with ExitStack() as clients:
        for example in examples:
            example.evaluate()
            for value in parsed.namespace.values():
                if isinstance(value, AuraShot):
                    clients.callback(value.close)
    return len(examples)


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if "python" in languages(path)], ids=lambda d: d.stem)
def test_every_python_block_runs_as_it_stands(document: Path, desk: SandboxServer) -> None:
    """A reader who copies the Python blocks of a document, one after the other, meets no error."""
    assert languages(document).count("python") == read(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_no_block_dodges_the_tests(document: Path) -> None:
    """Every block is either Python, which is run, or of a kind that cannot be."""
    assert set() == set(languages(document)) - {"python"} - NOT_RUN


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_local_links_lead_somewhere(document: Path) -> None:
    """Every link to a file of this repository leads to a file that exists."""
    targets = {target for target in LINK.findall(document.read_text(encoding="utf-8")) if ":" not in target}
    assert set() == {target for target in targets if not (document.parent / target).exists()}


def test_the_table_of_faults_is_the_one_of_the_sandbox(desk: SandboxServer) -> None:
    """The documented faults are those that the sandbox knows, each with its sentence and its bill."""
    known = httpx.get(f"{desk.url}/_sandbox/faults", trust_env=False).json()["known"]
    rows = FAULT.findall((ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8"))
    assert [(row["name"], row["sentence"], "yes" if row["billed"] else "no") for row in known] == rows
