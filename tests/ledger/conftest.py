"""A ledger in an empty folder, and what is written into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot.ledger import Intent, Settlement, SQLiteLedger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACE = "https://example.com/face.jpg"
IMAGE = "https://images.example/1.png?signature=secret"


def intent(key: str = "order-17", **fields: Any) -> Intent:
    """Return a request that is about to go out."""
    details: dict[str, Any] = {"operation": "generate", "prompt": "a cafe", "references": {"face": FACE}}
    return Intent(idempotency_key=key, **(details | fields))


PAID = Settlement(payment="paid", attempts=1, request_id="r-1", urls=(IMAGE,), input_tokens=3, output_tokens=1234)
NOT_PAID = Settlement(payment="not_paid", attempts=4, error="NotSentError")
UNKNOWN = Settlement(payment="unknown", attempts=1, error="OutcomeUnknownError")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "spend.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SQLiteLedger]:
    """Return a new ledger."""
    with SQLiteLedger(path) as new:
        yield new
