"""`upload`, `download`, `legacy` and `completion`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

pytestmark = pytest.mark.usefixtures("plain_drawings")


@pytest.fixture(autouse=True)
def faces(folder: Path, server: SandboxServer) -> None:
    """Save two images, and empty the bill."""
    for name in ("a", "b"):
        Image.new("RGB", (64, 64), "pink" if name == "a" else "gold").save(folder / f"{name}.png")
    server.reset()


def test_upload_and_download(aurashot: Aurashot) -> None:
    """Several files in one command; the URLs of the one are the arguments of the other. Nothing is billed."""
    uploaded = json.loads(aurashot("upload", "a.png", "b.png", "--json").out)
    urls = [image["url"] for image in uploaded["images"]]
    assert (False, ["a.png", "b.png"]) == (uploaded["paid"], [image["source"] for image in uploaded["images"]])
    assert "".join(f"{url}\n" for url in urls) == aurashot("upload", "a.png", "b.png", "--format", "quiet").out
    ran = aurashot("download", *urls, "--out", "x.png", "--format", "quiet")
    assert (0, "x.png\nx-2.png\n") == (ran.code, ran.out)
    for name in ("x.png", "x-2.png"):
        with Image.open(name) as image:
            assert (64, 64) == image.size


def test_an_upload_of_something_else(aurashot: Aurashot, server: SandboxServer) -> None:
    """All files are looked at before the first is sent; a dry run says how large they are."""
    Path("c.txt").write_text("text", encoding="utf-8")
    ran = aurashot("upload", "a.png", "c.txt")
    assert (2, True) == (ran.code, ran.error.startswith("FILE: 'c.txt' is not a JPEG"))
    plan = json.loads(aurashot("upload", "a.png", "--dry-run", "--json").out)
    assert [Path("a.png").stat().st_size] == [row["bytes"] for row in plan["files"]]


def test_a_download_without_a_url(aurashot: Aurashot) -> None:
    """The error says what is missing, and one about a file of URLs names it."""
    assert aurashot("download").error.startswith("URL: it is missing;")
    assert aurashot("download", "--from", "none.txt").error.startswith("--from: 'none.txt' cannot be read")


def test_legacy_workflows(aurashot: Aurashot, server: SandboxServer) -> None:
    """An image is waited for and saved; without waiting, the next command says how to ask."""
    arguments = ["legacy", "try-on", "--product-image", "a.png", "--model-image", "b.png"]
    assert json.loads(aurashot(*arguments, "--dry-run", "--json").out)["images_billed_at_most"] == 1
    assert 0 == len(server.bill().entries)
    ran = aurashot(*arguments, "--out", "on.png", "--json")
    job = json.loads(ran.out)
    assert (0, True, [{"path": "on.png"}]) == (ran.code, job["paid"], job["images"])
    submitted = aurashot("legacy", "pose", "a.png", "sitting", "--no-wait")
    command = submitted.err.strip().partition("ask with: aurashot ")[2].split()
    done = aurashot(*command, "--wait", "--out", "pose.png", "--format", "agent")
    assert (0, True, True) == (done.code, "paid=false" in done.out.splitlines(), Path("pose.png").is_file())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(aurashot: Aurashot, shell: str) -> None:
    """The script calls the command with the variable that it answers to."""
    assert "_AURASHOT_COMPLETE" in aurashot("completion", shell).out


@pytest.mark.parametrize(
    ("words", "offered"),
    [("aurashot ge", {"generate"}), ("aurashot generate --fa", {"--face"}), ("aurashot q", set[str]())],
    ids=["command", "option", "hidden"],
)
def test_what_is_completed(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch, words: str, offered: set[str]) -> None:
    """Commands and options; the spellings of the script are not offered."""
    for name, value in {"_AURASHOT_COMPLETE": "complete_bash", "COMP_WORDS": words}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert offered == set(aurashot().out.split())


def test_a_narrow_terminal(start_on_terminal: Callable[..., str]) -> None:
    """On 20 columns, without colours, nothing is cut and nothing moves the cursor."""
    shown = start_on_terminal("generate", "a" * 60, "--face", "a.png", "--dry-run", columns=20)
    assert ("a" * 60 in shown, "\x1b" in shown) == (True, False)
    assert "Nothing was sent or billed." == shown.splitlines()[-1]
