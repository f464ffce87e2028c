"""What belongs to one operation: its requests, their keys, its time, its errors, and what it has paid for."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import pytest

from aurashot import (
    AsyncAuraShot,
    AuraShot,
    AuraShotError,
    BadRequestError,
    ConfigurationError,
    DeadlineExceededError,
    DownloadError,
    InputError,
    OutcomeUnknownError,
    RetryPolicy,
    _endpoints as endpoints,
)
from aurashot._calls import Flow, annotate, blocking, gather, send, together
from aurashot._flows import character as flows
from aurashot._operations import Labels
from aurashot.images import ImageRules
from aurashot.instrumentation import Event, OperationFailed, OperationStarted
from aurashot.ledger import SQLiteLedger
from aurashot.models import EditImages, EditRequest, GenerateImages, GenerateRequest, Generation
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, HOLD, json_response, status
from tests.notebook import Notebook
from tests.stopwatch import FOR_LONG, in_time
from tests.wire.images import FACE, png
from tests.wire.test_cancellation import came

if TYPE_CHECKING:
    from pathlib import Path

    from lab.backends import Clients
    from lab.server import ScriptedServer

T = TypeVar("T")

QUICK = RetryPolicy(max_attempts=2, initial_delay=0, max_delay=0)


def image(prompt: str) -> Flow[Generation]:
    """Make one billed request."""
    return send(endpoints.generate(GenerateRequest(prompt=prompt, images=GenerateImages(face=FACE))))


class Interrupted(BaseException):
    """What no SDK may catch: a worker's time limit, Ctrl-C."""


class Runner:
    """Runs flows of a test's own on a client of each backend."""

    def __init__(self, client: AuraShot) -> None:
        self._client: Any = client

    def __call__(self, flow: Flow[T], timeout: float = 5, **labels: Any) -> T:
        """Run one flow as an operation called `test`."""
        transport = self._client._transport
        run = partial(transport.run, "test", flow, Labels(**labels), timeout)
        portal = getattr(self._client, "_portal", None)
        result: T = run() if portal is None else portal.call(_awaited, run)
        return result


async def _awaited(run: Any) -> Any:
    return await run()


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client without a ledger."""
    return make_client(server.url, retry=QUICK)


@pytest.fixture
def run(client: AuraShot) -> Runner:
    """Return what runs flows on it."""
    return Runner(client)


def test_each_billed_request_of_an_operation_has_a_key_of_its_own(run: Runner, server: ScriptedServer) -> None:
    """The first has the caller's, the others follow from it, also when they are made side by side."""

    def flow() -> Flow[list[Any]]:
        yield from image("first")
        yield from image("second")
        return (yield from gather([image("third"), two(), image("sixth")], limit=2))

    def two() -> Flow[Generation]:
        yield from image("fourth")
        return (yield from image("fifth"))

    results = run(flow(), idempotency_key="order-17")
    sent = {request.json["prompt"]: request.header("idempotency-key") for request in server.requests}
    assert {
        "first": "order-17",
        "second": "order-17.2",
        "third": "order-17.3",
        "fourth": "order-17.4",
        "fifth": "order-17.4.2",
        "sixth": "order-17.5",
    } == sent
    assert ["order-17.3", "order-17.4.2", "order-17.5"] == [result.meta.idempotency_key for result in results]
    assert 1 == len({result.meta.operation_id for result in results})


def test_flows_that_are_gathered_each_come_to_their_own_end(run: Runner, server: ScriptedServer) -> None:
    """An error of one is its result; the others are made, paid for and returned."""
    server.queue(status(400), path="/v1/character/edit")

    def flow() -> Flow[list[Any]]:
        return (yield from gather([refused(), image("a"), broken(), image("b")], limit=1))

    def refused() -> Flow[Generation]:
        return send(endpoints.edit(EditRequest(prompt="refused", images=EditImages(target=FACE))))

    def broken() -> Flow[Generation]:
        yield from together([])
        raise ZeroDivisionError

    results = run(flow())
    assert [BadRequestError, Generation, ZeroDivisionError, Generation] == [type(result) for result in results]
    assert 3 == len(server.requests)
    assert results[0].operation_id == results[1].meta.operation_id


def test_an_error_says_which_operation_it_ended(client: AuraShot, server: ScriptedServer) -> None:
    """Whether it comes from an argument, an upload or the billed request."""
    server.queue(status(400))
    ids = set[str | None]()
    for face in (b"no image", png(), FACE):
        with pytest.raises((InputError, BadRequestError)) as caught:
            client.generate("a cafe", face=face)
        ids.add(caught.value.operation_id)
        server.queue(status(400))
    assert 3 == len(ids - {None})


