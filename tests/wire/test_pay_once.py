"""One key pays once: what a client with a ledger does with an idempotency key that it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AuraShot, Generation, InputError, OutcomeUnknownError, RateLimitError, RetryPolicy, UnresolvedError
from aurashot.instrumentation import Event, RequestSucceeded
from aurashot.ledger import SQLiteLedger
from lab.server import CLOSE, GENERATION, closed_port, json_response, status
from lab.server.responses import JOB
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.backends import Clients
    from lab.server import ScriptedServer

KEY = "order-17"
QUICK = RetryPolicy(max_attempts=2, initial_delay=0, max_delay=0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SQLiteLedger]:
    """Return a new ledger."""
    with SQLiteLedger(tmp_path / "spend.db") as new:
        yield new


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger) -> AuraShot:
    """Return a client that writes into the ledger."""
    return make_client(server.url, ledger=ledger, retry=QUICK, timeout=20)


def test_a_key_that_is_paid_returns_what_was_paid_for(client: AuraShot, server: ScriptedServer) -> None:
    """The second call sends nothing, and returns the same response, unknown fields included."""
    server.queue(json_response({**GENERATION, "somethingNew": {"depth": 2}}))
    first = client.generate("a cafe", face=FACE, idempotency_key=KEY)
    again = client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert first == again
    assert {"somethingNew": {"depth": 2}} == again.model_extra
    assert 1 == len(server.requests)
    assert (False, True) == (first.meta.from_ledger, again.meta.from_ledger)
    assert (0, KEY, first.meta.ledger_entry) == (
        again.meta.attempts,
        again.meta.idempotency_key,
        again.meta.ledger_entry,
    )
    assert again.meta.operation_id not in {None, first.meta.operation_id}


def test_a_paid_key_uploads_nothing_either(make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger) -> None:
    """Another client, which has not uploaded the photo yet, knows the request by the photo's content."""
    image = png()
    make_client(server.url, ledger=ledger).generate("a cafe", face=image, idempotency_key=KEY)
    server.always(json_response({"url": "https://cdn.example.com/another-address.png"}), path="/v1/uploads")
    sent = len(server.requests)
    again = make_client(server.url, ledger=ledger).generate("a cafe", face=image, idempotency_key=KEY)
    assert again.meta.from_ledger
    assert sent == len(server.requests)


def test_a_key_that_is_paid_while_a_photo_is_uploaded_is_not_sent(
    make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger
) -> None:
    """Nothing stood in its way at first: it finds out when it is recorded, just before it would be sent."""
    image, others = png(), list[Generation]()

    def pay(event: Event) -> None:
        if isinstance(event, RequestSucceeded) and event.request == "upload":
            with AuraShot("sk_live_other_0001", base_url=server.url, ledger=ledger) as other:
                others.append(other.generate("a cafe", face=image, idempotency_key=KEY))

    client = make_client(server.url, ledger=ledger, hooks=[pay])
    own = client.generate("a cafe", face=image, idempotency_key=KEY)
    assert [own] == others
    assert own.meta.from_ledger
    assert [KEY] == [request.header("idempotency-key") for request in server.requests if request.path != "/v1/uploads"]
    assert ["paid"] == [entry.payment for entry in ledger.entries()]


def test_a_key_without_a_ledger_is_only_sent(make_client: Clients, server: ScriptedServer) -> None:
    """Nobody remembers it here."""
    client = make_client(server.url)
    for _ in range(2):
        client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert [KEY, KEY] == [request.header("idempotency-key") for request in server.requests]


@pytest.mark.parametrize(
    ("prompt", "face"),
    [("a pub", FACE), ("a cafe", "https://cdn.example.com/somebody-else.png")],
    ids=["prompt", "face"],
)
def test_the_same_key_with_another_request_is_refused(
    client: AuraShot, server: ScriptedServer, *, prompt: str, face: str
) -> None:
    """The error says so before anything is sent."""
    client.generate("a cafe", face=FACE, idempotency_key=KEY)
    with pytest.raises(InputError, match="was used for another request") as caught:
        client.generate(prompt, face=face, idempotency_key=KEY)
    assert ("idempotency_key", "not_sent", False) == (
        caught.value.argument,
        caught.value.outcome,
        caught.value.may_be_charged,
    )
    assert 1 == len(server.requests)


def test_the_same_key_with_another_operation_is_refused(client: AuraShot, server: ScriptedServer) -> None:
    """An edit is no generation, whatever its words."""
    client.generate("at night", face=FACE, idempotency_key=KEY)
    with pytest.raises(InputError, match="was used for another request"):
        client.edit("at night", target=FACE, idempotency_key=KEY)
    assert 1 == len(server.requests)


def test_how_the_response_is_waited_for_is_no_part_of_the_request(client: AuraShot, server: ScriptedServer) -> None:
    """The image is the same."""
    client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert client.generate("a cafe", face=FACE, idempotency_key=KEY, wait_for_result=True).meta.from_ledger
    assert 1 == len(server.requests)


