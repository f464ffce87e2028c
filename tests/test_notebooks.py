from __future__ import annotations

import base64
import copy
import io
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aurashot import AuraShot, DownloadError, Generation, InputError
from aurashot.characters import Character, CharacterLibrary
from aurashot.identity import Comparison, IdentityCheck
from aurashot.images import Preview
from aurashot.models import CallMeta
from lab.server import GENERATION, ScriptedServer, body, json_response, status
from tests.characters.conftest import memory_library
from tests.flows.steps import png

if TYPE_CHECKING:
    from lab.backends import Clients

FACE = "https://cdn.example.com/face.png"
PROMPT = "in a <b>cafe</b>"
TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"


def large(colour: str = "red", **options: Any) -> bytes:
    """Return a PNG file of 1,600 by 800 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (1600, 800), colour).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture
def maker(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of a server that makes images with a signed URL."""
    url = f"{server.url}/1.png?signature=secret"
    server.always(json_response({**GENERATION, "outputs": [{"url": url}]}))
    server.always((body(large(), "image/png"),), path="/1.png?signature=secret")
    return make_client(server.url)


def plain(value: Any) -> str:
    """Return the plain text that a notebook shows of a value."""
    shown: dict[str, str] = value._repr_mimebundle_()
    return shown["text/plain"]


def image_in(html: str) -> Image.Image | None:
    """Return the image of a card."""
    found = re.search(r'src="data:image/(?:jpeg|png);base64,([^"]+)"', html)
    return Image.open(io.BytesIO(base64.b64decode(found[1]))) if found else None


def html_of(value: Any) -> str:
    """Return the HTML that a notebook shows of a value, after checking that nothing in it is loaded."""
    shown: dict[str, str] = value._repr_mimebundle_()
    html = shown["text/html"]
    assert not re.search(r"https?:|signature|<b>", html)
    return html


def test_a_generation_shows_its_prompt_and_its_cost(maker: AuraShot, server: ScriptedServer) -> None:
    """Its image is not loaded, and its signed URL does not get into the notebook."""
    cafe = maker.generate(PROMPT, face=FACE)
    sent = len(server.requests)
    html = html_of(cafe)
    assert image_in(html) is None
    assert "in a &lt;b&gt;cafe&lt;/b&gt;" in html
    assert [
        "AuraShot generate",
        f"  Prompt: {PROMPT}",
        "  Cost: 1 image",
        f"  Request: {cafe.request_id}",
        "  Image: not downloaded; client.show downloads and shows it",
    ] == plain(cafe).splitlines()
    assert sent == len(server.requests)


def test_a_generation_that_was_downloaded_shows_its_image(
    maker: AuraShot, server: ScriptedServer, tmp_path: Path
) -> None:
    """From its file, scaled down, and with the name of the file and not its folder; nothing is sent."""
    cafe = maker.generate(PROMPT, face=FACE)
    maker.download(cafe, tmp_path / "private" / "cafe.png")
    sent = len(server.requests)
    html = html_of(cafe)
    shown = image_in(html)
    assert shown is not None
    assert (512, 256) == shown.size
    assert 'width="384"' in html
    assert 'alt="in a &lt;b&gt;cafe&lt;/b&gt;"' in html
    assert plain(cafe).endswith("  File: cafe.png")
    assert "private" not in html
    assert sent == len(server.requests)


def test_a_generation_in_a_gallery_shows_its_image(maker: AuraShot, tmp_path: Path) -> None:
    """The gallery of a character in a folder is files, too; one in an object store is not read to show it."""
    for library, has_image in ((CharacterLibrary(tmp_path), True), (memory_library(), False)):
        cafe = maker.generate(PROMPT, face=FACE)
        maker.download(cafe, library.create("Snow", face=png(), kind="virtual"))
        assert has_image is (image_in(html_of(cafe)) is not None)


def test_another_file_is_not_shown(maker: AuraShot, tmp_path: Path) -> None:
    """A file that was replaced since is another image, and one that is gone is none: the card says so."""
    cafe, roof = maker.generate(PROMPT, face=FACE), maker.generate("roof", face=FACE)
    maker.download(cafe, tmp_path / "out.png")
    maker.download(roof, tmp_path / "out.png")
    assert image_in(html_of(roof)) is not None
    assert image_in(html_of(cafe)) is None
    assert plain(cafe).endswith("  File: out.png, which is gone or was changed")
    (tmp_path / "out.png").unlink()
    assert plain(roof).endswith("  File: out.png, which is gone or was changed")


