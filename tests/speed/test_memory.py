"""What calls, uploads and downloads cost in memory; bounds are generous, and what they guard against is far beyond."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from aurashot import AsyncAuraShot
from aurashot._engine import _slots
from aurashot._transport._single_flight import MAX_REMEMBERED, ResponseCache
from aurashot.models import Upload
from lab.backends import KEY
from lab.server import HOLD, Server, contract, headers_only, wait_until
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Action, Request, ScriptedServer

KIB: Final = 1024
MIB: Final = 1024 * KIB
PART: Final = 64 * KIB
CALLS: Final = 400
IN_FLIGHT: Final = 200
UPLOAD_BYTES: Final = 40 * MIB
DOWNLOAD_BYTES: Final = 25 * MIB
WIDTH: Final = 4096
ROOT: Final = Path(__file__).parents[2]


class Traced:
    """Bytes that Python allocated in a block: at the most, and still at its end."""

    peak = 0
    kept = 0


@contextmanager
def traced() -> Generator[Traced]:
    """Trace what the block allocates, in every thread."""
    figures = Traced()
    gc.collect()
    tracemalloc.start()
    try:
        yield figures
        figures.peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        figures.kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def large_png(size: int) -> bytes:
    """Return a PNG of about so many bytes, whose pixels are stored without being compressed."""
    row = b"\0" + bytes(3 * WIDTH)
    rows = size // len(row)
    header = WIDTH.to_bytes(4) + rows.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(row * rows, 0)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def call_often(client: AuraShot, times: int) -> None:
    """Make some calls, one after the other."""
    for number in range(times):
        client.generate(f"scene {number}", face=FACE)


class Oblivious(Server):
    """A server that keeps nothing, so that all memory that is measured is the client's.

    Attributes:
        image: The response to every GET.
        received: Bytes of request bodies so far.
    """

    def __init__(self) -> None:
        super().__init__(self.respond, discards_bodies=True)
        self.image = b""
        self.received = 0

    def respond(self, request: Request) -> Iterable[Action]:
        """Respond to every POST as the contract says, and to every GET with the image."""
        self.received += int(request.header("content-length") or 0)
        return self._parts() if request.method == "GET" else contract(request.path)

    def _parts(self) -> Iterator[bytes]:
        yield headers_only(content_type="image/png", content_length=len(self.image))
        for start in range(0, len(self.image), PART):
            yield self.image[start : start + PART]


@pytest.fixture
def oblivious() -> Iterator[Oblivious]:
    """Return a server that keeps nothing."""
    with Oblivious.running() as running:
        yield running


@pytest.fixture
def client(make_client: Clients, oblivious: Oblivious) -> AuraShot:
    """Return a client of that server, in each backend."""
    return make_client(oblivious.url)


@pytest.fixture(scope="module")
def upload_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an image of 40 MiB on disk."""
    path = tmp_path_factory.mktemp("large") / "large.png"
    path.write_bytes(large_png(UPLOAD_BYTES))
    yield path
    path.unlink()


def busy() -> list[threading.Thread]:
    """Return the threads that close the client's idle connections."""
    return [thread for thread in threading.enumerate() if "aurashot-idle-connections" in thread.name]


