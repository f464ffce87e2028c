"""The driver: it does the steps of a flow, one after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aurashot._calls import Annotate, Blocking, Call, Fetch, Flow, Forget, Gather, Pause, Recall, Report, Step, Together
from aurashot._hidden import hide_locals
from aurashot._transport._redaction import hide_key
from aurashot._transport._runtime import forget
from aurashot._transport._stages import Stages
from aurashot.errors import AuraShotError
from aurashot.images import unlimited

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aurashot._calls import M
    from aurashot._operations import Operation
    from aurashot._transport._client_state import ClientState
    from aurashot._transport._runtime import Runtime
    from aurashot._transport._state import Options

T = TypeVar("T")


class Driver:
    """Run flows over a runtime."""

    def __init__(self, runtime: Runtime, client: ClientState, options: Options) -> None:
        self._runtime = runtime
        self._client = client
        self._dispatcher = options.dispatcher
        self._stages = Stages(runtime, client, options)

    def operate(self, flow: Flow[T], operation: Operation) -> Awaitable[T]:
        """Run the flow of an operation to its end.

        Raises:
            AuraShotError: Anything that went wrong, typed.
        """
        return self._reported(flow, operation) if self._dispatcher.listening else self._drive(flow, operation)

    async def _reported(self, flow: Flow[T], operation: Operation) -> T:
        from aurashot._transport._reports import reported

        with reported(self._dispatcher, operation):
            return await self._drive(flow, operation)

    async def _drive(self, flow: Flow[T], operation: Operation) -> T:
        """Do each step; whatever it raises is raised at the flow's `yield`."""
        try:
            operation.labels.check()
            step = next(flow)
            while True:
                try:
                    result = await self._do(step, operation)
                except BaseException as error:  # noqa: BLE001  # it is the flow's to handle
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            return cast("T", end.value)
        except AuraShotError as error:
            if hide_key(error, self._client.service.key):
                result = None  # it may be what quotes the key
                hide_locals(error)
            operation.describe(error)
            raise
        except BaseException as interruption:  # Ctrl-C, or a cancellation
            operation.hand_over(interruption)
            raise
        finally:
            flow.close()

    def _do(self, step: Step, operation: Operation) -> Awaitable[Any]:  # noqa: PLR0911  # one for each kind of step
        match step:
            case Call():
                return self._stages.call(step, operation)
            case Blocking():
                deadline = None if operation.delivered else operation.deadline
                work = partial(step.work, deadline.check if deadline else unlimited)
                return self._runtime.blocking(work, deadline)
            case Recall():
                return self._recall(step, operation)
            case Fetch():
                return self._stages.fetch(step, operation)
            case Pause():
                return self._pause(step.seconds, operation)
            case Together():
                return self._runtime.together([partial(self._drive, flow, operation) for flow in step.flows])
            case Gather():
                works = [partial(self._drive, flow, operation.branch()) for flow in step.flows]
                return self._runtime.gather(works, step.limit)
            case Forget() | Annotate() | Report():
                return self._note(step, operation)

    async def _pause(self, seconds: float, operation: Operation) -> None:
        if seconds >= operation.deadline.remaining:
            raise operation.deadline.exceeded("while the job was still being worked on")
        await self._runtime.sleep(seconds)

    async def _recall(self, step: Recall[M], operation: Operation) -> M | None:
        """Look up whether the caller's key was paid already; a generated key was not."""
        ledger, labels = self._client.ledger, operation.labels
        if ledger is None or labels.idempotency_key is None or not labels.pay_once:
            return None

        from aurashot._transport._record import PATIENCE, intent, restored

        asked = intent(step.call, operation, operation.keys.upcoming)
        patience = operation.deadline.bound(PATIENCE)
        entry = await self._runtime.blocking(partial(ledger.recall, asked, timeout=patience), operation.deadline)
        if entry is None:
            return None
        result = restored(entry, step.call, operation)
        operation.keys.take()
        operation.deliver(cast("Any", result))
        return result

    async def _note(self, step: Forget | Annotate | Report, operation: Operation) -> None:
        """Do a step that has no result."""
        match step:
            case Forget():
                await self._forget(step, operation)
            case Annotate():
                await self._annotate(step, operation)
            case Report():
                self._report(step, operation)

    async def _forget(self, step: Forget, operation: Operation) -> None:
        """Forget uploads; what another operation has uploaded since this one began is kept."""
        self._client.single_flight.forget(step.urls, min_age=operation.deadline.elapsed)

    def _report(self, step: Report, operation: Operation) -> None:
        if self._dispatcher.listening:
            from aurashot._transport._reports import described_by

            self._dispatcher.emit(step.event(**described_by(operation), **step.fields))

    async def _annotate(self, step: Annotate, operation: Operation) -> None:
        number, ledger = step.response.meta.ledger_entry, self._client.ledger
        if ledger is None or number is None:
            return

        from aurashot._transport._record import PATIENCE, write_or_log
        from aurashot.ledger import Annotate as Notes

        writing = self._runtime.write(ledger, Notes(number, step.notes), PATIENCE, forget)
        trouble = f"the notes of entry {number} of the ledger were not written"
        await write_or_log(writing, trouble, operation, {"ledger_entry": number})
