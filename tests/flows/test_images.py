from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Never

import pytest

from aurashot._calls import Fetch
from aurashot._flows import images
from aurashot.errors import DownloadError, InputError, NoOutputError, UnsafeURLError
from aurashot.images import FileSink, MemorySink
from aurashot.models import Generation, Output, Upload, WorkflowJob
from tests.flows.steps import RULES, Play, png

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "https://cdn.example.com/1.png"
HASHED = f"image-{hashlib.sha256(IMAGE.encode()).hexdigest()[:12]}.png"
DONE = Generation(status="success", request_id="r-1", outputs=(Output(url=IMAGE),))


def fetched(play: Play) -> Fetch[Any]:
    """Return the one download that a flow asked for."""
    (step,) = play.steps
    assert isinstance(step, Fetch)
    return step


@pytest.mark.parametrize(
    "what", [DONE, DONE.output, Upload(url=IMAGE), IMAGE, WorkflowJob(status="success", images=(IMAGE,))]
)
def test_whatever_stands_for_an_image_can_be_fetched(what: Any, tmp_path: Path) -> None:
    """A response, an output, an upload, a job and an address all lead to one download."""
    saving = Play(tmp_path / "x.png")
    assert tmp_path / "x.png" == saving.run(images.download(RULES, what, tmp_path / "x.png", progress=None))
    assert isinstance(fetched(saving).sink, FileSink)
    reading = Play(b"bytes")
    assert b"bytes" == reading.run(images.read(RULES, what, progress=None))
    assert isinstance(fetched(reading).sink, MemorySink)
    assert IMAGE == fetched(saving).url == fetched(reading).url


def test_a_download_is_capped_and_tells_its_progress(tmp_path: Path) -> None:
    """At most as many bytes as the rules say are taken, and the user's function travels with the step."""
    told: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None) -> None:
        told.append((done, total))

    for flow in (
        images.download(RULES, IMAGE, tmp_path, progress=progress),
        images.read(RULES, IMAGE, progress=progress),
    ):
        step = next(flow)
        assert isinstance(step, Fetch)
        assert progress is step.progress
        assert 100 * 1024 * 1024 == RULES.max_bytes == step.sink.max_bytes


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (DONE, "r-1-1.png"),
        (WorkflowJob(status="success", execution_id="e-1", task_id="t-1", images=(IMAGE,)), "e-1-1.png"),
        (WorkflowJob(status="success", task_id="t-1", images=(IMAGE,)), "t-1-1.png"),
        (Generation(status="success", outputs=(Output(url=IMAGE),)), HASHED),
        (Output(url=IMAGE), HASHED),
        (IMAGE, HASHED),
        (Generation(status="success", request_id="../../etc/x", outputs=(Output(url=IMAGE),)), "etc-x-1.png"),
    ],
)
def test_in_a_folder_the_name_comes_from_identifiers_alone(what: Any, name: str, tmp_path: Path) -> None:
    """No part of an address becomes a file name, and no identifier leaves the folder."""
    folder = tmp_path / "images"
    folder.mkdir()
    flow = images.download(RULES, what, folder, progress=None)
    step = next(flow)
    assert isinstance(step, Fetch)
    step.sink.begin()
    step.sink.write(png())
    saved = step.sink.finish()
    with pytest.raises(StopIteration) as end:
        flow.send(saved)
    assert saved == end.value.value
    assert [folder / name] == list(folder.iterdir())


class Broken:
    """An object none of whose attributes can be had."""

    def __getattr__(self, name: str) -> Never:
        raise RuntimeError(f"no {name}: the file is closed")


@pytest.mark.parametrize("what", [None, 7, b"bytes", object(), ["https://cdn.example.com/1.png"]])
def test_what_stands_for_no_image_is_refused(what: Any, tmp_path: Path) -> None:
    """The error names the argument and the type that came."""
    for flow in (images.download(RULES, what, tmp_path, progress=None), images.read(RULES, what, progress=None)):
        with pytest.raises(InputError, match=f"^what: .* not {type(what).__name__}$") as caught:
            next(flow)
        assert "what" == caught.value.argument


def test_an_object_whose_url_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Whatever an object raises, the error is about the argument, and has the reason."""
    broken: Any = Broken()
    with pytest.raises(
        InputError, match=r"^what: the URL of the Broken object .* no url: the file is closed"
    ) as caught:
        next(images.download(RULES, broken, tmp_path, progress=None))
    assert "what" == caught.value.argument


@pytest.mark.parametrize(
    "url",
    ["http://cdn.example.com/1.png", "https://10.0.0.1/1.png", "https://localhost/1.png", "ftp://x.example/1", ""],
)
def test_an_address_that_is_not_safe_is_not_fetched(url: str, tmp_path: Path) -> None:
    """An image's address is checked before a connection is made, also when the service gave it."""
    for what in (url, Output(url=url)):
        with pytest.raises(UnsafeURLError) as caught:
            next(images.download(RULES, what, tmp_path, progress=None))
        assert "what" == caught.value.argument


def test_a_generation_without_an_image_has_nothing_to_download(tmp_path: Path) -> None:
    """The error is the one that `url` raises: it says what the status is."""
    with pytest.raises(NoOutputError, match="processing"):
        next(images.download(RULES, Generation(status="processing"), tmp_path, progress=None))


@pytest.mark.parametrize(
    ("what", "delivered"),
    [
        (IMAGE, ()),
        (Upload(url=IMAGE), ()),
        (DONE.output, ()),
        (DONE, (DONE,)),
        (WorkflowJob(status="success", images=(IMAGE,)), (WorkflowJob(status="success", images=(IMAGE,)),)),
    ],
)
def test_a_download_that_fails_is_the_error_of_the_call(what: Any, delivered: tuple[Any, ...], tmp_path: Path) -> None:
    """It carries the response whose image was to be fetched: that is paid for, and can be fetched later."""
    for flow in (
        images.download(RULES, what, tmp_path / "x.png", progress=None),
        images.read(RULES, what, progress=None),
    ):
        error = DownloadError("truncated")
        with pytest.raises(DownloadError) as caught:
            Play(error).run(flow)
        assert error is caught.value
        assert delivered == error.delivered
