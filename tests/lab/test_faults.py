from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from lab.faults.__main__ import HEAD, cells
from lab.faults.contexts import CONTEXTS, in_context
from lab.faults.matrix import TRANSPORTS, cell, matrix
from lab.faults.responses import TABLES
from lab.faults.rows import ROWS, Row
from lab.faults.targets import answering, stub_resolver


@pytest.fixture
def _no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names that do not exist fail at once, and put the resolver back."""
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    stub_resolver()


@pytest.mark.usefixtures("_no_such_name")
@pytest.mark.parametrize("turn", range(4))
def test_every_fault_is_typed_in_time_and_sent_once(turn: int) -> None:
    """Each fault over one transport, which is another in each of four turns: a quarter of the matrix a test."""
    pairs = [(row, TRANSPORTS[(number + turn) % 4]) for number, row in enumerate(ROWS)]
    quarter = [(row, transport) for row, transport in pairs[turn::4] if transport not in row.without]
    found = matrix(quarter, at_once=4)
    late = "more than the deadline"  # a crowded machine is no finding here; `scripts/lab faults` counts it
    troubles = [words for each in found.values() for one in each for words in one.troubles if late not in words]
    assert [] == troubles
    assert len(quarter) == sum(len(each) for each in found.values())


def test_there_are_as_many_as_were_promised() -> None:
    """At least 72, each with a name of its own."""
    assert len({row.name for row in ROWS}) == len(ROWS) >= 72


def test_the_suite_can_fail() -> None:
    """An image that was billed and is reported as refused is a trouble, and so is a second request for it."""
    refusal = next(fault for fault in TABLES["mixed"] if fault.name == "422")
    retried = next(fault for fault in TABLES["mixed"] if fault.name == "429, come back at once")
    lying = cell(Row("billed all the same", answering(refusal), bills=True), "sync")
    assert ["the service worked on it, and the error says rejected"] == lying.troubles
    twice = cell(Row("billed twice", answering(retried), bills=True), "sync")
    assert ["billed, and sent 2 times"] == twice.troubles


def test_a_row_says_once_what_all_agree_on() -> None:
    """And names the transports where they differ."""
    row = ROWS[0]
    found = [cell(row, "sync"), cell(row, "sync")]
    assert len(HEAD) == len(cells(row, found))
    assert "NotSentError, not_sent, 0 POSTs" == cells(row, found)[2]
    other = replace(found[1], transport="trio", result="response", outcome="")
    assert "sync: NotSentError, not_sent, 0 POSTs; trio: response, 0 POSTs" == cells(row, [found[0], other])[2]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in CONTEXTS if "fork" not in name])
def test_one_client_in_any_context(name: str) -> None:
    """Threads and event loops: each call gets its own response; `fork` is tested in processes of its own."""
    calls, right = in_context(name)
    assert calls == right
