"""The Agent Skill of this version: its text, and the folders in which agents look for it."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from aurashot import __version__, _atomic
from aurashot._reasons import reason_of
from aurashot.cli._exit_codes import KINDS
from aurashot.errors import InputError

NAME: Final = "aurashot"
_FILE: Final = "SKILL.md"
_AGENTS: Final = Path(".agents", "skills", NAME)
_CLAUDE: Final = Path("skills", NAME)


class Installed(NamedTuple):
    """Where a skill is now."""

    file: Path
    """Its `SKILL.md`."""
    link: Path | None
    """A link to its folder, for agents that look elsewhere."""
    is_new: bool
    """Whether anything was written."""


def text() -> str:
    """Return the skill, with the version and the exit codes of this package."""
    template = files("aurashot.cli").joinpath("skill", _FILE).read_text("utf-8")
    codes = "\n".join(f"* {kind.code}: {kind.meaning}" for kind in KINDS)
    return template.replace("{{version}}", __version__).replace("{{exit_codes}}", codes)


def install(*, everywhere: bool = False, dest: Path | None = None, force: bool = False) -> Installed:
    """Write the skill into a folder that agents look into.

    Args:
        everywhere: Install it for all projects, in the home directory, instead of in the working directory.
        dest: The folder to write it to instead; then no link is made.
        force: Replace another version of the file, and what is in the way of the link.

    Raises:
        InputError: Another file or folder is there, or it cannot be written.
    """
    base = Path.home() if everywhere else Path.cwd()
    folder = base / _AGENTS if dest is None else dest
    link = None if dest is not None else _claude(base, everywhere=everywhere) / _CLAUDE
    if fault := _atomic.path_fault(str(folder)):
        raise InputError(f"--dest: {fault}; pass a folder", argument="dest")
    wanted = text().encode()
    file = folder / _FILE
    try:
        _check(file, wanted, force=force)
        if link is not None:
            _check_link(link, folder, force=force)
        is_new = not file.exists() or file.read_bytes() != wanted
        if is_new:
            folder.mkdir(parents=True, exist_ok=True)
            _atomic.write(file, wanted)
        linked = link is not None and _link(link, folder, wanted)
    except OSError as problem:
        raise InputError(f"'{folder}': the skill cannot be written ({reason_of(problem)})") from problem
    return Installed(file, link, is_new or linked)


def _claude(base: Path, *, everywhere: bool) -> Path:
    """Return the folder of Claude Code's settings, which for all projects can be set in the environment."""
    configured = os.environ.get("CLAUDE_CONFIG_DIR") if everywhere else None
    return Path(configured) if configured else base / ".claude"


def _check(file: Path, wanted: bytes, *, force: bool) -> None:
    if not force and file.exists() and file.read_bytes() != wanted:
        raise InputError(f"'{file}' is of another version, or was changed; pass --force to replace it")


def _check_link(link: Path, folder: Path, *, force: bool) -> None:
    if _leads_to(link, folder) or force or not os.path.lexists(link):
        return
    if not link.is_symlink() and (link / _FILE).is_file() and (link / _FILE).read_bytes() == text().encode():
        return  # a copy, made where links are not possible
    raise InputError(f"'{link}' is something else; move it, or pass --force to replace it")


def _leads_to(link: Path, folder: Path) -> bool:
    return link.is_symlink() and link.resolve() == folder.resolve()


def _link(link: Path, folder: Path, wanted: bytes) -> bool:
    """Make the link; where links are not possible or a folder is in its place, copy the file. Say if that was new."""
    if _leads_to(link, folder):
        return False
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.is_dir():
        try:
            link.symlink_to(os.path.relpath(folder, link.parent.resolve()), target_is_directory=True)
        except OSError:
            link.mkdir(exist_ok=True)
        else:
            return True
    copy = link / _FILE
    is_new = not copy.exists() or copy.read_bytes() != wanted
    if is_new:
        _atomic.write(copy, wanted)
    return is_new
