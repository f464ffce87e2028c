"""Cancelling billed calls that are recorded: what is out is awaited and recorded, and the caller is free at once."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from aurashot import (
    AsyncAuraShot,
    ConfigurationError,
    DeadlineExceededError,
    NotSentError,
    OutcomeUnknownError,
    RetryPolicy,
)
from aurashot._deadline import Deadline
from aurashot._endpoints import generate
from aurashot._operations import Labels, Operation
from aurashot._transport import _detached
from aurashot._transport._exchange import Exchange
from aurashot.models import GenerateImages, GenerateRequest
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, HOLD, json_response, status, wait_until
from tests.notebook import Notebook
from tests.stopwatch import FOR_LONG, SLACK, no_later
from tests.wire.images import FACE
from tests.wire.test_cancellation import came

if TYPE_CHECKING:
    from lab.server import ScriptedServer

SLOW = (3.0, *json_response(GENERATION))


async def cancelled_once_it_came(client: AsyncAuraShot, server: ScriptedServer, timeout: float = 20) -> None:
    """Cancel a call as soon as the service has its request."""
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: client.generate("cancelled", face=FACE, timeout=timeout))
        await came(server, 1)
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_an_image_whose_caller_has_gone_is_recorded(server: ScriptedServer) -> None:
    """The caller is free before the service responds; closing the client waits for the response."""
    notebook = Notebook()
    server.queue(SLOW)
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client:
        await cancelled_once_it_came(client, server)
        assert {} == notebook.settled
    assert ["paid"] == notebook.outcomes
    assert 1 == len(notebook.settled[0].urls)
    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)


@pytest.mark.anyio
async def test_waiting_for_detached_calls_ends_with_the_deadline_of_its_call(server: ScriptedServer) -> None:
    """A service that never responses holds nobody for longer than the call would have."""
    notebook = Notebook()
    server.queue((HOLD,))
    began = time.monotonic()
    with no_later(1):
        async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client:
            await cancelled_once_it_came(client, server, timeout=1)
    assert time.monotonic() - began > 0.9
    assert ["DeadlineExceededError"] == [settled.error for settled in notebook.settled.values()]
    assert ["unknown"] == notebook.outcomes


@pytest.mark.anyio
async def test_closing_says_what_it_waits_for_and_waits_no_longer_than_it_may(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a second without a response there is one warning; after the grace nothing is awaited any longer."""
    monkeypatch.setattr(_detached, "WARN_AFTER", 0.1)
    server.queue((HOLD,), (HOLD,))
    client = AsyncAuraShot(KEY, base_url=server.url, ledger=Notebook())
    async with anyio.create_task_group() as group:
        for prompt in ("one", "two"):
            group.start_soon(partial(client.generate, prompt, face=FACE, timeout=30))
        await came(server, 2)
        group.cancel_scope.cancel()
    began = time.monotonic()
    await client.aclose(grace=0.3)
    assert 0.3 <= time.monotonic() - began < 0.3 + SLACK
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("closing: waiting up to 0 s for the responses to 2 billed requests")
    assert "Interrupt or cancel again to stop waiting" in warning


