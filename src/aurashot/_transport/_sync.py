"""The blocking driver."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aurashot._calls import Blocking, Call, Fetch, Flow, Pause, Step, Together
from aurashot._engine import Engine, PublicNetwork, environment_proxy
from aurashot._once import Once, ran_out
from aurashot._transport._exchange import Body, Exchange
from aurashot._transport._faults import clear_frames, transport_errors
from aurashot._transport._requests import Requests
from aurashot._transport._state import Options, Service, Shared
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._retry import Repeatable, Retries
    from aurashot._transport._downloads import Retrieval
    from aurashot._transport._given import GivenClient
    from aurashot._transport._record import Record
    from aurashot.ledger import Ledger

T = TypeVar("T")
X = TypeVar("X", bound="Repeatable")


class Connections:
    """The httpx clients of one AuraShot client, and what goes over them once."""

    def __init__(self, service: Service, given: httpx.Client | None, ledger: Ledger | None) -> None:
        self.service = service
        self.ledger = ledger
        self.shared: Shared = Shared()
        self.once: Once = Once(self.shared.memory)
        self.requests: Requests = Requests(service.base_url, service.key)
        self.api: Engine | GivenClient = _carrier(service, given)
        self.pictures: Engine = Engine(service.max_connections, network=PublicNetwork(service.place))
        """Without a proxy: the addresses are checked here."""

    def check_open(self) -> None:
        """Refuse to work once this client, or the httpx client that it was given, is closed."""
        self.shared.check_open(self.api.is_closed)

    def close(self) -> None:
        """Close what was opened here; a client that was given stays open."""
        self.shared.closed = True
        self.pictures.close()
        self.api.close()


def _carrier(service: Service, given: httpx.Client | None) -> Engine | GivenClient:
    if given is None:
        return Engine(service.max_connections, environment_proxy(service.base_url))

    from aurashot._transport._given import GivenClient

    return GivenClient(given)


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
        exchange = Exchange(call, deadline, self.options.teller, self.connections.requests, self.connections.ledger)
        if exchange.record is None:
            return self._carry(exchange)
        return self._recorded(exchange.record, exchange)

    def _recorded(self, record: Record, exchange: Exchange[M]) -> M:
        """Carry a call, and see to it that the ledger knows what became of it."""
        try:
            result = self._carry(exchange)
        except BaseException as error:
            record.failed(error, is_out=exchange.is_out)
            raise
        record.paid(result)
        return result

    def _carry(self, exchange: Exchange[M]) -> M:
        try:
            return self._repeat(self._attempt, exchange)
        except AuraShotError as last:
            earlier = exchange.give_up(last)
            if earlier is None:
                raise
            raise earlier from last

    def _repeat(self, attempt: Callable[[X], T], what: X) -> T:
        try:
            result = attempt(what)
        except AuraShotError as first:
            retries = what.retries(self.options.retry, self.connections.shared.budget)
            if not retries.may_help(first):
                raise
            result = self._again(retries, attempt, what, [first])
        self.connections.shared.budget.refund()
        return result

    def _again(self, retries: Retries, attempt: Callable[[X], T], what: X, failed: list[AuraShotError]) -> T:
        """Leave what follows a failed first attempt to tenacity, which most calls never need.

        The failure comes in a list, so that no frame of its own traceback holds it.
        """
        from tenacity import Retrying

        def attempt_or_failure() -> T:
            if failed:
                raise failed.pop()
            return attempt(what)

        try:
            return Retrying(sleep=time.sleep, **retries.options())(attempt_or_failure)
        except AuraShotError as last:
            clear_frames(last, "tenacity", "concurrent")
            raise

    def _attempt(self, exchange: Exchange[M]) -> M:
        try:
            if exchange.record is not None:
                exchange.record.begin()
            exchange.attempts += 1
            with closing(self.connections.api.send(exchange)) as reply:
                body = Body(exchange.deadline)
                for chunk in reply:
                    body.add(chunk)
            return exchange.settle(body.answer(reply.status, reply.headers))
        except transport_errors() as problem:
            raise exchange.lost(problem) from problem
        except AuraShotError as error:
            exchange.blame(error)
            raise

    def _fetch(self, step: Fetch[T], deadline: Deadline) -> T:
        from aurashot._transport._downloads import Retrieval

        retrieval = Retrieval(step, deadline)
        try:
            return self._repeat(self._retrieve, retrieval)
        except BaseException:
            step.landing.discard()
            raise

    def _retrieve(self, retrieval: Retrieval[T]) -> T:
        try:
            retrieval.prepare()
            retrieval.begin(self.connections.service.own_origin)
            while True:
                with closing(self.connections.pictures.send(retrieval)) as reply:
                    if retrieval.arrived(reply.status, reply.headers):
                        meter = retrieval.open(reply.headers)
                        for chunk in reply:
                            retrieval.landing.write(chunk)
                            meter.count(len(chunk), retrieval.deadline)
                        meter.finish()
                        return retrieval.landing.finish()
        except transport_errors() as problem:
            raise retrieval.lost(problem) from problem
        except AuraShotError as error:
            retrieval.blame(error)
            raise

    def _pause(self, seconds: float, deadline: Deadline) -> None:
        if seconds >= deadline.remaining:
            raise ran_out(deadline, "while the job was still being worked on")
        time.sleep(seconds)
