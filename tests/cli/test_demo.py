from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.sandbox import SandboxServer

OUT = Path("aurashot-demo")
IMAGES = ("id-photo.png", "cafe.png", "rooftop.png")
MARK = ".aurashot-demo"


class Links(HTMLParser):
    """Collects everything that a page refers to, and its words."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.words = ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a tag points; a script has no place on the page."""
        assert "script" != tag
        self.targets |= {value or "" for name, value in attrs if name in {"src", "href"}}

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.words += data


def _names() -> set[str]:
    return {path.name for path in OUT.iterdir()} - {MARK}


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


def _keys(server: SandboxServer) -> list[str | None]:
    return [entry.idempotency_key for entry in server.bill().entries]


# -- in the sandbox ----------------------------------------------------------------------------------------------------


def test_photo(aurashot: Callable[..., Any], photos: dict[str, Path]) -> None:
    """One photograph becomes three different images and a page that shows them, for nothing."""
    ran = aurashot("demo", "--face", str(photos["hopper"]))
    assert (0, "") == (ran.code, ran.err)
    assert {"face.jpg", "index.html", *IMAGES} == _names()
    images = [_opened(OUT / name) for name in IMAGES]
    for image in images:
        assert 512 <= min(image.size)
        assert "true" == image.info["aurashot:sandbox"]
    small = [image.convert("RGB").resize((64, 64)) for image in images]
    for one, other in itertools.combinations(small, 2):
        assert ImageChops.difference(one, other).getbbox() is not None
    links = Links(OUT / "index.html")
    assert {"face.jpg", *IMAGES} == {target for target in links.targets if not target.startswith("data:image/jpeg;")}
    assert 4 <= len(links.targets), "the face of each image is in the page"
    assert 3 == links.words.count("The same face? same ")
    assert "The pixels were copied from the reference" in links.words
    assert "Made by the sandbox" in links.words
    assert 3 == len(re.findall(r" s  same [01]\.\d\d \(.*pasted.*\)$", ran.out, re.MULTILINE))
    assert "3 of 3 images" in ran.out
    assert "Billed    0" in ran.out
    assert str(OUT / "index.html") in ran.out


def test_drift(aurashot: Callable[..., Any], photos: dict[str, Path]) -> None:
    """Images of another person are made again, and all images on the page show the right one."""
    ran = aurashot("demo", "--face", str(photos["astronaut"]), "--drift", "0.5")
    assert (0, "") == (ran.code, ran.err)
    assert 3 == len(re.findall(r" s  same ", ran.out))
    assert ", attempt " in ran.out
    billed = re.search(r"the hosted service would have billed (\d+)", ran.out)
    assert billed is not None
    assert int(billed[1]) > 3


def test_drift_costs_no_money(aurashot: Callable[..., Any]) -> None:
    """The hosted service draws whom it draws."""
    ran = aurashot("demo", "--live", "--yes", "--drift", "0.5")
    assert 2 == ran.code
    assert ran.error.startswith("--drift: it is for the sandbox")


def test_drawn_face_as_process(start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a photo a face is drawn; what is not a terminal gets plain lines with seconds, in any locale."""
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONIOENCODING", "")):
        monkeypatch.setenv(name, value)
    process = start("demo", "--out", "日本/there")
    out, err = process.communicate()
    assert (0, "") == (process.returncode, err)
    assert "\x1b" not in out
    assert 3 == len(
        re.findall(r"^  [\w ]+ [\w-]+\.png +\d+\.\d s  unsure [01]\.\d\d \(.*drawn.*\)$", out, re.MULTILINE)
    )
    assert 512 <= min(_opened(Path("日本/there/face.png")).size)
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "\\u65e5\\u672c/there/index.html" in out


@pytest.mark.usefixtures("plain_drawings")
def test_again(aurashot: Callable[..., Any], photos: dict[str, Path]) -> None:
    """A later run, even from the face that an earlier one left, replaces its files; links stay, and nothing is left."""
    OUT.mkdir()
    (OUT / MARK).touch()
    (OUT / "face.jpg").write_bytes(photos["hopper"].read_bytes())
    for name in ("index.html", *IMAGES):
        (OUT / name).write_bytes(b"earlier")
    (OUT / "cafe.png").rename("elsewhere.png")
    (OUT / "cafe.png").symlink_to(Path("elsewhere.png").absolute())
    assert 0 == aurashot("demo", "--face", str(OUT / "face.jpg")).code
    assert {"face.jpg", "index.html", *IMAGES} == _names()
    assert not any(path.read_bytes() == b"earlier" for path in OUT.iterdir())
    assert (OUT / "cafe.png").is_symlink()


@pytest.mark.usefixtures("plain_drawings")
@pytest.mark.parametrize("mine", ["face.jpg", "Face.JPG", "face.png", "index.html", "cafe.png", "rooftop.webp"])
def test_no_file_of_the_users_is_replaced(aurashot: Callable[..., Any], photos: dict[str, Path], mine: str) -> None:
    """A folder without the mark of an earlier run may hold the original photo, or a page of the user's."""
    Path(mine).write_bytes(photos["hopper"].read_bytes())
    face = Path(mine) if mine.startswith(("face.j", "Face")) else photos["hopper"]
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    ran = aurashot("demo", "--face", str(face), "--out", ".")
    assert 2 == ran.code
    assert f"'{mine}' exists, and may be yours; choose another folder, or move the file" in ran.error
    assert before == {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}


@pytest.mark.usefixtures("plain_drawings")
def test_other_files_in_the_folder_stay(aurashot: Callable[..., Any], photos: dict[str, Path]) -> None:
    """The next run knows its own by the mark, and replaces nothing else."""
    Path("notes.txt").write_text("mine", encoding="utf-8")
    for _ in range(2):
        assert 0 == aurashot("demo", "--face", str(photos["hopper"]), "--out", ".").code
    assert "mine" == Path("notes.txt").read_text(encoding="utf-8")
    assert {"face.jpg", "index.html", "notes.txt", MARK, *IMAGES} <= {path.name for path in Path().iterdir()}


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("face", "sentence"),
    [
        ("missing.jpg", "'missing.jpg' does not exist"),
        ("folder", "'folder' is a folder"),
        ("notes.jpg", "'notes.jpg' is not a JPEG"),
        ("empty.jpg", "'empty.jpg' is empty"),
    ],
)
def test_bad_face(aurashot: Callable[..., Any], face: str, sentence: str) -> None:
    """A face that is no image is one line, before anything is started or written."""
    Path("folder").mkdir()
    Path("notes.jpg").write_text("not an image")
    Path("empty.jpg").touch()
    ran = aurashot("demo", "--face", face)
    assert (2, "") == (ran.code, ran.out)
    assert sentence in ran.error
    assert not OUT.exists()


