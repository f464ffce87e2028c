"""Upload every file of a folder at once, in a process of its own, and print the peak of its memory."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import anyio

from aurashot import AsyncAuraShot
from lab.backends import KEY
from lab.bench.memory import peak
from lab.process import send


async def upload(base_url: str, paths: list[Path]) -> int:
    """Upload the photos concurrently and return the number of different URLs."""
    urls: set[str] = set()
    async with AsyncAuraShot(KEY, base_url=base_url, timeout=600) as client, anyio.create_task_group() as group:

        async def one(path: Path) -> None:
            urls.add((await client.upload(path)).url)

        for path in paths:
            group.start_soon(one, path)
    return len(urls)


def main() -> None:
    """Upload, and report."""
    base_url, folder = sys.argv[1:]
    started = time.perf_counter()
    uploaded = anyio.run(upload, base_url, list(Path(folder).iterdir()))
    send({"uploaded": uploaded, "peak": peak(), "seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
