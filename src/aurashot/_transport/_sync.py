"""The blocking driver."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import httpx
from tenacity import Retrying

from aurashot._calls import Blocking, Call, Fetch, Flow, Pause, Step, Together
from aurashot._engine import SlotTransport, environment_proxy
from aurashot._once import Once, ran_out
from aurashot._transport._downloads import Retrieval
from aurashot._transport._exchange import Body, Exchange, KeyAuth, Requests, picture_request, read_already
from aurashot._transport._faults import transport_errors
from aurashot._transport._state import Options, Service, Shared
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot._answers import Answer
    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._retry import Retries, RetryBudget, RetryPolicy

    Rules = Callable[[RetryPolicy, RetryBudget], Retries]

CHUNK: Final = 256 * 1024
"""Bytes of a download that are written at once."""

T = TypeVar("T")
X = TypeVar("X")


class Connections:
    """The httpx clients of one AuraShot client, and what goes over them once."""

    def __init__(self, service: Service, given: httpx.Client | None) -> None:
        self.service = service
        self.shared = Shared()
        self.once = Once(self.shared.memory)
        self.auth = KeyAuth(service.key)
        self.requests = Requests(service.base_url, given.headers if given is not None else {})
        self._given = given
        limit = service.max_connections
        proxy = environment_proxy(service.base_url)
        self.api = given or httpx.Client(transport=SlotTransport(limit, proxy), trust_env=False)
        self.pictures = SlotTransport(limit)
        """Without an httpx client, which would log addresses (they can be signed); and without a proxy."""

    def check_open(self) -> None:
        """Refuse to work once this client, or the httpx client that it was given, is closed."""
        self.shared.check_open(self.api.is_closed)

    def close(self) -> None:
        """Close what was opened here; a client that was given stays open."""
        self.shared.closed = True
        self.pictures.close()
        if self._given is None:
            self.api.close()


class Transport:
    """Run flows, blocking the thread that asks."""

    def __init__(self, connections: Connections, options: Options) -> None:
        self.connections = connections
        self.options = options

    def run(self, flow: Flow[T], timeout: float | None = None) -> T:
        """Run a flow to its end, within `timeout` seconds in all.

        Raises:
            AuraShotError: Anything that went wrong, typed.
        """
        self.connections.check_open()
        return self._drive(flow, self.options.deadline(timeout))

    def _drive(self, flow: Flow[T], deadline: Deadline) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    result = self._do(step, deadline)
                except AuraShotError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            flow.close()

    def _do(self, step: Step, deadline: Deadline) -> Any:
        match step:
            case Call():
                return self._call(step, deadline)
            case Blocking():
                return step.work()
            case Fetch():
                return self._fetch(step, deadline)
            case Pause():
                return self._pause(step.seconds, deadline)
            case Together():
                return [self._drive(flow, deadline) for flow in step.flows]

    def _call(self, call: Call[M], deadline: Deadline) -> M:
        if call.once is None:
            return self._exchange(call, deadline)
        return self.connections.once.get(call.once, deadline, lambda: self._exchange(call, deadline))

    def _exchange(self, call: Call[M], deadline: Deadline) -> M:
        exchange = Exchange(call, deadline, self.options.teller)
        try:
            return self._repeat(exchange.retries, self._attempt, exchange)
        except AuraShotError as error:
            exchange.give_up(error)
            raise

    def _repeat(self, rules: Rules, attempt: Callable[[X], T], what: X) -> T:
        budget = self.connections.shared.budget
        result: T = Retrying(sleep=time.sleep, **rules(self.options.retry, budget).options())(attempt, what)
        budget.refund()
        return result

    def _attempt(self, exchange: Exchange[M]) -> M:
        connections = self.connections
        try:
            with exchange.request(connections.requests) as request:
                response = connections.api.send(request, auth=connections.auth, stream=True, follow_redirects=False)
                with closing(response):
                    answer = read_already(response) or self._read(response, exchange.deadline)
                return exchange.settle(answer)
        except transport_errors() as problem:
            raise exchange.lost(problem) from problem
        except AuraShotError as error:
            exchange.blame(error)
            raise

    def _read(self, response: httpx.Response, deadline: Deadline) -> Answer:
        body = Body(deadline)
        for chunk in response.iter_raw():
            body.add(chunk)
        return body.answer(response)

    def _fetch(self, step: Fetch[T], deadline: Deadline) -> T:
        retrieval = Retrieval(step, deadline)
        try:
            return self._repeat(retrieval.retries, self._retrieve, retrieval)
        except BaseException:
            step.landing.discard()
            raise

    def _retrieve(self, retrieval: Retrieval[T]) -> T:
        try:
            retrieval.landing.begin()
            hops = retrieval.begin(self.connections.service.own_origin)
            while True:
                request = picture_request(hops.url, retrieval.deadline)
                with closing(self.connections.pictures.handle_request(request)) as response:
                    if hops.arrived(response.status_code, response.headers):
                        meter = retrieval.meter(response.headers)
                        for chunk in response.iter_raw(CHUNK):
                            retrieval.landing.write(chunk)
                            meter.count(len(chunk), retrieval.deadline)
                        return retrieval.landing.finish()
        except transport_errors() as problem:
            raise retrieval.lost(problem) from problem
        except AuraShotError as error:
            retrieval.blame(error)
            raise

    def _pause(self, seconds: float, deadline: Deadline) -> None:
        if seconds >= deadline.remaining:
            raise ran_out(deadline)
        time.sleep(seconds)
