"""A billed request is not sent with less time left than a response takes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AuraShot, ConfigurationError, DeadlineExceededError, _response_times
from aurashot._endpoints import GENERATE
from aurashot._response_times import MOST, WINDOW, ResponseTimes
from aurashot.ledger import SQLiteLedger
from lab.backends import KEY
from lab.server import GENERATION, body, status, wait_until
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.backends import Clients
    from lab.server import ScriptedServer

DONE = body(json.dumps(GENERATION).encode())


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Give a function that moves the monotonic clock on by some seconds."""
    now = [1_000.0]
    monkeypatch.setattr(_response_times, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_the_fastest_of_each_kind_counts(pass_time: Callable[[float], None]) -> None:
    """Whatever the order; another kind of request has its own times, and none at first."""
    times = ResponseTimes()
    for seconds in (4.0, 2.0, 3.0):
        times.add("generate", seconds)
        pass_time(1)
    assert (2.0, 0.0) == (times.fastest("generate"), times.fastest("edit"))


def test_an_old_time_is_forgotten(pass_time: Callable[[float], None]) -> None:
    """The next fastest takes its place, and in the end there is none."""
    times = ResponseTimes()
    times.add("generate", 2.0)
    pass_time(WINDOW - 1)
    times.add("generate", 5.0)
    assert 2.0 == times.fastest("generate")
    pass_time(1)
    assert 5.0 == times.fastest("generate")
    pass_time(WINDOW)
    assert 0.0 == times.fastest("generate")


def test_few_times_are_kept(pass_time: Callable[[float], None]) -> None:
    """A service that becomes slower and slower does not fill the memory, and the fastest is kept."""
    times = ResponseTimes()
    for number in range(10 * MOST):
        times.add("generate", 1.0 + number)
        pass_time(0.001)
    assert (1.0, MOST) == (times.fastest("generate"), len(times._recent["generate"]))


def test_a_wait_for_a_connection_does_not_buy_a_response_that_is_lost(
    make_client: Clients, server: ScriptedServer
) -> None:
    """The only connection is busy for most of the call's time: what is left is less than a response takes."""
    server.always((1.0, DONE), path=GENERATE)
    client = make_client(server.url, max_connections=1, timeout=30)
    client.generate("first", face=FACE)
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(client.generate, "second", face=FACE)
        wait_until(lambda: len(server.posts(GENERATE)) == 2)
        with pytest.raises(DeadlineExceededError) as caught:
            client.generate("third", face=FACE, timeout=1.6)
        assert second.result().succeeded

    assert ("not_sent", False, 2) == (caught.value.outcome, caught.value.may_be_charged, len(server.posts(GENERATE)))


def test_the_least_time_can_be_set(make_client: Clients, server: ScriptedServer) -> None:
    """Then the first call is checked as well; an upload, which is free, is not. The error says what to change."""
    client = make_client(server.url, timeout=10, min_response_time=20)
    calls: list[Callable[[AuraShot], Any]] = [
        lambda client: client.id_photo(FACE),
        lambda client: client.generate("a cafe", face=FACE),
        lambda client: client.edit("a cafe", target=FACE),
        lambda client: client.legacy.pose_change(FACE, "sitting"),
    ]
    for call in calls:
        with pytest.raises(DeadlineExceededError, match="min_response_time is 20 s; use a longer timeout") as caught:
            call(client)
        assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert [] == server.posts()
    assert client.with_options(timeout=30).generate("a cafe", face=FACE).succeeded
    assert client.with_options(min_response_time=0).generate("a cafe", face=FACE).succeeded
    assert 2 == len(server.posts())


def test_a_given_client_is_checked_too(make_client: Clients, server: ScriptedServer) -> None:
    """The time is that which is left when the request is handed over."""
    client = make_client(server.url, http_client=make_client.http(), timeout=10, min_response_time=20)
    with pytest.raises(DeadlineExceededError, match="was not sent"):
        client.generate("a cafe", face=FACE)
    assert [] == server.requests


def test_an_attempt_that_is_too_late_is_not_made(make_client: Clients, server: ScriptedServer) -> None:
    """After a refusal and a wait, the rest of the time is too short for the next attempt."""
    server.queue(status(429, retry_after=2.5), path=GENERATE)
    client = make_client(server.url, timeout=7, min_response_time=5)
    with pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE)
    assert ("not_sent", 1) == (caught.value.outcome, len(server.posts(GENERATE)))


def test_the_ledger_knows_that_it_is_not_paid(make_client: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    """Its cap is not used up by what was never sent."""
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(server.url, ledger=ledger, timeout=10, min_response_time=20)
        with pytest.raises(DeadlineExceededError):
            client.generate("a cafe", face=FACE)
        assert [("not_paid", "DeadlineExceededError")] == [(each.payment, each.error) for each in ledger.entries()]


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), True, False, "2"])
def test_a_time_that_is_none_is_refused(wrong: Any) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError, match=f"^min_response_time must be a number of seconds .*, not {wrong!r}$"):
        AuraShot(KEY, min_response_time=wrong)
    with AuraShot(KEY) as client, pytest.raises(ConfigurationError, match="min_response_time must be"):
        client.with_options(min_response_time=wrong)
