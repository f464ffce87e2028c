"""What an index is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aurashot.characters._gallery import AVATARS, GalleryImage, has_tag
from aurashot.characters._index_rows import MICROSECOND, folded
from aurashot.errors import InputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from aurashot.characters._index_rows import Marks

PAGE: Final = 2_000
"""Images that are read at once."""
_MOST_WORDS: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = (
    "i.id, i.character, i.name, i.size, i.modified, i.created, i.has_sidecar, i.operation, i.prompt, i.description, "
    "i.verdict, i.similarity, i.anchor, i.tags, i.known_by, i.made_from"
)


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
    values = [value for _, value in conditions]
    rows = map(_image, connection.execute(_statement(question, [term for term, _ in conditions]), values))
    tag = question.tag
    return list(islice((image for image in rows if tag is None or has_tag(image.tags, tag)), question.limit))


def _conditions(question: Question) -> list[tuple[str, object]]:
    """Return the conditions, each with its value; those for a tag let through more than have it."""
    conditions: list[tuple[str, object]] = [("instr(t.folded, ?)", word) for word in question.words]
    if question.character is not None:
        conditions.append(("i.character = ?", plain(question.character)))
    if question.verdict is not None:
        conditions.append(("i.verdict IS ?", None if question.verdict == "unchecked" else question.verdict))
    if question.since is not None:
        conditions.append(("i.created >= ?", (question.since - _EPOCH) // MICROSECOND))
    if question.tag is not None:
        pieces = [json.dumps(piece, ensure_ascii=False)[1:-1] for piece in plain(question.tag).split("=")]
        conditions += [("instr(i.tags, ?)", piece) for piece in pieces if piece]
    return conditions


def _statement(question: Question, terms: Sequence[str]) -> str:
    """Return the query: all texts are read first, which are small, unless it is about one character."""
    tables = "images i"
    if question.words:
        tables = "texts t CROSS JOIN images i" if question.character is None else "images i CROSS JOIN texts t"
        terms = ["i.id = t.id", *terms]
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    return f"SELECT {_COLUMNS} FROM {tables}{where} ORDER BY i.created DESC, i.id DESC"  # noqa: S608 - constants


def page(connection: sqlite3.Connection, character: str | None, last: int) -> tuple[list[GalleryImage], int]:
    """Return some images after the one with a number, and the number of the last one."""
    which, values = ("i.character = ? AND ", [plain(character)]) if character is not None else ("", [])
    statement = f"SELECT {_COLUMNS} FROM images i WHERE {which}i.id > ? ORDER BY i.id LIMIT {PAGE}"  # noqa: S608
    rows: list[Any] = connection.execute(statement, [*values, last]).fetchall()
    return list(map(_image, rows)), rows[-1][0] if rows else last


def _image(row: Any) -> GalleryImage:
    (_, character, name, size, modified, created, has_sidecar, operation, prompt) = row[:9]
    (description, verdict, similarity, anchor, tags, known_by, made_from) = row[9:]
    if ".." in name and ".." in name.split("/"):
        raise ValueError(name)  # no name of a file here: the index is made anew
    return GalleryImage(
        character,
        f"{AVATARS}/{character}/gallery/{name}",
        size,
        _EPOCH + timedelta(microseconds=modified),
        _EPOCH + timedelta(microseconds=created),
        bool(has_sidecar),
        operation,
        prompt,
        description,
        verdict,
        similarity,
        anchor.hex() if anchor else None,
        json.loads(tags) if tags else {},
        known_by,
        made_from,
    )


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
