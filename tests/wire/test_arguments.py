"""Arguments that cannot work are refused before anything is sent, with their names."""

from __future__ import annotations

import io
import os
import socket
import sys
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest

from aurashot import AsyncAuraShot, AuraShot, ConfigurationError, DownloadError, InputError, RateLimitError, RetryPolicy
from aurashot.ledger import SQLiteLedger
from lab.backends import KEY
from lab.server import body, status
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.backends import Clients
    from lab.server import ScriptedServer

HALF = "a cup \ud83d"
WRONG: dict[str, tuple[str, Callable[[Any], object]]] = {
    "half a character in a prompt": ("prompt", lambda client: client.generate(HALF, face=FACE)),
    "half a character in a style": ("prompt", lambda client: client.id_photo(FACE, prompt=HALF)),
    "half a character in a tag": ("tags", lambda client: client.generate("a cafe", face=FACE, tags={"user": HALF})),
    "a UUID as a key": ("idempotency_key", lambda client: client.generate("a", face=FACE, idempotency_key=UUID(int=1))),
    "a number as a flag": ("wait_for_result", lambda client: client.generate("a cafe", face=FACE, wait_for_result=2)),
    "a word as a flag": ("wait_for_result", lambda client: client.edit("a", target=FACE, wait_for_result="yes")),
    "a word for pay_once": ("pay_once", lambda client: client.id_photo(FACE, pay_once="no")),
    "a file object as a target": ("to", lambda client: client.download(FACE, io.BytesIO())),
    "bytes as a target": ("to", lambda client: client.download(FACE, b"cafe.png")),
    "an empty target": ("to", lambda client: client.download(FACE, "")),
    "the root as a target": ("to", lambda client: client.download(FACE, "/")),
    "a URL as a target": ("to", lambda client: client.download(FACE, "file:///tmp/cafe.png")),
    "a NUL character in a target": ("to", lambda client: client.download(FACE, "a\0b")),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_named(client: AuraShot, server: ScriptedServer, name: str) -> None:
    """The error is an InputError about the argument; nothing was sent."""
    argument, call = WRONG[name]
    with pytest.raises(InputError, match=f"^{argument}: ") as caught:
        call(client)

    assert (argument, "not_sent") == (caught.value.argument, caught.value.outcome)
    assert [] == server.requests


def test_a_bad_tag_is_not_stored(make_client: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    """What no terminal could show never gets into the ledger."""
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(server.url, ledger=ledger)
        with pytest.raises(InputError):
            client.generate("a cafe", face=FACE, tags={"user": HALF})
        assert [] == ledger.entries()


OPTIONS: dict[str, dict[str, Any]] = {
    "retry= takes a RetryPolicy": {"retry": "3"},
    "retry= takes a RetryPolicy or": {"retry": True},
    "max_attempts must be": {"retry": 0},
    "hooks=": {"hooks": [3]},
    "hooks= takes": {"hooks": 3},
    "max_connections must be": {"max_connections": "8"},
    "strip_metadata= takes": {"strip_metadata": "yes"},
    "base_url= takes": {"base_url": 8787},
    "api_key= takes": {"api_key": b"sk_live_secret"},
}


@pytest.mark.parametrize("words", OPTIONS)
@pytest.mark.parametrize("kind", [AuraShot, AsyncAuraShot])
def test_a_wrong_option_is_refused_by_the_constructor(kind: type[AuraShot], words: str) -> None:
    """A client with an option that cannot work is not made, so that no paid call fails over it."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        cast("Any", kind)(**{"api_key": KEY, **OPTIONS[words]})
    assert "sk_live_secret" not in str(caught.value)


@pytest.mark.parametrize("kind", [AuraShot, AsyncAuraShot])
def test_stripping_metadata_needs_the_extra_at_once(kind: type[AuraShot], monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that must strip metadata and cannot is not made; without Pillow, other clients are."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ConfigurationError, match=r"strip_metadata=True needs Pillow.*aurashot\[images\]"):
        kind(KEY, strip_metadata=True)
    for flag in (None, False):
        assert KEY not in repr(kind(KEY, strip_metadata=flag))


@pytest.mark.parametrize("option", ["retry", "hooks", "parent_id"])
def test_a_wrong_option_of_a_view_is_refused(client: AuraShot, option: str) -> None:
    """`with_options` checks as the constructor does."""
    with pytest.raises(ConfigurationError):
        cast("Any", client).with_options(**{option: 3.5})


@pytest.mark.parametrize(
    "policy", [{"max_attempts": 2.5}, {"max_attempts": True}, {"initial_delay": "1"}, {"retry_unknown": 1}]
)
def test_a_policy_checks_its_types(policy: dict[str, Any]) -> None:
    """Numbers are numbers and flags are flags."""
    with pytest.raises(ConfigurationError):
        RetryPolicy(**policy)


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_number_is_a_number_of_attempts(make_client: Clients, server: ScriptedServer, attempts: int) -> None:
    """`retry=3` means three attempts in all."""
    server.always(status(429))
    client = make_client(server.url).with_options(retry=RetryPolicy(initial_delay=0)).with_options(retry=attempts)
    with pytest.raises(RateLimitError):
        client.generate("a cafe", face=FACE)

    assert attempts == len(server.requests)


@pytest.fixture
def image_url(server: ScriptedServer) -> str:
    """Return the URL of an image on the scripted server."""
    server.always((body(png(), "image/png"),), path="/cafe.png")
    return f"{server.url}/cafe.png"


def test_the_working_directory_is_a_target(
    client: AuraShot, image_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.` is a folder like any other, and not the root."""
    monkeypatch.chdir(tmp_path)
    assert [client.download(image_url, ".").name] == [path.name for path in tmp_path.glob("*.png")]


@pytest.mark.parametrize(
    ("to", "why"),
    [("", "empty"), ("  ", "empty"), ("/", "root folder"), ("//", "root folder"), ("file:///tmp/cafe.png", "a URL")],
)
def test_what_is_no_target(client: AuraShot, server: ScriptedServer, image_url: str, to: str, why: str) -> None:
    """It is refused before anything is fetched."""
    with pytest.raises(InputError, match=f"^to: it is .*{why}"):
        client.download(image_url, to)
    assert [] == server.requests


@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a device"])
def test_only_regular_files_are_replaced(client: AuraShot, image_url: str, kind: str, tmp_path: Path) -> None:
    """A pipe or a socket stays what it is."""
    target = tmp_path / "cafe.png"
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "a device":
            target.symlink_to("/dev/null")
        else:
            os.mkfifo(target) if kind == "a pipe" else listener.bind(str(target))
        with pytest.raises(DownloadError, match="is not a regular file"):
            client.download(image_url, target)
    assert not target.is_file()


def test_a_link_and_a_mode_are_kept(client: AuraShot, image_url: str, tmp_path: Path) -> None:
    """The file that a symbolic link leads to is replaced; its permissions stay, and a setuid bit does not."""
    real, link = tmp_path / "real.png", tmp_path / "cafe.png"
    real.write_bytes(b"old")
    real.chmod(0o4640)
    link.symlink_to(real)
    client.download(image_url, link)

    assert link.is_symlink()
    assert (png(), 0o640) == (real.read_bytes(), real.stat().st_mode & 0o7777)


@pytest.mark.parametrize("call", ["chmod", "fsync"])
def test_a_file_system_without_permissions_or_fsync(
    client: AuraShot, image_url: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file system cannot do does not cost the image."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, call, refuse)
    assert png() == client.download(image_url, tmp_path / "cafe.png").read_bytes()