@pytest.mark.parametrize("out", ["file", "file/below", "full"])
def test_bad_out(aurashot: Callable[..., Any], photos: dict[str, Path], out: str) -> None:
    """A folder that cannot be written to is one line that names the option."""
    Path("file").touch()
    Path("full/face.jpg").mkdir(parents=True)
    ran = aurashot("demo", "--face", str(photos["hopper"]), "--out", out)
    assert 2 == ran.code
    assert f"--out: '{out}" in ran.error
    assert [Path("full/face.jpg")] == list(Path("full").iterdir())


def test_out_that_is_a_url(aurashot: Callable[..., Any]) -> None:
    """It does not become a folder with the name of a scheme."""
    ran = aurashot("demo", "--out", "file:///tmp/demo")
    assert (2, "--out: it is a URL; pass a folder", []) == (ran.code, ran.error, [*Path().glob("file*")])


@pytest.mark.usefixtures("plain_drawings")
def test_interrupted(aurashot: Callable[..., Any], photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the sandbox has no cost to speak of."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aurashot.cli._album.Album.fill", interrupt)
    ran = aurashot("demo", "--face", str(photos["hopper"]))
    assert (130, "stopped\n") == (ran.code, ran.err)


# -- against the hosted service, which another sandbox stands for ------------------------------------------------------


