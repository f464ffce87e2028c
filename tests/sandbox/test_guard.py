"""What pages in a browser, other machines and killed sandboxes can do to a sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from aurashot import sandbox
from aurashot.sandbox import _store
from aurashot.sandbox._store import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aurashot.sandbox import SandboxServer

FAULT = {"fault": "drop"}
PATHS = ["/_sandbox/bill", "/_sandbox/faults", "/files/a.png", "/openapi.json", "/v1/character/generate"]


def host_of(server: SandboxServer, name: str) -> str:
    """Return a Host header with the sandbox's port."""
    return f"{name}:{server.url.rpartition(':')[2]}"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.nip.io", "localhost.evil.example", "a.b", "x.localhost.com"]
)
def test_a_name_of_the_public_dns_is_refused(client: httpx.Client, server: SandboxServer, path: str, name: str) -> None:
    """A page whose own name was given the address of loopback (DNS rebinding) reads and does nothing."""
    response = client.get(path, headers={"Host": host_of(server, name)})
    assert (403, "forbidden") == (response.status_code, response.json()["error"]["code"])
    assert "--allow-host" in response.json()["error"]["message"]
    assert response.headers["x-request-id"] == response.json()["requestId"]


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "[::1]", "192.168.1.7", "localhost", "LOCALHOST", "box", "a.localhost", "host.docker.internal"],
)
def test_addresses_and_local_names_are_served(client: httpx.Client, server: SandboxServer, name: str) -> None:
    """They cannot be a page's own name on the internet."""
    assert 200 == client.get("/_sandbox/bill", headers={"Host": host_of(server, name)}).status_code


@pytest.mark.parametrize("host", ["", "a b", "[::1", "evil.example:80:80", "\\evil.example"])
def test_a_host_that_is_none_is_refused_or_harmless(client: httpx.Client, host: str) -> None:
    """Nothing fails in the sandbox."""
    assert client.get("/_sandbox/bill", headers={"Host": host}).status_code in {200, 400, 403}


def test_a_name_that_was_allowed_is_served() -> None:
    """In any case of letters, with or without a port."""
    with sandbox.serve(allowed_hosts=["Box.Example.com"]) as server, httpx.Client(trust_env=False) as client:
        for host in ("box.example.com", host_of(server, "BOX.example.com"), "box.example.com."):
            assert 200 == client.get(f"{server.url}/_sandbox/bill", headers={"Host": host}).status_code
        assert 403 == client.get(f"{server.url}/_sandbox/bill", headers={"Host": "example.com"}).status_code


CROSS_ORIGIN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", CROSS_ORIGIN, ids=str)
def test_a_page_of_another_origin_changes_nothing(
    client: httpx.Client, server: SandboxServer, headers: dict[str, str]
) -> None:
    """It can neither set faults, clear the bill, read it, nor bill an image."""
    attempts = [
        client.post("/_sandbox/faults", json=FAULT, headers=headers),
        client.delete("/_sandbox/bill", headers=headers),
        client.get("/_sandbox/bill", headers=headers),
        client.post("/v1/character/generate", json={}, headers=headers),
    ]
    assert [403] * 4 == [response.status_code for response in attempts]
    assert not server._server.emulator.rules.active


def test_an_image_may_be_shown_by_any_page(client: httpx.Client, server: SandboxServer) -> None:
    """Its name is a digest that nobody guesses; an app that is developed shows it."""
    body = {"prompt": "a cafe", "images": {"face": "https://example.com/face.jpg"}}
    url = client.post("/v1/character/generate", json=body).json()["outputs"][0]["url"]
    assert 200 == client.get(url, headers=CROSS_ORIGIN[0] | CROSS_ORIGIN[3]).status_code


def test_the_sandboxs_own_origin_is_not_another(client: httpx.Client, server: SandboxServer) -> None:
    """A page that the sandbox itself serves, or a tool that copies its headers."""
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert 200 == client.post("/_sandbox/faults", json=FAULT, headers=headers).status_code


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_json_has_to_be_called_json(client: httpx.Client, server: SandboxServer, content_type: str | None) -> None:
    """A page can send the other types without being asked first (CORS)."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post("/_sandbox/faults", content=b'{"fault": "drop"}', headers=headers)
    assert 422 == response.status_code
    assert "sent as application/json" in response.json()["error"]["message"]
    assert not server._server.emulator.rules.active


def test_listening_for_others_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reaches it needs no key that is secret."""
    with sandbox.serve(host="0.0.0.0"):
        assert ["The sandbox listens on 0.0.0.0; whoever reaches it can use it and see its images and its bill"] == [
            record.getMessage() for record in caplog.records if record.levelname == "WARNING"
        ]
    caplog.clear()
    with sandbox.serve():
        assert [] == [record for record in caplog.records if record.levelname == "WARNING"]


def test_images_take_a_limited_space(png: bytes) -> None:
    """The oldest make room; one that was stored again is no longer the oldest."""
    store = FileStore(most=3 * len(png) + 30)
    first, *_ = names = [store.add(BytesIO(png + bytes([number]))).name for number in range(3)]
    store.add(BytesIO(png + b"\0"))
    fourth = store.add(BytesIO(png + b"\3")).name
    assert [True, False, True, True] == [store.find(name) is not None for name in (first, *names[1:], fourth)]
    store.close()


KILLED = "from aurashot.sandbox._store import FileStore; store = FileStore(); print(store.folder, flush=True); input()"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files, of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_store, "_YOUNG", -1.0)
    return tmp_path


@pytest.fixture
def started() -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Return a function that starts a program with a store; it is ended with the test."""
    programs: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        program = subprocess.Popen(
            [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        programs.append(program)
        assert program.stdout is not None
        return program, Path(program.stdout.readline().strip())

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def test_what_a_killed_sandbox_left_goes(
    temporary: Path, started: Callable[[], tuple[subprocess.Popen[str], Path]]
) -> None:
    """The next one removes it, and nothing else: a living one's, other folders and links stay."""
    killed, left = started()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    living, kept = started()
    mine = temporary / "aurashot-sandbox-of-mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine", encoding="utf-8")
    (temporary / "aurashot-sandbox-link").symlink_to(kept)
    (mine / ".lock").symlink_to(kept / ".lock")
    assert left.is_dir()
    FileStore().close()
    assert not left.exists()
    assert kept.is_dir()
    assert "mine" == (mine / "notes.txt").read_text(encoding="utf-8")
    living.communicate("\n")
    assert 0 == living.returncode
    assert not kept.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder another user's")
def test_a_folder_of_another_user_stays(temporary: Path) -> None:
    """Also one with a lock that is free."""
    theirs = temporary / "aurashot-sandbox-theirs"
    theirs.mkdir()
    (theirs / ".lock").touch()
    os.chown(theirs, 65534, 65534)
    FileStore().close()
    assert theirs.is_dir()
