"""A process with one client that reads commands from standard input and prints measurements.

`python -m lab.bench.worker calls openai http://127.0.0.1:8000`; commands and measurements are lines of JSON.
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
from lab.process import send

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from lab.bench.peers.concurrent import AsyncCall

SAMPLES: Final = 40
"""Number of memory samples of a run."""


def run_commands(handle: Callable[..., dict[str, Any]]) -> None:
    """Handle the commands, one per line, until the end of standard input."""
    for line in sys.stdin:
        send(handle(**json.loads(line)))


def calls(name: str, url: str) -> None:
    """Make blocking calls."""
    call = blocking.CALLS[name](url)

    def handle(count: int) -> dict[str, Any]:
        start = clock()
        for _ in range(count):
            call()
        return asdict(since(start))

    run_commands(handle)


def clients(name: str, url: str) -> None:
    """Create additional clients and make one call with each."""
    blocking.CALLS[name](url)()
    kept: list[object] = []

    def handle(count: int) -> dict[str, Any]:
        start = clock()
        new = [blocking.CALLS[name](url) for _ in range(count)]
        made = since(start)
        for call in new:
            call()
        kept.extend(new)  # keep the clients open, since closing is not measured
        return {"made": asdict(made), "called": asdict(since(start))}

    run_commands(handle)


def at_once(name: str, url: str) -> None:
    """Make concurrent async calls."""
    with asyncio.Runner() as runner:
        context = concurrent.CALLS[name](url)
        call = runner.run(_enter(context))

        def handle(**options: Any) -> dict[str, Any]:
            return runner.run(steady(call, **options)).dump()

        run_commands(handle)
        runner.run(context.__aexit__(None, None, None))


async def _enter(context: AbstractAsyncContextManager[AsyncCall]) -> AsyncCall:
    return await context.__aenter__()


def recording(name: str, url: str) -> None:
    """Make concurrent calls in tasks or threads, with or without a ledger."""

    def handle(path: str | None, **options: Any) -> dict[str, Any]:
        return recorded.DRIVERS[name](url, path, **options).dump()

    run_commands(handle)


def capped(name: str, _: str) -> None:
    """Write to a ledger with caps that already has a number of entries."""

    def handle(path: str, count: int) -> dict[str, Any]:
        if not Path(path).exists():
            recorded.fill(Path(path), int(name))
        return recorded.time_entries(path, count)

    run_commands(handle)


def growth(name: str, url: str) -> None:
    """Sample the memory during many async calls."""

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

    def handle(**options: Any) -> dict[str, Any]:
        return asyncio.run(run(**options))

    run_commands(handle)


def upload(name: str, url: str) -> None:
    """Upload files."""
    _transfer(uploads.UPLOADS[name](url))


def download(name: str, url: str) -> None:
    """Download an image to files."""
    _transfer(downloads.DOWNLOADS[name](url))


def _transfer(transfer: Callable[[Path], object]) -> None:
    def handle(path: str) -> dict[str, Any]:
        memory.reset_peak()
        held = memory.resident()
        start = clock()
        transfer(Path(path))
        return {**asdict(since(start)), "extra": max(0, memory.peak() - held)}

    run_commands(handle)


TASKS: Final[dict[str, Callable[[str, str], None]]] = {
    task.__name__: task for task in (calls, clients, at_once, recording, capped, growth, upload, download)
}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
