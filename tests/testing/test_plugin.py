"""The pytest plugin, used as its users use it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.plain_drawings import CONFTEST

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

importlib.import_module("numpy")  # it loads once per process, and a pytester forgets the modules that its run imported

STRICT = ("-W", "error", "-p", "no:cacheprovider")


def test_fixtures(pytester: pytest.Pytester) -> None:
    """Without any set-up, a test gets a sandbox and clients of both backends that talk to it."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import pytest

        FACE = "https://example.com/face.jpg"
        urls = set()

        def test_client(aurashot_client, aurashot_sandbox):
            billed = aurashot_sandbox.bill().total
            assert aurashot_client.generate("a cafe", face=FACE).succeeded
            assert aurashot_sandbox.bill().total == billed + 1
            urls.add(aurashot_sandbox.url)

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
        async def test_async_client(async_aurashot_client, aurashot_sandbox):
            async with async_aurashot_client as client:
                assert (await client.generate("a cafe", face=FACE)).succeeded
            urls.add(aurashot_sandbox.url)

        def test_one_sandbox():
            assert len(urls) == 1
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=4)


def test_client_is_closed(pytester: pytest.Pytester) -> None:
    """A test's client is closed when the test is over."""
    pytester.makepyfile(
        """
        import pytest
        from aurashot import ConfigurationError

        clients = []

        def test_client(aurashot_client):
            clients.append(aurashot_client)

        def test_closed():
            with pytest.raises(ConfigurationError):
                clients[0].generate("a cafe", face="https://example.com/face.jpg")
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=2)


def test_every_test_finds_a_new_sandbox(pytester: pytest.Pytester) -> None:
    """Faults, bills, quotas and the latency of a test, and of wider fixtures, are not there for the next one."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import httpx
        import pytest
        from aurashot import AuraShot, AuraShotError, DeadlineExceededError

        FACE = "https://example.com/face.jpg"

        @pytest.fixture(scope="session")
        def anchor(aurashot_sandbox):
            with AuraShot(aurashot_sandbox.api_key, base_url=aurashot_sandbox.url) as client:
                return client.id_photo(FACE)

        def test_first(aurashot_client, aurashot_sandbox, anchor):
            assert aurashot_sandbox.bill().total == 0
            aurashot_client.generate("a cafe", face=anchor)
            aurashot_sandbox.latency = 60
            aurashot_sandbox.fault("drop", operations=["edit"])
            with pytest.raises(DeadlineExceededError):
                aurashot_client.generate("a cafe", face=anchor, timeout=0.2)

        @pytest.mark.parametrize("fault", ["drop", "refuse;for=60"])
        def test_second(aurashot_client, aurashot_sandbox, anchor, fault):
            assert aurashot_sandbox.bill().total == 0
            assert aurashot_sandbox.latency == 0
            assert aurashot_client.edit("at night", target=anchor, timeout=30).succeeded
            aurashot_sandbox.fault(fault)
            with pytest.raises(AuraShotError):
                aurashot_client.with_options(retry=1).edit("at night", target=anchor)

        def test_without_the_fixture():
            pass

        def test_dynamic(request, anchor):
            server = request.getfixturevalue("aurashot_sandbox")
            assert server.bill().total == 0
            client = request.getfixturevalue("aurashot_client")
            assert client.generate("a cafe", face=anchor).succeeded
            assert client.read(anchor)
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=5)


def test_a_request_that_outlives_its_test_is_on_no_other_bill(pytester: pytest.Pytester) -> None:
    """A test may end before the sandbox has billed what it sent."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import threading
        import time

        import pytest
        from aurashot import AuraShotError
        from aurashot.sandbox import _emulator

        begun, go = threading.Event(), threading.Event()

        @pytest.fixture(scope="module", autouse=True)
        def slow_references():
            def read(path):
                begun.set()
                go.wait(60)
                return original(path)

            original = _emulator.read
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_emulator, "read", read)
                yield

        def test_first(aurashot_client):
            thread = threading.Thread(target=call, args=(aurashot_client,))
            thread.start()
            assert begun.wait(60)

        def call(client):
            with pytest.raises(AuraShotError):
                client.generate("a cafe", face="https://example.com/face.jpg", timeout=20)

        def test_second(aurashot_client, aurashot_sandbox):
            go.set()
            assert aurashot_client.generate("a pub", face="https://example.com/face.jpg").succeeded
            time.sleep(0.2)
            assert aurashot_sandbox.bill().total == 1
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=2)


def test_the_environment_is_set_for_one_test(pytester: pytest.Pytester) -> None:
    """A client without arguments talks to the sandbox, and only there."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import os

        from aurashot import AuraShot

        def test_client(aurashot_environment):
            with AuraShot() as client:
                assert client.generate("a cafe", face="https://example.com/face.jpg").succeeded
            assert aurashot_environment.bill().total == 1

        def test_after():
            assert not {"AURASHOT_API_KEY", "AURASHOT_BASE_URL"} & set(os.environ)
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=2)


