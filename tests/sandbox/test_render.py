from __future__ import annotations

import json
import urllib.request
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot import sandbox
from tests.sandbox.plain import PlainClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="module")
def drawing_server() -> Iterator[SandboxServer]:
    """Run a sandbox that really draws."""
    with sandbox.serve() as running:
        yield running


def test_a_client_written_from_the_contract_alone_gets_its_images(
    drawing_server: SandboxServer, grace_hopper: Path, astronaut: Path
) -> None:
    """Upload, anchor, generation, edit and download work with nothing but urllib."""
    client = PlainClient(drawing_server.url, drawing_server.api_key)
    selfie = client.upload(grace_hopper.read_bytes(), "image/jpeg")
    clothes = client.upload(astronaut.read_bytes(), "image/jpeg")
    anchor = client.image("id-photo", images={"face": selfie})
    cafe = client.image("generate", prompt="在咖啡馆", images={"face": anchor, "clothes": clothes, "scene": clothes})
    roof = client.image("edit", prompt="a rooftop at night", images={"target": cafe, "face": anchor})
    with urllib.request.urlopen(roof, timeout=30) as response:
        image = Image.open(BytesIO(response.read()))
    assert "PNG" == image.format
    assert "true" == image.info["aurashot:sandbox"]
    assert {"id-photo", "generate", "edit"} <= {entry.operation for entry in drawing_server.bill().entries}


def test_the_legacy_workflows_are_drawn_too(drawing_server: SandboxServer, grace_hopper: Path) -> None:
    """A try-on and a change of pose end with an image of the person."""
    client = PlainClient(drawing_server.url, drawing_server.api_key)
    photo = client.upload(grace_hopper.read_bytes(), "image/jpeg")
    inputs = {
        "virtual_try_on": {"modelImage": photo, "productImage": photo},
        "pose_change": {"originalImage": photo},
    }
    for workflow, given in inputs.items():
        body = json.dumps({"workflow": workflow, "input": given, "waitForResult": True}).encode()
        job = client.post("/api/aesthetic/generate", body, "application/json")
        with urllib.request.urlopen(job["images"][0], timeout=30) as response:
            assert workflow == Image.open(BytesIO(response.read())).info["aurashot:operation"]


def test_a_portrait_is_that_of_its_seed() -> None:
    """Equal seeds give the same person, and others another."""
    assert sandbox.draw_portrait("ada", 64) == sandbox.draw_portrait("ada", 64)
    assert sandbox.draw_portrait("ada", 64) != sandbox.draw_portrait("bob", 64)
