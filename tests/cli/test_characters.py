"""`aurashot characters`: every command against a library in a folder, with the sandbox as the service."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from aurashot.characters import CharacterLibrary, Consent, _drafts
from aurashot.cli import app
from aurashot.ledger import SQLiteLedger

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot, Ran

NAME = "陛下"
URL = "https://cdn.example.com/anchor.png?signature=secret"


def png(number: int) -> bytes:
    """Return an image that differs from those of other numbers."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (number * 20, 80, 160)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(autouse=True, scope="module")
def _quick_drawings(quick_drawings: None) -> None:
    """Nobody looks at the images here."""


@pytest.fixture
def library(folder: Path) -> CharacterLibrary:
    """Return the library of the working directory, with one character."""
    place = CharacterLibrary(folder)
    place.create(
        NAME,
        kind="virtual",
        face=png(1),
        anchor=png(2),
        anchor_url=URL,
        description="a queen",
        styles=["ink"],
        scenes=["palace"],
        consent=Consent(who="herself", purpose="portraits", when=datetime(2026, 3, 16, tzinfo=UTC)),
    )
    return place


@pytest.fixture
def face(folder: Path) -> Path:
    """Return an image of an invented person."""
    path = folder / "face.png"
    path.write_bytes(png(3))
    return path


def data(ran: Ran) -> dict[str, Any]:
    """Return the document that a command has printed."""
    assert (0, "") == (ran.code, ran.err)
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_character_is_made_and_billed_once(
    aurashot: Aurashot, server: SandboxServer, folder: Path, face: Path
) -> None:
    """Its name may be in any script; the library is the working directory; a second run says that the name is taken."""
    billed = server.bill().total
    options = ("--kind", "virtual", "--description", "a queen", "--style", "ink", "--tag", "user=alice")
    ran = aurashot("characters", "create", NAME, "--face", str(face), *options, "--ledger", "spend.db")
    assert (0, "") == (ran.code, ran.err)
    assert f"Created {NAME}." == ran.out.splitlines()[0]
    assert str(folder / "avatars" / NAME / "profile" / "id-photo.png") in ran.out
    assert "Created" in ran.out
    made = CharacterLibrary(folder).get(NAME)
    assert ("virtual", "a queen", ("ink",)) == (made.kind, made.description, made.styles)
    assert png(3) == made.read_face()
    assert billed + 1 == server.bill().total
    assert 1 == json.loads(aurashot("spend", "spend.db", "--json").out)["by_tag"]["user"]["alice"]["paid"]
    again = aurashot("characters", "create", NAME, "--face", str(face), *options)
    assert (2, True) == (again.code, "has a character" in again.err)
    assert billed + 1 == server.bill().total


def test_what_it_would_cost(aurashot: Aurashot, server: SandboxServer, folder: Path, face: Path) -> None:
    """A dry run checks everything, says what would be billed, and neither sends nor writes anything."""
    billed, before = server.bill().total, sorted(folder.rglob("*"))
    ran = aurashot("characters", "create", NAME, "--face", "face.png", "--kind", "virtual", "--dry-run")
    assert (0, "") == (ran.code, ran.err)
    assert "1 image" in ran.out
    assert "Nothing was sent or billed." == ran.out.splitlines()[-1]
    found = data(
        aurashot("characters", "create", NAME, "--face", "face.png", "--kind", "virtual", "--dry-run", "--json")
    )
    assert (True, NAME, 1, None) == tuple(
        found[key] for key in ("dry_run", "character", "images_billed_at_most", "resumes_key")
    )
    bad = aurashot("characters", "create", "CON", "--face", "face.png", "--dry-run")
    assert (2, True) == (bad.code, "cannot be the name of a character" in bad.err)
    assert billed == server.bill().total
    assert before == sorted(folder.rglob("*"))


