"""What is stored of a response, or given by a caller: nothing in it costs an entry its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot import ConfigurationError, InputError, LedgerError
from aurashot.ledger import Settlement, SQLiteLedger
from lab.backends import KEY
from lab.server import GENERATION, ScriptedServer, json_response
from tests.ledger.conftest import PAID, intent
from tests.wire.images import FACE

if TYPE_CHECKING:
    from pathlib import Path

    from lab.backends import Clients

HOSTILE: list[Any] = [
    "\ud800",
    "emoji \ud83d, cut",
    "a\0b",
    "\x1b[2J",
    "\x9b\u202e",
    2**63,
    2**70,
    -(2**70),
    10**4000,
    True,
    1.5,
    ("a", "list"),
]


@pytest.mark.parametrize("name", ["attempts", "request_id", "urls", "input_tokens", "output_tokens", "error", "result"])
def test_every_value_can_be_settled(ledger: SQLiteLedger, name: str) -> None:
    """Each entry has its outcome, and can be read again."""
    for number, value in enumerate(HOSTILE):
        fields: dict[str, Any] = {"payment": "paid", "attempts": 1, name: (value,) if name == "urls" else value}
        ledger.settle(ledger.reserve(intent(str(number))), Settlement(**fields))
    assert [("paid", True)] * len(HOSTILE) == [(entry.payment, entry.is_finished) for entry in ledger.entries()]


def test_numbers_that_are_too_large_are_the_largest(ledger: SQLiteLedger) -> None:
    """A sum over them is large, and no error."""
    entry = ledger.reserve(intent())
    ledger.settle(entry, Settlement(payment="paid", attempts=1, input_tokens=2**80, output_tokens=-(2**80)))
    assert (2**63 - 1, -(2**63)) == (ledger.summary().input_tokens, ledger.summary().output_tokens)


@pytest.mark.parametrize("value", ["\ud800", "a\0b", "\x1b[2J"], ids=ascii)
@pytest.mark.parametrize(
    "name", ["operation", "operation_id", "parent_id", "request_digest", "prompt", "references", "tags"]
)
def test_every_text_can_be_reserved(path: Path, name: str, value: str) -> None:
    """A NUL in a tag is refused, since a cap could not count it: nothing is sent then."""
    with SQLiteLedger(path, keep_prompts=True) as ledger:
        fields: dict[str, Any] = {name: {"user": value} if name in {"references", "tags"} else value}
        if (name, "\0" in value) == ("tags", True):
            with pytest.raises(InputError, match="without NUL"):
                ledger.reserve(intent(**fields))
            return
        ledger.settle(ledger.reserve(intent(**fields)), PAID)
        assert ["paid"] == [entry.payment for entry in ledger.entries()]


def test_what_cannot_be_a_name_of_a_run_or_a_key_is_refused(path: Path, ledger: SQLiteLedger) -> None:
    """Written out, it would be the name of another one."""
    with pytest.raises(ConfigurationError, match="not a text that an entry can have"):
        SQLiteLedger(path, run="\ud800")
    with pytest.raises(LedgerError, match="not a text that an entry can have"):
        ledger.reserve(intent("\ud800"))
    with pytest.raises(InputError, match="not a text that an entry can have"):
        ledger.recall(intent("\ud800"))


RESPONSES: dict[str, dict[str, Any]] = {
    "tokens": {"tokenUsage": {"inputTokens": 2**63, "outputTokens": 10**400}},
    "an emoji cut in the request id": {"requestId": "r-\ud83d"},
    "one in the URL": {"outputs": [{"url": "https://cdn.example/\ud83d.png", "type": "image"}]},
    "one in a field of its own": {"echo": {"prompt \ud800": ["\udc00"]}},
    "control characters": {"requestId": "r-\0\x1b[2J\x9b\u202e"},
}


@pytest.mark.parametrize("change", RESPONSES.values(), ids=RESPONSES)
def test_a_paid_response_is_paid_whatever_is_in_it(
    make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger, change: dict[str, Any]
) -> None:
    """Its image is returned, recorded, and returned again under its key."""
    server.queue(json_response({**GENERATION, **change}))
    client = make_client(server.url, KEY, ledger=ledger)
    images = [client.generate("a cafe", face=FACE, idempotency_key="order-17") for _ in range(2)]
    assert [("paid", 1)] == [(entry.payment, entry.attempts) for entry in ledger.entries()]
    assert [False, True] == [image.meta.from_ledger for image in images]
    assert images[0].outputs == images[1].outputs


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("started_at", 2**62),
        ("finished_at", -(2**62)),
        ("tags", "[" * 100_000),
        ("tags", "[]"),
        ("urls", "{}"),
        ("notes", "7"),
        ("reference_digests", "no JSON"),
        ("owner", '{"pid": "../../etc"}'),
        ("owner", '{"host": "", "pid": [], "started": ""}'),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(ledger: SQLiteLedger, column: str, value: Any) -> None:
    """It was written by another program; the error is a `LedgerError`."""
    ledger.reserve(intent())
    assert ledger._own is not None
    ledger._own.connection.execute("DROP TRIGGER counts_update")
    ledger._own.connection.execute(f"UPDATE calls SET {column} = ?", (value,))
    with pytest.raises(LedgerError, match="Entry 1 of the ledger cannot be read"):
        ledger.entries()
    if column == "tags":
        with pytest.raises(LedgerError, match="cannot be added up"):
            ledger.summary()
