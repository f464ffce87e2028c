from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from aurashot._deadline import Deadline
from aurashot._once import AsyncOnce, Memory, Once, ran_out
from aurashot.errors import DeadlineExceededError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENT = 10.0


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

    def __call__(self) -> str:
        """Do the work once more, and say which time it was."""
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


def waiting_for(once: Once, key: str, threads: int) -> Callable[[], bool]:
    """Return the condition that so many threads wait for the work under a key; only the event itself knows."""
    return lambda: len(once._flights[os.getpid(), key].done._cond._waiters) == threads


class TestThreads:
    """The blocking form."""

    def test_many_threads_share_one_work(self) -> None:
        """64 askers at once make one request and get one answer."""
        once, work = Once(Memory()), Work()
        with ThreadPoolExecutor(64) as pool:
            answers = [pool.submit(once.get, "k", in_time(), work) for _ in range(64)]
            until(lambda: work.begun.is_set() and waiting_for(once, "k", 63)())
            work.go.set()
            assert {"answer 1"} == {answer.result(PATIENT) for answer in answers}
        assert 1 == work.times
        assert {} == once._flights

    def test_later_askers_get_the_remembered_answer(self) -> None:
        """What was done once is not done again, and another key is other work."""
        once, work = Once(Memory()), Work()
        work.go.set()
        keys = ["a", "a", "b", "a"]
        assert ["answer 1", "answer 1", "answer 2", "answer 1"] == [once.get(key, in_time(), work) for key in keys]

    def test_a_failure_is_told_to_those_who_waited_and_not_remembered(self) -> None:
        """Everybody who waited meets a copy of the failure; whoever comes later starts anew."""
        once, work = Once(Memory()), Work(NotSentError("no way"))
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(once.get, "k", in_time(), work) for _ in range(8)]
            until(lambda: work.begun.is_set() and waiting_for(once, "k", 7)())
            work.go.set()
            failures = [answer.exception(PATIENT) for answer in answers]
        assert ["no way"] * 8 == [str(failure) for failure in failures]
        assert 8 == len({id(failure) for failure in failures})
        assert "answer 2" == once.get("k", in_time(), work)

    @pytest.mark.parametrize("failure", [DeadlineExceededError("its own time"), KeyboardInterrupt()])
    def test_another_takes_over_when_the_first_ran_out_of_its_own_time(self, failure: BaseException) -> None:
        """The end of the leader's deadline, or of its thread, is not the others': one of them does the work."""
        once, work = Once(Memory()), Work(failure)
        caught: list[BaseException] = []

        def lead() -> None:
            try:
                once.get("k", in_time(), work)
            except BaseException as error:  # noqa: BLE001 - an interrupt is what the test is about
                caught.append(error)

        leader = threading.Thread(target=lead)
        leader.start()
        assert work.begun.wait(PATIENT)
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(once.get, "k", in_time(), work) for _ in range(4)]
            until(waiting_for(once, "k", 4))
            work.go.set()
            assert {"answer 2"} == {answer.result(PATIENT) for answer in answers}
        leader.join()
        assert [failure] == caught
        assert 2 == work.times

    def test_a_waiter_whose_time_runs_out_sent_nothing(self) -> None:
        """Waiting for another one's upload ends with the own deadline, and the work goes on."""
        once, work = Once(Memory()), Work()
        with ThreadPoolExecutor(1) as pool:
            leader = pool.submit(once.get, "k", in_time(), work)
            assert work.begun.wait(PATIENT)
            with pytest.raises(DeadlineExceededError) as caught:
                once.get("k", Deadline(0.02), work)
            work.go.set()
            assert "answer 1" == leader.result(PATIENT)
        assert "not_sent" == caught.value.outcome
        assert 1 == work.times


