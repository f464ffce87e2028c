from __future__ import annotations

import base64
import io
import json
import zlib
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image, PngImagePlugin

from aurashot import InputError, InvalidImageError
from aurashot.characters._cards import CharacterCard, new_card, read_card, with_card, without_card
from aurashot.characters._parts import png_chunk
from aurashot.images import ImageRules
from tests.characters.images import drawn, pixels
from tests.images.sending import content_of, sent

SECRET = "Snow hums when nobody listens"
V2 = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {"name": "Snow 雪", "description": SECRET, "tags": ["winter"], "extensions": {"agnai/voice": {"x": 1}}},
    "beyond": [None, 1.5],
}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        "name": "Snow",
        "description": SECRET,
        "first_mes": "Hello",
        "creator_notes": "By me",
        "nickname": "S",
        "group_only_greetings": ["Hi all"],
        "extensions": {},
        "future": {"kept": True},
    },
}
V1 = {"name": "Old Snow", "description": SECRET, "first_mes": "Hi"}


def text_chunk(keyword: str, document: Any, kind: bytes = b"tEXt") -> bytes:
    """Return a chunk with a card in it, as other programs write it."""
    encoded = base64.b64encode(json.dumps(document).encode())
    head = {b"tEXt": b"", b"zTXt": b"\0", b"iTXt": b"\0\0\0\0"}[kind]
    return png_chunk(kind, keyword.encode() + b"\0" + head + (zlib.compress(encoded) if kind == b"zTXt" else encoded))


def card_file(*chunks: bytes) -> bytes:
    """Return a PNG file with some chunks before its end."""
    image = drawn("PNG")
    return image[:-12] + b"".join(chunks) + image[-12:]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_a_card_of_another_program_is_read(kind: bytes) -> None:
    """Its chunk is uncompressed by the specification; some programs write the other kinds."""
    card = read_card(card_file(text_chunk("chara", V2, kind)))
    assert card is not None
    assert (2, "Snow 雪", SECRET, ("winter",)) == (card.version, card.name, card.description, card.tags)


def test_version_3_counts_if_both_are_there() -> None:
    """The specification says so."""
    card = read_card(card_file(text_chunk("chara", V2), text_chunk("ccv3", V3)))
    assert card is not None
    assert (3, "Hello") == (card.version, card.first_message)


def test_a_card_of_before_the_versions_is_read() -> None:
    """Its fields are at the top."""
    card = read_card(card_file(text_chunk("chara", V1)))
    assert card is not None
    assert (1, "Old Snow", "Hi", "", "") == (
        card.version,
        card.name,
        card.first_message,
        card.personality,
        card.scenario,
    )


@pytest.mark.parametrize("image", [drawn("PNG"), drawn("JPEG"), drawn("WEBP"), drawn("GIF")])
def test_an_image_without_a_card_has_none(image: bytes) -> None:
    """That is no error, in any format."""
    assert read_card(image) is None


@pytest.mark.parametrize("document", [V2, V3])
def test_unknown_fields_survive(document: dict[str, Any]) -> None:
    """What is read is written again as it was, at every level."""
    card = read_card(card_file(text_chunk("ccv3" if document is V3 else "chara", document)))
    assert card is not None
    again = read_card(with_card(drawn("PNG"), card))
    assert card == again
    assert document == card.content