@pytest.mark.anyio
async def test_a_quick_close_says_nothing(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is told of what takes no time, and a grace that is none is refused before anything is closed."""
    client = AsyncAuraShot(KEY, base_url=server.url, ledger=Notebook())
    assert (await client.generate("a cafe", face=FACE)).succeeded
    for wrong in (-1, float("nan"), True):
        with pytest.raises(ConfigurationError, match="grace must be a number of seconds of at least 0"):
            await client.aclose(grace=wrong)
    assert (await client.generate("a cafe", face=FACE)).succeeded
    await client.aclose(grace=0)
    assert [] == [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.anyio
async def test_a_call_that_waits_for_a_connection_is_cancelled_at_once(server: ScriptedServer) -> None:
    """It was not sent, is not sent later, and is recorded as not paid."""
    notebook = Notebook()
    server.queue(SLOW)
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook, max_connections=1) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.generate("the first", face=FACE))
            await came(server, 1)
            with anyio.move_on_after(0.05) as scope:
                await client.generate("cancelled", face=FACE)
            assert scope.cancelled_caught
        assert (await client.generate("the next", face=FACE, timeout=20)).succeeded
    assert ["the first", "the next"] == [request.json["prompt"] for request in server.requests]
    assert ["not_paid", "paid", "paid"] == sorted(notebook.outcomes)


@pytest.mark.anyio
@pytest.mark.parametrize("code", [429, 503])
async def test_nobody_is_asked_again_for_a_caller_who_has_gone(server: ScriptedServer, code: int) -> None:
    """A refusal that comes after the cancellation ends the call: nothing is bought for nobody."""
    notebook = Notebook()
    server.queue((0.2, *status(code, retry_after=0)))
    patient = RetryPolicy(initial_delay=0, max_delay=0)
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook, retry=patient) as client:
        await cancelled_once_it_came(client, server)
    assert ["not_paid"] == notebook.outcomes
    assert 1 == len(server.requests)


@pytest.mark.anyio
async def test_a_call_that_waits_before_its_next_attempt_is_cancelled_at_once(server: ScriptedServer) -> None:
    """Between two attempts nothing is out."""
    notebook = Notebook()
    server.queue(status(429, retry_after=FOR_LONG))
    with no_later(0.3):
        async with (
            AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(lambda: client.generate("cancelled", face=FACE))
            await came(server, 1)
            await anyio.sleep(0.3)
            group.cancel_scope.cancel()
    assert 1 == len(server.requests)
    assert ["not_paid"] == notebook.outcomes


@pytest.mark.anyio
async def test_five_hundred_recorded_calls_cancelled_at_random(server: ScriptedServer) -> None:
    """Each request that the service had is on record, none is recorded as not paid, and all places are free again."""
    notebook = Notebook()
    server.always((0.05, *json_response(GENERATION)))
    draw = random.Random(11)
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook, max_connections=20) as client:

        async def cancelled(after: float) -> None:
            with anyio.move_on_after(after):
                await client.generate("cancelled", face=FACE, timeout=30)

        async with anyio.create_task_group() as group:
            for _ in range(500):
                group.start_soon(cancelled, draw.uniform(0, 1.0))
        for _ in range(20):
            assert (await client.generate("probe", face=FACE, timeout=20)).succeeded
    billed = {request.header("idempotency-key") for request in server.requests}
    paid = {
        intent.idempotency_key
        for intent, outcome in zip(notebook.intents, notebook.outcomes, strict=True)
        if outcome == "paid"
    }
    assert billed == paid
    assert {"paid", "not_paid"} == set(notebook.outcomes)
    assert len(notebook.intents) == len(notebook.settled)


def test_an_event_loop_that_ends_first_leaves_the_entry_unknown(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """`asyncio.run` cancels what is left without `aclose`: nothing is called paid or not paid, nothing complains."""
    notebook = Notebook()
    server.queue((HOLD,))

    async def leave() -> None:
        client = AsyncAuraShot(KEY, base_url=server.url, ledger=notebook)
        await cancelled_once_it_came(client, server, timeout=30)

    asyncio.run(leave())
    assert ["unknown"] == notebook.outcomes
    assert [] == caplog.records


@pytest.mark.anyio
async def test_an_error_reaches_the_caller_through_the_detached_call(server: ScriptedServer) -> None:
    """What goes wrong beside the task is raised in it, and a bug is no less visible than elsewhere."""
    notebook = Notebook()

    def broken() -> None:
        raise ZeroDivisionError

    notebook.before = broken
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client:
        with pytest.raises(ZeroDivisionError):
            await client.generate("a cafe", face=FACE)
    assert [] == server.requests


@pytest.mark.anyio
async def test_a_response_that_comes_last_is_recorded_by_a_slow_ledger(server: ScriptedServer) -> None:
    """The caller has the image in time, and the record is written later, not given up."""
    notebook, free = Notebook(), threading.Event()

    def slowly() -> None:
        free.wait(FOR_LONG)

    notebook.after = slowly
    server.queue((0.2, *json_response(GENERATION)), (1.2, *json_response(GENERATION)))
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client:

        async def call(prompt: str) -> None:
            await client.generate(prompt, face=FACE, timeout=4)

        with no_later(4):
            async with anyio.create_task_group() as group:
                group.start_soon(call, "first")
                await came(server, 1)
                group.start_soon(call, "last")
        assert ["unknown", "unknown"] == notebook.outcomes
        free.set()
    assert ["paid", "paid"] == notebook.outcomes


def test_a_request_for_nobody_does_not_go_out() -> None:
    """Between the cancellation and its arrival, a connection may come up: the request stays here."""
    call = generate(GenerateRequest(prompt="a cafe", images=GenerateImages(face=FACE)))
    transport = AsyncAuraShot(KEY)._transport
    operation = Operation("generate", Labels(), Deadline(5))
    exchange = Exchange(call, operation, transport.connections.client, transport.options)
    exchange.begin()
    exchange.state.abandon()
    with pytest.raises(NotSentError):
        exchange.before_send()
    assert ("not_paid", False) == (exchange.state.payment, exchange.state.is_sent)


@pytest.mark.anyio
async def test_without_a_ledger_a_call_is_simply_cancelled(server: ScriptedServer) -> None:
    """There is nowhere to keep its response, so closing waits for nothing."""
    server.queue((HOLD,))
    client = AsyncAuraShot(KEY, base_url=server.url, timeout=30)
    await cancelled_once_it_came(client, server)
    with no_later(1):
        await client.aclose()


@pytest.mark.anyio
async def test_a_slow_ledger_does_not_hide_an_earlier_doubt(server: ScriptedServer) -> None:
    """The first request may be on the bill: the call does not end as one that was not sent, however late it is."""
    notebook, hold = Notebook(), threading.Event()

    def second_time() -> None:
        if notebook.intents:
            hold.wait(FOR_LONG)

    notebook.before = second_time
    server.queue((CLOSE,))
    eager = RetryPolicy(initial_delay=0, max_delay=0, retry_unknown=True)
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook, retry=eager) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.generate("a cafe", face=FACE, timeout=3)
        hold.set()
    assert ("unknown", True, 1) == (caught.value.outcome, caught.value.may_be_charged, len(server.requests))
    assert ["unknown", "not_paid"] == notebook.outcomes


@pytest.mark.anyio
async def test_waiting_for_the_ledger_counts_in_the_deadline(server: ScriptedServer) -> None:
    """A crowd before a slow ledger keeps nobody for longer than the call's time; what was not recorded is not sent."""
    notebook = Notebook()
    notebook.before = lambda: time.sleep(0.1)
    errors: list[tuple[str, str]] = []
    async with AsyncAuraShot(KEY, base_url=server.url, ledger=notebook) as client:

        async def call() -> None:
            try:
                await client.generate("a cafe", face=FACE, timeout=0.5)
            except DeadlineExceededError as error:
                errors.append((error.outcome, str(error)))

        with no_later(0.5 + 0.1):
            async with anyio.create_task_group() as group:
                for _ in range(60):
                    group.start_soon(call)
    assert ("not_sent", "The call's 0.5 s ran out before the request was recorded") in errors
    assert len(server.requests) == 60 - [outcome for outcome, _ in errors].count("not_sent")
    assert len(notebook.intents) == len(notebook.settled)
