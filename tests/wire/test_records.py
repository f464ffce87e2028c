"""What a client writes into a ledger: an entry before the first byte, and its outcome after."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import (
    AuraShot,
    BadRequestError,
    ConfigurationError,
    GenerationFailedError,
    LedgerError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    SpendCapError,
    UnexpectedResponseError,
)
from aurashot._transport._exchange import Exchange
from aurashot._transport._requests import Requests
from aurashot.ledger import Intent, Settlement
from aurashot.models import GenerateImages, GenerateRequest, Generation
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, RESET, closed_port, json_response, status
from lab.server.responses import JOB
from tests.notebook import Notebook
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer

QUICK = RetryPolicy(initial_delay=0, max_delay=0)
EAGER = RetryPolicy(initial_delay=0, max_delay=0, retry_unknown=True)
CLOTHES = "https://example.com/clothes.jpg"
IMAGE = "https://cdn.aurashot.art/o/1.png"


@pytest.fixture
def notebook() -> Notebook:
    """Return an empty ledger."""
    return Notebook()


@pytest.fixture
def recorded(make_client: Clients, server: ScriptedServer, notebook: Notebook) -> AuraShot:
    """Return a client that writes into the notebook."""
    return make_client(server.url, ledger=notebook, retry=QUICK, timeout=20)


def test_a_call_is_recorded_before_its_first_byte_goes_out(
    recorded: AuraShot, server: ScriptedServer, notebook: Notebook
) -> None:
    """At the moment of the entry, the service has heard nothing; the entry says all that the request says."""
    heard: list[int] = []
    notebook.before = lambda: heard.append(len(server.requests))
    client = recorded.with_options(parent_id="story-3")
    response = client.generate("a café", face=FACE, clothes=CLOTHES, idempotency_key="order-17", tags={"user": "alice"})
    assert [0] == heard
    images = {"face": FACE, "clothes": CLOTHES}
    asked = GenerateRequest(prompt="a café", images=GenerateImages(face=FACE, clothes=CLOTHES))
    entry = Intent(
        idempotency_key="order-17",
        operation="generate",
        operation_id=response.meta.operation_id or "",
        parent_id="story-3",
        request_digest=hashlib.sha256(b"generate\n" + asked.to_wire()).hexdigest(),
        prompt="a café",
        references=images,
        tags={"user": "alice"},
    )
    assert [entry] == notebook.intents


def test_what_was_delivered_is_recorded(recorded: AuraShot, notebook: Notebook) -> None:
    """The entry of an image holds its address, the service's identifier, and what the service counted."""
    anchor = recorded.id_photo(FACE)
    assert anchor.meta.idempotency_key == notebook.intents[0].idempotency_key
    settlement = Settlement(
        payment="paid",
        attempts=1,
        request_id=str(GENERATION["requestId"]),
        urls=(IMAGE,),
        input_tokens=0,
        output_tokens=1234,
    )
    settled = notebook.settled[0]
    assert settlement == replace(settled, result=None)
    assert anchor == Generation.model_validate_json(settled.result or "")


def test_a_workflow_is_recorded(recorded: AuraShot, notebook: Notebook) -> None:
    """A legacy job is an entry like any other; asking about it is none."""
    recorded.legacy.virtual_try_on(product_image=CLOTHES, model_image=FACE, description="sit", tags={"shop": "7"})
    recorded.legacy.query(workflow="virtual_try_on", task_id="task-1")
    (intent,) = notebook.intents
    assert ("virtual_try_on", "sit", {"shop": "7"}) == (intent.operation, intent.prompt, intent.tags)
    assert {"productImage": CLOTHES, "modelImage": FACE} == intent.references
    assert ("paid", JOB["executionId"], tuple(JOB["images"])) == (
        notebook.settled[0].payment,
        notebook.settled[0].request_id,
        notebook.settled[0].urls,
    )


def test_uploads_are_free_and_not_recorded(recorded: AuraShot, notebook: Notebook) -> None:
    """A local photo is one entry: the call that it is for."""
    recorded.generate("a cafe", face=png())
    assert [["face"]] == [list(intent.references) for intent in notebook.intents]


@pytest.mark.parametrize(
    ("response", "error", "outcome"),
    [
        (status(400), BadRequestError, "not_paid"),
        (status(429, retry_after=600), RateLimitError, "not_paid"),
        (status(500), ServerError, "unknown"),
        ((RESET,), OutcomeUnknownError, "unknown"),
        ((CLOSE,), OutcomeUnknownError, "unknown"),
        (json_response({"nothing": "here"}), UnexpectedResponseError, "unknown"),
        (json_response({**GENERATION, "status": "failed"}), GenerationFailedError, "unknown"),
    ],
)
def test_an_error_settles_the_entry(
    recorded: AuraShot,
    server: ScriptedServer,
    notebook: Notebook,
    *,
    response: Response,
    error: type[Any],
    outcome: str,
) -> None:
    """What was certainly not paid is released, and everything else is left for somebody to look at."""
    server.queue(response)
    with pytest.raises(error):
        recorded.generate("a cafe", face=FACE)
    assert [(outcome, 1, error.__name__)] == [
        (settled.payment, settled.attempts, settled.error) for settled in notebook.settled.values()
    ]


