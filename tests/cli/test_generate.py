"""The commands that make images, against a sandbox."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from typer.testing import CliRunner

from aurashot.characters import CharacterLibrary
from aurashot.cli import app
from aurashot.identity import Comparison
from aurashot.ledger import SQLiteLedger
from lab.server import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity import Verdict
    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

pytestmark = pytest.mark.usefixtures("plain_drawings")


@pytest.fixture
def face(folder: Path) -> str:
    """Return the name of an image."""
    Image.new("RGB", (200, 200), "pink").save(folder / "face.png")
    return "face.png"


@pytest.fixture
def billed(server: SandboxServer) -> SandboxServer:
    """Return a sandbox with an empty bill."""
    server.reset()
    return server


def _saved() -> set[str]:
    return {path.name for path in Path().iterdir() if path.is_file()} - {"face.png"}


def test_an_image_from_a_face(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The path is on standard output, and what was billed on standard error."""
    ran = aurashot("generate", "in a cafe", "--face", face, "--out", "cafe.png")
    assert (0, "cafe.png\n", "Billed: 1 image.\n") == (ran.code, ran.out, ran.err)
    (entry,) = billed.bill().entries
    assert "generate" == entry.operation
    with Image.open("cafe.png") as image:
        assert 56 == image.width


@pytest.mark.parametrize(
    ("arguments", "operation"),
    [
        (["id-photo", "face.png"], "id_photo"),
        (["generate", "a café 日本", "--face", "face.png", "--clothes", "face.png", "--scene", "face.png"], "generate"),
        (["edit", "at night", "--target", "face.png"], "edit"),
        (["edit", "at night", "--target", "face.png", "--face", "face.png"], "edit"),
    ],
    ids=["id-photo", "generate", "edit", "edit-with-face"],
)
def test_the_document(
    aurashot: Aurashot, billed: SandboxServer, face: str, arguments: list[str], operation: str
) -> None:
    """The same keys for each command; the URL, which is a secret, only when it is wanted."""
    ran = aurashot(*arguments, "--json")
    document = json.loads(ran.out)
    assert (0, "") == (ran.code, ran.err)
    (image,) = document.pop("images")
    assert {"operation": operation, "paid": True, "images_paid": 1, "character": None} == document
    assert Path(image["path"]).is_file()
    assert ["path", "verdict", "similarity", "request_id", "idempotency_key", "from_ledger"] == list(image)
    assert image["idempotency_key"] == billed.bill().entries[-1].idempotency_key
    (image,) = json.loads(aurashot(*arguments, "--json", "--urls").out)["images"]
    assert image["url"].startswith(billed.url)


