"""What an index is asked."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot.characters._gallery import has_tag
from aurashot.characters._gallery_image import GalleryImage, microseconds
from aurashot.characters._index_rows import folded
from aurashot.errors import InputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from aurashot.characters._index_rows import Marks

PAGE: Final = 4_000
"""Images that are read at once."""
_MOST_WORDS: Final = 32
_COLUMNS: Final = "i.character, i.name, i.created, i.verdict, i.facts"


class Question(NamedTuple):
    """Which images are asked for.

    Attributes:
        words: What their texts have to have in them, in the form in which they are searched.
        character: Whose they are.
        verdict: What their verdict is.
        since: When they were made at the earliest.
        tag: What tag they have.
        limit: How many are wanted at most.
    """

    words: tuple[str, ...] = ()
    character: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    tag: str | None = None
    limit: int | None = None


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a search.

    Raises:
        InputError: They are too many.
    """
    words = tuple(dict.fromkeys(folded(plain(text)).split()))
    if len(words) > _MOST_WORDS:
        raise InputError(f"text: it has more than {_MOST_WORDS} words; use fewer", argument="text")
    return words


def plain(text: str) -> str:
    """Return a text that SQLite can hold: half characters become question marks."""
    return text.encode(errors="replace").decode()


def chosen(connection: sqlite3.Connection, question: Question) -> list[GalleryImage]:
    """Return the images that are asked for, the newest first."""
    conditions = _conditions(question)
    statement = _statement(question, [term for term, _ in conditions])
    values = [value for _, value in conditions]
    tag = question.tag
    if tag is None:
        limit = -1 if question.limit is None else question.limit
        return list(map(GalleryImage, connection.execute(f"{statement} LIMIT ?", [*values, limit])))
    rows = map(GalleryImage, connection.execute(statement, values))
    return list(islice((image for image in rows if has_tag(image.tags, tag)), question.limit))


def _conditions(question: Question) -> list[tuple[str, object]]:
    """Return the conditions, each with its value; those for a tag let through more than have it."""
    conditions: list[tuple[str, object]] = [("instr(t.folded, ?)", word) for word in question.words]
    if question.character is not None:
        conditions.append(("i.character = ?", plain(question.character)))
    if question.verdict is not None:
        conditions.append(("i.verdict IS ?", None if question.verdict == "unchecked" else question.verdict))
    if question.since is not None:
        table = "t" if question.words else "i"
        conditions.append((f"{table}.created >= ?", microseconds(question.since)))
    if question.tag is not None:
        pieces = [json.dumps(piece, ensure_ascii=False)[1:-1] for piece in plain(question.tag).split("=")]
        conditions += [("instr(i.tags, ?)", piece) for piece in pieces if piece]
    return conditions


def _statement(question: Question, terms: Sequence[str]) -> str:
    """Return the query. All texts are read first, which are small, unless it is about one character."""
    if not question.words:
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        return f"SELECT {_COLUMNS} FROM images i{where} ORDER BY i.created DESC, i.id DESC"  # noqa: S608 - constants
    tables = "texts t CROSS JOIN images i" if question.character is None else "images i CROSS JOIN texts t"
    where = " AND ".join(["i.id = t.id", *terms])
    if any("i." in term for term in terms) or question.limit is None:
        return f"SELECT {_COLUMNS} FROM {tables} WHERE {where} ORDER BY t.created DESC, t.id DESC"  # noqa: S608 - as above
    newest = f"SELECT t.id FROM texts t WHERE {' AND '.join(terms)} ORDER BY t.created DESC, t.id DESC"  # noqa: S608 - as above
    newest += f" LIMIT {int(question.limit)}"
    return f"SELECT {_COLUMNS} FROM images i WHERE i.id IN ({newest}) ORDER BY i.created DESC, i.id DESC"  # noqa: S608 - as above


def page(connection: sqlite3.Connection, character: str | None, last: int) -> tuple[list[GalleryImage], int]:
    """Return some images after the one with a number, and the number of the last one."""
    which, values = ("i.character = ? AND ", [plain(character)]) if character is not None else ("", [])
    terms = f"{which}i.id > ? ORDER BY i.id LIMIT {PAGE}"
    rows = connection.execute(f"SELECT {_COLUMNS} FROM images i WHERE {terms}", [*values, last])  # noqa: S608 - constants
    images = list(map(GalleryImage, rows))
    if len(images) < PAGE:
        return images, last
    final = connection.execute(f"SELECT max(id) FROM (SELECT i.id FROM images i WHERE {terms})", [*values, last])  # noqa: S608 - as above
    return images, final.fetchone()[0]


def stamps(connection: sqlite3.Connection) -> dict[str, str]:
    """Return when the folders of each character were changed, as far as the index knows."""
    return dict(connection.execute("SELECT character, stamp FROM folders").fetchall())


def number(connection: sqlite3.Connection) -> int:
    """Return how many images there are."""
    count: int = connection.execute("SELECT count(*) FROM images").fetchone()[0]
    return count


def listed_at(connection: sqlite3.Connection) -> float:
    """Return when a remote library was listed, in seconds since 1970."""
    row = connection.execute("SELECT value FROM notes WHERE name = 'listed_at'").fetchone()
    return float(row[0]) if row else 0.0


def known(connection: sqlite3.Connection, character: str) -> tuple[dict[str, Marks], str | None]:
    """Return by what a change of each image of a character is noticed, by its name; and the stamp of its folders."""
    rows = connection.execute(
        "SELECT name, size, modified, beside_size, beside_modified FROM images WHERE character = ?", [character]
    )
    marks = {str(name): (*numbers,) for name, *numbers in rows}
    stamp = connection.execute("SELECT stamp FROM folders WHERE character = ?", [character]).fetchone()
    return marks, stamp[0] if stamp else None