@pytest.mark.anyio
class TestTasks:
    """The async form, on both event loops."""

    async def test_many_tasks_share_one_work(self) -> None:
        """64 askers at once make one request and get one answer."""
        once, work, answers = AsyncOnce(Memory()), AsyncWork(), list[Any]()

        async def ask() -> None:
            answers.append(await once.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert ["answer 1"] * 64 == answers
        assert 1 == work.times
        assert {} == once._flights

    async def test_later_askers_get_the_remembered_answer(self) -> None:
        """What was done once is not done again, and another key is other work."""
        once, work = AsyncOnce(Memory()), AsyncWork()
        work.go.set()
        answers = [await once.get(key, in_time(), work) for key in "aaba"]
        assert ["answer 1", "answer 1", "answer 2", "answer 1"] == answers

    async def test_a_failure_is_told_to_those_who_waited_and_not_remembered(self) -> None:
        """Everybody who waited meets a copy of the failure; whoever comes later starts anew."""
        once, work, failures = AsyncOnce(Memory()), AsyncWork(NotSentError("no way")), list[BaseException]()

        async def ask() -> None:
            with pytest.raises(NotSentError, match="no way") as caught:
                await once.get("k", in_time(), work)
            failures.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert 8 == len({id(failure) for failure in failures})
        assert "answer 2" == await once.get("k", in_time(), work)

    async def test_another_takes_over_when_the_first_is_cancelled(self) -> None:
        """A cancelled leader leaves the work to one of those who wait."""
        once, work, answers = AsyncOnce(Memory()), AsyncWork(), list[Any]()
        leading = anyio.CancelScope()

        async def lead() -> None:
            with leading:
                await once.get("k", in_time(), work)

        async def ask() -> None:
            answers.append(await once.get("k", in_time(), work))

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
        assert ["answer 2"] * 4 == answers
        assert {} == once._flights

    async def test_another_takes_over_when_the_first_ran_out_of_its_own_time(self) -> None:
        """The leader's deadline is not the others': one of them does the work."""
        once, work, answers = AsyncOnce(Memory()), AsyncWork(DeadlineExceededError("its own")), list[Any]()

        async def lead() -> None:
            with pytest.raises(DeadlineExceededError, match="its own"):
                await once.get("k", in_time(), work)

        async def ask() -> None:
            answers.append(await once.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            for _ in range(4):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go.set()
        assert ["answer 2"] * 4 == answers

    async def test_a_waiter_whose_time_runs_out_sent_nothing(self) -> None:
        """Waiting for another one's upload ends with the own deadline, and the work goes on."""
        once, work, answers = AsyncOnce(Memory()), AsyncWork(), list[Any]()

        async def lead() -> None:
            answers.append(await once.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            with pytest.raises(DeadlineExceededError) as caught:
                await once.get("k", Deadline(0.02), work)
            assert "not_sent" == caught.value.outcome
            work.go.set()
        assert ["answer 1"] == answers

    async def test_a_cancelled_waiter_leaves_the_work_alone(self) -> None:
        """Who gives up waiting takes nothing away from the one who works."""
        once, work, answers = AsyncOnce(Memory()), AsyncWork(), list[Any]()

        async def lead() -> None:
            answers.append(await once.get("k", in_time(), work))

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await work.begun.wait()
            with anyio.move_on_after(0) as scope:
                await once.get("k", in_time(), work)
            assert scope.cancelled_caught
            work.go.set()
        assert ["answer 1"] == answers


def test_two_event_loops_share_the_memory_and_no_work_under_way() -> None:
    """A second `asyncio.run` finds what the first one remembered, and waits for nobody of a loop that is gone."""
    once = AsyncOnce(Memory())

    async def ask() -> Any:
        work = AsyncWork()
        work.go.set()
        return await once.get("k", in_time(), work), work.times

    assert ("answer 1", 1) == anyio.run(ask)
    assert ("answer 1", 0) == anyio.run(ask)
    assert ("answer 1", 0) == anyio.run(ask, backend="trio")


def test_two_event_loops_at_once_do_not_wait_for_each_other() -> None:
    """An event of one loop cannot be awaited in another: each loop does its own work."""
    once, begun, go, answers = AsyncOnce(Memory()), threading.Event(), threading.Event(), list[str]()

    async def slowly() -> str:
        begun.set()
        await anyio.to_thread.run_sync(go.wait)
        return "slow"

    async def at_once() -> str:
        return "quick"

    async def lead() -> None:
        answers.append(await once.get("k", in_time(), slowly))

    async def ask() -> None:
        answers.append(await once.get("k", Deadline(1.0), at_once))

    thread = threading.Thread(target=anyio.run, args=(lead,))
    thread.start()
    assert begun.wait(PATIENT)
    anyio.run(ask)
    go.set()
    thread.join()
    assert ["quick", "slow"] == answers


def test_a_call_that_ran_out_before_sending_says_so() -> None:
    """The error for waiting too long names the seconds and that nothing was sent."""
    error = ran_out(Deadline(2.5))
    assert "2.5 s" in str(error)
    assert ("not_sent", False) == (error.outcome, error.may_be_charged)
