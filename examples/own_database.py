"""Characters in a database of your own: SQLAlchemy with SQLite or PostgreSQL, or any other that can store text.

    pip install sqlalchemy && python examples/own_database.py [DATABASE_URL]

A `Character` is JSON: the row keeps that, and columns for what you search by. The images stay in the library, which may
be a folder or an object store. Nothing is sent and nothing is billed. Without a URL, the database is `characters.db`;
for PostgreSQL, pass `postgresql+psycopg://…`.
"""

from __future__ import annotations

import sys

from sqlalchemy import JSON, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from aurashot import CharacterNotFoundError, sandbox
from aurashot.characters import Character, CharacterLibrary


class Base(DeclarativeBase):
    """The tables."""


class CharacterRow(Base):
    """A character that belongs to a user."""

    __tablename__ = "characters"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(100))
    document: Mapped[dict[str, object]] = mapped_column(JSON)

    @classmethod
    def of(cls, character: Character, owner: str) -> CharacterRow:
        """Return the row of a character."""
        document = character.model_dump(mode="json")
        return cls(id=character.id, owner=owner, name=character.name, document=document)

    def character(self) -> Character:
        """Return the character, as it was stored."""
        return Character.model_validate(self.document)


def main() -> None:
    """Store a character, and load the characters of a user."""
    library = CharacterLibrary("characters")
    try:
        snow = library.get("Snow")
    except CharacterNotFoundError:
        snow = library.create("Snow", kind="virtual", face=sandbox.draw_portrait("snow"), styles=["film"])
    engine = create_engine(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///characters.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.merge(CharacterRow.of(snow, owner="user-17"))
        session.commit()
        for row in session.scalars(select(CharacterRow).where(CharacterRow.owner == "user-17")):
            stored = row.character()
            image = library.get(stored).read_reference()  # the same character, with its images
            print(f"{stored.name}: {stored == snow}, {len(image):,} bytes")
    engine.dispose()


if __name__ == "__main__":
    main()
