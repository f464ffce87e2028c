"""A response without an image, and refused content: perhaps billed, and told apart from what is lost."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from aurashot import AuraShot, ContentBlockedError, NoOutputError, UnresolvedError
from aurashot.ledger import SpendCap, SQLiteLedger
from tests.wire.images import FACE

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from lab.backends import Clients


@pytest.fixture
def client(make_client: Clients, sandbox_server: SandboxServer) -> AuraShot:
    """Return a client of the sandbox."""
    return make_client(sandbox_server.url, sandbox_server.api_key)


def test_a_pending_response_says_what_it_cost(client: AuraShot, sandbox_server: SandboxServer) -> None:
    """Asking it for an image is an error that has the keys for support, and survives a task queue."""
    sandbox_server.fault("pending", times=1)
    pending = client.generate("a cafe", face=FACE)
    with pytest.raises(NoOutputError, match="'processing'; it cannot be fetched later") as caught:
        _ = pending.url

    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (True, "accepted", (pending,)) == (error.may_be_charged, error.outcome, error.delivered)
        assert (1, pending.request_id, pending.meta.operation_id, pending.meta.idempotency_key) == (
            error.attempts,
            error.request_id,
            error.operation_id,
            error.idempotency_key,
        )
    with pytest.raises(NoOutputError) as caught:
        client.read(pending)
    assert caught.value.may_be_charged


def test_a_legacy_job_that_is_not_done_says_how_to_wait(client: AuraShot, sandbox_server: SandboxServer) -> None:
    """Such a job can be polled."""
    sandbox_server.fault("pending", times=1)
    job = client.legacy.pose_change(FACE, "sitting")
    with pytest.raises(NoOutputError, match=r"poll it with client\.legacy\.query") as caught:
        _ = job.url
    assert caught.value.may_be_charged


def test_a_pending_response_is_recorded_as_such(
    make_client: Clients, sandbox_server: SandboxServer, tmp_path: Path
) -> None:
    """It counts, and its key is not sent again; once support has found the image, the key returns it."""
    with SQLiteLedger(tmp_path / "spend.db", cap=SpendCap(max_images=1)) as ledger:
        client = make_client(sandbox_server.url, sandbox_server.api_key, ledger=ledger)
        sandbox_server.fault("pending", times=1)
        pending = client.generate("a cafe", face=FACE, idempotency_key="order-17")
        (entry,) = ledger.unresolved()
        assert ("pending", pending.request_id, 1) == (entry.payment, entry.request_id, ledger.summary().pending)
        assert 1 == ledger.summary().at_most

        with pytest.raises(UnresolvedError, match="responded before the image was done") as caught:
            client.generate("a cafe", face=FACE, idempotency_key="order-17")
        assert caught.value.may_be_charged
        ledger.resolve("order-17", "paid", urls=["https://cdn.example.com/17.png"])
        found = client.generate("a cafe", face=FACE, idempotency_key="order-17")
        assert ("https://cdn.example.com/17.png", True) == (found.url, found.meta.from_ledger)


def test_a_pending_response_that_was_paid_without_an_image_is_not_returned(
    make_client: Clients, sandbox_server: SandboxServer, tmp_path: Path
) -> None:
    """Resolved as paid without its address: the error says that the image is not known."""
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(sandbox_server.url, sandbox_server.api_key, ledger=ledger)
        sandbox_server.fault("pending", times=1)
        client.edit("a hat", target=FACE, idempotency_key="order-18")
        ledger.resolve("order-18", "paid")
        with pytest.raises(UnresolvedError, match="image is not in the ledger"):
            client.edit("a hat", target=FACE, idempotency_key="order-18")


def test_refused_content_uses_up_no_cap(make_client: Clients, sandbox_server: SandboxServer, tmp_path: Path) -> None:
    """It has a state of its own, its key is not sent again, and the next prompt may be."""
    with SQLiteLedger(tmp_path / "spend.db", cap=SpendCap(max_images=1, per="run")) as ledger:
        client = make_client(sandbox_server.url, sandbox_server.api_key, ledger=ledger)
        sandbox_server.fault("content-blocked", times=1)
        with pytest.raises(ContentBlockedError):
            client.generate("a bad thing", face=FACE, idempotency_key="order-19")
        (entry,) = ledger.entries()
        assert ("blocked", "ContentBlockedError", []) == (entry.payment, entry.error, ledger.unresolved())
        assert (1, 1) == (ledger.summary().blocked, ledger.summary().at_most)

        with pytest.raises(UnresolvedError, match="refused its content"):
            client.generate("a bad thing", face=FACE, idempotency_key="order-19")
        assert client.generate("a good thing", face=FACE).succeeded
        assert 1 == ledger.resolve("order-19", "not_paid")
