"""A session that was written for the service's script for agents, with only the path of the script replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot.cli._commands import spelled

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

pytestmark = pytest.mark.usefixtures("plain_drawings")
PROFILE = "avatars/白雪/profile"
GALLERY = "avatars/白雪/gallery"


@pytest.fixture(autouse=True)
def photo(folder: Path, server: SandboxServer) -> None:
    """Save a photo, and empty the bill."""
    (folder / PROFILE).mkdir(parents=True)
    Image.new("RGB", (64, 64), "pink").save(folder / PROFILE / "face-reference.png")
    server.reset()


def test_a_session(aurashot: Aurashot, server: SandboxServer) -> None:
    """An ID photo, an image of it and an edit of that, each found by `downloaded[].localPath`; names in any script."""
    face = f"{PROFILE}/face-reference.png"
    made = json.loads(aurashot("id-photo", "--face-image", face, "--output", PROFILE, "--wait").out)
    Path(made["downloaded"][0]["localPath"]).rename(f"{PROFILE}/id-photo.png")
    words = ["--description", "在咖啡馆", "--output", GALLERY, "--wait"]
    anchor = f"{PROFILE}/id-photo.png"
    ran = aurashot("character-generate", "--face-image", anchor, "--clothes-image", face, "--scene-image", face, *words)
    made = json.loads(ran.out)
    (image,) = made["downloaded"]
    assert (0, "", "success", []) == (ran.code, ran.err, made["status"], made["downloadErrors"])
    assert image["url"] == made["outputs"][0]["url"]
    assert Path(image["localPath"]) == Path(GALLERY) / Path(image["url"]).name
    edited = ["--target-image", image["localPath"], "--face-image", anchor, "--description", "夜晚"]
    made = json.loads(aurashot("edit", *edited, "--output", f"{GALLERY}/夜晚.png").out)
    assert f"{GALLERY}/夜晚.png" == made["downloaded"][0]["localPath"]
    assert ["id-photo", "generate", "edit"] == [entry.operation for entry in server.bill().entries]


def test_workflows(aurashot: Aurashot) -> None:
    """`generate --workflow` submits, and `query` asks until the image is there."""
    face = f"{PROFILE}/face-reference.png"
    posed = ["--workflow", "pose_change", "--original-image", face, "--description", "standing"]
    job = json.loads(aurashot("generate", *posed).out)
    assert ("submitted", []) == (job["status"], job["downloaded"])
    asked = ["--workflow", "pose_change", "--execution-id", job["executionId"], "--wait", "--output", "posed"]
    done = json.loads(aurashot("query", *asked).out)
    assert Path(done["downloaded"][0]["localPath"]).is_file()
    tried = ["--workflow", "virtual_try_on", "--product-image", face, "--model-image", face, "--wait"]
    assert 1 == len(json.loads(aurashot("generate", *tried).out)["downloaded"])


def test_a_failed_download(aurashot: Aurashot, server: SandboxServer) -> None:
    """It is in `downloadErrors`, and the URL of what was paid for is in the response."""
    server.fault("not-found", operations=["file"])
    face = ["--face-image", f"{PROFILE}/face-reference.png", "--description", "x"]
    made = json.loads(aurashot("character-generate", *face).out)
    (error,) = made["downloadErrors"]
    assert ([], made["outputs"][0]["url"]) == (made["downloaded"], error["url"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["id-photo", "--face-image", "none.png"], 2),
        (["character-generate", "--face-image", "none.png"], 2),
        (["generate", "--workflow", "other"], 2),
        (["generate", "--workflow", "pose_change", "--description", "x"], 2),
    ],
    ids=["missing-file", "missing-option", "unknown-workflow", "missing-image"],
)
def test_errors(aurashot: Aurashot, arguments: list[str], code: int) -> None:
    """One JSON object with `error` and `detail`, whatever the format."""
    ran = aurashot(*arguments, "--format", "human")
    failure = json.loads(ran.out)
    assert (code, code, "") == (ran.code, failure["exit_code"], failure["detail"])


def test_a_missing_key(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, as that of the script."""
    monkeypatch.delenv("AURASHOT_API_KEY")
    ran = aurashot("id-photo", "--face-image", f"{PROFILE}/face-reference.png")
    assert (2, True) == (ran.code, json.loads(ran.out)["error"].startswith("No API key was found"))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["generate", "x", "--face", "y"], "generate"),
        (["generate", "--workflow=pose_change"], "generate of the script"),
        (["generate", "--face-image", "x"], "character-generate"),
        (["edit", "--target-image", "x"], "edit of the script"),
        (["id-photo", "face.png"], "id-photo"),
        (["upload", "--wait"], "upload"),
    ],
    ids=lambda value: None if isinstance(value, list) else value.replace(" ", "-"),
)
def test_which_command_is_meant(words: list[str], name: str) -> None:
    """The options that only the script has decide."""
    assert name == spelled(words)
