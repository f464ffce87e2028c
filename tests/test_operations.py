from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from aurashot import (
    AuraShot,
    AuraShotError,
    BadRequestError,
    ConfigurationError,
    DeadlineExceededError,
    GenerationFailedError,
    InputError,
    NotSentError,
    OutcomeUnknownError,
    RetryPolicy,
    UnexpectedResponseError,
    WorkflowJob,
    _endpoints as endpoints,
)
from aurashot._calls import gather, send
from aurashot._deadline import Deadline
from aurashot._operations import Keys, Labels, Operation
from aurashot._transport._state import Options
from aurashot.instrumentation import Dispatcher
from aurashot.models import CallMeta, GenerateImages, GenerateRequest, Generation
from lab.server import CLOSE, GENERATION, HOLD, json_response, status
from tests.flows.steps import png
from tests.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot._calls import Flow
    from aurashot.errors import Outcome
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer

FACE = "https://cdn.example.com/face.png"
QUICK = RetryPolicy(initial_delay=0.0, max_delay=0.0)
PAID = Generation(status="success", request_id="r-1").with_meta(CallMeta(idempotency_key="order-17"))
LATER = Generation(status="success", request_id="r-2").with_meta(CallMeta(idempotency_key="order-17.2"))
SUBMITTED = {"workflow": "virtual_try_on", "taskId": "t-1", "executionId": "e-1", "status": "submitted"}


def operation(name: str = "generate", labels: Labels | None = None, **options: Any) -> Operation:
    """Return an operation with time enough."""
    return Operation(name, labels or Labels(), Deadline(10.0), **options)


def generation(prompt: str) -> Flow[Generation]:
    """Return the flow of one billed request."""
    return send(endpoints.generate(GenerateRequest(prompt=prompt, images=GenerateImages(face=FACE))))


def generations(*prompts: str) -> Flow[list[Generation]]:
    """Return the flow of several billed requests, one after the other."""
    responses: list[Generation] = []
    for prompt in prompts:
        responses.append((yield from generation(prompt)))  # noqa: PERF401 - a comprehension cannot yield
    return responses


def run(client: AuraShot, flow: Flow[Any], labels: Labels | None = None) -> Any:
    """Run a flow as an operation of a client of either backend."""
    work = partial(client._transport.run, "story", flow, labels)
    portal = getattr(client, "_portal", None)
    return work() if portal is None else portal.call(work)


def sent_keys(server: ScriptedServer) -> list[tuple[str, str | None]]:
    """Return the prompt and the idempotency key of each request that came, by key."""
    came = [(str(request.json["prompt"]), request.header("idempotency-key")) for request in server.posts()]
    return sorted(came, key=lambda one: str(one[1]))


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of the scripted server."""
    return make_client(server.url, retry=QUICK, timeout=20)


class TestKeys:
    """The idempotency keys of one operation."""

    def test_the_first_is_the_callers_and_the_others_follow_from_it(self) -> None:
        """A request of an operation has the same key whenever the operation is done again."""
        keys = Keys("order-17")
        assert ["order-17", "order-17.2", "order-17.3"] == [keys.take() for _ in range(3)]

    def test_the_next_one_is_known_before_it_is_taken(self) -> None:
        """A ledger can be asked about it."""
        keys = Keys("order-17")
        for _ in range(3):
            assert keys.upcoming == keys.upcoming == keys.take()

    def test_an_operation_begins_with_the_callers_key_or_its_own_id(self) -> None:
        """Without a key of the caller's, the id is one."""
        assert "order-17" == operation(labels=Labels("order-17")).keys.take()
        own = operation()
        assert [own.id, f"{own.id}.2"] == [own.keys.take(), own.keys.take()]

    def test_a_branch_takes_the_next_key_as_its_own_first(self) -> None:
        """The keys of a flow among several follow from its place."""
        whole = operation(labels=Labels("order-17"))
        first, second, third = whole.branch(), whole.branch(), whole.branch()
        assert ["order-17", "order-17.2", "order-17.3"] == [one.keys.take() for one in (first, second, third)]
        assert "order-17.2.2" == second.keys.take()
        assert "order-17.3.2" == third.keys.take()
        assert "order-17.4" == whole.keys.take()

    def test_no_two_requests_have_the_same_key(self) -> None:
        """Also when each of several flows makes several billed requests: a key is paid for once."""
        whole = operation(labels=Labels("order-17"))
        branches = [whole.keys, *(whole.branch().keys for _ in range(3))]
        taken = [keys.take() for keys in branches for _ in range(3)]
        assert sorted(set(taken)) == sorted(taken)

    @given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
    def test_no_way_of_branching_makes_a_key_twice(self, indices: list[int]) -> None:
        """Branches of branches, too."""
        known = [operation(labels=Labels("k"))]
        taken: list[str] = []
        for index in indices:
            known.append(known[index % len(known)].branch())
            taken += [each.keys.take() for each in known]
        assert len(set(taken)) == len(taken)


