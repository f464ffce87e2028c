from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from lab.faults.__main__ import HEAD, cells
from lab.faults.contexts import CONTEXTS, in_context
from lab.faults.matrix import TRANSPORTS, cell, matrix
from lab.faults.responses import TABLES
from lab.faults.rows import ROWS, Row
from lab.faults.targets import responding, stub_resolver


@pytest.fixture
def _stub_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the resolver during a test."""
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    stub_resolver()


@pytest.mark.usefixtures("_stub_resolver")
@pytest.mark.parametrize("turn", range(4))
def test_every_fault_keeps_the_invariants(turn: int) -> None:
    """Each test covers a quarter of the matrix: each fault over one transport."""
    pairs = [(row, TRANSPORTS[(number + turn) % 4]) for number, row in enumerate(ROWS)]
    quarter = [(row, transport) for row, transport in pairs[turn::4] if transport not in row.without]
    found = matrix(quarter, at_once=4)
    late = "later than the deadline"  # depends on the load of the machine; `scripts/lab faults` checks it
    problems = [(name, one, text) for name, cells in found.items() for one in cells for text in one.problems]
    assert [] == [each for each in problems if late not in each[-1]]
    assert len(quarter) == sum(len(each) for each in found.values())


def test_the_number_of_faults() -> None:
    """There are at least 72, with unique names."""
    assert len({row.name for row in ROWS}) == len(ROWS) >= 72


def test_the_suite_can_fail() -> None:
    """A billed image that is reported as rejected is a problem, and so is a second request for it."""
    rejection = next(fault for fault in TABLES["mixed"] if fault.name == "422")
    retried = next(fault for fault in TABLES["mixed"] if fault.name == "429, Retry-After: 0")
    wrong = cell(Row("billed although rejected", responding(rejection), bills=True), "sync")
    assert ["the request was billed, but the outcome is rejected"] == wrong.problems
    twice = cell(Row("billed twice", responding(retried), bills=True), "sync")
    assert ["billed, but sent 2 times"] == twice.problems


def test_a_row_groups_transports_with_the_same_result() -> None:
    """It names the transports if their results differ."""
    row = ROWS[0]
    found = [cell(row, "sync"), cell(row, "sync")]
    assert len(HEAD) == len(cells(row, found))
    assert "NotSentError, not_sent, 0 requests" == cells(row, found)[2]
    other = replace(found[1], transport="trio", result="response", outcome="")
    assert "sync: NotSentError, not_sent, 0 requests; trio: response, 0 requests" == cells(row, [found[0], other])[2]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in CONTEXTS if "fork" not in name])
def test_one_client_in_several_contexts(name: str) -> None:
    """In threads and event loops, each call gets its own response; `fork` is tested elsewhere."""
    calls, right = in_context(name)
    assert calls == right
