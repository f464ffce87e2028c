from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from aurashot.sandbox import _limits
from aurashot.sandbox._store import FileStore

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize("photograph", ["grace_hopper", "astronaut"])
def test_a_photograph_comes_back_as_it_went(
    client: httpx.Client, request: pytest.FixtureRequest, photograph: str
) -> None:
    """The bytes are kept, and the media type is that of the bytes, whatever the client called them."""
    data = request.getfixturevalue(photograph).read_bytes()
    url = client.post("/v1/uploads", files={"file": ("notes.txt", data, "text/plain")}).json()["url"]
    response = client.get(url)
    assert data == response.content
    assert "image/jpeg" == response.headers["content-type"]
    assert str(len(data)) == response.headers["content-length"]


@pytest.mark.parametrize(
    ("head", "media_type"),
    [(b"GIF89a" + bytes(8), "image/gif"), (b"RIFF\x04\x00\x00\x00WEBPVP8 ", "image/webp")],
)
def test_webp_and_gif_are_known_by_their_first_bytes(client: httpx.Client, head: bytes, media_type: str) -> None:
    """The other two media types of the contract are kept as well."""
    url = client.post("/v1/uploads", files={"file": ("face", head)}).json()["url"]
    assert media_type == client.get(url).headers["content-type"]


def test_an_upload_does_not_keep_its_name(client: httpx.Client, png: bytes) -> None:
    """Equal bytes have one address, under any name and in any script."""
    urls = {client.post("/v1/uploads", files={"file": (name, png)}).json()["url"] for name in ("a.png", "小明.jpg")}
    assert 1 == len(urls)


def test_files_need_no_key_and_never_change(client: httpx.Client, image: str) -> None:
    """A file is public and immutable, and its entity tag spares a second download."""
    del client.headers["Authorization"]
    response = client.get(image)
    assert 200 == response.status_code
    assert "immutable" in response.headers["cache-control"]
    assert 304 == client.get(image, headers={"If-None-Match": response.headers["etag"]}).status_code


def test_head_tells_the_length_without_the_bytes(client: httpx.Client, image: str, png: bytes) -> None:
    """HEAD has the headers of GET and no body."""
    response = client.head(image)
    assert (200, b"") == (response.status_code, response.content)
    assert str(len(png)) == response.headers["content-length"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=3-5", 3, 6), ("bytes=4-", 4, None), ("bytes=-2", -2, None)]
)
def test_a_range_returns_a_part(
    client: httpx.Client, image: str, png: bytes, *, asked: str, start: int, stop: int | None
) -> None:
    """A download can be resumed."""
    response = client.get(image, headers={"Range": asked})
    assert 206 == response.status_code
    assert png[start:stop] == response.content


def test_a_range_behind_the_end_is_416(client: httpx.Client, image: str, png: bytes) -> None:
    """The response says how long the file is."""
    response = client.get(image, headers={"Range": "bytes=100000-"})
    assert 416 == response.status_code
    assert f"bytes */{len(png)}" == response.headers["content-range"]


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=x", "bytes=0-1,4-5"])
def test_a_range_that_is_not_understood_is_ignored(client: httpx.Client, image: str, png: bytes, asked: str) -> None:
    """The whole file comes, as HTTP says."""
    response = client.get(image, headers={"Range": asked})
    assert (200, png) == (response.status_code, response.content)


@pytest.mark.parametrize("name", ["0" * 32 + ".png", "..%2F..%2Fetc%2Fpasswd", "face.png"])
def test_an_unknown_file_is_404(client: httpx.Client, name: str) -> None:
    """Nothing outside of the store can be read."""
    assert 404 == client.get(f"/files/{name}").status_code


def test_too_large_an_upload_is_413(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds, and the client gets to read the response."""
    monkeypatch.setattr(_limits, "UPLOAD_LIMIT", 2 * _limits.MIB)
    response = client.post("/v1/uploads", files={"file": ("face.png", bytes(12 * _limits.MIB))})
    assert 413 == response.status_code
    assert "payload_too_large" == response.json()["error"]["code"]


def test_too_large_a_body_is_413_without_a_declared_length(client: httpx.Client) -> None:
    """JSON is limited to a mebibyte, sent in chunks as well."""
    pieces = iter([b'{"prompt": "', b"x" * _limits.MIB, b'"}'])
    response = client.post("/v1/character/generate", content=pieces, headers={"Content-Type": "application/json"})
    assert 413 == response.status_code


def test_what_is_refused_leaves_no_file(client: httpx.Client) -> None:
    """A store holds images only, and goes with its folder."""
    store = FileStore()
    with pytest.raises(ValueError, match="not a JPEG"):
        store.add(BytesIO(b"%PDF-1.7"))
    assert [".lock"] == [path.name for path in store.folder.iterdir()]
    store.close()
    assert not store.folder.exists()
