"""`allow_paths=False`: no text that a visitor sends is read as the path of a file here."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlparse

import pydantic
import pytest
import yarl

from aurashot import AsyncAuraShot, AuraShot, ConfigurationError, InputError
from aurashot.images import ImageRules, LocalImage, locate
from lab.backends import KEY
from tests.wire.images import FACE, UPLOADS, png

if TYPE_CHECKING:
    from pathlib import Path

    from lab.backends import Clients
    from lab.server import ScriptedServer

OWN = "http://127.0.0.1:8787"
MESSAGE = (
    "The text is neither an https URL nor a data: URI, and allow_paths=False accepts no other; pass the image's URL or "
    "its bytes"
)
OPERATIONS: dict[str, dict[str, Any]] = {
    "id_photo": {"face": None},
    "generate": {"prompt": "a cafe", "face": None},
    "generate with clothes": {"prompt": "a cafe", "face": FACE, "clothes": None},
    "generate with scene": {"prompt": "a cafe", "face": FACE, "scene": None},
    "edit": {"prompt": "a cafe", "target": None},
    "edit with face": {"prompt": "a cafe", "target": FACE, "face": None},
    "upload": {"image": None},
    "legacy.virtual_try_on": {"product_image": None, "model_image": FACE},
    "legacy.virtual_try_on with scene": {"product_image": FACE, "model_image": FACE, "scene_image": None},
    "legacy.pose_change": {"original_image": None, "description": "waving"},
}
"""Every argument that takes an image, as None."""


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a photo in the working directory, which is also the home directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "passport.png"
    path.write_bytes(png())
    return path


def spellings(photo: Path) -> list[str]:
    """Return texts that name a file, one that does not exist, a folder, and what looks like neither."""
    return [
        "passport.png",
        "./passport.png",
        f"../{photo.parent.name}/passport.png",
        str(photo),
        "~/passport.png",
        "~root/passport.png",
        photo.as_uri(),
        photo.as_uri().replace("file:///", "FILE:/"),
        f"file://localhost{photo}",
        f" {photo.as_uri()}",
        "/proc/self/environ",
        "/dev/stdin",
        "/",
        ".",
        "missing.png",
        "/root/secret/missing.png",
        "file:///missing.png",
        "\\\\server\\share\\passport.png",
        "//server/share/passport.png",
        "C:\\passport.png",
        "C:passport.png",
        "c:/passport.png",
        "passport.png\0",
        "https//example.com/a.png",
        "http:/passport.png",
        f"{OWN}.example.com/a.png",
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "blob:https://example.com/1",
        "javascript:alert(1)",
        base64.b64encode(png()).decode(),
        "x" * 5_000,
        "",
        "  ",
    ]


def test_one_message_for_every_other_text(photo: Path) -> None:
    """It is the same whether a file, a folder or nothing is there, and it does not repeat the text."""
    rules = ImageRules(own_origin=OWN, allow_paths=False)
    texts: list[Any] = [
        *spellings(photo),
        urlparse(str(photo)),
        pydantic.FileUrl(photo.as_uri()),
        yarl.URL("passport.png"),
    ]
    for text in texts:
        with pytest.raises(InputError) as caught:
            locate(text, rules)
        assert MESSAGE == caught.value.message, text
        assert caught.value.__cause__ is None


def test_what_is_still_accepted(photo: Path) -> None:
    """URLs, `data:` URIs, and what no text can be: a path object, bytes, an open file, an earlier result."""
    rules = ImageRules(own_origin=OWN, allow_paths=False)
    for url in (FACE, f"{OWN}/files/1.png"):
        assert url == locate(url, rules)
    with photo.open("rb") as file:
        for image in ("data:image/png;base64," + base64.b64encode(png()).decode(), png(), photo, file):
            assert isinstance(locate(cast("Any", image), rules), LocalImage)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_argument_takes_a_path(make_client: Clients, server: ScriptedServer, photo: Path, operation: str) -> None:
    """Each argument of each operation refuses the path of a file as it refuses one that is not there."""
    names = operation.partition(" ")[0].split(".")
    method: Any = make_client(server.url, allow_paths=False)
    for name in names:
        method = getattr(method, name)
    arguments = OPERATIONS[operation]
    (argument,) = [name for name, value in arguments.items() if value is None]
    for text in (str(photo), "missing.png"):
        with pytest.raises(InputError) as caught:
            method(**{**arguments, argument: text})
        assert (f"{argument}: {MESSAGE}", argument) == (str(caught.value), caught.value.argument)
    assert [] == server.requests


@pytest.mark.parametrize("method", ["read", "download"])
def test_what_to_download_is_never_a_path(
    make_client: Clients, server: ScriptedServer, photo: Path, method: str
) -> None:
    """Neither message of a download says whether a file is there."""
    client: Any = make_client(server.url, allow_paths=False)
    target = [] if method == "read" else [photo.parent / "copy.png"]
    messages: set[str] = set()
    for text in (str(photo), str(photo.with_name("passporx.png"))):
        with pytest.raises(InputError) as caught:
            getattr(client, method)(text, *target)
        messages.add(str(caught.value).replace("passporx", "passport"))
    assert 1 == len(messages)


def test_a_view_can_be_stricter(make_client: Clients, server: ScriptedServer, photo: Path) -> None:
    """`with_options(allow_paths=False)` is for the part of a program that handles visitors; other views keep it."""
    client = make_client(server.url)
    strict = client.with_options(allow_paths=False).with_options(timeout=5)
    with pytest.raises(InputError, match="allow_paths=False"):
        strict.upload(str(photo))

    assert client.upload(str(photo)).url == strict.upload(photo).url
    assert 1 == len(server.posts(UPLOADS))


@pytest.mark.parametrize("kind", [AuraShot, AsyncAuraShot])
@pytest.mark.parametrize("value", [None, 0, "no"])
def test_only_a_flag_is_a_flag(kind: type[AuraShot], value: object) -> None:
    """What is no flag does not count as False or True."""
    with pytest.raises(ConfigurationError, match=r"^allow_paths= takes True or False"):
        kind(KEY, allow_paths=cast("Any", value))
