from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import errors
from aurashot.errors import ConfigurationError, InputError, InvalidImageError, LedgerError
from aurashot.mcp import ServerSettings, create_server
from aurashot.mcp._errors import ADVICE, answer_to
from aurashot.mcp._files import Files
from tests.mcp.conftest import ledger_in, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.mcp.conftest import Connect

SECRET = b"\x89PNG\r\n\x1a\n a secret"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a file beside the folders that may be read."""
    path = tmp_path / "outside" / "secret.png"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


@pytest.fixture
def files(folder: Path) -> Files:
    """Return the folders of a server with the default settings."""
    return Files(folder, ())


@pytest.mark.parametrize(
    "given",
    [
        "{outside}",
        "../outside/secret.png",
        "file://{outside}",
        "link.png",
        "linked/secret.png",
        "inner/../../outside/secret.png",
        "aurashot://images/..%2Foutside/secret.png",
        "aurashot://images/link.png",
        "~/secret.png",
        "/etc/hostname",
        "/nowhere/at/all.png",
    ],
)
def test_nothing_outside_of_the_folders_is_read(files: Files, folder: Path, outside: Path, given: str) -> None:
    """Paths, links and URIs that lead out get one message, which does not say whether anything is there."""
    (folder / "link.png").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "inner").mkdir()
    with pytest.raises(InputError, match="face: the path leads out of the folders that this server may read"):
        files.read("face", given.format(outside=outside))


@pytest.mark.parametrize("given", ["nothing.png", "inner", ".", "a\0b.png", "", "pipe", "loop", "x" * 300])
def test_what_is_no_file_is_said(files: Files, folder: Path, given: str) -> None:
    """Missing files, folders, pipes and names that no file can have."""
    (folder / "inner").mkdir()
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidImageError, match=r"^face: "):
        files.read("face", given)


def test_files_below_the_folders_are_read(files: Files, folder: Path, selfie: bytes) -> None:
    """Relative and absolute paths, file URIs, and links that stay inside."""
    (folder / "inside.jpg").symlink_to("selfie.jpg")
    for given in ("selfie.jpg", str(folder / "selfie.jpg"), (folder / "selfie.jpg").as_uri(), "inside.jpg"):
        assert files.read("face", given) == selfie


def test_a_folder_that_becomes_a_link_is_not_followed(
    files: Files, folder: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened name by name, after the path was checked."""
    (folder / "inner").mkdir()
    (folder / "inner" / "secret.png").write_bytes(b"mine")
    realpath = os.path.realpath

    def swapped(path: str, *, strict: bool = False) -> str:
        found = realpath(path, strict=strict)
        (folder / "inner").rename(folder / "moved")
        (folder / "inner").symlink_to(outside.parent)
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    with pytest.raises(InvalidImageError, match="cannot be read"):
        files.read("face", "inner/secret.png")