def test_writing_a_card_keeps_all_other_chunks() -> None:
    """Earlier cards go; everything else stays byte for byte, and the pixels with it."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "me")
    info.add_itxt("Title", "雪")
    content = drawn("PNG", pnginfo=info, dpi=(72, 72))
    written = with_card(content, new_card("Snow", first_mes="Hello"))
    replaced = with_card(written, new_card("Rain"))
    assert content == without_card(replaced)
    assert pixels(content) == pixels(replaced)
    card = read_card(replaced)
    assert card is not None
    assert "Rain" == card.name
    assert replaced.count(b"ccv3\0") == replaced.count(b"chara\0") == 1


def test_programs_of_version_2_get_a_card_as_well() -> None:
    """It says in its notes that there is more, and keeps under its extensions what version 2 does not have."""
    card = CharacterCard(3, V3)
    written = with_card(drawn("PNG"), card)
    with Image.open(io.BytesIO(written)) as image:
        older = json.loads(base64.b64decode(image.info["chara"]))
    assert ("chara_card_v2", "2.0", "Snow") == (older["spec"], older["spec_version"], older["data"]["name"])
    assert older["data"]["creator_notes"].startswith("By me\n\nThis is a version 3 character card")
    assert {"nickname": "S", "group_only_greetings": ["Hi all"]} == older["data"]["extensions"]["aurashot/version_3"]
    assert "" == older["data"]["system_prompt"]
    assert {"kept": True} == older["data"]["future"]
    assert b"chara\0" not in with_card(drawn("PNG"), card, version_2=False)


def test_a_card_of_version_2_stays_one() -> None:
    """It is written in its own chunk only, and converting it changes nothing."""
    card = CharacterCard(2, V2)
    assert card is card.as_version_2()
    written = with_card(drawn("PNG"), card)
    assert b"ccv3" not in written
    assert card == read_card(written)


def test_an_old_card_becomes_one_of_version_2() -> None:
    """Without a note: nothing of it is lost."""
    data = CharacterCard(1, V1).as_version_2().data
    assert ("Old Snow", "", []) == (data["name"], data["creator_notes"], data["tags"])


def test_a_new_card_takes_texts_by_their_names() -> None:
    """All fields that the specification demands are there, and other names are refused."""
    card = new_card("Snow", description="x", tags=["a"], personality="calm", scenario="winter")
    assert ("calm", "winter", ("a",)) == (card.personality, card.scenario, card.tags)
    assert {} == card.data["extensions"]
    with pytest.raises(InputError, match="mood"):
        new_card("Snow", mood="calm")


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_a_card_can_be_removed(kind: bytes) -> None:
    """With its assets, however it is compressed, and whatever the case of its keyword."""
    chunks = [text_chunk(keyword, V2, kind) for keyword in ("chara", "CCV3", "chara-ext-asset_:a.png")]
    assert drawn("PNG") == without_card(card_file(*chunks))


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
def test_other_formats_lose_all_metadata(file_format: str) -> None:
    """Some programs hide cards in EXIF."""
    content = drawn(file_format, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + SECRET.encode())
    assert SECRET.encode() in content
    cleaned = without_card(content)
    assert SECRET.encode() not in cleaned
    assert pixels(content) == pixels(cleaned)


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_an_upload_of_a_card_has_none_of_its_text(kind: bytes) -> None:
    """A card that is passed as a face is stripped before it is sent."""
    chunks = [text_chunk("chara", V2, kind), text_chunk("ccv3", V3, kind), text_chunk("chara-ext-asset_:x", V1, kind)]
    content = card_file(*chunks)
    uploaded = content_of(sent(content, ImageRules(own_origin="http://127.0.0.1:1")))
    assert read_card(content) is not None
    assert read_card(uploaded) is None
    assert b"chara" not in uploaded
    assert b"ccv3" not in uploaded
    assert pixels(content) == pixels(uploaded)


BROKEN = {
    "not base64": png_chunk(b"tEXt", b"chara\0%%%"),
    "half a group": png_chunk(b"tEXt", b"chara\0abcde"),
    "not JSON": png_chunk(b"tEXt", b"chara\0" + base64.b64encode(b"{")),
    "not UTF-8": png_chunk(b"tEXt", b"chara\0" + base64.b64encode(b'"\xff"')),
    "a list": text_chunk("chara", [1]),
    "no data": text_chunk("chara", {"spec": "chara_card_v2"}),
    "data of another kind": text_chunk("ccv3", {"spec": "chara_card_v3", "data": []}),
    "not a number": png_chunk(b"tEXt", b"chara\0" + base64.b64encode(b'{"a": NaN}')),
    "a huge number": png_chunk(b"tEXt", b"chara\0" + base64.b64encode(b'{"a": ' + b"9" * 10_000 + b"}")),
    "deep": png_chunk(b"tEXt", b"chara\0" + base64.b64encode(b"[" * 200_000)),
    "a wrong check sum": text_chunk("chara", V2)[:-1] + b"\0",
    "huge when decompressed": png_chunk(b"zTXt", b"chara\0\0" + zlib.compress(bytes(64 * 1024 * 1024), 9)),
    "broken when decompressed": png_chunk(b"zTXt", b"chara\0\0xx"),
}


@pytest.mark.parametrize("chunk", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_card_is_an_error_and_can_be_removed(chunk: bytes) -> None:
    """It is never half a card."""
    content = card_file(chunk)
    with pytest.raises(InvalidImageError):
        read_card(content)
    assert drawn("PNG") == without_card(content)


def test_a_chunk_that_is_too_large_is_not_read() -> None:
    """The limit counts before anything is decoded."""
    content = card_file(png_chunk(b"tEXt", b"chara\0" + bytes(16 * 1024 * 1024 + 1)))
    with pytest.raises(InvalidImageError, match="16,777,216"):
        read_card(content)
    with pytest.raises(InputError, match="make its texts shorter"):
        with_card(drawn("PNG"), new_card("Snow", description="x" * (13 * 1024 * 1024)))


def test_half_a_character_survives() -> None:
    """JSON can have it as an escape, and UTF-8 cannot."""
    card = CharacterCard(2, {"spec": "chara_card_v2", "data": {"name": "\ud800 雪"}})
    read = read_card(with_card(drawn("PNG"), card))
    assert read is not None
    assert "\ud800 雪" == read.name


@pytest.mark.parametrize("content", [{"a": object()}, {"a": float("nan")}, {"a": {1, 2}}])
def test_what_json_cannot_hold_is_not_written(content: dict[str, Any]) -> None:
    """It is an error of the argument."""
    with pytest.raises(InputError, match="card: "):
        with_card(drawn("PNG"), CharacterCard(1, content))


def test_cards_are_written_into_png_files_only() -> None:
    """The message says what to do."""
    with pytest.raises(InvalidImageError, match="convert the image to PNG"):
        with_card(drawn("JPEG"), new_card("Snow"))


@given(st.integers(0, 300))
def test_a_file_that_is_cut_short_is_an_error(cut: int) -> None:
    """Whatever is done with it."""
    content = with_card(drawn("PNG", size=(2, 2)), new_card("Snow"), version_2=False)
    short = content[: min(cut, len(content) - 1)]
    with pytest.raises(InvalidImageError):
        read_card(short)
    with pytest.raises(InvalidImageError):
        without_card(short)
    with pytest.raises(InvalidImageError):
        with_card(short, new_card("Rain"))


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5), st.lists, max_leaves=5))
def test_any_field_survives(value: Any) -> None:
    """Whatever JSON value an application has put there."""
    card = CharacterCard(2, {"spec": "chara_card_v2", "data": {"name": "Snow", "x": value}, "y": value})
    assert card == read_card(with_card(drawn("PNG", size=(2, 2)), card))
