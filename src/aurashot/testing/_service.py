"""What a mocked service knows, and how it responds to a request."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore
import httpx

from aurashot.testing import _contract as contract, factories
from aurashot.testing._assertions import SentRequest
from aurashot.testing._traffic import OUTGOING

if TYPE_CHECKING:
    from collections.abc import Collection

    from aurashot.models import Generation, Upload, WorkflowJob
    from aurashot.testing._contract import Failure, Operation

_PLAN: Final = "aurashot.plan"
_WORDS: Final = {"id_photo": "id-photo", "generate": "generate", "edit": "edit"}


@dataclass
class Rule:
    """Something that happens to the next requests of some operations, or of all if there are none."""

    operations: frozenset[str]
    times: int
    failure: Failure | None = None
    body: dict[str, Any] | None = None


@dataclass
class _Plan:
    """What happens to one request."""

    operation: str
    failure: Failure | None = None
    body: dict[str, Any] | None = None


@dataclass
class Memory:
    """What happened so far, and what is to happen."""

    requests: list[SentRequest] = field(default_factory=list[SentRequest])
    missed: list[str] = field(default_factory=list[str])
    rules: list[Rule] = field(default_factory=list[Rule])
    slow: dict[str, float] = field(default_factory=dict[str, float])
    billed: int = 0


class Service:
    """The service. All of it may be used from several threads."""

    def __init__(self) -> None:
        self.memory: Memory = Memory()
        self.lock: threading.Lock = threading.Lock()
        self._files: dict[str, bytes] = {}
        self._jobs: dict[str, WorkflowJob] = {}

    def receive(self, request: httpx.Request) -> tuple[float, Exception | None]:
        """Take a request, and return how many seconds it takes and what its connection then raises."""
        operation = _operation_of(request)
        if operation is None:
            return 0.0, None
        with self.lock:
            seconds = self.memory.slow.get(operation, 0.0)
            plan = self._plan(operation, request)
        failure = plan.failure
        request.extensions = {**request.extensions, _PLAN: plan}
        if failure is None or failure.worked or failure.status:
            _note_sent(request)
        left = _seconds_left(request)
        with self.lock:
            self.memory.requests.append(_sent(operation, request))
            is_billed = operation in contract.BILLABLE and (failure is None or failure.worked)
            self.memory.billed += is_billed
        if left is not None and left <= seconds:
            return left, httpcore.ReadTimeout("The mock did not respond in time")
        problem = None if failure is None else failure.problem
        return seconds, None if problem is None else type(problem)(*problem.args)  # with a traceback of its own

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request that was received."""
        plan = cast("_Plan", request.extensions[_PLAN])
        failure = plan.failure
        if failure is not None and failure.changes is None:
            return _failed(failure)
        if plan.operation == "download":
            return self._image(request)
        if plan.body is not None:
            return _ok(plan.body)
        body = self._result(plan.operation, request)
        if failure is None or failure.changes is None:
            return _ok(body)
        return _ok(body | {name: value for name, value in failure.changes.items() if name in body or name == "error"})

    def _plan(self, operation: str, request: httpx.Request) -> _Plan:
        """Return what happens to a request; what the service cannot accept fails whatever was planned."""
        refusal = _refusal(operation, request)
        if refusal is not None:
            return _Plan(operation, refusal)
        rules = self.memory.rules
        rule = next((rule for rule in rules if not rule.operations or operation in rule.operations), None)
        if rule is None:
            return _Plan(operation)
        rule.times -= 1
        if not rule.times:
            rules.remove(rule)
        return _Plan(operation, rule.failure, rule.body)

    def _result(self, operation: str, request: httpx.Request) -> dict[str, Any]:
        """Return the body of a success."""
        response: Generation | Upload | WorkflowJob
        if operation == "upload":
            content = contract.uploaded(request.headers["content-type"], request.content)
            response = factories.upload(url=self._stored(request, content or b""))
        elif operation in _WORDS:
            image = factories.output(url=self._drawn(request))
            response = factories.generation(task_type=_WORDS[operation], outputs=[image])
        elif operation == "query":
            fields = contract.fields_of(request.content)
            response = self._job(str(fields.get("executionId") or fields.get("taskId")), request)
        else:
            response = factories.workflow_job(status="submitted", workflow=operation)
            self._keep(response)
        return body_of(response)

    def _job(self, identifier: str, request: httpx.Request) -> WorkflowJob:
        """Return a job, which is done the first time that it is asked about."""
        job = self._jobs.get(identifier) or factories.workflow_job(status="submitted", execution_id=identifier)
        if job.succeeded:
            return job
        done = factories.workflow_job(
            workflow=job.workflow or "",
            results=[factories.workflow_result(image=self._drawn(request))],
            task_id=job.task_id,
            execution_id=job.execution_id,
        )
        self._keep(done)
        return done

    def _keep(self, job: WorkflowJob) -> None:
        with self.lock:
            self._jobs |= {str(job.execution_id): job, str(job.task_id): job}

    def _drawn(self, request: httpx.Request) -> str:
        return self._stored(request, contract.png(len(self._files)))

    def _stored(self, request: httpx.Request, content: bytes) -> str:
        """Keep an image and return its URL, on the host that the request went to."""
        with self.lock:
            path = f"/mock/{len(self._files) + 1}.{contract.media_type(content).rpartition('/')[2]}"
            self._files[path] = content
        return str(request.url.copy_with(path=path, query=None))

    def _image(self, request: httpx.Request) -> httpx.Response:
        content = self._files.get(request.url.path)
        if content is None:
            return _failed(replace(contract.FAILURES["unprocessable"], status=404, message="There is no such file."))
        return httpx.Response(200, headers={"content-type": contract.media_type(content)}, content=content)


def body_of(response: Generation | Upload | WorkflowJob) -> dict[str, Any]:
    """Return a response as JSON, with the fields that the SDK does not know."""
    body: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True)
    return body


def rule_for(
    operations: Collection[str], times: int, *, failure: Failure | None = None, body: dict[str, Any] | None = None
) -> Rule:
    """Return what happens to the next requests.

    Raises:
        InputError: There is no such operation, or `times` is less than 1.
    """
    return Rule(contract.operations(operations), contract.checked_times(times), failure, body)


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
    misfit = contract.misfit(operation, request.headers.get("content-type", ""), request.content)
    return None if misfit is None else replace(contract.FAILURES["unprocessable"], message=misfit)


def _note_sent(request: httpx.Request) -> None:
    """Tell the client that the request is sent, as its network stream would: from here on it may be billed."""
    outgoing = request.extensions.get(OUTGOING)
    if outgoing is not None:
        outgoing.before_send()


def _seconds_left(request: httpx.Request) -> float | None:
    """Return the seconds that the call has left; those of a given httpx client are in its timeout."""
    outgoing = request.extensions.get(OUTGOING)
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