def test_the_root_of_the_file_system_is_no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some clients start servers there: then the folder has to be named."""
    monkeypatch.chdir("/")
    with pytest.raises(ConfigurationError, match="root of the file system; name the folder"):
        create_server(ServerSettings(folder=folder))


def test_a_folder_that_is_not_there_is_an_error(folder: Path) -> None:
    """A root has to exist; the folder for images is made."""
    with pytest.raises(ConfigurationError, match="pass a folder that exists"):
        create_server(ServerSettings(roots=(folder / "nowhere",)))
    create_server(ServerSettings(folder=folder / "new"))
    assert (folder / "new").is_dir()


def test_a_ledger_that_cannot_be_used_is_an_error_at_the_start(folder: Path) -> None:
    """Nothing could be recorded, so that nothing may be sent."""
    (folder / "spend.db").write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError):
        create_server(ServerSettings())


@pytest.mark.anyio
async def test_images_are_written_below_the_folder_alone(connect: Connect, folder: Path, tmp_path: Path) -> None:
    """A folder of images that is a link to elsewhere is refused; the image can still be fetched later."""
    (tmp_path / "elsewhere").mkdir()
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    async with connect() as client:
        result = await client.call_tool("generate", {"prompt": "in a cafe", "face": "selfie.jpg", "request_key": "k1"})
        assert "is a link to elsewhere" in text_of(result)
        assert (result.structured_content["paid"], list((tmp_path / "elsewhere").iterdir())) == (True, [])
        (folder / "images").unlink()
        got = await client.call_tool("get_image", {"request_key": "k1"})
        assert got.structured_content["status"] == "done"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("generate", {"prompt": "x", "face": "selfie.jpg", "count": 4}, "count: generate has no argument of this name"),
        ("generate", {"prompt": "x"}, "pass either character or face"),
        ("generate", {"prompt": "x", "character": "Mia", "face": "selfie.jpg"}, "pass either character or face"),
        ("generate", {"face": "selfie.jpg"}, "prompt: it is missing"),
        ("generate", {"prompt": "", "face": "selfie.jpg"}, "prompt: "),
        ("generate", {"prompt": 7, "face": "selfie.jpg"}, "prompt: "),
        ("generate", {"prompt": "x", "face": "notes.txt"}, "face: "),
        ("generate", {"prompt": "x", "face": "http://127.0.0.1/x.png"}, "face: "),
        ("generate", {"prompt": "x", "face": "selfie.jpg", "request_key": "a b"}, "request_key: "),
        ("generate", {"prompt": "x", "character": "Nobody"}, "Nobody"),
        ("edit", {"prompt": "x"}, "target: it is missing"),
        ("create_character", {"name": "../x", "face": "selfie.jpg"}, "name: "),
        ("create_character", {"name": "Mia", "face": "selfie.jpg", "consent_who": "Mia"}, "belong together"),
        ("get_image", {}, "pass either image or request_key"),
        ("get_image", {"request_key": "nothing-yet"}, "nothing was paid for under 'nothing-yet'"),
        ("get_image", {"image": "notes.txt"}, "not a JPEG, PNG"),
        ("recent_images", {"limit": 0}, "limit: "),
        ("recent_images", {"character": "Nobody"}, "Nobody"),
        ("verify_identity", {"image": "selfie.jpg"}, "pass either character or reference"),
        ("spend", {"since": "2026-01-01"}, "since: spend has no argument of this name; it has no arguments"),
        ("paint", {}, "There is no tool 'paint'"),
    ],
)
async def test_bad_input_is_one_clear_error(
    connect: Connect, folder: Path, tool: str, arguments: dict[str, Any], message: str
) -> None:
    """It says what was wrong and what to do, costs nothing, and reaches the model."""
    (folder / "notes.txt").write_text("no image")
    async with connect() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert message in result.structured_content["message"]
    assert "paid: false" in text_of(result)
    assert "next: " in text_of(result)
    with ledger_in(folder) as ledger:
        assert [] == ledger.entries()


@pytest.mark.anyio
async def test_without_a_key_the_server_runs_and_says_so(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent can tell the user, who stores one; nothing has to be restarted."""
    key = os.environ["AURASHOT_API_KEY"]
    monkeypatch.delenv("AURASHOT_API_KEY")
    async with connect() as client:
        result = await client.call_tool("generate", {"prompt": "x", "face": "selfie.jpg"})
        assert (result.structured_content["error"], result.structured_content["paid"]) == ("configuration", False)
        assert "aurashot login" in result.structured_content["next"]
        monkeypatch.setenv("AURASHOT_API_KEY", key)
        assert not (await client.call_tool("generate", {"prompt": "x", "face": "selfie.jpg"})).is_error


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "code", "paid"),
    [
        ("unauthorized", "authentication", False),
        ("payment-required", "quota", False),
        ("content-blocked", "content_blocked", "unknown"),
        ("failed", "generation_failed", "unknown"),
        ("unprocessable", "bad_request", False),
    ],
)
async def test_errors_of_the_service(
    connect: Connect, service: SandboxServer, fault: str, code: str, paid: object
) -> None:
    """Each has a code, what is known of the bill, and what to do next."""
    service.fault(fault, operations=["generate"])
    async with connect() as client:
        answer = (await client.call_tool("generate", {"prompt": "x", "face": "selfie.jpg"})).structured_content
    assert (answer["error"], answer["paid"]) == (code, paid)


@pytest.mark.anyio
async def test_a_bug_stays_on_the_server(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The model is told that it may be on the bill, and the log has the traceback."""
    from aurashot import AsyncAuraShot

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the machine")

    monkeypatch.setattr(AsyncAuraShot, "generate", broken)
    async with connect() as client:
        with caplog.at_level(logging.ERROR, "aurashot"):
            result = await client.call_tool("generate", {"prompt": "x", "face": "selfie.jpg"})
        assert not (await client.call_tool("spend", {})).is_error, "the server goes on"
    assert (result.structured_content["error"], result.structured_content["paid"]) == ("internal", "unknown")
    assert "secret" not in text_of(result)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.anyio
async def test_a_server_can_insist_on_consent(connect: Connect, service: SandboxServer) -> None:
    """A real person needs a note of consent; an invented one does not."""
    real = {"name": "Eva", "face": "selfie.jpg", "kind": "real"}
    async with connect(require_consent=True) as client:
        refused = await client.call_tool("create_character", real)
        assert "consent" in text_of(refused)
        assert service.bill().entries == ()


@pytest.mark.parametrize(
    "kind", [each for each in vars(errors).values() if isinstance(each, type)], ids=lambda k: k.__name__
)
def test_every_error_has_advice(kind: type) -> None:
    """Whatever the SDK raises, an agent is told what to do next."""
    if not issubclass(kind, errors.AuraShotError):
        return
    answer = answer_to(kind("It failed"), paid=False, key="k1", ledger="spend.db", spend=None)
    assert answer.next
    assert "{" not in answer.next
    assert any(issubclass(kind, each.kind) for each in ADVICE)
