from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest
from anyio.lowlevel import current_token

from aurashot._deadline import Deadline
from aurashot._transport import _async_runtime, _sync_runtime
from aurashot._transport._runtime import run
from aurashot._transport._single_flight import ResponseCache, SingleFlight
from aurashot.errors import DeadlineExceededError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from aurashot._transport._runtime import Runtime, Signal

PATIENT = 10.0


class Threads:
    """What sharing work between threads takes of a blocking runtime."""

    def __init__(self) -> None:
        self.process = 1

    def loop_key(self) -> Hashable:
        """Return the process."""
        return self.process

    def signal(self) -> Signal:
        """Return an event of threads."""
        return _sync_runtime._Signal()


class Tasks:
    """What sharing work between tasks takes of an async runtime."""

    def loop_key(self) -> Hashable:
        """Return the event loop."""
        return current_token()

    def signal(self) -> Signal:
        """Return an event of tasks."""
        return _async_runtime._Signal()


def between_threads(threads: Threads | None = None) -> SingleFlight:
    """Return what threads share."""
    return SingleFlight(ResponseCache(), cast("Runtime", threads or Threads()))


def between_tasks() -> SingleFlight:
    """Return what tasks share."""
    return SingleFlight(ResponseCache(), cast("Runtime", Tasks()))


def get(single_flight: SingleFlight, deadline: Deadline, work: Work, key: str = "k") -> str:
    """Return the response for a key, in this thread."""
    return run(single_flight.get(key, deadline, work))


def in_time() -> Deadline:
    """Return a deadline that no test reaches."""
    return Deadline(PATIENT)


class Work:
    """Work that waits until it is let go, and fails as often as it is told."""

    def __init__(self, *failures: BaseException) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.times = 0
        self._failures = list(failures)

    async def __call__(self) -> str:
        """Do the work once more, in the thread that asks, and say which time it was."""
        self.times += 1
        self.begun.set()
        assert self.go.wait(PATIENT)
        if self._failures:
            raise self._failures.pop(0)
        return f"answer {self.times}"


class AsyncWork:
    """The same, awaited."""

    def __init__(self, *failures: BaseException) -> None:
        self.begun = anyio.Event()
        self.go = anyio.Event()
        self.times = 0
        self._failures = list(failures)

    async def __call__(self) -> str:
        """Do the work once more, and say which time it was."""
        self.times += 1
        self.begun.set()
        await self.go.wait()
        if self._failures:
            raise self._failures.pop(0)
        return f"answer {self.times}"


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENT
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.001)


def waiting(single_flight: SingleFlight, threads: int) -> Callable[[], bool]:
    """Return the condition that so many threads wait for the work; only the event itself knows."""
    signal = cast("Any", single_flight._running[1, "k"].done)
    return lambda: len(signal._event._cond._waiters) == threads


