"""The service in this process: a respx router that responds as the contract says, fails when told to, and remembers."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpcore
import httpx
import respx

from aurashot.errors import InputError
from aurashot.testing import _contract as contract, factories
from aurashot.testing._assertions import SentRequest, check_sent, described

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from aurashot.models import Generation, Upload, WorkflowJob
    from aurashot.testing._contract import Failure, MockFault, Operation

_PLAN: Final = "aurashot.plan"
_OUTGOING: Final = "aurashot.outgoing"
_WORDS: Final = {"id_photo": "id-photo", "generate": "generate", "edit": "edit"}


@dataclass
class _Rule:
    """Something that happens to the next requests of some operations."""

    operations: frozenset[str]
    times: int
    failure: Failure | None = None
    body: dict[str, Any] | None = None


@dataclass
class _Plan:
    """What happens to one request."""

    operation: str
    seconds: float
    failure: Failure | None = None
    body: dict[str, Any] | None = None


@dataclass
class _State:
    """What the service knows."""

    requests: list[SentRequest] = field(default_factory=list[SentRequest])
    missed: list[str] = field(default_factory=list[str])
    rules: list[_Rule] = field(default_factory=list[_Rule])
    slow: dict[str, float] = field(default_factory=dict[str, float])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    jobs: dict[str, WorkflowJob] = field(default_factory=dict[str, "WorkflowJob"])
    images: int = 0
    billed: int = 0


class _Router(respx.MockRouter):
    """A router that tells the service of each request before it responds."""

    service: AuraShotMock

    def handler(self, request: httpx.Request) -> httpx.Response:
        seconds, error = self.service.receive(request)
        time.sleep(seconds)  # this is what `slow` asks for
        if error is not None:
            raise error
        with self.service.noting_misses(request):
            return super().handler(request)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        seconds, error = self.service.receive(request)
        await anyio.sleep(seconds)
        if error is not None:
            raise error
        with self.service.noting_misses(request):
            return await super().async_handler(request)


class AuraShotMock:
    """The service in this process, without a server: it responds at once with valid responses and small images.

    It checks requests as the contract says and refuses what does not fit with 422. Requests to other URLs fail with an
    `AssertionError`, unless you add a route for them to `router`.

    Attributes:
        router: The respx router, for routes of your own.
    """

    def __init__(self) -> None:
        self._state = _State()
        self._lock = threading.Lock()
        router = _Router(assert_all_called=False)
        router.service = self
        for path in (*contract.PATHS, contract.WORKFLOWS):
            router.post(path=path).mock(side_effect=self._respond)
        router.get(path__regex=r"^/mock/\d+\.\w+$").mock(side_effect=self._respond)
        self.router: respx.MockRouter = router

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """Every request of the API that was sent, in order; downloads of its images included."""
        with self._lock:
            return tuple(self._state.requests)

    @property
    def billed(self) -> int:
        """How many images the service would have billed: also those whose response was lost."""
        return self._state.billed

    @property
    def missed(self) -> tuple[str, ...]:
        """The requests that no route was there for, such as `GET https://…`."""
        with self._lock:
            return tuple(self._state.missed)

    def fail_next(
        self,
        fault: MockFault | int | Exception = "server-error",
        *,
        times: int = 1,
        operations: Collection[str] = (),
        retry_after: float | None = None,
    ) -> None:
        """Let the next requests fail; what was told first happens first.

        Args:
            fault: A name of a fault, as in the sandbox; an HTTP status from 400 to 599; or an exception of httpx or
                httpcore, which the connection raises.
            times: How many requests fail.
            operations: Which ones can: `upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change`,
                `query` and `download`; all of them by default.
            retry_after: Seconds in the header `Retry-After`.

        Raises:
            InputError: There is no such fault or operation, or `times` is less than 1.
        """
        failure = contract.failure(fault, retry_after=retry_after)
        self._add(_Rule(contract.operations(operations), _checked(times), failure=failure))

    def respond_next(
        self, response: Generation | Upload | WorkflowJob, *, times: int = 1, operations: Collection[str] = ()
    ) -> None:
        """Let the next requests get a response of yours, made with `factories` for example.

        Args:
            response: What the service sends; the fields that the SDK does not know are sent, too.
            times: How many requests get it.
            operations: Which ones can, as for `fail_next`; all of them by default.

        Raises:
            InputError: There is no such operation, or `times` is less than 1.
        """
        body: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True)
        self._add(_Rule(contract.operations(operations), _checked(times), body=body))

    def slow(self, seconds: float, *, operations: Collection[str] = ()) -> None:
        """Let responses take longer from now on; a request that has less time left times out, and is billed.

        Args:
            seconds: How long they take; 0 for no wait.
            operations: Which ones do, as for `fail_next`; all of them by default.

        Raises:
            InputError: It is no number of seconds, or there is no such operation.
        """
        given = cast("object", seconds)
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < float("inf"):
            raise InputError(f"seconds: a number of at least 0 is needed, not {seconds!r}", argument="seconds")
        chosen = contract.operations(operations) or contract.OPERATIONS
        with self._lock:
            self._state.slow.update(dict.fromkeys(chosen, float(seconds)))

    def sent(self, operation: Operation) -> tuple[SentRequest, ...]:
        """Return the requests of one operation, in order."""
        name = contract.operation(operation)
        return tuple(request for request in self.requests if request.operation == name)

    def assert_sent(
        self,
        operation: Operation,
        *,
        times: int | None = None,
        prompt: str | None = None,
        face: str | None = None,
        clothes: str | None = None,
        scene: str | None = None,
        target: str | None = None,
        idempotency_key: str | None = None,
    ) -> SentRequest:
        """Assert that a request was sent, and return the last one of those that fit.

        Args:
            operation: What it asks for.
            times: How many requests have to fit; at least one by default.
            prompt: Its prompt, or the description of a legacy workflow.
            face: The URL of its face reference.
            clothes: The URL of its clothes.
            scene: The URL of its scene.
            target: The URL of the image to edit.
            idempotency_key: Its idempotency key.

        Raises:
            AssertionError: None fits, or another number; the message has those that were sent.
        """
        wanted = {
            "prompt": prompt,
            "face": face,
            "clothes": clothes,
            "scene": scene,
            "target": target,
            "idempotency_key": idempotency_key,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return check_sent(self.sent(operation), self.requests, operation, given, times)

    def assert_not_sent(self, operation: Operation | None = None) -> None:
        """Assert that no request was sent, or none of an operation.

        Raises:
            AssertionError: One was; the message has it.
        """
        found = self.requests if operation is None else self.sent(operation)
        if found:
            what = "no request" if operation is None else f"no {operation}"
            raise AssertionError(f"Expected {what} to be sent; sent:{described(found)}")

    def reset(self) -> None:
        """Forget all requests, failures and delays; images stay."""
        with self._lock:
            self._state = _State(files=self._state.files, images=self._state.images, jobs=self._state.jobs)
        self.router.calls.clear()

    def receive(self, request: httpx.Request) -> tuple[float, Exception | None]:
        """Take a request, and return how long it takes and what the connection then raises.

        It is for the router.
        """
        operation = _operation_of(request)
        if operation is None:
            return 0.0, None
        with self._lock:
            plan = self._plan(operation, request)
        request.extensions = {**request.extensions, _PLAN: plan}
        if plan.failure is None or plan.failure.worked or plan.failure.status:
            _note_sent(request)
        left = _seconds_left(request)
        with self._lock:
            self._state.requests.append(_sent(operation, request))
            if plan.failure is None or plan.failure.worked:
                self._state.billed += operation in contract.BILLABLE
        if left is not None and left <= plan.seconds:
            return left, httpcore.ReadTimeout("The mock did not respond in time")
        return plan.seconds, None

    @contextmanager
    def noting_misses(self, request: httpx.Request) -> Generator[None]:
        """Remember a request that there is no route for; it is for the router."""
        try:
            yield
        except AssertionError:
            with self._lock:
                self._state.missed.append(f"{request.method} {request.url}")
            raise

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._state.rules.append(rule)

    def _plan(self, operation: str, request: httpx.Request) -> _Plan:
        """Return what happens to a request; what the service cannot accept fails whatever was planned."""
        seconds = self._state.slow.get(operation, 0.0)
        refusal = _refusal(operation, request)
        if refusal is not None:
            return _Plan(operation, seconds, refusal)
        rules = self._state.rules
        rule = next((rule for rule in rules if not rule.operations or operation in rule.operations), None)
        if rule is None:
            return _Plan(operation, seconds)
        rule.times -= 1
        if not rule.times:
            rules.remove(rule)
        return _Plan(operation, seconds, rule.failure, rule.body)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        plan = cast("_Plan", request.extensions[_PLAN])
        failure = plan.failure
        if failure is not None and failure.problem is not None:
            raise type(failure.problem)(*failure.problem.args)
        if failure is not None and failure.changes is None:
            return _failed(failure)
        if plan.operation == "download":
            return self._image(request)
        if plan.body is not None:
            return _ok(plan.body)
        body = self._result(plan.operation, request)
        if failure is not None and failure.changes is not None:
            body = {**body, **{name: value for name, value in failure.changes.items() if name in body or name == "error"}}
        return _ok(body)

    def _result(self, operation: str, request: httpx.Request) -> dict[str, Any]:
        """Return the body of a success."""
        fields = contract.fields_of(request.content)
        response: Generation | Upload | WorkflowJob
        if operation == "upload":
            content = contract.uploaded(request.headers["content-type"], request.content) or b""
            response = factories.upload(url=self._stored(request, content))
        elif operation in _WORDS:
            image = factories.output(url=self._drawn(request))
            response = factories.generation(task_type=_WORDS[operation], outputs=[image])
        elif operation == "query":
            response = self._job(str(fields.get("executionId") or fields.get("taskId")), request)
        else:
            response = factories.workflow_job(status="submitted", workflow=operation)
            with self._lock:
                self._state.jobs |= {str(response.execution_id): response, str(response.task_id): response}
        return response.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _job(self, identifier: str, request: httpx.Request) -> WorkflowJob:
        """Return a job that is done the first time that it is asked about."""
        job = self._state.jobs.get(identifier) or factories.workflow_job(status="submitted", execution_id=identifier)
        if job.succeeded:
            return job
        result = factories.workflow_result(image=self._drawn(request))
        done = factories.workflow_job(
            workflow=job.workflow or "", results=[result], task_id=job.task_id, execution_id=job.execution_id
        )
        with self._lock:
            self._state.jobs |= {str(done.execution_id): done, str(done.task_id): done}
        return done

    def _drawn(self, request: httpx.Request) -> str:
        return self._stored(request, contract.png(self._state.images))

    def _stored(self, request: httpx.Request, content: bytes) -> str:
        """Keep an image and return its URL, on the host that the request went to."""
        with self._lock:
            self._state.images += 1
            path = f"/mock/{self._state.images}.png"
            self._state.files[path] = content
        return str(request.url.copy_with(path=path, query=None))

    def _image(self, request: httpx.Request) -> httpx.Response:
        content = self._state.files.get(request.url.path)
        if content is None:
            return _failed(replace(contract.FAILURES["unprocessable"], status=404, message="There is no such file."))
        return httpx.Response(200, headers={"content-type": _media_type(content)}, content=content)


@contextmanager
def mock() -> Generator[AuraShotMock]:
    """Respond to every request of all clients of this process as the service would, until the end of the block.

    Nothing reaches the network, and nothing is billed.
    """
    service = AuraShotMock()
    with service.router:
        yield service


def _checked(times: int) -> int:
    given = cast("object", times)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise InputError(f"times: a whole number of at least 1 is needed, not {times!r}", argument="times")
    return times


def _operation_of(request: httpx.Request) -> str | None:
    """Return what a request asks for, or None if it is none of the API's."""
    path = request.url.path
    if request.method == "GET":
        return "download" if path.startswith("/mock/") else None
    if path == contract.WORKFLOWS:
        return str(contract.fields_of(request.content).get("workflow"))
    return contract.PATHS.get(path)