def test_several_images(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """They are numbered, in a file's name and in the given key; scripts get the paths alone."""
    arguments = ["generate", "x", "--face", face, "--count", "2", "--format", "quiet"]
    ran = aurashot(*arguments, "--out", "a.png", "--ledger", "l.db", "--idempotency-key", "k")
    assert ("a.png\na-2.png\n", "") == (ran.out, ran.err)
    assert ["k", "k-2"] == [entry.idempotency_key for entry in billed.bill().entries]
    assert 2 == len(aurashot(*arguments, "--out", "new/").out.splitlines())
    assert 2 == len(list(Path("new").iterdir()))


def test_a_key_pays_once(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The same command again saves the stored result, and bills nothing; the ledger has the tags."""
    arguments = ["generate", "x", "--face", face, "--ledger", "l.db", "--idempotency-key", "k", "--tag", "user=alice"]
    aurashot(*arguments)
    ran = aurashot(*arguments)
    assert (0, "Billed: nothing, as it was paid for before.\n") == (ran.code, ran.err)
    assert 1 == len(billed.bill().entries)
    with SQLiteLedger("l.db") as ledger:
        assert {"user": "alice"} == ledger.find(key="k")[0].tags


def test_the_prompt_from_standard_input(billed: SandboxServer, face: str) -> None:
    """`-` reads it, with any characters."""
    run = CliRunner().invoke(app, ["generate", "-", "--face", face, "--dry-run", "--json"], input="在咖啡馆\n")
    assert "在咖啡馆" == json.loads(run.stdout)["prompt"]


def test_a_dry_run(aurashot: Aurashot, billed: SandboxServer, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It checks the images, needs no key, says what would be billed, and sends nothing."""
    monkeypatch.delenv("AURASHOT_API_KEY")
    arguments = ["generate", "x", "--face", face, "--scene", "https://example.com/s.jpg", "--dry-run"]
    ran = aurashot(*arguments, "--count", "3", "--identity", "--max-images", "5", "--json")
    plan = json.loads(ran.out)
    assert (0, 5, 3, "generate") == (ran.code, plan["images_billed_at_most"], plan["count"], plan["operation"])
    assert [("face", True), ("scene", False)] == [(image["argument"], image["upload"]) for image in plan["images"]]
    assert aurashot(*arguments).out.splitlines()[-1] == "Nothing was sent or billed."
    assert "5\n" == aurashot(*arguments, "--count", "5", "--format", "quiet").out
    assert 0 == len(billed.bill().entries)
    assert set() == _saved()
    assert 2 == aurashot("generate", "x", "--face", "none.png", "--dry-run").code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "face.png", "--face", "face.png"], "PROMPT: 'face.png' is an image; pass images with options"),
        (["generate", " ", "--face", "face.png"], "PROMPT: it is empty;"),
        (["generate", "x"], "--face: whom the image shows is missing;"),
        (["generate", "x", "--face", "face.png", "--as", "Snow"], "--face and --as exclude each other;"),
        (["generate", "x", "--face", "none.png"], "face: 'none.png' does not exist;"),
        (["generate", "x", "--face", "text.txt"], "face: 'text.txt' is not a JPEG"),
        (["generate", "x", "--as", "Nobody"], ""),
        (["edit", "x", "--target", "face.png", "--identity"], "--face: what to compare faces with is missing;"),
        (["generate", "x", "--face", "face.png", "--count", "3", "--max-images", "2"], "--max-images: 2 is less than"),
        (["generate", "x", "--face", "face.png", "--keep-best"], "--keep-best: it chooses among several"),
        (["generate", "x", "--face", "face.png", "--idempotency-key", "k"], "--idempotency-key: without a ledger"),
        (["generate", "x", "--face", "face.png", "--tag", "user"], "--tag: 'user' has no value;"),
        (["generate", "x", "--face", "face.png", "--out", "face.png"], "--out: 'face.png' exists;"),
        (["generate", "x", "--face", "face.png", "--out", "https://example.com/x"], "--out: "),
        (["generate", "x", "--face", "face.png", "--timeout", "0"], ""),
    ],
    ids=[
        "image-as-prompt",
        "empty-prompt",
        "no-face",
        "two-faces",
        "missing-file",
        "not-an-image",
        "no-character",
        "nothing-to-compare",
        "cap-below-count",
        "best-of-one",
        "key-without-ledger",
        "tag-without-value",
        "out-exists",
        "out-is-a-url",
        "no-time",
    ],
)
def test_what_cannot_be_sent(
    aurashot: Aurashot, billed: SandboxServer, face: str, arguments: list[str], said: str
) -> None:
    """One line and exit code 2, before anything is sent."""
    Path("text.txt").write_text("no image", encoding="utf-8")
    ran = aurashot(*arguments)
    assert (2, True) == (ran.code, ran.error.startswith(said)), ran.err
    assert 0 == len(billed.bill().entries)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00", b"a\x00b"], ids=["image", "binary"])
def test_an_image_on_standard_input(billed: SandboxServer, face: str, content: bytes) -> None:
    """It is no prompt."""
    run = CliRunner().invoke(app, ["generate", "-", "--face", face], input=content)
    assert 2 == run.exit_code
    assert "not text" in run.stderr