def test_a_call_that_never_got_through_is_not_paid(make_client: Clients, notebook: Notebook) -> None:
    """All of its attempts are one entry."""
    client = make_client(f"http://127.0.0.1:{closed_port()}", ledger=notebook, retry=QUICK)
    with pytest.raises(NotSentError):
        client.edit("at night", target=FACE)
    assert [("not_paid", 4)] == [(settled.payment, settled.attempts) for settled in notebook.settled.values()]


def test_a_refused_attempt_keeps_its_entry(recorded: AuraShot, server: ScriptedServer, notebook: Notebook) -> None:
    """The request that goes out again after a 429 is the same image on the bill."""
    server.queue(status(429, retry_after=0))
    recorded.generate("a cafe", face=FACE)
    assert [("paid", 2)] == [(settled.payment, settled.attempts) for settled in notebook.settled.values()]


def test_each_request_that_may_be_billed_is_an_entry(
    make_client: Clients, server: ScriptedServer, notebook: Notebook
) -> None:
    """When the user wants a lost response asked for again, both requests may be on the bill, under one key."""
    server.queue((RESET,))
    generation = make_client(server.url, ledger=notebook, retry=EAGER).generate("a cafe", face=FACE)
    assert 2 == generation.meta.attempts
    assert ["unknown", "paid"] == notebook.outcomes
    assert [1, 1] == [settled.attempts for settled in notebook.settled.values()]
    assert {generation.meta.idempotency_key} == {intent.idempotency_key for intent in notebook.intents}


@pytest.mark.parametrize("with_ledger", [False, True])
def test_an_attempt_in_doubt_outlives_a_later_refusal(
    make_client: Clients, server: ScriptedServer, notebook: Notebook, *, with_ledger: bool
) -> None:
    """The first request may be on the bill, so the call does not end as one that was refused."""
    server.queue((RESET,), status(400))
    client = make_client(server.url, ledger=notebook if with_ledger else None, retry=EAGER)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.generate("a cafe", face=FACE)
    assert (True, 2) == (caught.value.may_be_charged, caught.value.attempts)
    assert isinstance(caught.value.__cause__, BadRequestError)
    assert ["unknown", "not_paid"] * with_ledger == notebook.outcomes


def test_a_cap_that_stops_the_second_request_does_not_hide_the_first(
    make_client: Clients, server: ScriptedServer, notebook: Notebook
) -> None:
    """The call ends as what it is: perhaps paid."""

    def only_once() -> None:
        if notebook.intents:
            raise SpendCapError("the cap is reached")

    notebook.before = only_once
    server.queue((RESET,))
    with pytest.raises(OutcomeUnknownError) as caught:
        make_client(server.url, ledger=notebook, retry=EAGER).generate("a cafe", face=FACE)
    assert isinstance(caught.value.__cause__, SpendCapError)
    assert 1 == len(server.requests)
    assert ["unknown"] == notebook.outcomes


@pytest.mark.parametrize("kind", [LedgerError, SpendCapError])
def test_what_cannot_be_recorded_is_not_sent(
    recorded: AuraShot, server: ScriptedServer, notebook: Notebook, kind: type[LedgerError]
) -> None:
    """A ledger that refuses stops the call."""

    def refuse() -> None:
        raise kind("no")

    notebook.before = refuse
    with pytest.raises(kind) as caught:
        recorded.generate("a cafe", face=FACE)
    assert ("not_sent", 0, False) == (caught.value.outcome, caught.value.attempts, caught.value.may_be_charged)
    assert [] == server.requests
    assert {} == notebook.settled


def test_an_image_is_not_lost_over_its_record(
    recorded: AuraShot, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    """When the outcome cannot be written, the response is returned all the same; the entry stays unknown."""

    def full() -> None:
        raise LedgerError("the disk is full")

    notebook.after = full
    with caplog.at_level(logging.ERROR, "aurashot"):
        assert IMAGE == recorded.generate("a cafe", face=FACE).url
    assert ["unknown"] == notebook.outcomes
    assert "entry 0 of the ledger stays unknown, although it is paid" in caplog.text


class Interrupted(BaseException):
    """What no SDK may catch: a worker's time limit, Ctrl-C."""


@pytest.mark.parametrize(
    ("place", "method", "outcome"), [(Requests, "open", "not_paid"), (Exchange, "accept", "unknown")]
)
def test_an_interrupted_call_is_recorded(
    server: ScriptedServer,
    notebook: Notebook,
    monkeypatch: pytest.MonkeyPatch,
    *,
    place: type[Any],
    method: str,
    outcome: str,
) -> None:
    """Before the request is out nothing is paid, and after that nobody knows."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr(place, method, interrupt)
    with AuraShot(KEY, base_url=server.url, ledger=notebook) as client, pytest.raises(Interrupted):
        client.generate("a cafe", face=FACE)
    assert [(outcome, "Interrupted")] == [(settled.payment, settled.error) for settled in notebook.settled.values()]


def test_a_view_of_a_client_writes_into_the_same_ledger(recorded: AuraShot, notebook: Notebook) -> None:
    """Other options do not lead around the ledger."""
    recorded.with_options(timeout=20).generate("a cafe", face=FACE)
    assert ["paid"] == notebook.outcomes


@pytest.mark.parametrize("kind", ["", "spend.db", object(), {"reserve": None}])
def test_what_is_no_ledger_is_refused(make_client: Clients, server: ScriptedServer, kind: object) -> None:
    """A path is not a ledger yet."""
    with pytest.raises(ConfigurationError, match="ledger= takes a SQLiteLedger"):
        make_client(server.url, ledger=kind)