def test_the_plugin_starts_no_sandbox_by_itself(pytester: pytest.Pytester) -> None:
    """Tests that do not ask for it pay nothing for it."""
    running = [thread.name for thread in threading.enumerate()].count("aurashot-sandbox")
    pytester.makepyfile(
        f"""
        import threading

        def test_other():
            assert {running} == [thread.name for thread in threading.enumerate()].count("aurashot-sandbox")
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=1)


def test_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` says what each fixture is."""
    lines = pytester.runpytest_inprocess("--fixtures").stdout

    lines.fnmatch_lines(["aurashot_sandbox?[[]session scope]*", "    Run one local sandbox*"])
    lines.fnmatch_lines(["aurashot_client*", "    Return a client of the sandbox*"])
    lines.fnmatch_lines(["async_aurashot_client*", "    Return an async client*"])
    lines.fnmatch_lines(["aurashot_environment*", "    Set `AURASHOT_BASE_URL` and*"])
    lines.fnmatch_lines(["aurashot_mock*", "    Respond to all clients in this process*"])
    lines.fnmatch_lines(["aurashot_no_network*", "    Refuse every connection*"])


def test_mock_fixture(pytester: pytest.Pytester) -> None:
    """A client without arguments works, each test has a mock of its own, and a miss fails a test that caught it."""
    pytester.makepyfile(
        """
        from contextlib import suppress

        import pytest
        from aurashot import AuraShot, OutcomeUnknownError

        FACE = "https://example.com/face.jpg"

        def test_client(aurashot_mock):
            aurashot_mock.fail_next("drop")
            with AuraShot() as client, pytest.raises(OutcomeUnknownError):
                client.generate("a cafe", face=FACE)
            aurashot_mock.assert_sent("generate", prompt="a cafe", face=FACE, times=1)
            assert aurashot_mock.billed == 1

        def test_another(aurashot_mock):
            aurashot_mock.assert_not_sent()

        def test_miss(aurashot_mock):
            with AuraShot() as client, suppress(AssertionError):
                client.read("https://example.com/1.png")

        def test_failure_comes_first(aurashot_mock):
            with AuraShot() as client, suppress(AssertionError):
                client.read("https://example.com/1.png")
            raise KeyError
        """
    )
    result = pytester.runpytest_inprocess(*STRICT)

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*The mock has no response for GET https://example.com/1.png*", "*KeyError*"])


def test_no_network_fixture(pytester: pytest.Pytester) -> None:
    """What a test tries to reach fails it, once, although it caught the error; the sandbox can be reached."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import socket
        from contextlib import suppress

        FACE = "https://example.com/face.jpg"

        def test_sandbox(aurashot_no_network, aurashot_client):
            assert aurashot_client.generate("a cafe", face=FACE).succeeded
            assert aurashot_no_network.attempts == ()

        def test_caught(aurashot_no_network):
            with suppress(Exception):
                socket.create_connection(("192.0.2.1", 443))
            with suppress(AssertionError):
                socket.getaddrinfo("example.com", 443)

        def test_uncaught(aurashot_no_network):
            socket.getaddrinfo("example.com", 443)
        """
    )
    result = pytester.runpytest_inprocess(*STRICT)

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*tried to reach 192.0.2.1:443, example.com:443, and the network is off*"])


def test_record_and_replay_in_tests(pytester: pytest.Pytester) -> None:
    """A test records what another one replays, as users do it."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        from aurashot import AuraShot
        from aurashot.testing import record, replay

        FACE = "https://example.com/face.jpg"

        def test_record(aurashot_client):
            with record("cafe.har"):
                assert aurashot_client.generate("a cafe", face=FACE).succeeded

        def test_replay():
            with replay("cafe.har"), AuraShot("sk_live_any_key") as client:
                assert client.generate("a cafe", face=FACE).succeeded
        """
    )

    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=2)


def test_plugin_is_light() -> None:
    """Starting pytest imports none of what the SDK is made of."""
    heavy = "{'httpx', 'pydantic', 'respx', 'fastapi', 'anyio', 'aurashot.testing._replay'}"
    code = f"import sys, aurashot.testing.plugin; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
