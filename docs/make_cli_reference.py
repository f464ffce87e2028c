"""Write `docs/cli.md` from the commands' own `--help`; with `--check`, fail when it is stale instead."""  # noqa: INP001 - a script

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import typer.main
from typer.testing import CliRunner

from aurashot.cli import app
from aurashot.cli._exit_codes import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = Path(__file__).with_name("cli.md")

HEAD: Final = """\
<!-- Written by docs/make_cli_reference.py: change the commands' docstrings, and run it again. -->

# Command line

```sh
pip install "aurashot[cli,sandbox]"
```

[](command-line.md) shows the tasks, the formats, and what errors look like as data.

## Exit codes

What went wrong is one line on stderr, with what it may have cost, or with `--format json` one object on stdout, whose
`code` is the word in this table. `aurashot verify` exits with 1 if an image shows another person.

| exit code | `code` | meaning |
|---|---|---|
| 0 | | success |
{codes}
## Output

Characters that the encoding of the output does not have are escaped, as in `\\u65e5`; JSON is ASCII. If the reader of a
pipe leaves, as in `aurashot spend spend.db | head -1`, a command still does all of its work, and prints nothing more.
"""


def commands(name: tuple[str, ...], command: object) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, a group before what is in it."""
    yield name
    inner = cast("Mapping[str, object]", getattr(command, "commands", {}))
    for word, one in inner.items():
        yield from commands((*name, word), one)


def section(name: tuple[str, ...]) -> str:
    """Return a command's heading and its help, as a terminal of 80 columns shows it."""
    result = CliRunner().invoke(app, [*name[1:], "--help"], prog_name=name[0], env={"COLUMNS": "80"})
    lines = [line.rstrip() for line in result.output.strip("\n").splitlines()]
    return "\n".join([f"## {' '.join(name)}", "", "```text", *lines, "```", ""])


def main() -> None:
    """Write the page, or compare it."""
    names = commands(("aurashot",), typer.main.get_command(app))
    codes = "".join(f"| {kind.code} | `{kind.word}` | {kind.meaning} |\n" for kind in KINDS)
    page = "\n".join([HEAD.replace("{codes}", codes), *map(section, names)])
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"docs/{PAGE.name} is stale: run python docs/{Path(__file__).name}")


if __name__ == "__main__":
    main()
