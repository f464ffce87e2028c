"""A process that holds one client, does what it is told on its standard input, and says what it took.

`python -m lab.bench.worker calls openai http://127.0.0.1:8000`, then one JSON object a line, either way.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.bench import memory, recorded
from lab.bench.load import drive, steady
from lab.bench.measure import clock, since, slope
from lab.bench.peers import blocking, concurrent, downloads, uploads
from lab.process import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from lab.bench.peers.concurrent import AsyncCall

SAMPLES: Final = 40
"""How often a run looks at its memory."""


def obey(do: Callable[..., dict[str, Any]]) -> None:
    """Do the orders, one a line, until there are no more."""
    for line in sys.stdin:
        say(do(**json.loads(line)))


def calls(name: str, url: str) -> None:
    """Make blocking calls."""
    call = blocking.CALLS[name](url)

    def do(count: int) -> dict[str, Any]:
        start = clock()
        for _ in range(count):
            call()
        return asdict(since(start))

    obey(do)


def clients(name: str, url: str) -> None:
    """Make further clients, and one call with each."""
    blocking.CALLS[name](url)()
    kept: list[object] = []

    def do(count: int) -> dict[str, Any]:
        start = clock()
        new = [blocking.CALLS[name](url) for _ in range(count)]
        made = since(start)
        for call in new:
            call()
        kept.extend(new)  # closing a client is not part of making one
        return {"made": asdict(made), "called": asdict(since(start))}

    obey(do)


def at_once(name: str, url: str) -> None:
    """Make async calls, many at once."""
    with asyncio.Runner() as runner:
        context = concurrent.CALLS[name](url)
        call = runner.run(_enter(context))

        def do(**wanted: Any) -> dict[str, Any]:
            return runner.run(steady(call, **wanted)).dump()

        obey(do)
        runner.run(context.__aexit__(None, None, None))


async def _enter(context: AbstractAsyncContextManager[AsyncCall]) -> AsyncCall:
    return await context.__aenter__()


def recording(name: str, url: str) -> None:
    """Make calls at once by tasks or threads, with a ledger or without one."""

    def do(path: str | None, **wanted: Any) -> dict[str, Any]:
        return recorded.DRIVERS[name](url, path, **wanted).dump()

    obey(do)


def capped(name: str, _: str) -> None:
    """Write into a ledger with caps that has so many entries before."""

    def do(path: str, count: int) -> dict[str, Any]:
        if not Path(path).exists():
            recorded.fill(Path(path), int(name))
        return recorded.time_entries(path, count)

    obey(do)


def growth(name: str, url: str) -> None:
    """Look at the memory during many async calls."""

    async def run(count: int, at_once: int) -> dict[str, Any]:
        samples: dict[float, float] = {}
        async with concurrent.CALLS[name](url) as call:
            for done in range(step := count // SAMPLES, count + 1, step):
                tally = await drive(call, calls=step, at_once=at_once, seconds=60)
                if tally.errors:
                    raise SystemExit(f"{name}: {tally.errors}")
                samples[done] = memory.resident()
        last_half = {done: held for done, held in samples.items() if done > count / 2}
        return {"grown": slope(last_half) * count / 2, "held": list(samples.values())}

    def do(**wanted: Any) -> dict[str, Any]:
        return asyncio.run(run(**wanted))

    obey(do)


def upload(name: str, url: str) -> None:
    """Upload files."""
    _transfer(uploads.UPLOADS[name](url))


def download(name: str, url: str) -> None:
    """Download an image to files."""
    _transfer(downloads.DOWNLOADS[name](url))


def _transfer(transfer: Callable[[Path], object]) -> None:
    def do(path: str) -> dict[str, Any]:
        memory.forget_peak()
        held = memory.resident()
        start = clock()
        transfer(Path(path))
        return {**asdict(since(start)), "extra": max(0, memory.peak() - held)}

    obey(do)


DUTIES: Final[dict[str, Callable[[str, str], None]]] = {
    duty.__name__: duty for duty in (calls, clients, at_once, recording, capped, growth, upload, download)
}

if __name__ == "__main__":
    DUTIES[sys.argv[1]](*sys.argv[2:])