def test_a_photo_of_a_real_person(aurashot: Aurashot, server: SandboxServer, folder: Path, astronaut: Path) -> None:
    """With a note of consent it is kept where the library asks for one; the evidence is kept as a digest."""
    (folder / "form.pdf").write_bytes(b"signed")
    options = ("characters", "create", "Eileen", "--face", str(astronaut), "--require-consent")
    refused = aurashot(*options, "--dry-run")
    assert (2, True) == (refused.code, "consent" in refused.err)
    consent = ("--consent-by", "Eileen Collins", "--consent-purpose", "a test", "--consent-evidence", "form.pdf")
    found = data(aurashot(*options, *consent, "--json"))
    assert found["has_consent"]
    assert hashlib.sha256(b"signed").hexdigest() == found["consent"]["evidence_sha256"]
    assert ("Eileen Collins", "a test") == (found["consent"]["who"], found["consent"]["purpose"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--consent-by", "me"), "--consent-purpose"),
        (("--consent-purpose", "a test"), "--consent-by"),
        (
            ("--consent-by", "me", "--consent-purpose", "a test", "--consent-evidence", "no.pdf"),
            "'no.pdf' cannot be read",
        ),
        (("--tag", "alice"), "write NAME=VALUE"),
        (("--template", "no place for it"), "{prompt}"),
        (("--face", "no.png"), "no.png"),
    ],
    ids=["no-purpose", "no-one", "no-evidence", "tag", "template", "no-photo"],
)
def test_options_that_are_wrong(
    aurashot: Aurashot, server: SandboxServer, face: Path, options: tuple[str, ...], words: str
) -> None:
    """Each is one line that says what to do, before anything is sent."""
    billed = server.bill().total
    ran = aurashot("characters", "create", NAME, "--face", str(face), "--kind", "virtual", *options)
    assert 2 == ran.code
    assert words in ran.error
    assert billed == server.bill().total


def test_without_a_key(aurashot: Aurashot, face: Path) -> None:
    """It is one line, and nothing is written."""
    ran = aurashot("characters", "create", NAME, "--face", str(face), "--kind", "virtual")
    assert (2, True) == (ran.code, ran.error.startswith("No API key was found"))


def test_an_interrupted_creation(aurashot: Aurashot, server: SandboxServer, folder: Path, face: Path) -> None:
    """Nothing is sent until somebody has looked at the bill; the error has the command that begins anew."""
    store = CharacterLibrary(folder).store
    digest = hashlib.sha256(repr((hashlib.sha256(png(3)).hexdigest(), None, "virtual")).encode()).hexdigest()
    _drafts.begin(store, _drafts.Draft(slug="Snow", key="k-1", asked=digest), has_ledger=False)
    billed = server.bill().total
    create = ("characters", "create", "Snow", "--face", str(face), "--kind", "virtual")
    ran = aurashot(*create)
    assert ran.code
    assert "k-1" in ran.error
    assert "aurashot characters discard Snow" in ran.error
    with SQLiteLedger("spend.db"):
        planned = data(aurashot(*create, "--ledger", "spend.db", "--dry-run", "--json"))
    assert (1, "k-1") == (planned["images_billed_at_most"], planned["resumes_key"])
    assert "there is no terminal to confirm it; add --yes" in aurashot("characters", "discard", "Snow").error
    assert {"discarded": "Snow"} == data(aurashot("characters", "discard", "Snow", "--yes", "--json"))
    assert "there is nothing to discard" in aurashot("characters", "discard", "Snow", "--yes").error
    assert billed == server.bill().total
    assert 0 == aurashot(*create).code


