"""Downloads: a whole image or nothing, from safe addresses only, and never with the key."""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from aurashot import (
    DownloadError,
    Generation,
    InputError,
    NoOutputError,
    RetryPolicy,
    UnsafeURLError,
)
from aurashot._transport._downloads import Hops
from aurashot.images import _sink
from lab.backends import KEY
from lab.server import (
    CLOSE,
    HOLD,
    RESET,
    Response,
    ScriptedServer,
    body,
    chunked,
    closed_port,
    headers_only,
    redirect,
    status,
    unbounded,
)
from tests.stopwatch import in_time

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients

PATH: Final = "/files/cafe"
SECRET: Final = "signature=very-secret"


def image(kind: str = "PNG", side: int = 32) -> bytes:
    """Return an image in one of the formats."""
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(file, kind)
    return file.getvalue()


PNG: Final = image()


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of the scripted server, which also holds the images."""
    server.always((body(PNG, "image/png"),))
    return make_client(server.url, retry=RetryPolicy(initial_delay=0.01, max_delay=0.02), timeout=20)


def generation(url: str) -> Generation:
    """Return a response with one image."""
    return Generation.model_validate({"requestId": "r-1", "status": "success", "outputs": [{"url": url}]})


def refused(client: AuraShot, url: str, folder: Path) -> DownloadError:
    """Return the error of a download, after checking that it left nothing behind."""
    folder.mkdir()
    with pytest.raises(DownloadError) as caught:
        client.download(url, folder / "cafe.png")
    assert [] == list(folder.iterdir())
    with pytest.raises(DownloadError):
        client.read(url)
    return caught.value


def test_file(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image is saved under the name that was asked for."""
    saved = client.download(generation(server.url + PATH), tmp_path / "made" / "cafe.png")

    assert tmp_path / "made" / "cafe.png" == saved
    assert PNG == saved.read_bytes()
    assert [saved] == list(saved.parent.iterdir())


