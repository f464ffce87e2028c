"""Whether a file has the tables, indexes and triggers of a ledger, and no others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from aurashot.errors import LedgerError
from aurashot.ledger import _schema as schema

if TYPE_CHECKING:
    from pathlib import Path

Part: TypeAlias = tuple[str, str, str, str]
"""Of a schema: its type, its name, that of its table, and its statement."""

_ALL: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_STATISTICS: Final[frozenset[Part]] = frozenset(
    ("table", name, name, f"CREATE TABLE {name}({columns})")
    for name, columns in (("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"))
)
"""What `ANALYZE` makes; users may run it."""
_SHOWN: Final = 60
"""Characters of a name that are shown."""


def check_tables(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Check that a file has exactly what a ledger of its version is made of.

    A trigger could lift a cap, a view or a virtual table stand for a table, and a column have a default that runs.

    Raises:
        LedgerError: It has something else, or lacks something.
    """
    found = _parts(connection)
    wanted = _wanted(version)
    for kind, name, *_ in sorted(found - wanted - _STATISTICS):
        raise LedgerError(
            f"The ledger {path} has a {kind} {name[:_SHOWN]!r} that aurashot did not make; move it elsewhere, keep it, "
            "and start a new one"
        )
    for kind, name, *_ in sorted(wanted - found):
        raise LedgerError(
            f"The ledger {path} lacks the {kind} {name!r}; move it elsewhere, keep it, and start a new one"
        )


@lru_cache(maxsize=8)
def _wanted(version: int) -> frozenset[Part]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in schema.STEPS[:version]:
            for statement in step:
                connection.execute(statement)
        return _parts(connection)


def _parts(connection: sqlite3.Connection) -> frozenset[Part]:
    return frozenset(
        (str(kind), str(name), str(table), " ".join(str(sql or "").split()))
        for kind, name, table, sql in connection.execute(_ALL)
    )