def test_an_error_carries_what_was_delivered_before_it(run: Runner, server: ScriptedServer) -> None:
    """Whoever catches it has the images that are paid for, and is not told that nothing was."""

    def flow() -> Flow[None]:
        yield from image("first")
        server.queue(status(400))
        yield from image("second")

    with pytest.raises(BadRequestError) as caught:
        run(flow(), idempotency_key="order-17")
    error = caught.value
    assert [GENERATION["requestId"]] == [getattr(each, "request_id", None) for each in error.delivered]
    assert ("accepted", True, "order-17.2") == (error.outcome, error.may_be_charged, error.idempotency_key)
    assert {error.operation_id} == {each.meta.operation_id for each in error.delivered}


def test_a_second_run_goes_on_where_the_first_one_failed(
    make_client: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    """What the ledger returns takes its key, and is on a later error as if it was paid for just now."""

    def story(rules: ImageRules) -> Flow[None]:
        for prompt in ("first", "second"):
            if prompt == "second":
                server.queue(status(400))
            yield from flows.generate(rules, prompt, face=FACE, clothes=None, scene=None, wait_for_result=None)

    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(server.url, ledger=ledger, retry=QUICK)
        for from_ledger in (False, True):
            with pytest.raises(BadRequestError) as caught:
                Runner(client)(story(ImageRules("http://127.0.0.1")), idempotency_key="order-17")
            error = caught.value
            assert [from_ledger] == [each.meta.from_ledger for each in error.delivered]
            assert ("accepted", True, "order-17.2") == (error.outcome, error.may_be_charged, error.idempotency_key)
    assert ["order-17", "order-17.2", "order-17.2"] == [each.header("idempotency-key") for each in server.requests]


def test_a_lost_response_stays_unknown_whatever_was_delivered(run: Runner, server: ScriptedServer) -> None:
    """The second image may be on the bill as well."""

    def flow() -> Flow[None]:
        yield from image("first")
        server.queue((CLOSE,))
        yield from image("second")

    with pytest.raises(OutcomeUnknownError) as caught:
        run(flow())
    assert ("unknown", True, 1) == (caught.value.outcome, caught.value.may_be_charged, len(caught.value.delivered))


def test_an_operation_that_paid_for_nothing_delivered_nothing(client: AuraShot, server: ScriptedServer) -> None:
    """An upload is no delivery."""
    server.queue(status(400), path="/v1/character/generate")
    with pytest.raises(BadRequestError) as caught:
        client.generate("a cafe", face=png())
    assert ((), "rejected", False) == (caught.value.delivered, caught.value.outcome, caught.value.may_be_charged)


def test_a_download_that_fails_carries_what_it_was_to_fetch(
    client: AuraShot, server: ScriptedServer, tmp_path: Path
) -> None:
    """The image is paid for and still there; the download itself costs nothing."""
    server.queue(json_response({**GENERATION, "outputs": [{"url": f"{server.url}/gone.png"}]}))
    generation = client.generate("a cafe", face=FACE)
    server.always(status(404), path="/gone.png")
    with pytest.raises(DownloadError) as caught:
        client.download(generation, tmp_path)
    assert ((generation,), False) == (caught.value.delivered, caught.value.may_be_charged)


def test_any_exception_of_a_step_is_raised_in_the_flow(run: Runner) -> None:
    """A defect in blocking work, too, can be handled there; on both clients alike."""

    def flow() -> Flow[str]:
        try:
            yield from blocking(lambda _: 1 / 0)
        except ZeroDivisionError as error:
            return f"handled: {error}"
        return "not raised"

    assert "handled: division by zero" == run(flow())


def test_any_exception_of_flows_that_run_together_is_raised_in_the_flow(run: Runner) -> None:
    """It arrives as it is, alone and not in a group."""

    def flow() -> Flow[str]:
        try:
            yield from together([blocking(lambda _: 1 / 0), blocking(lambda _: 2)])
        except ZeroDivisionError as error:
            return f"handled: {error}"
        return "not raised"

    assert "handled: division by zero" == run(flow())


def test_a_flow_cleans_up_when_it_is_interrupted(server: ScriptedServer) -> None:
    """What is no error of this SDK passes through the flow's `finally`, and out."""
    seen: list[str] = []

    def interrupt(_: object) -> None:
        raise Interrupted

    def flow() -> Flow[None]:
        try:
            yield from together([])
            yield from blocking(interrupt)
        except BaseException as stop:
            seen.append(type(stop).__name__)
            raise

    with AuraShot(KEY, base_url=server.url) as blocking_client, pytest.raises(Interrupted):
        Runner(blocking_client)(flow())
    assert ["Interrupted"] == seen


def test_blocking_work_before_payment_ends_with_the_deadline(run: Runner, server: ScriptedServer) -> None:
    """The caller is free when the time is over, and nothing was sent."""
    release = threading.Event()

    def flow() -> Flow[None]:
        yield from blocking(lambda _: release.wait(FOR_LONG))
        yield from image("never")

    with in_time(0.2), pytest.raises(DeadlineExceededError) as caught:
        run(flow(), timeout=0.2)
    release.set()
    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert [] == server.requests


def test_blocking_work_after_payment_is_finished(run: Runner) -> None:
    """An image that is paid for is not thrown away because looking at it takes longer than there is time."""

    def flow() -> Flow[str]:
        generation = yield from image("paid")
        yield from blocking(lambda _: time.sleep(3.1))  # longer than the operation has: that is what is tried
        return generation.url

    assert GENERATION["outputs"] == [{"url": run(flow(), timeout=3), "type": "image"}]


def test_a_timeout_of_the_work_itself_is_its_own(run: Runner) -> None:
    """Only the operation's time is a `DeadlineExceededError`."""

    def slow(_: object) -> None:
        raise TimeoutError("the disk is slow")

    def flow() -> Flow[None]:
        yield from blocking(slow)

    with pytest.raises(TimeoutError, match="the disk is slow"):
        run(flow())


def test_notes_are_added_to_the_entry_of_a_response(
    make_client: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    """Without a ledger, or if it cannot write, nothing happens: the image counts."""

    def flow() -> Flow[Generation]:
        generation = yield from image("noted")
        yield from annotate(generation, {"verdict": "same", "similarity": 0.93})
        return generation

    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        noted = Runner(make_client(server.url, ledger=ledger))(flow())
        (entry,) = ledger.entries()
        assert (entry.number, {"verdict": "same", "similarity": 0.93}) == (noted.meta.ledger_entry, entry.notes)
    assert Runner(make_client(server.url))(flow()).succeeded
    assert Runner(make_client(server.url, ledger=Notebook()))(flow()).succeeded


def test_options_of_a_view_label_its_operations(make_client: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    """Its parent and its tags are in the ledger; a call's own tags come on top."""
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(server.url, ledger=ledger).with_options(parent_id="story-3", tags={"user": "alice"})
        generation = client.generate("a cafe", face=FACE, tags={"page": "7"})
        client.with_options(timeout=7).generate("a park", face=FACE, tags={"user": "bob"})
        first, second = ledger.entries()
    assert ("story-3", {"user": "alice", "page": "7"}) == (first.parent_id, first.tags)
    assert ("story-3", {"user": "bob"}) == (second.parent_id, second.tags)
    assert generation.meta.operation_id == first.operation_id


@pytest.mark.parametrize("options", [{"parent_id": "two words"}, {"parent_id": ""}, {"tags": {"user": 7}}])
def test_labels_of_a_view_that_cannot_work_are_refused(client: AuraShot, options: dict[str, Any]) -> None:
    """They are found when the view is made."""
    with pytest.raises(ConfigurationError):
        client.with_options(**options)


@pytest.mark.parametrize("labels", [{"tags": ["alice"]}, {"tags": 7}, {"idempotency_key": 7}, {"idempotency_key": ""}])
def test_labels_that_cannot_work_are_refused_as_part_of_the_operation(
    make_client: Clients, server: ScriptedServer, labels: dict[str, Any]
) -> None:
    """With tags of the view beside them or not, the error is typed, told to the hooks, and nothing was sent."""
    events: list[Event] = []
    client = make_client(server.url, hooks=[events.append])
    for view in (client, client.with_options(tags={"user": "bob"})):
        with pytest.raises(InputError) as caught:
            view.generate("a cafe", face=FACE, **labels)
        assert (events[0].operation_id, [*labels]) == (caught.value.operation_id, [caught.value.argument])
        assert [OperationStarted, OperationFailed] == [type(event) for event in events]
        events.clear()
    assert [] == server.requests


@pytest.mark.anyio
async def test_a_cancelled_gather_leaves_its_paid_images_on_record(server: ScriptedServer, tmp_path: Path) -> None:
    """With a ledger, what is out is awaited for each of the flows."""
    server.queue((0.3, *json_response(GENERATION)), (0.3, *json_response(GENERATION)))

    def flow() -> Flow[list[Any]]:
        return (yield from gather([image("a"), image("b")]))

    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        async with AsyncAuraShot(KEY, base_url=server.url, ledger=ledger) as client:
            with anyio.move_on_after(10) as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(_awaited, partial(client._transport.run, "test", flow()))
                    await came(server, 2)
                    group.cancel_scope.cancel()
            assert not scope.cancelled_caught
        assert ["paid", "paid"] == [entry.payment for entry in ledger.entries()]


def test_an_operation_that_is_over_holds_no_request(run: Runner, server: ScriptedServer) -> None:
    """A step after the time is over is not begun."""

    def flow() -> Flow[None]:
        yield from image("first")
        server.queue((HOLD,))
        yield from image("second")

    with pytest.raises(AuraShotError) as caught:
        run(flow(), timeout=3)
    assert ("unknown", 1) == (caught.value.outcome, len(caught.value.delivered))
