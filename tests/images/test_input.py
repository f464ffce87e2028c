from __future__ import annotations

import base64
import io
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, strategies as st

from aurashot.errors import InputError, InvalidImageError, NoOutputError, UnsafeURLError
from aurashot.images import ImageRules, LocalImage, locate

if TYPE_CHECKING:
    import os

    from PIL import Image

URL = "https://cdn.example.com/a.png?sig=1"


@dataclass
class Response:
    """Stands for a result of the SDK."""

    url: str


class Pending:
    """Stands for a result without an image."""

    @property
    def url(self) -> str:
        """Say that there is no image yet."""
        raise NoOutputError("still pending")


@dataclass
class Bookmark:
    """A path-like object that is not of pathlib."""

    path: str

    def __fspath__(self) -> str:
        return self.path


class WebUpload:
    """A file of an asynchronous web framework."""

    async def read(self, size: int = -1) -> bytes:
        """Never get that far."""
        raise NotImplementedError(size)


def local(image: Any, rules: ImageRules) -> LocalImage:
    """Locate an image that is not on the web."""
    found = locate(image, rules)
    assert isinstance(found, LocalImage)
    return found


@pytest.mark.parametrize("image", [URL, Response(URL)])
def test_an_address_is_passed_on(image: str | Response, rules: ImageRules) -> None:
    """A URL, or a result that has one, needs no upload."""
    assert locate(image, rules) == URL


def test_images_of_the_own_service_may_be_plain_http(rules: ImageRules) -> None:
    """A result of a local sandbox can be given to the next call."""
    assert locate(Response(f"{rules.own_origin}/a.png"), rules) == f"{rules.own_origin}/a.png"


@pytest.mark.parametrize(
    "image", ["http://example.com/a.png", Response("https://localhost/a.png"), " https://example.com/a.png"]
)
def test_an_unsafe_address_is_refused(image: str | Response, rules: ImageRules) -> None:
    """Addresses are checked, whoever brings them."""
    with pytest.raises(UnsafeURLError):
        locate(image, rules)


def test_a_result_without_an_image_keeps_its_own_error(rules: ImageRules) -> None:
    """What a pending result says about its missing URL reaches the user."""
    with pytest.raises(NoOutputError, match="still pending"):
        locate(Pending(), rules)


@pytest.mark.parametrize("image", ["photos/me.jpg", Path("photos/me.jpg"), Bookmark("photos/me.jpg")])
def test_a_path_is_taken_in_every_form(image: str | os.PathLike[str], rules: ImageRules) -> None:
    """Text, pathlib and any path-like object name a file."""
    found = local(image, rules)
    assert (found.source, found.stem, found.label) == (Path("photos/me.jpg"), "me", f"'{Path('photos/me.jpg')}'")


@pytest.mark.parametrize("name", ["C:\\photos\\me.jpg", "12:30.png", "./a:b.png", "~draft~.png"])
def test_a_path_is_not_taken_for_a_scheme(name: str, rules: ImageRules) -> None:
    """Windows drives and file names with colons or tildes are paths."""
    assert local(name, rules).source == Path(name)


