"""The pytest plugin, used as its users use it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

STRICT = ("-W", "error", "-p", "no:cacheprovider")


def test_fixtures(pytester: pytest.Pytester) -> None:
    """Without any set-up, a test gets a sandbox and clients of both backends that talk to it."""
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


def test_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` says what each fixture is."""
    lines = pytester.runpytest_inprocess("--fixtures").stdout

    lines.fnmatch_lines(["aurashot_sandbox?[[]session scope]*", "    Run one local sandbox*"])
    lines.fnmatch_lines(["aurashot_client*", "    Return a client of the sandbox*"])
    lines.fnmatch_lines(["async_aurashot_client*", "    Return an async client*"])


def test_plugin_is_light() -> None:
    """Starting pytest imports none of what the SDK is made of."""
    heavy = "{'httpx', 'pydantic', 'respx', 'fastapi', 'anyio', 'aurashot.testing._replay'}"
    code = f"import sys, aurashot.testing.plugin; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
