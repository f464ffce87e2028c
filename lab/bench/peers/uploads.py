"""One file upload from a path, blocking."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from lab.bench.peers import HEADERS, KEY, PROMPT
from lab.bench.peers.blocking import fal_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Upload: TypeAlias = "Callable[[Path], object]"


def _aurashot(url: str) -> Upload:
    from aurashot import AuraShot

    return AuraShot(KEY, base_url=url).upload


def _httpx(url: str) -> Upload:
    client = import_module("httpx").Client(headers=HEADERS)

    def upload(path: Path) -> object:
        with path.open("rb") as file:
            return client.post(f"{url}/v1/uploads", files={"file": (path.name, file, "image/png")}).json()

    return upload


def _openai(url: str) -> Upload:
    client: Any = import_module("openai").OpenAI(api_key=KEY, base_url=f"{url}/openai", max_retries=0)
    return lambda path: client.images.edit(image=path, prompt=PROMPT)


def _runwayml(url: str) -> Upload:
    client: Any = import_module("runwayml").RunwayML(api_key=KEY, base_url=f"{url}/runway", max_retries=0)
    return lambda path: client.uploads.create_ephemeral(file=path)


def _replicate(url: str) -> Upload:
    client: Any = import_module("replicate").Client(KEY, base_url=f"{url}/replicate")
    return cast("Upload", client.files.create)


def _fal(url: str) -> Upload:
    client: Any = fal_module(url).SyncClient(key=KEY)
    return cast("Upload", client.upload_file)


UPLOADS: Final[dict[str, Callable[[str], Upload]]] = {
    "httpx": _httpx,
    "aurashot": _aurashot,
    "replicate": _replicate,
    "openai": _openai,
    "runwayml": _runwayml,
    "fal-client": _fal,
}
MEASURED_CALLS: Final = {
    "httpx": "`Client.post(files=…)` with an open file",
    "aurashot": "`AuraShot.upload(path)`, which checks the image first",
    "replicate": "`Client.files.create(path)`",
    "openai": "`OpenAI.images.edit(image=path, prompt=…)`",
    "runwayml": "`RunwayML.uploads.create_ephemeral(file=path)`",
    "fal-client": "`SyncClient.upload_file(path)`",
}