def test_calls_leave_nothing_behind(client: AuraShot, oblivious: Oblivious, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many calls there are no more objects and no more memory in use than before.

    trio keeps up to 1,000 deadlines of the past behind one that is still to come, such as that of the next look for
    idle connections, and then drops them all. So one of a few rounds ends with no more objects than it began with.
    """
    monkeypatch.setattr(_slots, "KEEP_ALIVE", 0.1)
    call_often(client, 50)
    more: list[int] = []
    for _ in range(4):
        gc.collect()
        objects = len(gc.get_objects())
        with traced() as memory:
            call_often(client, CALLS)
            wait_until(lambda: not busy() and not oblivious.open)
        assert memory.peak < 4 * KIB * CALLS, "some may wait for the garbage collector"
        assert memory.kept < KIB / 2 * CALLS, "an answer that is kept is more; servers of other tests may live on"
        more.append(len(gc.get_objects()) - objects)
        if more[-1] < CALLS / 2:  # one object a call would be twice that
            return
    pytest.fail(f"objects that are left of {CALLS} calls, in each round: {more}")


def test_calls_leave_little_to_the_garbage_collector(client: AuraShot) -> None:
    """The objects of a call go when it ends: hardly any are in cycles, which only the collector can free."""
    call_often(client, 50)
    gc.collect()
    gc.disable()
    try:
        call_often(client, CALLS)
        assert gc.collect() < 2 * CALLS
    finally:
        gc.enable()


@pytest.mark.anyio
async def test_a_call_in_flight_is_few_objects(server: ScriptedServer) -> None:
    """The garbage collector visits each of them each time: with 63 a call, 2,048 at once were a fifth slower.

    51 of them now, of which seven are the operation, its keys, its state and its request, and a dozen the wait for a
    place within the call's time.
    """
    server.always((HOLD,))
    each = 0.0
    async with AsyncAuraShot(KEY, base_url=server.url, max_connections=1) as client, anyio.create_task_group() as group:
        group.start_soon(partial(client.generate, "the one that is sent", face=FACE))
        await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) == 1)
        gc.collect()
        before = len(gc.get_objects())
        for number in range(IN_FLIGHT):
            group.start_soon(partial(client.generate, f"scene {number}", face=FACE))
        await anyio.wait_all_tasks_blocked()
        gc.collect()
        each = (len(gc.get_objects()) - before) / IN_FLIGHT
        group.cancel_scope.cancel()

    assert 20 < each < 57, "20 would mean that they are not there"


def test_upload_from_a_path_streams(client: AuraShot, oblivious: Oblivious, upload_file: Path) -> None:
    """An image of 40 MiB goes out of its file in pieces."""
    with traced() as memory:
        client.upload(upload_file)

    assert oblivious.received > 0.99 * UPLOAD_BYTES
    assert memory.peak < 8 * MIB


def test_download_to_a_file_streams(client: AuraShot, oblivious: Oblivious, tmp_path: Path) -> None:
    """An image of 25 MiB goes into its file in pieces."""
    oblivious.image = large_png(DOWNLOAD_BYTES)
    with traced() as memory:
        path = client.download(f"{oblivious.url}/large.png", tmp_path / "large.png")

    assert len(oblivious.image) == path.stat().st_size
    assert memory.peak < 8 * MIB
    path.unlink()


UPLOADING: Final = {
    "sync": """
        from aurashot import AuraShot

        def main():
            with AuraShot({key!r}, base_url={url!r}) as client:
                client.upload({small!r})
                yield
                client.upload({large!r})
                yield
    """,
    "async": """
        import asyncio
        from aurashot import AsyncAuraShot

        def main():
            with asyncio.Runner() as runner:
                client = AsyncAuraShot({key!r}, base_url={url!r})
                runner.run(client.upload({small!r}))
                yield
                runner.run(client.upload({large!r}))
                yield
                runner.run(client.aclose())
    """,
}
RESIDENT: Final = """
    import re
    from pathlib import Path

    def kib(name):
        return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

    steps = main()
    next(steps)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = kib("VmRSS")
    next(steps)
    print(kib("VmHWM") - before)
    next(steps, None)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells the peak of a span")
@pytest.mark.parametrize("backend", UPLOADING)
def test_upload_from_a_path_costs_no_resident_memory(
    backend: str, oblivious: Oblivious, upload_file: Path, astronaut: Path
) -> None:
    """What the operating system sees of an upload of 40 MiB is less than 8 MiB."""
    script = textwrap.dedent(UPLOADING[backend]) + textwrap.dedent(RESIDENT).replace("{", "{{").replace("}", "}}")
    code = script.format(key=KEY, url=oblivious.url, small=str(astronaut), large=str(upload_file))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)
    assert oblivious.received > 0.99 * UPLOAD_BYTES
    assert int(done.stdout) * 1024 < 8 * MIB


def test_memory_of_uploads_is_bounded() -> None:
    """However many images a client uploads, it remembers the same number of them."""
    memory = ResponseCache()

    def put(first: int) -> None:
        for number in range(first, first + 10 * MAX_REMEMBERED):
            memory.put(f"{number:064x}", Upload(url=f"https://cdn.aurashot.art/u/{number:032x}.jpg"))

    put(0)
    with traced() as figures:
        put(1_000_000)
        put(2_000_000)

    assert MAX_REMEMBERED == len(memory)
    assert figures.peak < 4 * MIB
