from __future__ import annotations

import io
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from aurashot import InvalidImageError
from aurashot.characters._metadata import ImageMetadata, metadata_of, with_metadata
from aurashot.characters._parts import JPEG, parts_of, png_chunk, type_of
from aurashot.characters._sidecar import DRAWN, GENERATED, IdentityNote, Reference, digest_of
from aurashot.characters._xmp import read_packet
from aurashot.images import ImageRules, check_complete
from aurashot.images._containers import walk
from aurashot.images._orientation import XMP_PREFIX
from aurashot.images._window import Window
from tests.characters.images import FORMATS, drawn, pixels, sidecar
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><!-- kept -->'
    '<r:Description r:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"'
    ' xmlns:q="http://purl.org/dc/elements/1.1/">'
    '<q:description><r:Alt><r:li xml:lang="x-default">Ours &amp; theirs</r:li></r:Alt></q:description>'
    "</r:Description></r:RDF></x:xmpmeta>" + " " * 200 + '<?xpacket end="w"?>'
)
"""A packet of another program, with other prefixes, a rating and a description."""

VARIANTS = {
    "PNG": drawn("PNG"),
    "grey PNG": drawn("PNG", mode="L"),
    "PNG with a palette": drawn("PNG", mode="P"),
    "PNG of 16 bits": drawn("PNG", mode="I;16"),
    "JPEG": drawn("JPEG"),
    "progressive JPEG": drawn("JPEG", progressive=True, comment=b"kept"),
    "JPEG in CMYK": drawn("JPEG", mode="CMYK"),
    "JPEG with EXIF": drawn("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "WebP": drawn("WEBP"),
    "lossless WebP": drawn("WEBP", lossless=True, mode="RGBA"),
    "WebP with alpha": drawn("WEBP", mode="RGBA"),
    "WebP with a profile": drawn("WEBP", icc_profile=b"profile"),
}


def with_packet(packet: bytes, file_format: str = "PNG") -> bytes:
    """Return an image with XMP in it."""
    if file_format == "PNG":
        image = drawn("PNG")
        return image[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet) + image[33:]
    return drawn(file_format, xmp=packet)


def other_parts(content: bytes) -> list[bytes]:
    """Return all parts of a file but XMP, byte for byte; of a WebP header without its flag for XMP."""
    media_type = type_of(content)
    found: list[bytes] = []
    for part in walk(Window(io.BytesIO(content)), media_type):
        piece = content[part.start : part.end]
        if part.kind == b"VP8X":
            piece = piece[:8] + bytes([piece[8] & ~0x04]) + piece[9:]
        is_xmp = part.kind == b"XMP " or piece[4:].startswith((XMP_PREFIX, b"iTXtXML:com.adobe.xmp\0"))
        if not is_xmp:
            found.append(piece)
    return found


@pytest.mark.parametrize("content", VARIANTS.values(), ids=VARIANTS.keys())
def test_pixels_and_all_other_parts_stay(content: bytes) -> None:
    """Metadata is added to every kind of file, and it decodes to the same pixels."""
    written = with_metadata(content, sidecar(content))
    assert pixels(content) == pixels(written)
    assert other_parts(content) == [part for part in other_parts(written) if not is_new_header(part, content)]
    check_complete(io.BytesIO(written), type_of(written))
    assert metadata_of(content) == ImageMetadata()
    assert metadata_of(written).digital_source_type == GENERATED


def is_new_header(part: bytes, content: bytes) -> bool:
    """Whether a part is the header that a WebP file of one chunk is given."""
    return part.startswith(b"VP8X") and b"VP8X" not in content


def test_an_animation_keeps_its_frames() -> None:
    """An animated PNG and an animated WebP have the same frames afterwards."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for file_format in ("PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, file_format, save_all=True, append_images=frames[1:])
        content = out.getvalue()
        assert pixels(content) == pixels(with_metadata(content, sidecar(content)))


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_facts_can_be_read_back(file_format: str) -> None:
    """All of them but URLs and tags, and with the digest of the file that they are in."""
    content = drawn(file_format)
    facts = sidecar(
        content,
        prompt='雪 in a cafe <&> "quoted" ]]>\n\x00\x0b\ufffe\x85 \U0001f600',
        description="Snow, smiling",
        references={"face": Reference(sha256="b" * 64, url="https://example.com/face.png?signature=secret")},
        url="https://example.com/1.png?signature=secret",
        tags={"user": "alice"},
        identity=IdentityNote(verdict="same", similarity=0.93, reasons=("image: it is small (too_small)",)),
        somebody={"elses": [None, 1]},
    )
    written = with_metadata(content, facts)
    read = metadata_of(written)
    assert "Snow, smiling" == read.description
    assert read.sidecar is not None
    left_out = {"url": None, "tags": {}, "references": {"face": Reference(sha256="b" * 64)}}
    assert facts.model_copy(update={"sha256": digest_of(written), **left_out}) == read.sidecar
    assert b"signature" not in written
    assert b"alice" not in written


def test_what_the_sandbox_has_drawn_does_not_say_that_a_model_made_it() -> None:
    """It is a composite, no system made it, and its prompt was no prompt of a model."""
    content = drawn()
    written = with_metadata(content, sidecar(content, sandbox=True, digital_source_type=DRAWN))
    assert DRAWN == metadata_of(written).digital_source_type
    assert b"trainedAlgorithmicMedia" not in written
    assert b"AISystemUsed" not in written
    assert b"AIPromptInformation" not in written


@pytest.mark.parametrize("file_format", FORMATS)
def test_xmp_of_others_stays(file_format: str) -> None:
    """Every byte of their packet is there, and what it already says is not said twice."""
    content = with_packet(OTHERS.encode(), file_format)
    written = with_metadata(content, sidecar(content))
    head, tail = OTHERS.split("</r:RDF>")
    assert head.encode() in written
    assert tail.encode() in written
    assert written.count(b":description>") == 2, "an element begins and ends"
    read = metadata_of(written)
    assert (GENERATED, "Ours & theirs") == (read.digital_source_type, read.description)
    assert read.sidecar is not None
    assert pixels(content) == pixels(written)
    assert "5" == read_packet(metadata_bytes(written) + b"</x:xmpmeta>").values["xmp:Rating"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_writing_again_replaces_what_was_written(file_format: str) -> None:
    """There is one packet with the newest facts, and the file does not grow."""
    content = drawn(file_format)
    once = with_metadata(content, sidecar(content, prompt="one"))
    twice = with_metadata(once, sidecar(content, prompt="two"))
    assert len(once) == len(twice)
    assert b"one" not in metadata_bytes(twice)
    read = metadata_of(twice)
    assert "two" == read.description
    assert read.sidecar is not None
    assert "two" == read.sidecar.prompt


def metadata_bytes(content: bytes) -> bytes:
    """Return the XMP packet of a file."""
    start = content.index(b"<x:xmpmeta")
    return content[start : content.index(b"</x:xmpmeta>")]


def test_facts_that_another_program_has_written_anew_are_replaced() -> None:
    """Programs change the prefixes of others, and make attributes of elements."""
    theirs = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:a="urn:aurashot:xmp:1:" a:Facts="{&quot;prompt&quot;:&quot;old&quot;}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    written = with_metadata(with_packet(theirs.encode()), sidecar(b"", prompt="new"))
    read = metadata_of(written)
    assert read.sidecar is not None
    assert "new" == read.sidecar.prompt
    assert b"old" not in written


def test_a_compressed_packet_is_read() -> None:
    """Some programs compress XMP in PNG files, which its specification does not allow."""
    image = drawn("PNG")
    packet = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(OTHERS.encode())
    content = image[:33] + png_chunk(b"iTXt", packet) + image[33:]
    assert "Ours & theirs" == metadata_of(with_metadata(content, sidecar(content))).description


def test_a_prompt_that_is_too_long_for_a_jpeg_is_left_out() -> None:
    """A segment has 64 KB; the other facts are there."""
    content = drawn("JPEG")
    read = metadata_of(with_metadata(content, sidecar(content, prompt="雪" * 30_000)))
    assert GENERATED == read.digital_source_type
    assert read.sidecar is not None
    assert (None, "r-1") == (read.sidecar.prompt, read.sidecar.request_id)


RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
HOSTILE = {
    "not XML": b"<x:xmpmeta",
    "empty": b" ",
    "not UTF-8": b"<a>\xff</a>",
    "another encoding": OTHERS.encode("utf-16"),
    "a document type": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "no RDF": b"<a/>",
    "an empty RDF": f"<rdf:RDF {RDF}/>".encode(),
    "an end in a comment": f"<a><rdf:RDF {RDF}></rdf:RDF><!-- </rdf:RDF> --></a>".encode(),
    "too deep": b"<a>" * 1_000 + b"</a>" * 1_000,
    "too large": f"<rdf:RDF {RDF}>{' ' * (1024 * 1024)}</rdf:RDF>".encode(),
}


@pytest.mark.parametrize("packet", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_packet_that_cannot_be_added_to_is_an_error(packet: bytes) -> None:
    """The file is left alone, and no entity is expanded."""
    with pytest.raises(InvalidImageError):
        with_metadata(with_packet(packet), sidecar())


def test_a_text_that_is_huge_when_decompressed_is_an_error() -> None:
    """Two kilobytes become two megabytes, and no more than the limit is decompressed."""
    image = drawn("PNG")
    packet = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(InvalidImageError, match="more than 1,048,576 bytes"):
        with_metadata(image[:33] + png_chunk(b"iTXt", packet) + image[33:], sidecar())


def test_signed_content_credentials_are_not_made_invalid() -> None:
    """A file with a C2PA manifest is refused, in each format."""
    png, jpeg, webp = (drawn(file_format) for file_format in FORMATS)
    webp = webp + b"C2PA" + (2).to_bytes(4, "little") + b"xx"
    webp = webp[:4] + (len(webp) - 8).to_bytes(4, "little") + webp[8:]
    signed = [png[:33] + png_chunk(b"caBX", b"jumb") + png[33:], jpeg[:2] + b"\xff\xeb\0\6JP\0\0" + jpeg[2:], webp]
    for content in signed:
        with pytest.raises(InvalidImageError, match="content credentials"):
            with_metadata(content, sidecar())


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", drawn("GIF"), drawn("BMP")])
def test_other_files_are_refused(content: bytes) -> None:
    """No image, no complete image, or one of a format without XMP."""
    with pytest.raises(InvalidImageError):
        with_metadata(content, sidecar())


def test_a_gif_says_nothing() -> None:
    """Reading one is no error."""
    assert ImageMetadata() == metadata_of(drawn("GIF"))


@given(st.sampled_from(FORMATS), st.integers(0, 400))
def test_a_file_that_is_cut_short_is_an_error(file_format: str, cut: int) -> None:
    """At whatever byte, nothing is written."""
    content = drawn(file_format, size=(6, 4))
    with pytest.raises(InvalidImageError):
        with_metadata(content[: min(cut, len(content) - 1)], sidecar())


@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6))
def test_a_damaged_file_gives_an_error_or_keeps_what_it_has(file_format: str, damages: list[tuple[int, int]]) -> None:
    """Whatever bytes are wrong, all parts that can be found are there afterwards, and are the same."""
    content = bytearray(with_packet(OTHERS.encode(), file_format))
    for place, value in damages:
        content[place % len(content)] = value
    try:
        written = with_metadata(bytes(content), sidecar())
    except InvalidImageError:
        return
    parts_of(written, type_of(written))
    before, after = other_parts(bytes(content)), other_parts(written)
    assert before == [part for part in after if not is_new_header(part, bytes(content))]
    assert metadata_of(written).sidecar is not None


@given(st.text(max_size=60), st.sampled_from(FORMATS))
def test_any_text_is_escaped(text: str, file_format: str) -> None:
    """A prompt is read back as it was, whatever is in it."""
    content = drawn(file_format, size=(2, 2))
    read = metadata_of(with_metadata(content, sidecar(content, prompt=text))).sidecar
    assert read is not None
    assert text == read.prompt


@given(st.binary(max_size=200))
def test_any_packet_is_read_or_refused(packet: bytes) -> None:
    """Reading raises one kind of error."""
    with suppress(InvalidImageError):
        read_packet(packet)


def test_an_upload_has_none_of_it(tmp_path: Path) -> None:
    """An image from a gallery that is passed as a face is sent without the facts."""
    rules = ImageRules(own_origin="http://127.0.0.1:1")
    for file_format in FORMATS:
        content = drawn(file_format)
        uploaded = content_of(sent(with_metadata(content, sidecar(content)), rules))
        assert b"aurashot" not in uploaded
        assert b"in a cafe" not in uploaded
        if type_of(content) != JPEG:
            assert pixels(content) == pixels(uploaded)