def test_file_is_replaced(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """A file of that name is replaced."""
    (tmp_path / "cafe.png").write_bytes(b"old")
    client.download(server.url + PATH, tmp_path / "cafe.png")

    assert PNG == (tmp_path / "cafe.png").read_bytes()


@pytest.mark.parametrize(
    ("kind", "name"), [("PNG", "r-1-1.png"), ("JPEG", "r-1-1.jpg"), ("WEBP", "r-1-1.webp"), ("GIF", "r-1-1.gif")]
)
def test_folder(client: AuraShot, server: ScriptedServer, tmp_path: Path, kind: str, name: str) -> None:
    """In a folder, the name comes from the request's identifier and the true format, never from address or header."""
    folder = tmp_path / "images"
    folder.mkdir()
    response = body(image(kind), "text/plain", 200, content_disposition='attachment; filename="../../evil.sh"')
    server.always((response,))

    assert folder / name == client.download(generation(f"{server.url}/../evil.html"), folder)
    assert [name] == [path.name for path in folder.iterdir()]


def test_folder_keeps_what_it_has(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """In a folder nothing is replaced: a second image of the same name gets a number."""
    folder = tmp_path / "images"
    folder.mkdir()
    saved_paths = [client.download(generation(server.url + PATH), folder) for _ in range(3)]

    assert ["r-1-1.png", "r-1-1-2.png", "r-1-1-3.png"] == [saved.name for saved in saved_paths]


def test_address_gives_no_name(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image known by its address alone gets a name that shows nothing of it."""
    saved = client.download(f"{server.url}{PATH}?{SECRET}", f"{tmp_path}/new/")

    assert saved.name.startswith("image-")
    assert "secret" not in saved.name
    assert PNG == saved.read_bytes()


def test_read(client: AuraShot, server: ScriptedServer) -> None:
    """Reading returns the bytes, from a response, an output or an address."""
    response = generation(server.url + PATH)

    assert [PNG] * 3 == [client.read(response), client.read(response.output), client.read(response.url)]


@pytest.mark.parametrize("response", [(chunked(PNG, "image/png"),), (unbounded(PNG, "image/png"), CLOSE)])
def test_length_is_not_needed(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """An image without a length in the header is read to its end."""
    server.always(response)

    assert PNG == client.read(server.url + PATH)


def test_progress(client: AuraShot, server: ScriptedServer) -> None:
    """Progress is told in bytes that grow to the whole, together with the whole where it is known."""
    large = image(side=600)
    server.always((body(large, "image/png"),))
    told: list[tuple[int, int | None]] = []
    client.read(server.url + PATH, progress=lambda done, total: told.append((done, total)))

    assert (len(large), len(large)) == told[-1]
    assert len(told) > 1
    assert sorted(told) == told


def test_progress_without_a_length(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """Without a length in the header the whole is not known."""
    server.always((chunked(PNG, "image/png"),))
    told: list[tuple[int, int | None]] = []
    client.download(server.url + PATH, tmp_path, progress=lambda done, total: told.append((done, total)))

    assert (len(PNG), None) == told[-1]


def test_progress_that_raises_leaves_nothing(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """What a progress function raises reaches the caller, and the file is gone."""
    folder = tmp_path / "images"
    folder.mkdir()

    def interrupt(done: int, total: int | None) -> None:
        raise KeyError(done)

    with pytest.raises(KeyError):
        client.download(server.url + PATH, folder, progress=interrupt)
    assert [] == list(folder.iterdir())
    assert PNG == client.read(server.url + PATH)


BAD: dict[str, Response] = {
    "HTML": (body(b"<html>not found</html>", "text/html"),),
    "HTML called an image": (body(b"<html>not found</html>", "image/png"),),
    "SVG": (body(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),),
    "empty": (body(b"", "image/png"),),
    "204": (headers_only(204),),
    "truncated without length": (unbounded(PNG[:-20], "image/png"), CLOSE),
    "truncated with a length to match": (body(PNG[:-20], "image/png"),),
    "said to be gzip": (body(PNG, "image/png", 200, content_encoding="gzip"),),
    "said to be deflate": (body(PNG, "image/png", 200, content_encoding="deflate"),),
    "truncated gzip": (body(gzip.compress(PNG)[:-9], "image/png", 200, content_encoding="gzip"),),
    "truncated deflate": (body(zlib.compress(PNG)[:-9], "image/png", 200, content_encoding="deflate"),),
    "one byte of deflate": (body(b"x", "image/png", 200, content_encoding="deflate"),),
    "gzip of HTML": (body(gzip.compress(b"<html>"), "image/png", 200, content_encoding="gzip"),),
    "a coding that is not known here": (body(PNG, "image/png", 200, content_encoding="br"),),
    "too many codings": (body(PNG, "image/png", 200, content_encoding="gzip, gzip, gzip"),),
    "too large by header": (headers_only(content_type="image/png", content_length=10**9), CLOSE),
    "404": status(404),
    "403": status(403),
    "206": (body(PNG, "image/png", 206, content_range=f"bytes 0-{len(PNG) - 1}/{len(PNG)}"),),
    "304": (headers_only(304),),
}


@pytest.mark.parametrize("response", BAD.values(), ids=BAD)
def test_no_image(client: AuraShot, server: ScriptedServer, tmp_path: Path, response: Response) -> None:
    """What is not a whole image is asked for once, and leaves nothing behind."""
    server.always(response)
    error = refused(client, server.url + PATH, tmp_path / "images")

    assert ("accepted", False, 1) == (error.outcome, error.may_be_charged, error.attempts)
    assert 2 == len(server.requests)


def _raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


CODED: dict[str, tuple[str, bytes]] = {
    "aws-chunked": ("aws-chunked", PNG),
    "none": ("none", PNG),
    "identity": ("Identity", PNG),
    "empty": ("", PNG),
    "gzip": ("gzip", gzip.compress(PNG)),
    "gzip by its old name": ("X-GZip", gzip.compress(PNG)),
    "gzip in two members": ("gzip", gzip.compress(PNG[:300]) + gzip.compress(PNG[300:])),
    "gzip with padding": ("gzip", gzip.compress(PNG) + bytes(512)),
    "gzip, and what storage keeps": ("aws-chunked,gzip", gzip.compress(PNG)),
    "deflate": ("deflate", zlib.compress(PNG)),
    "deflate without a header": ("deflate", _raw_deflate(PNG)),
    "twice": ("deflate, gzip", gzip.compress(zlib.compress(PNG))),
}


@pytest.mark.parametrize(("coding", "content"), CODED.values(), ids=CODED)
def test_codings_that_nobody_asked_for(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, coding: str, content: bytes
) -> None:
    """They are undone, or ignored where they say nothing."""
    server.always((body(content, "image/png", 200, content_encoding=coding),))

    assert PNG == client.download(server.url + PATH, tmp_path / "cafe.png").read_bytes()
    assert PNG == client.read(server.url + PATH)


def test_an_image_that_a_proxy_has_changed(client: AuraShot, server: ScriptedServer) -> None:
    """Status 203 is a 200 with a note."""
    server.always((body(PNG, "image/png", 203),))

    assert PNG == client.read(server.url + PATH)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_expands_without_end(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    """The size limit is one of the decoded image, and is noticed piece by piece."""
    stored: list[int] = []
    pack = gzip.compress if coding == "gzip" else zlib.compress
    append = _sink._append

    def watched(file: BinaryIO, chunk: bytes, max_bytes: int) -> None:
        stored.append(len(chunk))
        append(file, chunk, max_bytes)

    client = client.with_options(max_image_bytes=300_000)
    monkeypatch.setattr(_sink, "_append", watched)
    server.always((body(pack(PNG + bytes(5_000_000)), "image/png", 200, content_encoding=coding),))

    assert "larger than the limit" in str(refused(client, server.url + PATH, tmp_path / "images"))
    assert max(stored) <= 64 * 1024
    assert sum(stored) < 2 * 2 * 300_000


def test_what_expands_to_nothing(client: AuraShot, server: ScriptedServer) -> None:
    """Encoded bytes are bounded as well."""
    client = client.with_options(max_image_bytes=5_000)
    server.always((headers_only(200, content_encoding="gzip") + gzip.compress(b"") * 1_000, CLOSE))
    with pytest.raises(DownloadError, match="larger than the limit"):
        client.read(server.url + PATH)


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_url_that_has_expired(client: AuraShot, server: ScriptedServer, tmp_path: Path, code: int) -> None:
    """The error says what the status of a signed URL may mean."""
    server.always(status(code))
    error = refused(client, server.url + PATH, tmp_path / "images")

    assert code == error.status_code
    assert "its URL may have expired" in str(error)
    server.always(status(400))
    assert "expired" not in str(refused(client, server.url + PATH, tmp_path / "others"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_truncated_image(client: AuraShot, server: ScriptedServer, tmp_path: Path, kind: str) -> None:
    """Half an image of any format is none, although nothing on the wire shows it."""
    whole = image(kind)
    server.always((unbounded(whole[: len(whole) // 2], "image/png"), CLOSE))

    refused(client, server.url + PATH, tmp_path / "images")


def test_too_large_by_bytes(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image that says nothing of its size is given up where it exceeds the limit."""
    client = client.with_options(max_image_bytes=50_000)
    server.always((chunked(image(side=600), "image/png"),))

    assert "50,000" in str(refused(client, server.url + PATH, tmp_path / "images"))


LOST: dict[str, Response] = {
    "drop": (CLOSE,),
    "reset": (RESET,),
    "cut": (body(PNG, "image/png")[:-50], CLOSE),
    "cut chunk": (chunked(PNG, "image/png")[:-50], CLOSE),
    "408": status(408),
    "429": status(429),
    "500": status(500),
    "502": (body(b"<html>", "text/html", 502),),
    "503": status(503),
}


@pytest.mark.parametrize("response", LOST.values(), ids=LOST)
def test_lost_download_is_repeated(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, response: Response
) -> None:
    """A download costs nothing, so it starts over when it was lost; the file holds each byte once."""
    server.queue(response, response)
    saved = client.download(server.url + PATH, tmp_path / "cafe.png")

    assert PNG == saved.read_bytes()
    assert 3 == len(server.requests)


def test_lost_for_good(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """After the last attempt the error says how often it was tried and what the host answered."""
    server.always(status(503))
    error = refused(client, server.url + PATH, tmp_path / "images")

    assert (4, 503, True) == (error.attempts, error.status_code, error.transient)


def test_host_that_is_down(make_client: Clients, tmp_path: Path) -> None:
    """A host that cannot be reached is tried as often as the policy says."""
    url = f"http://127.0.0.1:{closed_port()}"
    client = make_client(url, retry=RetryPolicy(max_attempts=2, initial_delay=0.01))

    assert 2 == refused(client, url + PATH, tmp_path / "images").attempts


def test_slow_download_ends_with_the_deadline(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image that trickles in is given up when the call's time is over."""
    server.always((headers_only(content_length=1_000), *(part for _ in range(1_000) for part in (0.06, b"x")), CLOSE))
    folder = tmp_path / "images"
    folder.mkdir()
    with in_time(0.3), pytest.raises(DownloadError, match="ran out"):
        client.download(server.url + PATH, folder, timeout=0.3)

    assert [] == list(folder.iterdir())


def test_silent_host_ends_with_the_deadline(client: AuraShot, server: ScriptedServer) -> None:
    """A host that does not response is given up when the call's time is over."""
    server.always((HOLD,))
    with in_time(0.3), pytest.raises(DownloadError, match="ran out"):
        client.read(server.url + PATH, timeout=0.3)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(client: AuraShot, server: ScriptedServer, code: int) -> None:
    """An image may move three times, within its host."""
    for hop in range(3):
        server.always(redirect(f"/files/{hop + 1}" if hop else f"{server.url}/files/1", code), path=f"/files/{hop}")
    server.always((body(PNG, "image/png"),), path="/files/3")

    assert PNG == client.read(f"{server.url}/files/0")
    assert ["/files/0", "/files/1", "/files/2", "/files/3"] == [request.path for request in server.requests]


ESCAPED: Final = "/%E6%97%A5%20%E6%9C%AC.png?a=%C3%A9%20b"


@pytest.mark.parametrize(
    "location",
    [
        "/日 本.png?a=é b",
        " /日 本.png?a=é b\t",
        "\\日 本.png?a=é b",
        "/日\t 本.png?a=é b",
        "/%E6%97%A5 本.png?a=%C3%A9 b",
        "{url}/日 本.png?a=é b",
        "{url}/日 本.png?a=é b#日",
    ],
)
def test_a_redirect_as_it_is_typed(client: AuraShot, server: ScriptedServer, location: str) -> None:
    """Hosts send raw UTF-8, spaces, tabs and backslashes, and browsers escape them."""
    server.always(redirect(location.format(url=server.url)))
    server.always((body(PNG, "image/png"),), path=ESCAPED)

    assert PNG == client.read(server.url + PATH)
    assert [PATH, ESCAPED] == [request.path for request in server.requests]


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://例え.jp/é".encode(), "https://xn--r8jz45g.jp/%C3%A9"),
        ("//bücher.example:443/x".encode(), "https://xn--bcher-kva.example:443/x"),
        (b"/one\xe9.png", "https://example.com/one%E9.png"),
        (b"?a=\\", "https://example.com/1/2?a=%5C"),
        (b"x.png", "https://example.com/1/x.png"),
        (b"", "https://example.com/1/2"),
    ],
)
def test_a_redirect_as_browsers_read_it(location: bytes, url: str) -> None:
    """Names of hosts become ASCII; bytes that are no UTF-8 are kept."""
    hops = Hops("https://example.com/1/2", "http://127.0.0.1")
    assert not hops.arrived(302, {"location": location.decode("latin-1")})
    assert url == hops.url


@given(location=st.text(st.characters(max_codepoint=255)))
def test_a_redirect_of_any_text(location: str) -> None:
    """It leads to a URL of ASCII without spaces, or is refused."""
    hops = Hops("https://example.com/1/2", "http://127.0.0.1")
    with suppress(DownloadError):
        hops.arrived(302, {"location": location})
    assert hops.url.isascii()
    assert hops.url.isprintable()
    assert " " not in hops.url


def test_a_url_as_the_service_writes_it(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image that is paid for can be fetched although its URL is not escaped."""
    server.always(status(404))
    server.always((body(PNG, "image/png"),), path=ESCAPED)

    assert PNG == client.read(generation(f"{server.url}/日 本.png?a=é b"))
    assert PNG == client.download(f"{server.url}{ESCAPED}", tmp_path / "cafe.png").read_bytes()


def test_redirects_come_to_an_end(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """An image that moves a fourth time is given up."""
    server.always(redirect(PATH))
    error = refused(client, server.url + PATH, tmp_path / "images")

    assert "more than 3" in str(error)
    assert 8 == len(server.requests)


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://user:password@example.com/",
        "https://example.com:8443/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//127.0.0.1:1/",
        "http://[",
        "\\\\127.0.0.1:1\\日",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://日 本.example/",
    ],
)
def test_redirect_to_somewhere_unsafe(client: AuraShot, server: ScriptedServer, tmp_path: Path, to: str) -> None:
    """A redirect leads to public https addresses only; the others are not asked."""
    server.always(redirect(to))
    error = refused(client, server.url + PATH, tmp_path / "images")

    assert "not safe" in str(error)
    assert 2 == len(server.requests)


def test_redirect_to_another_service_on_this_machine(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """The service's own origin may be on loopback, its neighbour may not."""
    with ScriptedServer.running() as other:
        server.always(redirect(other.url))
        refused(client, server.url + PATH, tmp_path / "images")

        assert 0 == other.connections


@pytest.mark.parametrize("url", ["http://example.com/a.png", "https://localhost/a.png", "ftp://example.com/a.png", "x"])
def test_unsafe_address(client: AuraShot, server: ScriptedServer, tmp_path: Path, url: str) -> None:
    """An unsafe address is refused before anything is sent or written."""
    folder = tmp_path / "images"
    folder.mkdir()
    with pytest.raises(UnsafeURLError) as caught:
        client.download(url, folder)

    assert "what" == caught.value.argument
    assert ([], []) == (list(folder.iterdir()), server.requests)


def test_what_holds_no_image(client: AuraShot, tmp_path: Path) -> None:
    """Something that has no address is refused, and a response without an image says so."""
    with pytest.raises(InputError, match="what"):
        client.download(None, tmp_path)  # type: ignore[call-overload]  # the mistake is the point
    with pytest.raises(NoOutputError):
        client.download(Generation(status="processing"), tmp_path)


def test_key_is_never_sent(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """A download carries no key and no cookie, not even to the service's own host and not after a redirect."""
    server.queue(redirect("/files/2"), status(500), redirect("/files/2"))
    client.download(server.url + PATH, tmp_path)

    assert 4 == len(server.requests)
    for request in server.requests:
        assert ("GET", None, None) == (request.method, request.header("authorization"), request.header("cookie"))
        assert KEY not in str(request)
        assert "identity" == request.header("accept-encoding")


def test_signed_address_is_not_logged(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A signed address is a secret: it is in no log at any level, and in no error."""
    server.queue(status(500), (body(PNG, "image/png"),), status(404))
    with caplog.at_level(logging.DEBUG):
        client.download(f"{server.url}{PATH}?{SECRET}", tmp_path)
        with pytest.raises(DownloadError) as caught:
            client.read(f"{server.url}{PATH}?{SECRET}")

    assert SECRET in server.requests[0].path
    assert "secret" not in caplog.text + str(caught.value)


def test_place_that_cannot_be_written(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """A place that is no folder is a clear error, and the image is still there to be fetched."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be stored"):
        client.download(server.url + PATH, tmp_path / "file" / "cafe.png")

    assert PNG == client.read(server.url + PATH)