def test_a_key_whose_response_was_lost_is_not_sent_again(
    client: AuraShot, server: ScriptedServer, ledger: SQLiteLedger
) -> None:
    """It raises, with the entry, until somebody says what became of it; then it is sent, or its result returned."""
    server.queue((CLOSE,))
    with pytest.raises(OutcomeUnknownError):
        client.generate("a cafe", face=FACE, idempotency_key=KEY)
    for _ in range(2):
        with pytest.raises(UnresolvedError) as caught:
            client.generate("a cafe", face=FACE, idempotency_key=KEY)
        assert ("unknown", True, KEY, 0) == (
            caught.value.outcome,
            caught.value.may_be_charged,
            caught.value.idempotency_key,
            caught.value.attempts,
        )
        assert caught.value.entry is not None
        assert "OutcomeUnknownError" == caught.value.entry.error
    assert 1 == len(server.requests)
    ledger.resolve(KEY, "not_paid")
    assert not client.generate("a cafe", face=FACE, idempotency_key=KEY).meta.from_ledger
    assert 2 == len(server.requests)


def test_a_key_that_was_resolved_as_paid_returns_its_image(
    client: AuraShot, server: ScriptedServer, ledger: SQLiteLedger
) -> None:
    """Where the address was found, it is the result; where it was not, no second image is paid for by accident."""
    server.queue((CLOSE,), (CLOSE,))
    for key in ("found", "not-found"):
        with pytest.raises(OutcomeUnknownError):
            client.generate("a cafe", face=FACE, idempotency_key=key)
    ledger.resolve("found", "paid", urls=["https://cdn.example.com/found.png"], request_id="r-9")
    ledger.resolve("not-found", "paid")
    found = client.generate("a cafe", face=FACE, idempotency_key="found")
    assert ("https://cdn.example.com/found.png", "r-9", True) == (found.url, found.request_id, found.succeeded)
    with pytest.raises(UnresolvedError, match="its image is not in the ledger") as caught:
        client.generate("a cafe", face=FACE, idempotency_key="not-found")
    assert ("accepted", True) == (caught.value.outcome, caught.value.may_be_charged)
    assert 2 == len(server.requests)


def test_a_key_that_was_refused_is_sent(client: AuraShot, server: ScriptedServer) -> None:
    """Nothing was paid, so nothing stands in the way."""
    server.queue(status(429, retry_after=600))
    with pytest.raises(RateLimitError):
        client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert client.generate("a cafe", face=FACE, idempotency_key=KEY).succeeded
    assert 2 == len(server.requests)


def test_opting_out_pays_again(client: AuraShot, server: ScriptedServer, ledger: SQLiteLedger) -> None:
    """`pay_once=False` sends whatever the ledger knows, and is recorded like every other call."""
    client.generate("a cafe", face=FACE, idempotency_key=KEY)
    again = client.generate("another", face=FACE, idempotency_key=KEY, pay_once=False)
    assert not again.meta.from_ledger
    assert 2 == len(server.requests)
    assert ["paid", "paid"] == [entry.payment for entry in ledger.find(key=KEY)]


def test_a_lost_response_that_is_asked_for_again_is_no_conflict(
    make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger
) -> None:
    """With `retry_unknown` an operation has two entries under its key; later calls get the one that was paid."""
    eager = RetryPolicy(initial_delay=0, max_delay=0, retry_unknown=True)
    client = make_client(server.url, ledger=ledger, retry=eager)
    server.queue((CLOSE,))
    first = client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert ["unknown", "paid"] == [entry.payment for entry in ledger.find(key=KEY)]
    assert first == client.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert 2 == len(server.requests)


def test_a_workflow_that_was_paid_for_is_asked_about_and_not_submitted_again(
    client: AuraShot, server: ScriptedServer
) -> None:
    """The stored job is the one to wait for."""
    submitted: dict[str, Any] = {**JOB, "status": "submitted", "completed": False, "images": []}
    server.queue(json_response(submitted))
    client.legacy.pose_change(FACE, "arms crossed", idempotency_key=KEY)
    server.queue(json_response(JOB), path="/api/aesthetic/query")
    job = client.legacy.pose_change(FACE, "arms crossed", idempotency_key=KEY, wait=True, timeout=10)
    assert job.succeeded
    assert ["/api/aesthetic/generate", "/api/aesthetic/query"] == [request.path for request in server.requests]


def test_a_key_that_never_left_is_sent_when_the_service_is_back(
    make_client: Clients, server: ScriptedServer, ledger: SQLiteLedger
) -> None:
    """No connection, no bill."""
    away = make_client(f"http://127.0.0.1:{closed_port()}", ledger=ledger, retry=QUICK)
    with pytest.raises(Exception, match="Could not connect"):
        away.generate("a cafe", face=FACE, idempotency_key=KEY)
    assert make_client(server.url, ledger=ledger).generate("a cafe", face=FACE, idempotency_key=KEY).succeeded