class TestThreads:
    """The blocking form."""

    def test_many_threads_share_one_work(self) -> None:
        """64 askers at once make one request and get one response."""
        single_flight, work = between_threads(), Work()
        with ThreadPoolExecutor(64) as pool:
            responses = [pool.submit(get, single_flight, in_time(), work) for _ in range(64)]
            until(lambda: work.begun.is_set() and waiting(single_flight, 63)())
            work.go.set()
            assert {"answer 1"} == {response.result(PATIENT) for response in responses}
        assert 1 == work.times
        assert {} == single_flight._running

    def test_later_askers_get_the_remembered_response(self) -> None:
        """What was done once is not done again, and another key is other work."""
        single_flight, work = between_threads(), Work()
        work.go.set()
        keys = ["a", "a", "b", "a"]
        assert ["answer 1", "answer 1", "answer 2", "answer 1"] == [
            get(single_flight, in_time(), work, key) for key in keys
        ]

    def test_a_failure_is_told_to_those_who_waited_and_not_remembered(self) -> None:
        """Everybody who waited meets a copy of the failure; whoever comes later starts anew."""
        single_flight, work = between_threads(), Work(NotSentError("no way"))
        with ThreadPoolExecutor(8) as pool:
            responses = [pool.submit(get, single_flight, in_time(), work) for _ in range(8)]
            until(lambda: work.begun.is_set() and waiting(single_flight, 7)())
            work.go.set()
            failures = [response.exception(PATIENT) for response in responses]
        assert ["no way"] * 8 == [str(failure) for failure in failures]
        assert 8 == len({id(failure) for failure in failures})
        assert "answer 2" == get(single_flight, in_time(), work)

    @pytest.mark.parametrize("failure", [DeadlineExceededError("its own time"), KeyboardInterrupt()])
    def test_another_takes_over_when_the_first_ran_out_of_its_own_time(self, failure: BaseException) -> None:
        """The end of the leader's deadline, or of its thread, is not the others': one of them does the work."""
        single_flight, work = between_threads(), Work(failure)
        caught: list[BaseException] = []

        def lead() -> None:
            try:
                get(single_flight, in_time(), work)
            except BaseException as error:  # noqa: BLE001 - an interrupt is what the test is about
                caught.append(error)

        leader = threading.Thread(target=lead)
        leader.start()
        assert work.begun.wait(PATIENT)
        with ThreadPoolExecutor(4) as pool:
            responses = [pool.submit(get, single_flight, in_time(), work) for _ in range(4)]
            until(waiting(single_flight, 4))
            work.go.set()
            assert {"answer 2"} == {response.result(PATIENT) for response in responses}
        leader.join()
        assert [failure] == caught
        assert 2 == work.times

    def test_a_waiter_whose_time_runs_out_sent_nothing(self) -> None:
        """Waiting for another one's upload ends with the own deadline, and the work goes on."""
        single_flight, work = between_threads(), Work()
        with ThreadPoolExecutor(1) as pool:
            leader = pool.submit(get, single_flight, in_time(), work)
            assert work.begun.wait(PATIENT)
            with pytest.raises(DeadlineExceededError) as caught:
                get(single_flight, Deadline(0.02), work)
            work.go.set()
            assert "answer 1" == leader.result(PATIENT)
        assert "not_sent" == caught.value.outcome
        assert 1 == work.times

    def test_a_process_does_not_wait_for_its_parent(self) -> None:
        """After `fork()` nobody here does the work that was under way there: it is done again."""
        threads = Threads()
        single_flight, work, done_here = between_threads(threads), Work(), Work()
        done_here.go.set()
        with ThreadPoolExecutor(1) as pool:
            there = pool.submit(get, single_flight, in_time(), work)
            assert work.begun.wait(PATIENT)
            threads.process = 2
            assert ("answer 1", 1) == (get(single_flight, in_time(), done_here), done_here.times)
            work.go.set()
            assert "answer 1" == there.result(PATIENT)


