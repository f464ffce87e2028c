"""One image to a file, blocking."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from lab.bench.peers import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Download: TypeAlias = "Callable[[Path], object]"


def _aurashot(url: str) -> Download:
    from aurashot import AuraShot

    client = AuraShot(KEY, base_url=url)
    return lambda path: client.download(f"{url}/image.png", path)


def _httpx_like(module: str, *, fsync: bool = False) -> Callable[[str], Download]:
    def driver(url: str) -> Download:
        client: Any = import_module(module).Client()

        def download(path: Path) -> None:
            with client.stream("GET", f"{url}/image.png") as response, path.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                if fsync:
                    _sync(file)

        return download

    return driver


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


DOWNLOADS: Final[dict[str, Callable[[str], Download]]] = {
    "httpx": _httpx_like("httpx"),
    "httpx, then fsync": _httpx_like("httpx", fsync=True),
    "httpx2": _httpx_like("httpx2"),
    "aurashot": _aurashot,
}
MEASURED_CALLS: Final = {
    "httpx": "`Client.stream(…)`, `iter_bytes()` into a file",
    "httpx, then fsync": "as above, then `os.fsync`, so that the file survives a power failure",
    "httpx2": "`Client.stream(…)`, `iter_bytes()` into a file",
    "aurashot": "`AuraShot.download(url, path)`: writes a temporary file, checks that the image is complete, fsync, "
    "rename, fsync of the folder",
}