class TestLabels:
    """What the caller writes onto an operation."""

    @pytest.mark.parametrize("key", [None, "k", "order-17", "!~", "x" * 255])
    def test_a_key_that_can_travel_in_a_header_is_taken(self, key: str | None) -> None:
        """It is printable ASCII without spaces, of at most 255 characters."""
        assert key == Labels(key).idempotency_key

    @pytest.mark.parametrize("key", ["", " ", "two words", "\n", "k\n", "x" * 256, "ключ", "\x7f", 7, b"k"])
    def test_any_other_key_is_refused(self, key: Any) -> None:
        """The error names the argument and says what to use."""
        with pytest.raises(InputError, match=r"^idempotency_key: use 1 to 255 printable ASCII") as caught:
            Labels(key).check()
        assert ("idempotency_key", "not_sent") == (caught.value.argument, caught.value.outcome)

    @pytest.mark.parametrize("tags", [None, {}, {"user": "alice"}, {"user": "алиса", "order": "17 b"}])
    def test_tags_are_words(self, tags: dict[str, str] | None) -> None:
        """They stay on this machine, and may be in any script."""
        assert tags == Labels(tags=tags).tags

    @pytest.mark.parametrize(
        "tags", [{"user": 7}, {"user": ""}, {"": "alice"}, {7: "alice"}, {"user": None}, ["alice"], "alice", 7]
    )
    def test_other_tags_are_refused(self, tags: Any) -> None:
        """The error names the argument."""
        with pytest.raises(InputError, match=r"^tags: ") as caught:
            Labels(tags=tags).check()
        assert ("tags", "not_sent") == (caught.value.argument, caught.value.outcome)

    @pytest.mark.parametrize(
        ("labels", "argument"), [({"idempotency_key": "two words"}, "idempotency_key"), ({"tags": {"": "x"}}, "tags")]
    )
    @pytest.mark.parametrize("method", ["id_photo", "generate", "edit", "virtual_try_on", "pose_change"])
    def test_every_billed_method_refuses_them_before_anything_is_sent(
        self, client: AuraShot, server: ScriptedServer, method: str, labels: dict[str, Any], argument: str
    ) -> None:
        """Not even an image is uploaded."""
        methods: dict[str, Callable[..., object]] = {
            "id_photo": partial(client.id_photo, png()),
            "generate": partial(client.generate, "a cafe", face=png()),
            "edit": partial(client.edit, "at night", target=png()),
            "virtual_try_on": partial(client.legacy.virtual_try_on, product_image=png(), model_image=png()),
            "pose_change": partial(client.legacy.pose_change, png(), "sitting"),
        }
        with pytest.raises(InputError) as caught:
            methods[method](**labels)
        assert argument == caught.value.argument
        assert [] == server.requests


