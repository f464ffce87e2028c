"""The service in this process: a respx router that responds as the contract says, fails when told to, and remembers."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import anyio
import respx

from aurashot.errors import InputError
from aurashot.testing import _contract as contract
from aurashot.testing._assertions import SentRequest, check_sent, described
from aurashot.testing._service import Memory, Rule, Service, body_of, rule_for

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    import httpx

    from aurashot.models import Generation, Upload, WorkflowJob
    from aurashot.testing._contract import MockFault, Operation


class _Router(respx.MockRouter):
    """A router that tells the service of each request before it responds."""

    service: Service

    def handler(self, request: httpx.Request) -> httpx.Response:
        seconds, problem = self.service.receive(request)
        time.sleep(seconds)  # this is what `slow` asks for
        if problem is not None:
            raise problem
        with self._noting_misses(request):
            return super().handler(request)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        seconds, problem = self.service.receive(request)
        await anyio.sleep(seconds)
        if problem is not None:
            raise problem
        with self._noting_misses(request):
            return await super().async_handler(request)

    @contextmanager
    def _noting_misses(self, request: httpx.Request) -> Generator[None]:
        """Remember a request that there is no route for."""
        try:
            yield
        except AssertionError:
            with self.service.lock:
                self.service.memory.missed.append(f"{request.method} {request.url}")
            raise


class AuraShotMock:
    """The service in this process, without a server: it responds at once with valid responses and small images.

    It checks requests as the contract says and refuses what does not fit with 422. Requests to other URLs fail with an
    `AssertionError`, unless you add a route for them to `router`.

    Attributes:
        router: The respx router, for routes of your own.
    """

    def __init__(self) -> None:
        self._service = Service()
        router = _Router(assert_all_called=False)
        router.service = self._service
        for path in (*contract.PATHS, contract.WORKFLOWS):
            router.post(path=path).mock(side_effect=self._service.respond)
        router.get(path__regex=r"^/mock/\d+\.\w").mock(side_effect=self._service.respond)
        self.router: respx.MockRouter = router

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """Every request of the API that was sent, in order; downloads of its images included."""
        with self._service.lock:
            return tuple(self._service.memory.requests)

    @property
    def billed(self) -> int:
        """How many images the service would have billed: also those whose response was lost."""
        return self._service.memory.billed

    @property
    def missed(self) -> tuple[str, ...]:
        """The requests that no route was there for, such as `GET https://…`."""
        with self._service.lock:
            return tuple(self._service.memory.missed)

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
        self._add(rule_for(operations, times, failure=contract.failure(fault, retry_after=retry_after)))

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
        self._add(rule_for(operations, times, body=body_of(response)))

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
        with self._service.lock:
            self._service.memory.slow.update(dict.fromkeys(chosen, float(seconds)))

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
        with self._service.lock:
            self._service.memory = Memory()
        self.router.calls.clear()

    def _add(self, rule: Rule) -> None:
        with self._service.lock:
            self._service.memory.rules.append(rule)


@contextmanager
def mock() -> Generator[AuraShotMock]:
    """Respond to every request of all clients of this process as the service would, until the end of the block.

    Nothing reaches the network, and nothing is billed.
    """
    service = AuraShotMock()
    with service.router:
        yield service