@pytest.mark.parametrize(
    ("fault", "code", "paid"),
    [
        ("unauthorized", 3, False),
        ("payment-required", 4, False),
        ("drop", 6, "unknown"),
        ("server-error", 6, "unknown"),
        ("pending", 6, "unknown"),
        ("content-blocked", 9, "unknown"),
        ("failed", 11, "unknown"),
        ("bad-request", 1, False),
    ],
)
def test_failures_of_the_service(
    aurashot: Aurashot, billed: SandboxServer, face: str, fault: str, code: int, *, paid: bool | str
) -> None:
    """The exit code says which class it is, and the document whether it may have been billed."""
    billed.fault(fault, operations=["generate"])
    ran = aurashot("generate", "x", "--face", face, "--json")
    failure = json.loads(ran.out)
    assert (code, code, paid) == (ran.code, failure["exit_code"], failure["paid"])
    assert set() == _saved()


def test_a_lost_response_with_a_ledger(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The line says what to run once the bill is known."""
    billed.fault("drop", operations=["generate"])
    ran = aurashot("generate", "x", "--face", face, "--ledger", "l.db", "--idempotency-key", "k")
    assert "when your bill shows it, run: aurashot spend resolve --ledger l.db k paid" in ran.error
    billed.clear_faults()
    again = aurashot("generate", "x", "--face", face, "--ledger", "l.db", "--idempotency-key", "k")
    assert 6 == again.code
    assert 1 == len(billed.bill().entries)


def test_a_failure_after_the_first_image(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The first is saved, and in the document about the failure, which says that something was paid."""
    arguments = ["generate", "x", "--face", face, "--ledger", "l.db", "--json"]
    aurashot(*arguments, "--idempotency-key", "k", "--out", "first.png")
    billed.fault("payment-required", operations=["generate"])
    ran = aurashot(*arguments, "--idempotency-key", "k", "--count", "2", "--out", "a.png")
    failure = json.loads(ran.out)
    assert (4, ["a.png"]) == (ran.code, [image["path"] for image in failure["images"]])
    assert Path("a.png").is_file()


def test_an_image_that_cannot_be_downloaded(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """Its URL is in a private file, with which the next command gets it; it is not printed."""
    billed.fault("not-found", operations=["file"])
    ran = aurashot("generate", "x", "--face", face)
    assert (10, False) == (ran.code, "/files/" in ran.out + ran.err)
    (name,) = _saved()
    assert f"get it with: aurashot download --from {name}" in ran.error
    assert 0o600 == Path(name).stat().st_mode & 0o777
    billed.clear_faults()
    assert (0, "x.png\n") == (aurashot("download", "--from", name, "--out", "x.png").code, "x.png\n")
    assert Path("x.png").is_file()


def test_a_character(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """Its face is sent, the image is in its gallery, and with --out a copy is elsewhere."""
    library = CharacterLibrary(".")
    library.create("白雪", face=face, kind="virtual")
    ran = aurashot("generate", "red gown on stage", "--as", "白雪", "--json", "--out", "copy.png")
    document = json.loads(ran.out)
    path = Path(document["images"][0]["path"])
    assert ("白雪", "avatars/白雪/gallery") == (document["character"], path.parent.relative_to(Path.cwd()).as_posix())
    assert path.read_bytes()
    assert Path("copy.png").is_file()
    (image,) = library.gallery("白雪")
    assert "red gown on stage" in (image.prompt or "")
    assert 0 == aurashot("edit", "at night", "--target", "copy.png", "--as", "白雪", "--library", ".").code
    assert 2 == len(library.gallery("白雪"))


class Interrupt:
    """Ctrl-C, as soon as the sandbox has billed something."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        wait_until(lambda: bool(self._server.bill().entries))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()


def test_ctrl_c_without_a_ledger(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The line names the key under which something may have been billed."""
    billed.fault("hang", operations=["generate"])
    with Interrupt(billed):
        ran = aurashot("generate", "x", "--face", face, "--json")
    failure = json.loads(ran.out)
    key = billed.bill().entries[0].idempotency_key
    assert (130, "unknown", key) == (ran.code, failure["paid"], failure["idempotency_key"])
    assert f"an image may have been billed under the idempotency key {key}" in failure["detail"]


def test_ctrl_c_with_a_ledger(aurashot: Aurashot, billed: SandboxServer, face: str) -> None:
    """The response is awaited and recorded, and the line says how the image is had without paying again."""
    billed.fault("trickle;over=1", operations=["generate"], times=1)
    arguments = ["generate", "x", "--face", face, "--ledger", "l.db"]
    with Interrupt(billed):
        ran = aurashot(*arguments)
    key = billed.bill().entries[0].idempotency_key
    assert 130 == ran.code
    assert f"run the command again with --idempotency-key {key} to save it without paying again" in ran.err
    again = aurashot(*arguments, "--idempotency-key", str(key), "--out", "got.png")
    assert (0, 1, True) == (again.code, len(billed.bill().entries), Path("got.png").is_file())


def test_opening(aurashot: Aurashot, billed: SandboxServer, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """--open hands the file to the desktop; without one, that is said."""
    opened: list[str] = []

    def launch(path: str) -> int:
        opened.append(path)
        return 1

    monkeypatch.setattr("typer.launch", launch)
    ran = aurashot("generate", "x", "--face", face, "--out", "a.png", "--open")
    assert (["a.png"], 0) == (opened, ran.code)
    assert "a.png cannot be opened: there is no desktop; open it yourself" in ran.err


@pytest.fixture
def portrait(astronaut: Path, folder: Path) -> str:
    """Return the name of a photograph of a person, small enough to be compared quickly."""
    with Image.open(astronaut) as image:
        image.resize((400, 400)).save(folder / "portrait.jpg")
    return "portrait.jpg"


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says how similar the faces of the next images are; the sandbox's are not judged."""

    def say(*similarities: float) -> None:
        left = list(similarities)

        def compare(*_: object, **__: object) -> Comparison:
            score = left.pop(0)
            verdict: Verdict = "same" if score > 0.5 else "different"
            return Comparison(verdict=verdict, similarity=score, cosine=score, engine="test")

        monkeypatch.setattr("aurashot.identity.compare", compare)

    return say


@pytest.mark.parametrize(
    ("options", "similarities", "code", "images_paid", "kept"),
    [
        (["--identity"], [0.1, 0.9], 0, 2, [0.9]),
        (["--identity"], [0.1, 0.2, 0.3], 8, 3, [0.1, 0.2, 0.3]),
        (["--identity", "--max-images", "2"], [0.1, 0.2], 8, 2, [0.1, 0.2]),
        (["--count", "3", "--keep-best"], [0.6, 0.9, 0.7], 0, 3, [0.9]),
        (["--count", "2", "--keep-best"], [0.3, 0.4], 8, 2, [0.4]),
        (["--count", "2", "--keep-best", "--identity"], [0.3, 0.8, 0.9], 0, 3, [0.9]),
        (["--count", "3", "--identity", "--max-images", "4"], [0.1, 0.9, 0.1, 0.8], 4, 4, [0.9, 0.8]),
    ],
    ids=["second-attempt", "drift", "capped", "best", "best-of-drift", "best-of-accepted", "cap-reached"],
)
def test_faces(
    aurashot: Aurashot,
    billed: SandboxServer,
    portrait: str,
    *,
    alike: Callable[..., None],
    options: list[str],
    similarities: list[float],
    code: int,
    images_paid: int,
    kept: list[float],
) -> None:
    """What shows another person is made again within the limits; what is paid for is saved, or the best of it."""
    alike(*similarities)
    ran = aurashot("generate", "x", "--face", portrait, "--out", "a.png", "--json", *options)
    document = json.loads(ran.out)
    assert (code, images_paid) == (ran.code, len(billed.bill().entries)), ran.out
    assert True is document["paid"]
    assert kept == [image["similarity"] for image in document["images"]]
    assert len(kept) == len({path for path in _saved() if path.endswith(".png")})