class TestOptions:
    """What a view of a client writes onto its operations."""

    @staticmethod
    def options(**options: Any) -> Options:
        """Return options that can work."""
        given: dict[str, Any] = {"timeout": 10.0, "retry": RetryPolicy(), "dispatcher": Dispatcher(), **options}
        return Options(**given)

    def test_the_tags_of_a_view_stand_beside_those_of_a_call(self) -> None:
        """Where both have one of a name, the call's counts; nothing else about the call changes."""
        options = self.options(tags={"user": "alice", "batch": "7"})
        labels = Labels("order-17", {"user": "bob", "order": "17"}, pay_once=False)
        merged = options.operation("generate", labels, None).labels
        assert Labels("order-17", {"user": "bob", "batch": "7", "order": "17"}, pay_once=False) == merged
        assert {"user": "alice", "batch": "7"} == options.operation("generate", None, None).labels.tags

    def test_without_tags_of_its_own_a_view_changes_nothing(self) -> None:
        """The labels are those of the call."""
        labels = Labels("order-17", {"order": "17"})
        assert labels is self.options().operation("generate", labels, None).labels
        assert Labels() == self.options().operation("generate", None, None).labels

    def test_an_operation_has_the_time_that_the_call_is_given(self) -> None:
        """The call's own, or else the view's."""
        assert 10.0 == self.options().operation("edit", None, None).deadline.seconds
        assert 3.0 == self.options().operation("edit", None, 3.0).deadline.seconds
        with pytest.raises(ConfigurationError, match="timeout"):
            self.options().operation("edit", None, 0.0)

    @pytest.mark.parametrize("wrong", [{"parent_id": "two words"}, {"parent_id": ""}, {"tags": {"user": 7}}])
    def test_labels_of_a_view_that_cannot_work_are_errors_of_the_set_up(self, wrong: dict[str, Any]) -> None:
        """They are found when the view is made."""
        (name,) = wrong
        with pytest.raises(ConfigurationError, match=f"^{name}: "):
            self.options(**wrong)
        with AuraShot("sk_live_0123456789") as client, pytest.raises(ConfigurationError, match=f"^{name}: "):
            client.with_options(**wrong)

    def test_with_options_merges_tags_into_the_ledgers_entries(
        self, make_client: Clients, server: ScriptedServer
    ) -> None:
        """The entry has the tags of the view and of the call, and says what the operation is part of."""
        notebook = Notebook()
        view = make_client(server.url, ledger=notebook).with_options(tags={"batch": "7"}, parent_id="job-1")
        response = view.generate("a cafe", face=FACE, tags={"user": "alice"})
        view.with_options(timeout=3.0).generate("a cafe", face=FACE)
        view.with_options(tags={"batch": "8"}).generate("a cafe", face=FACE)
        assert [{"batch": "7", "user": "alice"}, {"batch": "7"}, {"batch": "8"}] == [
            dict(intent.tags) for intent in notebook.intents
        ]
        assert ["job-1"] * 3 == [intent.parent_id for intent in notebook.intents]
        assert response.meta.operation_id == notebook.intents[0].operation_id


