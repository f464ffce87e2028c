"""What a command says, in the format of the run: a result on standard output, hints on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from aurashot._reasons import reason_of
from aurashot.cli._format import current
from aurashot.cli._text import decoded, printable
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from aurashot.cli._screen import Screen

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Output:
    """The output of one command.

    Attributes:
        format: `human`, `json`, `agent` or `quiet`.
    """

    def __init__(self) -> None:
        self.format = current().format
        self._screen: Screen | None = None

    @property
    def is_human(self) -> bool:
        """Whether a person reads it: lines, tables and images rather than data."""
        return self.format == "human"

    @property
    def screen(self) -> Screen:
        """Standard output for people; it shows nothing in the other formats."""
        if self._screen is None:
            from aurashot.cli._screen import Screen

            self._screen = Screen(silent=not self.is_human)
        return self._screen

    def show(self, data: Mapping[str, Any], human: Callable[[Screen], object], quiet: Iterable[str] = ()) -> None:
        """Print the result of a command, once.

        Args:
            data: The document: what JSON can hold. The format `agent` is made from it, too.
            human: Prints the same for people.
            quiet: The paths or ids of the format `quiet`, one a line.
        """
        if self.format == "human":
            human(self.screen)
        elif self.format == "json":
            write([as_json(data)])
        elif self.format == "agent":
            write(as_lines(data))
        else:
            write([printable(decoded(line)) for line in quiet])

    def hint(self, text: str) -> None:
        """Print a line on standard error for people and agents; programs get none."""
        if self.format in {"human", "agent"}:
            write([printable(decoded(text))], sys.stderr)

    def working(self, what: str) -> AbstractContextManager[object]:
        """Show a spinner on standard error while the block runs, if a person is looking at a terminal."""
        if not self.is_human or not sys.stderr.isatty():
            return nullcontext()
        from aurashot.cli._screen import Screen

        return Screen(stderr=True).working(what)


def as_json(data: Mapping[str, Any]) -> str:
    """Return a JSON document in ASCII: whatever the encoding of the output is, a program can read it."""
    import json

    return json.dumps(data, indent=2)


def as_lines(data: Mapping[str, Any]) -> Iterator[str]:
    r"""Yield a document as `key=value` lines, then each list of objects as a table with tabs between its cells.

    Keys of objects in objects are joined with a dot. A table begins with a line of its name and its columns; the first
    cell of each row is its number, from 1. Nothing is `-`; a tab, a line break and a backslash are `\t`, `\n` and `\\`.
    """
    tables: dict[str, Sequence[Mapping[str, Any]]] = {}
    for name, value in _flat(data):
        if _is_table(value):
            tables[name] = value
        else:
            yield f"{name}={_cell(value)}"
    for name, rows in tables.items():
        columns = list(dict.fromkeys(key for row in rows for key, _ in _flat(row)))
        yield "\t".join([name, *columns])
        for number, row in enumerate(rows, 1):
            cells = dict(_flat(row))
            yield "\t".join([str(number), *(_cell(cells.get(column)) for column in columns)])


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{prefix}{_cell(key)}.")
        else:
            yield f"{prefix}{_cell(key)}", value


def _is_table(value: object) -> bool:
    first = cast("list[object]", value)[:1] if isinstance(value, list) else []
    return any(isinstance(each, Mapping) for each in first)


def _cell(value: object) -> str:
    if value in (None, [], ""):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(_cell, cast("Sequence[object]", value)))
    return printable(decoded(str(value)).translate(_ESCAPES))


def write(lines: Iterable[str], file: TextIO | None = None) -> None:
    """Print lines; what the encoding cannot show is escaped, and a reader who has left ends nothing.

    Raises:
        AuraShotError: The output is full, for example.
    """
    stream = sys.stdout if file is None else file
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = "".join(f"{line}\n" for line in lines).encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        discard(stream)
    except OSError as problem:
        discard(stream)
        raise AuraShotError(f"The output cannot be written ({reason_of(problem)})") from problem


def discard(stream: TextIO) -> None:
    """Let a stream go nowhere: what it still holds would be written, and fail again, when the program ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