def test_what_was_downloaded_is_equal_to_what_was_not(maker: AuraShot, tmp_path: Path) -> None:
    """Where a file is takes no part in comparisons, and does not travel."""
    cafe = maker.generate(PROMPT, face=FACE)
    before = pickle.loads(pickle.dumps(cafe))
    maker.download(cafe, tmp_path / "cafe.png")
    elsewhere = pickle.loads(pickle.dumps(cafe))
    assert before == cafe == elsewhere
    assert cafe == copy.deepcopy(cafe) == before
    assert str(tmp_path).encode() not in pickle.dumps(cafe)
    assert image_in(html_of(elsewhere)) is None
    assert image_in(html_of(copy.deepcopy(cafe))) is not None


def test_show_downloads_an_image_and_stores_nothing(
    maker: AuraShot, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small version of it, with the same facts; in a terminal they are lines."""
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    cafe = maker.generate(PROMPT, face=FACE)
    shown = maker.show(cafe)
    assert isinstance(shown, Preview)
    assert shown.media_type == "image/jpeg"
    assert (512, 256) == Image.open(io.BytesIO(shown.content or b"")).size
    assert image_in(html_of(shown)) is not None
    assert f"AuraShot generate\n  Prompt: {PROMPT}\n  Cost: 1 image\n  Request: {cafe.request_id}" == repr(shown)
    assert repr(shown) == plain(shown)
    assert image_in(html_of(cafe)) is None
    assert before == set(tmp_path.rglob("*"))
    assert ["/v1/character/generate", "/1.png?signature=secret"] == [request.path for request in server.requests]


def test_show_reads_the_file_of_what_was_downloaded(maker: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """Nothing is sent for it, unless the file is gone."""
    cafe = maker.generate(PROMPT, face=FACE)
    path = maker.download(cafe, tmp_path / "cafe.png")
    sent = len(server.requests)
    assert maker.show(cafe).content
    assert sent == len(server.requests)
    path.unlink()
    assert maker.show(cafe).content
    assert sent + 1 == len(server.requests)


def test_show_takes_a_url(maker: AuraShot, server: ScriptedServer) -> None:
    """As `read` does; there is nothing to say about it."""
    assert "Image" == repr(maker.show(f"{server.url}/1.png?signature=secret"))


def test_show_refuses_what_is_no_image(maker: AuraShot, server: ScriptedServer) -> None:
    """With the errors of `read`."""
    with pytest.raises(InputError, match="what: "):
        maker.show("no-such-file.png")
    server.always(status(404), path="/gone.png")
    with pytest.raises(DownloadError, match="404"):
        maker.show(f"{server.url}/gone.png")


def test_a_character_shows_its_id_photo(make_client: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    """From a folder of this machine at once, from an object store when asked for."""
    for library, at_once in ((CharacterLibrary(tmp_path), True), (memory_library(), False)):
        snow = library.create(
            "Snow & Co", face=png(), anchor=large("blue"), kind="virtual", description="<b>tall</b>", styles=["ink"]
        )
        html = html_of(snow)
        assert at_once is (image_in(html) is not None)
        assert "Character Snow &amp; Co" in html
        assert "  Description: <b>tall</b>\n  Kind: virtual\n  ID photo: yes\n  Styles: ink" in plain(snow)
        assert at_once is not plain(snow).endswith("  Image: not loaded; client.show loads and shows it")
        shown = make_client(server.url).show(snow)
        assert (512, 256) == Image.open(io.BytesIO(shown.content or b"")).size
    assert [] == server.requests


def test_a_character_without_its_files_says_so(tmp_path: Path) -> None:
    """An image that is missing, a character without a library, and one without an image: none of them fails."""
    snow = CharacterLibrary(tmp_path).create("Snow", face=png())
    assert "  ID photo: not yet; the face reference is shown\n  Consent: no note for this face" in plain(snow)
    for path in tmp_path.rglob("face-reference*"):
        path.unlink()
    assert "  Image: The face reference of the character 'Snow' is missing" in plain(snow)
    elsewhere = Character.model_validate_json(snow.model_dump_json())
    assert plain(elsewhere).endswith("  Image: not loaded; client.show loads and shows it")
    assert plain(Character(name="Fog", slug="Fog")).endswith("  Image: none")


def made(meta: CallMeta, **fields: Any) -> Generation:
    """Return a generation that nobody made."""
    return Generation.model_validate({**GENERATION, **fields}).with_meta(meta)


@pytest.mark.parametrize(
    ("image", "lines"),
    [
        (made(CallMeta(from_ledger=True)), ["Cost: nothing now; it was paid for by an earlier call with the same key"]),
        (
            made(CallMeta(), status="processing", outputs=[]),
            ["Status: processing", "Cost: may be billed; there is no image yet"],
        ),
        (made(CallMeta(), outputs=[{"url": FACE}] * 2, requestId=None), ["Cost: 2 images"]),
        (
            made(
                CallMeta(
                    identity=IdentityCheck(
                        comparison=Comparison(verdict="different", similarity=0.123, cosine=-0.1, engine="model"),
                        accepted=False,
                        attempts=2,
                        images_paid=2,
                    )
                )
            ),
            ["Face: different, similarity 0.12, not accepted", "Cost: 2 images"],
        ),
    ],
    ids=["ledger", "pending", "two", "drift"],
)
def test_a_generation_says_what_it_cost(image: Generation, lines: list[str]) -> None:
    """Also if it was not paid now, is not done, or took several images."""
    assert lines == [
        line.strip() for line in plain(image).splitlines() if line.strip().startswith(("Cost", "Status", "Face"))
    ]


def test_an_image_that_pillow_cannot_show_is_shown_as_it_is(
    maker: AuraShot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra `images`, a small file is shown as it is, and of a large one its name."""
    small, big = maker.generate(PROMPT, face=FACE), maker.generate(PROMPT, face=FACE)
    maker.download(small, tmp_path / "small.png")
    maker.download(big, tmp_path / "big.png")
    monkeypatch.setattr("aurashot.images._pillow.pillow_available", lambda: False)
    shown = image_in(html_of(small))
    assert shown is not None
    assert ("PNG", (1600, 800)) == (shown.format, shown.size)
    monkeypatch.setattr("aurashot.images._preview._SMALL", 10)
    assert image_in(html_of(big)) is None
    assert plain(big).endswith("  File: big.png\n  Image: It cannot be shown; open its file")


def test_no_metadata_gets_into_a_notebook(maker: AuraShot, server: ScriptedServer) -> None:
    """A small version has the pixels, and nothing else of the file."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "at home in Elm Street"
    Image.new("RGB", (600, 600), "red").save(file, "JPEG", exif=exif, comment=b"in Elm Street")
    server.always((body(file.getvalue(), "image/jpeg"),), path="/home.jpg")
    content = maker.show(f"{server.url}/home.jpg").content
    assert content is not None
    assert b"Elm Street" not in content


@pytest.mark.timeout(1_200)  # a kernel shares the processor with all other tests
def test_the_tour_runs_in_a_kernel() -> None:
    """Every cell of the example, as a reader runs it: no key, no network, and every image is shown."""
    import nbformat
    from nbclient import NotebookClient

    untyped: Any = nbformat
    notebook: Any = untyped.read(TOUR, as_version=4)
    cells: list[dict[str, Any]] = notebook.cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    untyped.validate(notebook)
    client: Any = NotebookClient(notebook, timeout=None, startup_timeout=600, extra_arguments=["--log-level=ERROR"])
    client.execute()
    outputs: list[Any] = [output for cell in cells for output in cell.get("outputs", [])]
    assert {"execute_result", "display_data", "stream"} == {output.output_type for output in outputs}
    cards: list[str] = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert [True, False, True, True, True, True] == [image_in(card) is not None for card in cards]
    assert not [card for card in cards if "://" in card]
    assert "Nora" in cards[0]
    assert "unsure, similarity" in cards[1]
    (spent,) = (output.text for output in outputs if output.output_type == "stream")
    assert "unknown - may be charged: True\n4 paid, 1 unknown; the sandbox's bill: 5\n" == spent