def test_the_home_folder_is_expanded(rules: ImageRules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` stands for the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local("~/me.jpg", rules).source == tmp_path / "me.jpg"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///tmp/my%20photo.png",
        "file://localhost/tmp/my%20photo.png",
        "file:/tmp/my%20photo.png",
        "FILE:///tmp/my photo.png",
    ],
)
def test_a_file_uri_is_a_path(uri: str, rules: ImageRules) -> None:
    """file: URIs of this computer are decoded."""
    assert local(uri, rules).source == Path("/tmp/my photo.png")


def test_a_file_uri_of_another_computer_is_refused(rules: ImageRules) -> None:
    """A host in a file: URI is never asked."""
    with pytest.raises(UnsafeURLError, match="another computer"):
        locate("file://server/share/me.png", rules)


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/png;base64," + base64.b64encode(b"content!").decode(),
        "data:image/png;base64," + base64.b64encode(b"content!").decode().rstrip("="),
        "data:;BASE64,Y29u\n dGVudCE%3D",
        "DATA:text/plain,content%21",
        "data:,content!",
    ],
)
def test_a_data_uri_is_decoded(uri: str, rules: ImageRules) -> None:
    """data: URIs give their bytes, in base64 or percent-encoded."""
    assert local(uri, rules).source == b"content!"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("data:image/png;base64,Y29u*GVudCE=", "not valid base64"),
        ("data:image/png;base64,Y29ud", "not valid base64"),
        ("data:image/png;base64", "no comma"),
    ],
)
def test_a_broken_data_uri_is_refused(uri: str, reason: str, rules: ImageRules) -> None:
    """Base64 that cannot be decoded is named as such."""
    with pytest.raises(InvalidImageError, match=reason):
        locate(uri, rules)


@pytest.mark.parametrize(
    "uri", ["ftp://example.com/a.png", "s3://bucket/a.png", "blob:https://x/1", "javascript:alert(1)"]
)
def test_other_schemes_are_refused_with_the_forms_that_work(uri: str, rules: ImageRules) -> None:
    """The message says which scheme it was, and what to pass instead."""
    with pytest.raises(UnsafeURLError, match=rf"'{uri.partition(':')[0]}:'.*https URL.*data: or file:.*path"):
        locate(uri, rules)


@pytest.mark.parametrize("image", [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a_b_c")[::2]])
def test_bytes_are_taken_as_they_are(image: bytes | bytearray | memoryview, rules: ImageRules) -> None:
    """Every bytes-like object gives its bytes, and says in messages what it was."""
    found = local(image, rules)
    assert (found.source, found.stem, found.label) == (b"abc", "image", f"The {type(image).__name__} object")


def test_a_later_change_of_a_bytearray_does_not_matter(rules: ImageRules) -> None:
    """What is sent is what was handed over."""
    image = bytearray(b"abc")
    found = local(image, rules)
    image[:] = b"xyz"
    assert found.source == b"abc"


def test_a_binary_file_is_kept_unread(rules: ImageRules, tmp_path: Path) -> None:
    """Locating a file object reads nothing of it, and takes the name from it."""
    path = tmp_path / "portrait.jpg"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        found = local(file, rules)
        assert (found.source, found.stem, file.tell()) == (file, "portrait", 0)
    with tempfile.SpooledTemporaryFile() as spooled:
        assert not local(spooled, rules).stem
    assert not local(io.BytesIO(b"abc"), rules).stem


def test_an_awaitable_file_is_refused_with_the_way_out(rules: ImageRules) -> None:
    """The upload object of an asynchronous framework must be read by its owner."""
    with pytest.raises(InvalidImageError, match=r"WebUpload\.read must be awaited.*pass the bytes"):
        locate(cast("Any", WebUpload()), rules)


def test_a_pillow_image_is_recognised(portrait: Image.Image, rules: ImageRules, grace_hopper: Path) -> None:
    """A Pillow image is described, with the name of the file that it came from."""
    from PIL import Image

    assert local(portrait, rules).source is portrait
    with Image.open(grace_hopper) as opened:
        assert local(opened, rules).stem == "grace_hopper"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (None, "None"),
        (42, "type int"),
        (["a.png"], "type list"),
        (object(), "type object"),
        (Response(cast("str", None)), "type Response"),
    ],
)
def test_anything_else_is_named_and_refused(image: object, name: str, rules: ImageRules) -> None:
    """The message names the type and lists what may be passed."""
    with pytest.raises(InvalidImageError, match=rf"{name} is not an image; pass an https URL, a path, bytes"):
        locate(cast("Any", image), rules)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty string"),
        ("  \n", "empty string"),
        ("a\0b.png", "NUL character"),
        ("file:///a%00b.png", "NUL character"),
        ("A" * 5_000, "5,000 characters is neither a path nor a URL; if this is base64"),
        ("iVBORw0KGgo" + "A" * 80, "base64"),
        ("/9j/" + "4AAQ" * 30, "base64"),
        ("example", "does not exist"),
    ],
)
def test_a_text_that_is_no_path_is_explained(text: str, reason: str, rules: ImageRules, tmp_path: Path) -> None:
    """Empty strings, NUL characters and bare base64 get a message of their own; the rest are paths."""
    if reason == "does not exist":
        assert local(text, rules).source == Path(text)
        return
    with pytest.raises(InvalidImageError, match=reason):
        locate(text, rules)


def test_a_url_as_a_path_object_is_explained(rules: ImageRules) -> None:
    """A path object collapses the slashes of a URL; the user is told to pass the string."""
    with pytest.raises(InvalidImageError, match="pass the URL as a string"):
        locate(Path("https://example.com/a.png"), rules)


def test_every_refusal_is_an_input_error(rules: ImageRules) -> None:
    """Refusals are `InputError`, so that callers need one `except`, and nothing was sent."""
    with pytest.raises(InputError) as caught:
        locate("", rules)
    assert (caught.value.outcome, caught.value.may_be_charged) == ("not_sent", False)


def test_descriptions_do_not_spill_the_image(rules: ImageRules) -> None:
    """The representation of a located image holds none of its bytes."""
    assert "secret" not in repr(local(b"secret", rules))


SHAPED = st.builds(
    "{}:{}{}{}".format,
    st.sampled_from(["data", "file", "https", "HTTP", "ftp", "DATA", "s3"]),
    st.sampled_from(["", "//", "/", "///", "image/png;base64,", ",", "//localhost/", "//[::1]"]),
    st.text(max_size=40),
    st.sampled_from(["", "%", "%00", "=", "@", ":0", "?x#y", "\0", "\ud800"]),
)


@given(st.text(max_size=120) | SHAPED)
def test_any_text_is_located_or_refused(text: str) -> None:
    """A text is an address, something to read, or a typed error; nothing is opened to find out."""
    with suppress(InputError):
        found = locate(text, ImageRules(own_origin="https://www.aurashot.art"))
        assert isinstance(found, LocalImage) or found.startswith(("https://", "http://"))


@given(content=st.binary(max_size=200), head=st.sampled_from(["", "image/png", "image/jpeg;x=y"]), padded=st.booleans())
def test_bytes_survive_a_data_uri(*, content: bytes, head: str, padded: bool) -> None:
    """What was encoded comes out again, with or without its padding."""
    data = base64.b64encode(content).decode()
    found = locate(f"data:{head};base64,{data if padded else data.rstrip('=')}", ImageRules(own_origin=""))
    assert isinstance(found, LocalImage)
    assert content == found.source
