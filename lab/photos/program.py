"""Upload every file of a folder at once, in a process of its own, and print the peak of its memory."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from aurashot import AsyncAuraShot
from lab.backends import KEY
from lab.bench.memory import peak
from lab.process import send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot import ImageInput


async def upload(base_url: str, photos: Sequence[ImageInput]) -> int:
    """Upload the photos concurrently and return the number of different URLs."""
    urls: set[str] = set()
    async with AsyncAuraShot(KEY, base_url=base_url, timeout=600) as client, anyio.create_task_group() as group:

        async def one(photo: ImageInput) -> None:
            urls.add((await client.upload(photo)).url)

        for photo in photos:
            group.start_soon(one, photo)
    return len(urls)


def main() -> None:
    """Upload, and report."""
    base_url, folder, form = sys.argv[1:]
    paths = list(Path(folder).iterdir())
    started = time.perf_counter()
    with ExitStack() as files:
        photos = paths if form == "path" else [files.enter_context(path.open("rb")) for path in paths]
        uploaded = anyio.run(upload, base_url, photos)
    send({"uploaded": uploaded, "peak": peak(), "seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