@pytest.mark.usefixtures("plain_drawings")
def test_live(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """With consent, three images are billed to the user's key, which is shown and stored nowhere."""
    before = server.bill().total
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert (0, 3) == (ran.code, server.bill().total - before)
    assert f"3 images will be generated by {server.url} and billed to your key" in ran.out
    assert "Billed    3, to your key" in ran.out
    everything = [ran.out.encode(), ran.err.encode(), *(path.read_bytes() for path in OUT.iterdir())]
    assert not any(b"canary" in part for part in everything)


def test_live_without_consent(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """Where nobody can be asked, nothing is spent."""
    before = server.bill().total
    ran = aurashot("demo", "--live", "--face", str(photos["hopper"]))
    assert (2, 0) == (ran.code, server.bill().total - before)
    assert "--yes" in ran.error
    assert not OUT.exists()


def test_live_without_key(aurashot: Callable[..., Any], photos: dict[str, Path]) -> None:
    """Without a key there is nobody to bill."""
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert (2, "") == (ran.code, ran.out)
    assert "AURASHOT_API_KEY" in ran.error


@pytest.mark.usefixtures("plain_drawings")
@pytest.mark.parametrize(("keys", "code", "billed"), [("y\n", 0, 3), ("n\n", 1, 0), ("\x03", 130, 0)])
def test_live_asks(server: SandboxServer, photos: dict[str, Path], keys: str, code: int, billed: int) -> None:
    """On a terminal the user is asked first; all but a yes costs nothing."""
    before = server.bill().total
    screen, done = _on_terminal(["demo", "--live", "--face", str(photos["hopper"])], response=keys)
    assert (code, billed) == (done, server.bill().total - before)
    assert (billed == 0) == (not OUT.exists())
    assert ("\x1b[1m" in screen) == (billed == 3)
    assert "Traceback" not in screen


def _on_terminal(arguments: list[str], *, response: str) -> tuple[str, int]:
    """Run the command on a terminal, response its question, and return the screen and the exit code."""
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    command = [sys.executable, "-c", spawn, sys.executable, "-m", "aurashot", *arguments]
    env = {**os.environ, "TERM": "xterm"}
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)  # or a failure would wait for a program that waits for its response
        assert process.stdin is not None
        assert process.stdout is not None
        screen = b""
        while b"[y/n]" not in screen:
            chunk = process.stdout.read(1024)
            assert chunk, screen
            screen += chunk
        time.sleep(0.2)  # between its question and reading the response, Python can miss a Ctrl-C
        process.stdin.write(response.encode())
        screen += process.stdout.read()
        process.wait()
    return screen.decode(), process.returncode


def test_live_refused_key(
    aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that the service refuses costs nothing, and the line does not speak of a bill."""
    monkeypatch.setenv("AURASHOT_API_KEY", "sk_revoked")
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert 3 == ran.code
    assert "revoked" in ran.error
    assert "may have been billed" not in ran.error
    assert "0 of 3 images" in ran.out
    assert {"face.jpg"} == _names()


def test_live_nobody_there(
    aurashot: Callable[..., Any], photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that cannot be reached is one line."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AURASHOT_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AURASHOT_API_KEY", "sk_live_nobody")
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert 1 == ran.code
    assert "image 1 of 3" in ran.error


@pytest.mark.usefixtures("plain_drawings")
def test_live_lost_response(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """When a response is lost, what came before is kept and shown, and the line names the key of what may be billed."""
    server.fault("drop", operations=["generate"])
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert 6 == ran.code
    assert "this happened at cafe, image 2 of 3; it may have been billed anyway" in ran.error
    assert f"idempotency key {_keys(server)[-1]}" in ran.error
    assert "1 of 3 images" in ran.out
    assert "Billed    1, to your key" in ran.out
    assert {"face.jpg", "id-photo.png", "index.html"} == _names()
    assert {"face.jpg", "id-photo.png"} == Links(OUT / "index.html").targets


@pytest.mark.usefixtures("plain_drawings")
def test_live_lost_download(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """An image that was paid for and cannot be fetched is named; its URL is in a private file, and not printed."""
    server.fault("not-found", operations=["file"])
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    entry = server.bill().entries[-1]
    assert (10, "id-photo") == (ran.code, entry.operation)
    assert "the URL of the image is in 'aurashot-demo/id-photo.url.txt'; " in ran.error
    assert "; the image was generated (request id" in ran.error
    assert "/files/" not in ran.out + ran.err
    kept = OUT / "id-photo.url.txt"
    assert kept.read_text(encoding="utf-8").startswith(f"{server.url}/files/")
    assert 0o600 == stat.S_IMODE(kept.stat().st_mode)
    assert f"(request id {entry.request_id}, idempotency key {entry.idempotency_key})" in ran.error


@pytest.mark.usefixtures("plain_drawings")
def test_live_pending(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """A response without an image is told with what it may have cost."""
    server.fault("pending", operations=["id-photo"])
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    assert 6 == ran.code
    assert f"may have been billed anyway (request id {server.bill().entries[-1].request_id}" in ran.error


@pytest.mark.usefixtures("plain_drawings")
def test_live_unwritable_image(aurashot: Callable[..., Any], server: SandboxServer, photos: dict[str, Path]) -> None:
    """An image that cannot take its name is kept under another, and the line says that it was paid for."""
    (OUT / "cafe.png/child").mkdir(parents=True)
    (OUT / MARK).touch()
    ran = aurashot("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    entry = server.bill().entries[-1]
    assert 2 == ran.code
    assert "'aurashot-demo/cafe.png' cannot be written" in ran.error
    assert f"idempotency key {entry.idempotency_key}" in ran.error
    assert f"{entry.request_id}-1.png" in _names()


@pytest.mark.usefixtures("plain_drawings")
def test_live_interrupted(
    start: Callable[..., subprocess.Popen[str]], server: SandboxServer, photos: dict[str, Path]
) -> None:
    """Ctrl-C in the middle keeps what there is and says what may be billed."""
    server.fault("hang", operations=["generate"])
    before = server.bill().total
    process = start("demo", "--live", "--yes", "--face", str(photos["hopper"]))
    while server.bill().total < before + 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert 130 == process.returncode
    assert ["stopped; this happened at cafe, image 2 of 3; it may have been billed anyway"] == err.splitlines()
    assert {"face.jpg", "id-photo.png", "index.html"} == _names()


def test_sandbox_failure(
    aurashot: Callable[..., Any], photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong in the sandbox is never said to be billed."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr("aurashot.sandbox._render.draw", fail)
    monkeypatch.setattr("aurashot.sandbox._emulator.draw", fail)
    ran = aurashot("demo", "--face", str(photos["hopper"]))
    assert 1 == ran.code
    assert "billed" not in ran.error


@pytest.mark.usefixtures("plain_drawings")
def test_the_images_as_data(aurashot: Callable[..., Any]) -> None:
    """One document: the path of each image and of the page; nothing was paid."""
    ran = aurashot("demo", "--format", "json")
    document = json.loads(ran.out)
    assert (0, "", False) == (ran.code, ran.err, document["paid"])
    assert [True] * 3 == [Path(image["path"]).is_file() for image in document["images"]]
    assert Path(document["page"]).is_file()
