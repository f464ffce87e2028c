"""A download that breaks goes on where it was, if it can be certain that it is the same image."""

from __future__ import annotations

import gzip
import random
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from aurashot import DownloadError, RetryPolicy
from aurashot._transport._downloads import Whole
from lab.attack.png import chunk
from lab.server import CLOSE, body, headers_only
from tests.test_downloads import image

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer


def large_image(seed: int) -> bytes:
    """Return a PNG with 600,000 random bytes in a chunk of its own."""
    small = image("PNG", 32)
    return small[:-12] + chunk(b"raNd", random.Random(seed).randbytes(600_000)) + small[-12:]


IMAGE = large_image(5)
"""A whole image, and bytes after its end, which do no harm: long enough to break in the middle."""
OTHER = large_image(6)
TAG = '"one"'
HALF = 300_000


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client that asks again at once."""
    return make_client(server.url, retry=RetryPolicy(initial_delay=0, max_delay=0), timeout=20)


def whole(content: bytes = IMAGE, etag: str = TAG) -> Response:
    """Return the whole image."""
    return (headers_only(content_type="image/png", content_length=len(content), etag=etag) + content,)


def broken(etag: str = TAG, at: int = HALF) -> Response:
    """Return an image whose connection ends in the middle."""
    head = headers_only(content_type="image/png", content_length=len(IMAGE), etag=etag)
    return (head + IMAGE[:at], CLOSE)


def about(start: int, *, says: int | None = None, etag: str = TAG, content: bytes = IMAGE) -> dict[str, object]:
    """Return the headers of an image from a byte on."""
    told = f"bytes {start if says is None else says}-{len(content) - 1}/{len(content)}"
    return {"content_type": "image/png", "content_length": len(content) - start, "etag": etag, "content_range": told}


def rest(start: int, *, says: int | None = None, etag: str = TAG, content: bytes = IMAGE) -> Response:
    """Return an image from a byte on."""
    return (headers_only(206, **about(start, says=says, etag=etag, content=content)) + content[start:],)


def asked(server: ScriptedServer) -> list[tuple[str | None, str | None]]:
    """Return which part each request asked for."""
    return [(request.header("range"), request.header("if-range")) for request in server.requests]


def resumed_at(server: ScriptedServer, number: int = 1) -> int:
    """Return the first byte that a request asked for."""
    found = re.fullmatch(r"bytes=(\d+)-", server.requests[number].header("range") or "")
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("into", ["file", "memory"])
def test_it_goes_on_where_it_was(client: AuraShot, server: ScriptedServer, tmp_path: Path, into: str) -> None:
    """Only the rest is asked for, and only of the same image; what lands is whole."""
    server.queue(broken())
    server.respond = lambda _: rest(resumed_at(server))
    url = f"{server.url}/1.png"
    got = client.download(url, tmp_path / "a.png").read_bytes() if into == "file" else client.read(url)
    assert IMAGE == got
    assert (None, None) == asked(server)[0]
    assert TAG == asked(server)[1][1]
    assert 0 < resumed_at(server) <= HALF
    assert 2 == len(server.requests)


def test_progress_goes_on(client: AuraShot, server: ScriptedServer) -> None:
    """It never falls back, and ends at the whole."""
    server.queue(broken())
    server.respond = lambda _: rest(resumed_at(server))
    told: list[tuple[int, int | None]] = []
    client.read(f"{server.url}/1.png", progress=lambda done, total: told.append((done, total)))
    assert (len(IMAGE), len(IMAGE)) == told[-1]
    assert {len(IMAGE)} == {total for _, total in told}


MODES = {
    "the range is ignored": [whole()],
    "the image has changed": [whole(OTHER, '"two"')],
    "the rest is of another image": [rest(HALF, etag='"two"', content=OTHER), whole()],
    "the rest has no tag": [rest(HALF, etag=""), whole()],
    "the rest begins elsewhere": [rest(100_000), whole()],
    "the rest says another beginning": [rest(HALF, says=7), whole()],
    "the rest is of another length": [rest(HALF, content=IMAGE + b"x"), whole()],
    "the range cannot be had": [(headers_only(416, content_length=0),), whole()],
    "it breaks again": [broken(), whole()],
}


@pytest.mark.parametrize("responses", MODES.values(), ids=MODES)
def test_nothing_is_put_together_wrongly(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, responses: list[Response]
) -> None:
    """Whatever the host makes of the request for the rest, what lands is one image, whole, or the other."""
    server.queue(broken(), *responses)
    path = client.download(f"{server.url}/1.png", tmp_path / "a.png")
    assert path.read_bytes() in {IMAGE, OTHER}
    assert [path] == [*tmp_path.glob("*.png")]
    assert [] == [*tmp_path.glob(".*.part")]


@pytest.mark.parametrize("etag", ["", 'W/"one"', "one", '"a"b"'])
def test_without_a_strong_tag_it_starts_over(client: AuraShot, server: ScriptedServer, etag: str) -> None:
    """A weak tag promises a similar image, not the same bytes."""
    server.queue(broken(etag), whole(etag=etag))
    assert IMAGE == client.read(f"{server.url}/1.png")
    assert [(None, None)] * 2 == asked(server)


def test_a_part_that_nobody_asked_for_is_refused(client: AuraShot, server: ScriptedServer) -> None:
    """A 206 to a request for the whole is no image."""
    server.queue(rest(0))
    with pytest.raises(DownloadError, match="responded with 206"):
        client.read(f"{server.url}/1.png")


def test_the_rest_may_not_be_compressed(client: AuraShot, server: ScriptedServer) -> None:
    """It cannot be appended, so all of the image is asked for."""
    server.queue(broken())
    server.respond = lambda request: (
        (headers_only(206, content_encoding="gzip", **about(resumed_at(server))), CLOSE)
        if request.header("range")
        else whole()
    )
    assert IMAGE == client.read(f"{server.url}/1.png")
    assert [True, False] == [request.header("range") is not None for request in server.requests[1:]]


def test_a_compressed_image_starts_over(client: AuraShot, server: ScriptedServer) -> None:
    """Its offsets are not those of the image."""
    packed = gzip.compress(IMAGE)
    server.queue(
        (headers_only(200, content_encoding="gzip", etag=TAG, content_length=len(packed)) + packed[:HALF], CLOSE),
        (body(packed, "image/png", 200, content_encoding="gzip"),),
    )
    assert IMAGE == client.read(f"{server.url}/1.png")
    assert [(None, None)] * 2 == asked(server)


@given(have=st.integers(1, 99), status=st.sampled_from([200, 206]), told=st.text(max_size=30), tag=st.text(max_size=8))
def test_only_the_exact_rest_goes_on(have: int, status: int, told: str, tag: str) -> None:
    """Whatever a host says instead is no rest of this image."""
    known = Whole('"t"', 100)
    assert known.goes_on(have, 206, {"content-range": f"bytes {have}-99/100", "etag": '"t"'})
    headers = {"content-range": told, "etag": tag}
    exact = (206, f"bytes {have}-99/100", '"t"')
    assert ((status, told, tag) == exact) == known.goes_on(have, status, headers)
    assert not known.goes_on(have, 206, {"content-range": f"bytes {have - 1}-99/100", "etag": '"t"'})
    assert not known.goes_on(have, 206, {"content-range": f"bytes {have}-99/*", "etag": '"t"'})


@given(etag=st.text(max_size=20), length=st.text(max_size=20))
def test_what_a_host_says_about_an_image_never_fails(etag: str, length: str) -> None:
    """A tag and a length that can be relied on, or nothing."""
    found = Whole.of({"etag": etag, "content-length": length})
    assert found is None or (found.tag == etag and str(found.total) == length.lstrip("0"))