class TestOperation:
    """One call of a public method."""

    def test_every_operation_has_an_id_of_its_own(self) -> None:
        """It is a UUID."""
        ids = {operation().id for _ in range(1_000)}
        assert 1_000 == len(ids)
        assert {4} == {UUID(each).version for each in ids}

    def test_its_requests_are_numbered_in_all_of_its_branches(self) -> None:
        """With the id, a number names one request."""
        whole = operation()
        branch = whole.branch()
        assert [1, 2, 3] == [whole.next_number(), branch.next_number(), whole.next_number()]

    def test_a_branch_is_the_same_operation(self) -> None:
        """All but the keys is shared."""
        whole = operation("story", Labels("k", {"user": "alice"}), parent_id="job-1")
        branch = whole.branch()
        for name in ("name", "id", "parent_id", "labels", "deadline"):
            assert getattr(whole, name) is getattr(branch, name)

    @pytest.mark.parametrize("outcome", ["not_sent", "rejected", "unknown", "accepted"])
    @pytest.mark.parametrize("billable", [False, True])
    def test_before_anything_is_delivered_an_error_says_what_its_request_says(
        self,
        outcome: Outcome,
        billable: bool,  # noqa: FBT001 - a dimension of the table
    ) -> None:
        """Only the id of the operation is added."""
        error = AuraShotError("x")
        error.outcome, error.billable, error.idempotency_key = outcome, billable, "k"
        whole = operation()
        whole.describe(error)
        assert (outcome, billable, "k", (), whole.id) == (
            error.outcome,
            error.billable,
            error.idempotency_key,
            error.delivered,
            error.operation_id,
        )

    @pytest.mark.parametrize(
        ("outcome", "described"),
        [("not_sent", "accepted"), ("rejected", "accepted"), ("unknown", "unknown"), ("accepted", "accepted")],
    )
    @pytest.mark.parametrize("billable", [False, True])
    def test_after_that_an_error_says_that_the_operation_is_paid_for(
        self,
        outcome: Outcome,
        described: Outcome,
        billable: bool,  # noqa: FBT001 - a dimension of the table
    ) -> None:
        """Whatever its last request was, who repeats the operation pays again; what is there is on the error."""
        error = AuraShotError("x")
        error.outcome, error.billable = outcome, billable
        whole = operation()
        whole.deliver(PAID)
        whole.deliver(LATER)
        whole.describe(error)
        assert (described, True, True) == (error.outcome, error.billable, error.may_be_charged)
        assert (PAID, LATER) == error.delivered
        assert (whole.id, "order-17") == (error.operation_id, error.idempotency_key)

    def test_the_key_of_the_request_that_failed_stays_on_its_error(self) -> None:
        """It is the one to ask about."""
        error = OutcomeUnknownError("x")
        error.idempotency_key = "order-17.3"
        whole = operation()
        whole.deliver(PAID)
        whole.describe(error)
        assert "order-17.3" == error.idempotency_key

    def test_an_interruption_has_what_the_whole_operation_was_given(self) -> None:
        """Also if it has passed through a branch, which was given less; it is said once."""
        whole, stopped = operation(), KeyboardInterrupt()
        branch = whole.branch()
        whole.deliver(PAID)
        branch.deliver(LATER)
        for each in (branch, whole):
            each.hand_over(stopped)
        assert (PAID, LATER) == vars(stopped)["delivered"]
        assert 1 == len(stopped.__notes__)

    def test_an_interruption_before_anything_was_delivered_stays_as_it_is(self) -> None:
        """There is nothing to say."""
        stopped = KeyboardInterrupt()
        operation().hand_over(stopped)
        assert {} == vars(stopped)

    def test_what_is_delivered_later_is_not_on_an_earlier_error(self) -> None:
        """An error says what was there when it was raised."""
        error = AuraShotError("x")
        whole = operation()
        whole.deliver(PAID)
        whole.describe(error)
        whole.deliver(LATER)
        assert (PAID,) == error.delivered


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask about a job at once."""
    monkeypatch.setattr("aurashot._flows.legacy.FIRST_PAUSE", 0.0)


class TestDriver:
    """Operations on the wire, in each backend."""

    def test_the_requests_of_an_operation_have_keys_of_their_own(
        self, client: AuraShot, server: ScriptedServer
    ) -> None:
        """The first has the caller's; responses and requests agree."""
        responses: list[Generation] = run(client, generations("a", "b"), Labels("order-17"))
        assert [("a", "order-17"), ("b", "order-17.2")] == sent_keys(server)
        assert ["order-17", "order-17.2"] == [response.meta.idempotency_key for response in responses]
        assert 1 == len({response.meta.operation_id for response in responses})

    def test_a_fresh_key_is_the_id_of_the_operation(self, client: AuraShot, server: ScriptedServer) -> None:
        """What is found in a log is found at the service, too."""
        response = client.generate("a", face=FACE)
        assert [("a", response.meta.operation_id)] == sent_keys(server)
        assert response.meta.operation_id == response.meta.idempotency_key

    def test_an_upload_is_sent_without_a_key(self, client: AuraShot, server: ScriptedServer) -> None:
        """It costs nothing, and takes no key from the billed request after it."""
        client.generate("a", face=png(), idempotency_key="order-17")
        assert [("/v1/uploads", None), ("/v1/character/generate", "order-17")] == [
            (request.path, request.header("idempotency-key")) for request in server.requests
        ]

    def test_a_retry_is_sent_under_the_same_key(self, client: AuraShot, server: ScriptedServer) -> None:
        """It is the same request."""
        server.queue(status(429, retry_after=0))
        run(client, generations("a", "b"), Labels("order-17"))
        assert [("a", "order-17"), ("a", "order-17"), ("b", "order-17.2")] == sent_keys(server)

    def test_flows_that_are_gathered_have_keys_by_their_place(self, client: AuraShot, server: ScriptedServer) -> None:
        """Whichever of them comes first."""
        run(client, gather([generation(word) for word in "abc"]), Labels("order-17"))
        assert [("a", "order-17"), ("b", "order-17.2"), ("c", "order-17.3")] == sent_keys(server)

    def test_flows_with_several_requests_never_share_a_key(self, client: AuraShot, server: ScriptedServer) -> None:
        """With a ledger, the one would be taken for the other."""
        run(client, gather([generations("a", "b"), generations("c", "d")]), Labels("order-17"))
        keys = [key for _, key in sent_keys(server)]
        assert 4 == len(set(keys)) == len(keys)

    def test_a_gathered_flow_that_fails_ends_no_other(self, client: AuraShot, server: ScriptedServer) -> None:
        """Each result or error stands in its place."""
        server.respond = lambda request: status(400) if request.json["prompt"] == "b" else None
        a, b, c = run(client, gather([generation(word) for word in "abc"]))
        assert [True, True] == [one.succeeded for one in (a, c)]
        assert isinstance(b, BadRequestError)
        assert a.meta.operation_id == b.operation_id == c.meta.operation_id

    def test_the_error_of_a_gathered_flow_is_about_that_flow(self, client: AuraShot, server: ScriptedServer) -> None:
        """A request that was refused is not on the bill, whatever the flows beside it have paid for by then."""
        server.respond = lambda request: (0.2, *status(400)) if request.json["prompt"] == "b" else None
        _, refused, _ = run(client, gather([generation(word) for word in "abc"]))
        assert ("rejected", False, ()) == (refused.outcome, refused.may_be_charged, refused.delivered)

    def test_an_error_carries_what_the_operation_paid_for_before(
        self, client: AuraShot, server: ScriptedServer
    ) -> None:
        """The second request is refused: the first image is on the error, and the operation may be charged."""
        server.queue(json_response(GENERATION), status(400))
        with pytest.raises(BadRequestError) as caught:
            run(client, generations("a", "b"), Labels("order-17"))
        (delivered,) = caught.value.delivered
        assert (GENERATION["requestId"], "order-17") == (
            cast("Generation", delivered).request_id,
            delivered.meta.idempotency_key,
        )
        assert ("accepted", True, "order-17.2") == (
            caught.value.outcome,
            caught.value.may_be_charged,
            caught.value.idempotency_key,
        )

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize(
        ("response", "kind", "outcome"),
        [
            (status(400), BadRequestError, "accepted"),
            ((CLOSE,), OutcomeUnknownError, "unknown"),
            (json_response({"status": "failed", "error": "no person"}), GenerationFailedError, "accepted"),
            (json_response({"no": "status"}), UnexpectedResponseError, "unknown"),
            ((HOLD,), DeadlineExceededError, "unknown"),
        ],
        ids=["400", "close", "failed", "unexpected", "late"],
    )
    def test_an_error_while_waiting_for_a_job_says_that_the_job_was_taken(
        self,
        client: AuraShot,
        server: ScriptedServer,
        response: Response,
        kind: type[AuraShotError],
        outcome: Outcome,
    ) -> None:
        """The job is paid for: it is on the error, which says so, and can be passed to `query`."""
        once = client.with_options(retry=RetryPolicy(max_attempts=1))
        server.queue(json_response(SUBMITTED), response)
        with pytest.raises(kind) as caught:
            once.legacy.virtual_try_on(
                product_image=FACE, model_image=FACE, wait=True, idempotency_key="k-1", timeout=1.0
            )
        (job,) = cast("tuple[WorkflowJob]", caught.value.delivered)
        assert WorkflowJob.model_validate(SUBMITTED) == job
        assert (outcome, True, "k-1") == (
            caught.value.outcome,
            caught.value.may_be_charged,
            caught.value.idempotency_key,
        )
        assert job.meta.operation_id == caught.value.operation_id
        assert client.legacy.query(job).completed

    def test_a_job_that_is_not_done_in_time_is_on_the_error(self, client: AuraShot, server: ScriptedServer) -> None:
        """The pause that would not fit ends the wait at once."""
        server.queue(json_response(SUBMITTED))
        with pytest.raises(DeadlineExceededError, match="still being worked on") as caught:
            client.legacy.pose_change(FACE, "sitting", wait=True, timeout=0.9)
        assert ["e-1"] == [cast("WorkflowJob", job).execution_id for job in caught.value.delivered]
        assert ("accepted", True) == (caught.value.outcome, caught.value.may_be_charged)

    def test_a_job_without_an_identifier_is_on_the_error(self, client: AuraShot, server: ScriptedServer) -> None:
        """It was taken, so it may be charged."""
        server.queue(json_response({"status": "submitted"}))
        with pytest.raises(UnexpectedResponseError, match="no identifier") as caught:
            client.legacy.pose_change(FACE, "sitting", wait=True)
        assert (1, True) == (len(caught.value.delivered), caught.value.may_be_charged)

    def test_an_error_while_submitting_has_no_job_to_tell_of(self, client: AuraShot, server: ScriptedServer) -> None:
        """When the job itself was not taken, nothing is delivered and nothing is charged."""
        server.queue(status(400))
        with pytest.raises(BadRequestError) as caught:
            client.legacy.pose_change(FACE, "sitting", wait=True)
        assert ("rejected", False, ()) == (caught.value.outcome, caught.value.may_be_charged, caught.value.delivered)

    def test_an_error_of_a_free_operation_costs_nothing(self, client: AuraShot, server: ScriptedServer) -> None:
        """Asking about a job delivers nothing that is paid for."""
        server.always((CLOSE,))
        with pytest.raises(OutcomeUnknownError) as caught:
            client.legacy.query(workflow="pose_change", task_id="t-1")
        assert (False, False, (), None) == (
            caught.value.billable,
            caught.value.may_be_charged,
            caught.value.delivered,
            caught.value.idempotency_key,
        )

    def test_an_argument_that_is_refused_is_an_error_of_its_operation(self, client: AuraShot) -> None:
        """Its id is that of the events that tell of it."""
        with pytest.raises(InputError) as caught:
            client.generate("", face=FACE)
        assert 4 == UUID(str(caught.value.operation_id)).version

    def test_an_upload_that_fails_is_an_error_of_the_operation_that_needs_it(
        self, client: AuraShot, server: ScriptedServer
    ) -> None:
        """Nothing billed has gone out, so nothing is charged."""
        server.always(status(400), path="/v1/uploads")
        with pytest.raises(BadRequestError) as caught:
            client.generate("a", face=png(), idempotency_key="order-17")
        assert (False, None, "rejected") == (caught.value.billable, caught.value.idempotency_key, caught.value.outcome)
        assert caught.value.operation_id


def test_an_operation_that_cannot_be_sent_delivers_nothing() -> None:
    """An error that was never sent stays one."""
    error = NotSentError("x")
    operation().describe(error)
    assert ("not_sent", False) == (error.outcome, error.may_be_charged)