def _refusal(operation: str, request: httpx.Request) -> Failure | None:
    """Return how the service refuses a request that it could never accept."""
    if operation == "download":
        return None
    if "authorization" not in request.headers:
        return contract.FAILURES["unauthorized"]
    misfit = contract.misfit(operation, request.content)
    return None if misfit is None else replace(contract.FAILURES["unprocessable"], message=misfit)


def _note_sent(request: httpx.Request) -> None:
    """Tell the client that the request is sent, as its network stream would: from here on it may be billed."""
    outgoing = request.extensions.get(_OUTGOING)
    if outgoing is not None:
        outgoing.before_send()


def _seconds_left(request: httpx.Request) -> float | None:
    """Return the seconds that the call has left; those of a given httpx client are in its timeout."""
    outgoing = request.extensions.get(_OUTGOING)
    if outgoing is not None:
        return cast("float", outgoing.deadline.remaining)
    return cast("float | None", request.extensions.get("timeout", {}).get("read"))


def _sent(operation: str, request: httpx.Request) -> SentRequest:
    return SentRequest(
        operation=cast("Operation", operation),
        url=str(request.url),
        body=contract.fields_of(request.content),
        idempotency_key=request.headers.get("idempotency-key"),
    )


def _failed(failure: Failure) -> httpx.Response:
    headers = {} if failure.retry_after is None else {"retry-after": f"{failure.retry_after:g}"}
    if failure.body is not None:
        kind = "text/html" if failure.body.startswith("<") else "application/json"
        return httpx.Response(failure.status, headers={**headers, "content-type": kind}, text=failure.body)
    body = {"error": {"code": failure.code, "message": failure.message}}
    return httpx.Response(failure.status, headers=headers, json=body)


def _ok(body: dict[str, Any]) -> httpx.Response:
    content = json.dumps(body, ensure_ascii=False).encode()
    identifier = str(body.get("requestId", ""))
    headers = {"content-type": "application/json", **({"x-request-id": identifier} if identifier else {})}
    return httpx.Response(200, headers=headers, content=content)


def _media_type(content: bytes) -> str:
    kinds = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
    return next((kind for start, kind in kinds.items() if content.startswith(start)), "application/octet-stream")
