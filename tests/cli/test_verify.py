from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Aurashot


@pytest.fixture
def images(astronaut: Path, grace_hopper: Path, folder: Path) -> Path:
    """Return a folder with a smaller photograph of Eileen Collins, one of Grace Hopper, and a file that is no image."""
    with Image.open(astronaut) as image:
        image.resize((400, 400)).save(folder / "eileen.jpg")
    with Image.open(grace_hopper) as image:
        image.save(folder / "grace <1>.jpg")
    (folder / "broken.png").write_bytes(b"no image")
    Image.new("RGB", (64, 64), "gray").save(folder / "nobody.png")
    return folder


def test_images_of_the_person_pass(aurashot: Aurashot, astronaut: Path, images: Path) -> None:
    """Exit code 0, and a line for each image."""
    ran = aurashot("verify", str(astronaut), "eileen.jpg", "nobody.png")
    assert (0, "") == (ran.code, ran.err)
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["eileen.jpg", "same", "1.00"] == lines[1][:3]
    assert ["nobody.png", "unsure", "-", "image:", "no_face"] == lines[2]


def test_drift_fails_with_reports(aurashot: Aurashot, astronaut: Path, images: Path) -> None:
    """Exit code 1; a page with the faces in it, and XML for CI."""
    names = ("eileen.jpg", "grace <1>.jpg", "broken.png")
    ran = aurashot("verify", str(astronaut), *names, "--report", "report.html", "--junit", "report.xml")
    assert (1, "") == (ran.code, ran.err)
    assert f"2 of 3 drifted away from {astronaut}." in ran.out
    page = (images / "report.html").read_text("utf-8")
    assert 5 == page.count("data:image/jpeg;base64,"), "the anchor three times, and two faces"
    assert "grace &lt;1&gt;.jpg" in page
    assert "<script" not in page
    assert "1 same, 1 different, 1 error" in page
    suite = ET.parse(images / "report.xml").getroot()
    assert ("3", "1", "1") == tuple(suite.attrib[name] for name in ("tests", "failures", "errors"))
    assert [None, "failure", "error"] == [next((each.tag for each in case), None) for case in suite]


def test_strict_counts_what_is_unsure(aurashot: Aurashot, astronaut: Path, images: Path) -> None:
    """An image without a face is no proof of the person."""
    assert 1 == aurashot("verify", str(astronaut), "nobody.png", "--strict").code


def test_an_anchor_that_cannot_be_read_is_a_usage_error(aurashot: Aurashot, images: Path) -> None:
    """Exit code 2: the argument is named."""
    ran = aurashot("verify", "broken.png", "eileen.jpg")
    assert 2 == ran.code
    assert ran.error.startswith("ANCHOR: ")


def test_a_report_that_cannot_be_written_is_a_usage_error(aurashot: Aurashot, astronaut: Path, images: Path) -> None:
    """The option is named."""
    ran = aurashot("verify", str(astronaut), "nobody.png", "--report", "missing/report.html")
    assert 2 == ran.code
    assert ran.error.startswith("--report: ")


SIXEL = b"\x1bP"
"""How an image begins that a terminal is to show."""


@pytest.mark.parametrize(
    ("response", "term", "count"),
    [
        pytest.param(b"\x1b[?62;4c", "xterm", 1, id="sixel"),
        pytest.param(b"\x1b[?62c", "xterm", 0, id="no images"),
        pytest.param(b"\x1b[?62;4c", "dumb", 0, id="dumb"),
    ],
)
def test_faces_are_shown_where_the_terminal_shows_images(
    images: Path, astronaut: Path, response: bytes, term: str, count: int
) -> None:
    """The terminal says what it can; elsewhere the table is all."""
    screen = _on_terminal(["verify", str(astronaut), "eileen.jpg", "nobody.png"], response, term)
    assert count == screen.count(SIXEL)
    assert count == screen.count(b"astronaut.jpg     eileen.jpg        nobody.png")
    assert count == screen.count(b"anchor            same              unsure")
    assert b"no_face" in screen


def _on_terminal(arguments: list[str], response: bytes, term: str) -> bytes:
    """Run the command on a terminal of 100 columns that has answered what it will be asked."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 1000, 800))
    os.write(ours, response)
    command = [sys.executable, "-m", "aurashot", *arguments]
    screen = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": term}):
        os.close(theirs)
        while chunk := _read(ours):
            screen += chunk
    os.close(ours)
    return screen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # its other end is closed
        return b""


def test_results_as_data(aurashot: Aurashot, astronaut: Path, images: Path) -> None:
    """One object for each image, in the order of the command line; scripts get those that drifted."""
    arguments = ("verify", str(astronaut), "eileen.jpg", "broken.png")
    ran = aurashot(*arguments, "--json")
    document = json.loads(ran.out)
    assert (1, 1, "") == (ran.code, document["drifted"], ran.err)
    shown = [(image["path"], image["verdict"], image["is_drift"]) for image in document["images"]]
    assert [("eileen.jpg", "same", False), ("broken.png", "error", True)] == shown
    assert "broken.png\n" == aurashot(*arguments, "--format", "quiet").out