def test_the_list(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """A row for each, sorted by name; a library elsewhere is named by option or variable."""
    library.create("Alice", face=png(4))
    head, *rows = aurashot("characters", "list").out.splitlines()
    assert ["name", "kind", "ID", "photo", "consent", "created", "description"] == head.split()
    assert [["Alice", "real", "no", "no"], [NAME, "virtual", "yes", "yes"]] == [row.split()[:4] for row in rows]
    found = data(aurashot("characters", "list", "--library", str(folder), "--json"))
    assert ["Alice", NAME] == [each["name"] for each in found["characters"]]
    assert [False, True] == [each["has_anchor"] for each in found["characters"]]
    assert ["Alice", NAME] == aurashot("characters", "list", "--format", "quiet").out.splitlines()
    assert "1\tAlice\treal\tfalse\tfalse\t" in aurashot("characters", "list", "--format", "agent").out


def test_an_empty_library(aurashot: Aurashot, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no error, and says how to make a character."""
    monkeypatch.setenv("AURASHOT_LIBRARY", "elsewhere")
    place = str(folder / "elsewhere" / "avatars")
    out = aurashot("characters", "list").out
    assert f"There are no characters in {place}; aurashot characters create makes one.\n" == out
    assert {"library": place, "characters": []} == data(aurashot("characters", "list", "--json"))


def test_what_is_known_of_one(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """Paths are printed; URLs, with which anybody can fetch an image, only if that is wanted."""
    out = aurashot("characters", "show", NAME).out
    for words in (NAME, "virtual", "a queen", "ink", "palace", "herself: portraits (2026-03-16)", "{prompt}"):
        assert words in out
    assert "secret" not in out
    assert URL in aurashot("characters", "show", NAME, "--urls").out
    found = data(aurashot("characters", "show", NAME, "--json"))
    assert str(folder / "avatars" / NAME / "profile" / "id-photo.png") == found["anchor"]["path"]
    assert hashlib.sha256(png(2)).hexdigest() == found["anchor"]["sha256"]
    assert "url" not in found["anchor"]
    assert URL == data(aurashot("characters", "show", NAME, "--json", "--urls"))["anchor"]["url"]


def test_one_that_is_not_there(aurashot: Aurashot, library: CharacterLibrary) -> None:
    """Every command says the same, with the same exit code."""
    for command in (["show"], ["gallery"], ["rename", "Nobody"], ["remove"], ["forget", "--yes"], ["export"]):
        name, *others = command
        ran = aurashot("characters", name, "Nobody", *others)
        assert (2, True) == (ran.code, "Nobody" in ran.error), command


def test_the_gallery(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """The newest first, with their facts; filters are those of the library."""
    assert f"There are no such images of {NAME}." in aurashot("characters", "gallery", NAME).out
    for number, tags in ((5, {}), (6, {"for": "album"})):
        library.save(NAME, png(number), description=f"image {number}", tags=tags)
    every = data(aurashot("characters", "gallery", NAME, "--json"))
    assert NAME == every["character"]
    assert {"image 5", "image 6"} == {each["description"] for each in every["images"]}
    (one,) = data(aurashot("characters", "gallery", NAME, "--tag", "for=album", "--json"))["images"]
    assert ("image 6", ["for=album"], None) == (one["description"], one["tags"], one["verdict"])
    assert (folder / one["path"]).is_file()
    assert one["path"] in aurashot("characters", "gallery", NAME, "--limit", "1").out + one["path"]
    assert [one["path"]] == aurashot(
        "characters", "gallery", NAME, "--tag", "for", "--format", "quiet"
    ).out.splitlines()
    assert [] == data(aurashot("characters", "gallery", NAME, "--verdict", "same", "--json"))["images"]
    assert [] == data(aurashot("characters", "gallery", NAME, "--since", "2999-01-01", "--json"))["images"]
    wrong = aurashot("characters", "gallery", NAME, "--since", "yesterday")
    assert (2, True) == (wrong.code, "is not a date or time" in wrong.error)


def test_another_name(aurashot: Aurashot, library: CharacterLibrary) -> None:
    """Its images and its id stay; a name that is taken or cannot be one is refused."""
    before = library.get(NAME)
    assert f"{NAME} is called Queen now." in aurashot("characters", "rename", NAME, "Queen").out
    assert before.id == library.get("Queen").id
    library.create("Alice", face=png(4))
    assert "Alice" in aurashot("characters", "rename", "Queen", "alice").error
    assert "cannot be the name" in aurashot("characters", "rename", "Queen", "../x").error


def test_removing_asks_first(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """Without a terminal it needs `--yes`; the error says what would have happened."""
    refused = aurashot("characters", "remove", NAME)
    assert 2 == refused.code
    assert f"{NAME}, with 0 finished images, will be removed from {folder / 'avatars'}, and" in refused.error
    assert "add --yes" in refused.error
    assert NAME == library.get(NAME).name
    assert f"{NAME} is removed.\n" == aurashot("characters", "remove", NAME, "--yes").out
    assert () == library.list()


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("n\n", 1), ("", 1)], ids=["yes", "no", "nothing"])
def test_the_question(library: CharacterLibrary, monkeypatch: pytest.MonkeyPatch, reply: str, code: int) -> None:
    """Only a yes removes anything; the question is on standard error, so that the result can be read by a program."""
    monkeypatch.setattr("aurashot.cli._confirmation._is_interactive", lambda: True)
    result = CliRunner().invoke(app, ["characters", "remove", NAME, "--json"], input=reply)
    assert code == result.exit_code
    assert "Continue?" in result.stderr
    assert bool(code) == bool(library.list())
    assert code or {"removed": NAME, "images": 0} == json.loads(result.stdout)


def test_forgetting_gives_a_receipt(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """Each file with its digest, what may remain, and the receipt's own digest, on the screen and in a file."""
    library.create("Twin", face=png(1))
    ran = aurashot("characters", "forget", NAME, "--yes", "--receipt", "receipt.json")
    assert (0, "") == (ran.code, ran.err)
    written = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
    for words in (f"{NAME} is forgotten.", "Twin", "The service's own copies", written["sha256"]):
        assert words in ran.out
    files = {each["path"]: each["sha256"] for each in written["removed"]}
    assert hashlib.sha256(png(2)).hexdigest() == files[f"avatars/{NAME}/profile/id-photo.png"]
    assert files[f"avatars/{NAME}/profile/id-photo.png"] in ran.out
    assert ["Twin"] == written["same_face"]
    assert not (folder / "avatars" / NAME).exists()
    found = data(aurashot("characters", "forget", "Twin", "--yes", "--json"))
    assert ("Twin", 64) == (found["character"], len(found["sha256"]))


@pytest.mark.parametrize(("file", "words"), [("there.json", "exists"), ("no/receipt.json", "there is no folder")])
def test_a_receipt_that_cannot_be_written(
    aurashot: Aurashot, library: CharacterLibrary, folder: Path, file: str, words: str
) -> None:
    """That is found out before anything is removed."""
    (folder / "there.json").write_text("mine", encoding="utf-8")
    ran = aurashot("characters", "forget", NAME, "--yes", "--receipt", file)
    assert (2, True) == (ran.code, words in ran.error)
    assert NAME == library.get(NAME).name


def test_out_and_in_again(aurashot: Aurashot, library: CharacterLibrary, folder: Path) -> None:
    """It goes into the working directory, and back under another name; no file is replaced unasked."""
    found = data(aurashot("characters", "export", NAME, "--json"))
    assert f"{NAME}.zip" == found["path"]
    assert (folder / f"{NAME}.zip").stat().st_size == found["size"]
    taken = aurashot("characters", "export", NAME)
    assert (2, True) == (taken.code, "exists; choose another one, or add --force" in taken.error)
    assert 0 == aurashot("characters", "export", NAME, "--force").code
    assert "Imported Twin." == aurashot("characters", "import", f"{NAME}.zip", "--name", "Twin").out.splitlines()[0]
    assert png(2) == library.get("Twin").read_anchor()
    (folder / "no.zip").write_bytes(b"no zip file")
    assert 2 == aurashot("characters", "import", "no.zip").code
    assert "passed" not in aurashot("characters", "export", NAME, "https://example.com/x.zip").out


def test_a_name_that_looks_like_an_option(aurashot: Aurashot, library: CharacterLibrary) -> None:
    """It is written after two dashes."""
    library.create("-y", face=png(7))
    assert "-y" in aurashot("characters", "show", "--", "-y").out


def test_control_characters_reach_no_terminal(aurashot: Aurashot, library: CharacterLibrary) -> None:
    """What a file of somebody else says is escaped."""
    library.update(NAME, description="\x1b[31mred")
    for command in (["list"], ["show", NAME]):
        out = aurashot("characters", *command).out
        assert "\x1b" not in out
        assert "\\x1b[31mred" in out


def test_a_library_that_is_a_file(aurashot: Aurashot, folder: Path) -> None:
    """It is one line."""
    (folder / "file").write_bytes(b"")
    ran = aurashot("characters", "list", "--library", "file")
    assert ran.code
    assert "file" in ran.error
