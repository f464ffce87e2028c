from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import sandbox
from aurashot.cli._sandbox import KEY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


def _printed(process: subprocess.Popen[str]) -> str:
    """Read what is printed until the example's last line."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.endswith("'\n"):
            break
    return text


def _curl(words: list[str]) -> dict[str, Any]:
    """Do what a printed curl command would do."""
    _, url, *options = words
    pairs = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    (body,) = [value for option, value in pairs if option == "-d"]
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)) as response:
        result: dict[str, Any] = json.load(response)
    return result


def test_serve(start: Callable[..., subprocess.Popen[str]]) -> None:
    """It prints an address, a key and a curl example that works; Ctrl-C ends it well."""
    process = start("sandbox", "serve", "--port", "0", "--quota", "1")
    text = _printed(process)
    example = shlex.split(text[text.index("curl") :].replace("\\\n", ""))
    response = _curl(example)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "success" == response["status"]
    exported = dict(re.findall(r"(AURASHOT_\w+)=(\S+)", text))
    assert response["outputs"][0]["url"].startswith(exported["AURASHOT_BASE_URL"])
    assert f"Authorization: Bearer {exported['AURASHOT_API_KEY']}" in example
    with pytest.raises(urllib.error.HTTPError) as refusal:
        _curl(example)
    assert 402 == refusal.value.code
    refusal.value.close()
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate()
    assert (0, "The sandbox has stopped.", "") == (process.returncode, rest.strip(), err)


def test_serve_options(aurashot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option reaches the sandbox."""
    called: list[tuple[tuple[object, ...], dict[str, object]]] = []

    def run(*given: object, **named: object) -> None:
        called.append((given, named))

    monkeypatch.setattr("aurashot.sandbox.run", run)
    options = [
        "--port",
        "9000",
        "--host",
        "::1",
        "--quota",
        "5",
        "--latency",
        "1.5",
        "--fetch",
        "--drift",
        "0.25",
        "--allow-host",
        "box.example.com",
    ]
    ran = aurashot("sandbox", "serve", *options)
    ((given, named),) = called
    ready = named.pop("ready")
    assert (0, (9000, "::1")) == (ran.code, given)
    assert {"quota": 5, "latency": 1.5, "fetch": True, "drift": 0.25, "allowed_hosts": ["box.example.com"]} == named
    assert callable(ready)


@pytest.mark.parametrize(("host", "is_told"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("::", True)])
def test_serve_for_other_containers(
    aurashot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, host: str, *, is_told: bool
) -> None:
    """Whoever listens for others is told what they have to set."""

    def run(*_: object, ready: Callable[[str], None], **__: object) -> None:
        ready("http://127.0.0.1:8787")

    monkeypatch.setattr("aurashot.sandbox.run", run)
    ran = aurashot("sandbox", "serve", "--host", host)
    assert is_told is ("AURASHOT_BASE_URL=http://NAME:8787 AURASHOT_ALLOW_HTTP=NAME" in ran.out)


def test_serve_prints_servers_key() -> None:
    """The key that is printed is the one that the sandbox gives."""
    with sandbox.serve() as server:
        assert server.api_key == KEY


def test_serve_port_in_use(aurashot: Callable[..., Any]) -> None:
    """A port that is taken is a failure of one line, which names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = aurashot("sandbox", "serve", "--port", port)
    assert 1 == ran.code
    assert f"port {port}" in ran.error
    assert "--port 0" in ran.error


def test_serve_port_impossible(aurashot: Callable[..., Any]) -> None:
    """A port that cannot be is a usage error."""
    assert 2 == aurashot("sandbox", "serve", "--port", "70000").code


def test_serve_host_impossible(aurashot: Callable[..., Any]) -> None:
    """A host that cannot be a name is one line as well, and not an error of the codec."""
    ran = aurashot("sandbox", "serve", "--port", "0", "--host", "\udce6")
    assert 2 == ran.code
    assert ran.error.startswith("The sandbox cannot listen on port 0 of \\udce6")


def test_serve_without_extra(aurashot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the sandbox's extra, one line says what to install."""
    monkeypatch.delattr(sandbox, "run", raising=False)
    monkeypatch.delitem(sys.modules, "aurashot.sandbox._server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ran = aurashot("sandbox", "serve")
    assert 2 == ran.code
    assert "aurashot[sandbox]" in ran.error


def test_group_needs_command(aurashot: Callable[..., Any]) -> None:
    """`aurashot sandbox` alone is a usage error that shows what it can do."""
    ran = aurashot("sandbox")
    assert (2, True) == (ran.code, "serve" in ran.err)
