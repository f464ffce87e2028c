"""Write the tables of the documentation; each suite has a pair of HTML comments that mark the place of its table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE: Final = Path(__file__).parents[1] / "docs" / "reliability.md"
IMAGES: Final = PAGE.with_name("images.md")
IDENTITY: Final = PAGE.with_name("identity.md")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; columns of numbers are right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [all(_is_number(row[index]) for row in cells) for index in range(len(head))]
    separator = ["---:" if is_right else "---" for is_right in right]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), separator, *cells])


def write(suite: str, text: str, page: Path | None = None) -> None:
    """Replace a suite's tables in docs/reliability.md, or in another page; add the date and the machine."""
    page = page or PAGE
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {suite} -->\n")
    _, end, after = rest.partition(f"<!-- /{suite} -->")
    if not (begin and end):
        raise LookupError(f"{page.name} has no markers for {suite!r}")
    measured = f"Measured on {datetime.now(UTC):%Y-%m-%d}, {machine()}."
    page.write_text(f"{before}{begin}\n{measured}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).lstrip("-").isdigit()