@pytest.mark.anyio
class TestTasks:
    """The async form, on both event loops."""

    async def test_many_tasks_share_one_work(self) -> None:
        """64 askers at once make one request and get one response."""
        single_flight, work, responses = between_tasks(), AsyncWork(), list[Any]()

        async def ask() -> None:
            responses.append(await single_flight.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert ["answer 1"] * 64 == responses
        assert 1 == work.times
        assert {} == single_flight._running

    async def test_later_askers_get_the_remembered_response(self) -> None:
        """What was done once is not done again, and another key is other work."""
        single_flight, work = between_tasks(), AsyncWork()
        work.go.set()
        responses = [await single_flight.get(key, in_time(), work) for key in "aaba"]
        assert ["answer 1", "answer 1", "answer 2", "answer 1"] == responses

    async def test_a_failure_is_told_to_those_who_waited_and_not_remembered(self) -> None:
        """Everybody who waited meets a copy of the failure; whoever comes later starts anew."""
        single_flight, work, failures = between_tasks(), AsyncWork(NotSentError("no way")), list[BaseException]()

        async def ask() -> None:
            with pytest.raises(NotSentError, match="no way") as caught:
                await single_flight.get("k", in_time(), work)
            failures.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert 8 == len({id(failure) for failure in failures})
        assert "answer 2" == await single_flight.get("k", in_time(), work)

    async def test_what_became_of_the_first_is_no_part_of_the_others_failure(self) -> None:
        """What the first one's operation writes onto its error after it failed, nobody else's error says."""
        single_flight, work, failures = between_tasks(), AsyncWork(NotSentError("no way")), list[NotSentError]()

        async def lead() -> None:
            with pytest.raises(NotSentError) as caught:
                await single_flight.get("k", in_time(), work)
            caught.value.billable, caught.value.idempotency_key = True, "order-17"

        async def ask() -> None:
            with pytest.raises(NotSentError) as caught:
                await single_flight.get("k", in_time(), work)
            failures.append(caught.value)

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert [(False, None)] == [(failure.billable, failure.idempotency_key) for failure in failures]

    async def test_another_takes_over_when_the_first_is_cancelled(self) -> None:
        """A cancelled leader leaves the work to one of those who wait."""
        single_flight, work, responses = between_tasks(), AsyncWork(), list[Any]()
        leading = anyio.CancelScope()

        async def lead() -> None:
            with leading:
                await single_flight.get("k", in_time(), work)

        async def ask() -> None:
            responses.append(await single_flight.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            for _ in range(4):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            leading.cancel()
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert leading.cancelled_caught
        assert ["answer 2"] * 4 == responses
        assert {} == single_flight._running

    async def test_another_takes_over_when_the_first_ran_out_of_its_own_time(self) -> None:
        """The leader's deadline is not the others': one of them does the work."""
        single_flight, work, responses = between_tasks(), AsyncWork(DeadlineExceededError("its own")), list[Any]()

        async def lead() -> None:
            with pytest.raises(DeadlineExceededError, match="its own"):
                await single_flight.get("k", in_time(), work)

        async def ask() -> None:
            responses.append(await single_flight.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            for _ in range(4):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert ["answer 2"] * 4 == responses

    async def test_a_waiter_whose_time_runs_out_sent_nothing(self) -> None:
        """Waiting for another one's upload ends with the own deadline, and the work goes on."""
        single_flight, work, responses = between_tasks(), AsyncWork(), list[Any]()

        async def lead() -> None:
            responses.append(await single_flight.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            with pytest.raises(DeadlineExceededError) as caught:
                await single_flight.get("k", Deadline(0.02), work)
            assert "not_sent" == caught.value.outcome
            work.go.set()
        assert ["answer 1"] == responses

    async def test_a_cancelled_waiter_leaves_the_work_alone(self) -> None:
        """Who gives up waiting takes nothing away from the one who works."""
        single_flight, work, responses = between_tasks(), AsyncWork(), list[Any]()

        async def lead() -> None:
            responses.append(await single_flight.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            with anyio.move_on_after(0) as scope:
                await single_flight.get("k", in_time(), work)
            assert scope.cancelled_caught
            work.go.set()
        assert ["answer 1"] == responses


def test_two_event_loops_share_the_memory_and_no_work_under_way() -> None:
    """A second `asyncio.run` finds what the first one remembered, and waits for nobody of a loop that is gone."""
    single_flight = between_tasks()

    async def ask() -> Any:
        work = AsyncWork()
        work.go.set()
        return await single_flight.get("k", in_time(), work), work.times

    assert ("answer 1", 1) == anyio.run(ask)
    assert ("answer 1", 0) == anyio.run(ask)
    assert ("answer 1", 0) == anyio.run(ask, backend="trio")


def test_two_event_loops_at_once_do_not_wait_for_each_other() -> None:
    """An event of one loop cannot be awaited in another: each loop does its own work."""
    single_flight, begun, go, responses = between_tasks(), threading.Event(), threading.Event(), list[str]()

    async def slowly() -> str:
        begun.set()
        await anyio.to_thread.run_sync(go.wait)
        return "slow"

    async def at_once() -> str:
        return "quick"

    async def lead() -> None:
        responses.append(await single_flight.get("k", in_time(), slowly))

    async def ask() -> None:
        responses.append(await single_flight.get("k", Deadline(1.0), at_once))

    thread = threading.Thread(target=anyio.run, args=(lead,))
    thread.start()
    assert begun.wait(PATIENT)
    anyio.run(ask)
    go.set()
    thread.join()
    assert ["quick", "slow"] == responses
