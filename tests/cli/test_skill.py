"""The Agent Skill: valid, true for this version, and installed where agents look for it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from skills_ref import validate  # type: ignore[import-untyped] # it ships no types

from aurashot import __version__
from aurashot.cli import _skill_files
from aurashot.cli._exit_codes import KINDS

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

FILE = Path(".agents/skills/aurashot/SKILL.md")
LINK = Path(".claude/skills/aurashot")
BODY = _skill_files.text().partition("\n---\n")[2]
MEANS = {"NAME": "Snow", "PHOTO": "selfie.jpg", "FILE": "selfie.jpg", "IMAGE": "cafe.png", "IMAGE...": "cafe.png"}
MEANS |= {"ANCHOR": "selfie.jpg", "N": "3"}


def commands() -> list[tuple[str, ...]]:
    """Return each command of the skill's blocks and of its table, with real files for the placeholders."""
    blocks = re.findall(r"^```sh\n(.*?)^```", BODY, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    rows = [line for line in BODY.splitlines() if line.startswith("|")]
    lines += [each for row in rows for each in re.findall(r"`(aurashot [^`]+)`", row)]
    told = [tuple(MEANS.get(word, word) for word in shlex.split(line)[1:]) for line in lines]
    return list(dict.fromkeys(told))


def test_it_is_valid(aurashot: Aurashot) -> None:
    """Agents load it, and its front matter has no other keys than theirs."""
    assert 0 == aurashot("skill", "install").code
    assert [] == validate(FILE.parent)
    head = FILE.read_text("utf-8").split("---\n")[1]
    keys = re.findall(r"^(\w+):", head, re.MULTILINE)
    assert ["name", "description", "license", "compatibility", "metadata"] == keys
    first = head.partition('description: "')[2].partition(". ")[0]
    assert all(word in first for word in ("API key", "network", "bills"))


def test_it_is_short_and_of_this_version(aurashot: Aurashot) -> None:
    """It leaves room in a context, and says which version it was made for."""
    shown = aurashot("skill", "show")
    assert (0, "") == (shown.code, shown.err)
    assert shown.out == _skill_files.text()
    assert len(BODY.splitlines()) < 300
    assert len(BODY) / 3.5 < 5_000, "a token is about four characters of English"
    assert "{{" not in shown.out
    assert f'version: "{__version__}"' in shown.out
    assert all(f"* {kind.code}: {kind.meaning}" in shown.out for kind in KINDS)


def test_its_commands_run(
    aurashot: Aurashot, server: SandboxServer, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one, in the order in which they are written; most images are not drawn, as that takes time."""
    monkeypatch.setenv("AURASHOT_LEDGER", "spend.db")
    shutil.copy(photos["hopper"], "selfie.jpg")
    shutil.copy(photos["hopper"], "cafe.png")
    ran = commands()
    assert len(ran) >= 12
    for command in ran:
        is_paid = command[0] in {"id-photo", "generate", "edit", "legacy"}
        result = aurashot(*command, *(["--dry-run"] if is_paid else []))
        assert 0 == result.code, (command, result)


@pytest.mark.parametrize("everywhere", [True, False], ids=["global", "project"])
def test_it_is_where_agents_look(aurashot: Aurashot, folder: Path, *, everywhere: bool) -> None:
    """One file, and a link to its folder that also holds when the project is moved."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.environ["HOME"] = str(home)
    ran = aurashot("skill", "install", *(["-g"] if everywhere else []))
    assert 0 == ran.code
    base = home if everywhere else folder
    assert _skill_files.text() == (base / LINK / "SKILL.md").read_text("utf-8")
    assert (base / LINK).is_symlink()
    assert not (base / LINK).readlink().is_absolute()
    assert str(base / FILE) in ran.out
    assert "was installed already" in aurashot("skill", "install", *(["-g"] if everywhere else [])).out


def test_the_folder_of_claude_can_be_elsewhere(
    aurashot: Aurashot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its own variable says; that one is for all projects."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder / "settings"))
    assert 0 == aurashot("skill", "install").code
    assert LINK.is_symlink()
    assert 0 == aurashot("skill", "install", "-g").code
    assert (folder / "settings/skills/aurashot/SKILL.md").is_file()


def test_a_folder_of_ones_own(aurashot: Aurashot) -> None:
    """There is no link then."""
    assert 0 == aurashot("skill", "install", "--dest", "skills/aurashot").code
    assert [Path("skills/aurashot/SKILL.md")] == [each for each in Path("skills").rglob("*") if each.is_file()]
    assert not LINK.exists()
    assert 2 == aurashot("skill", "install", "--dest", "x", "-g").code


def test_nothing_of_the_users_is_replaced(aurashot: Aurashot) -> None:
    """A changed skill, or something else in the place of the link, stays, unless it is said otherwise."""
    FILE.parent.mkdir(parents=True)
    FILE.write_text("mine", "utf-8")
    ran = aurashot("skill", "install")
    assert 2 == ran.code
    assert f"'{FILE.absolute()}' is of another version, or was changed; pass --force to replace it" in ran.error
    assert "mine" == FILE.read_text("utf-8")
    assert not LINK.exists()
    assert 0 == aurashot("skill", "install", "--force").code
    assert LINK.is_symlink()


@pytest.mark.parametrize("what", ["a folder", "a file", "a link", "a dead link"])
def test_what_is_in_the_place_of_the_link(aurashot: Aurashot, what: str) -> None:
    """It is named; with `--force`, a link is replaced, and a folder gets a copy and keeps its other files."""
    LINK.parent.mkdir(parents=True)
    match what:
        case "a folder":
            LINK.mkdir()
            (LINK / "notes.md").write_text("mine", "utf-8")
        case "a file":
            LINK.write_text("mine", "utf-8")
        case _:
            if what == "a link":
                Path("elsewhere").mkdir()
            LINK.symlink_to(Path("elsewhere").absolute())
    ran = aurashot("skill", "install")
    assert 2 == ran.code
    assert "is something else; move it, or pass --force to replace it" in ran.error
    assert not FILE.exists()
    forced = aurashot("skill", "install", "--force")
    if what == "a file":
        assert (2, "mine") == (forced.code, LINK.read_text("utf-8"))
        return
    assert 0 == forced.code
    assert _skill_files.text() == (LINK / "SKILL.md").read_text("utf-8")
    if what == "a folder":
        assert "mine" == (LINK / "notes.md").read_text("utf-8")
    else:
        assert not Path("elsewhere/SKILL.md").exists()


def test_a_folder_that_cannot_be_written_is_named(aurashot: Aurashot) -> None:
    """In one line."""
    Path("taken").touch()
    ran = aurashot("skill", "install", "--dest", "taken/aurashot")
    assert 2 == ran.code
    assert "'taken/aurashot': the skill cannot be written" in ran.error
