from __future__ import annotations

import json
import subprocess
import urllib.request
import uuid
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer

ANNOUNCED = {
    "id-photo": {"images": {"face": "https://example.com/face.jpg"}},
    "generate": {
        "prompt": "sitting in a cozy cafe, warm afternoon light, casual outfit",
        "images": {"face": "https://example.com/face.jpg"},
    },
    "edit": {
        "prompt": "change background to a rooftop bar at night",
        "images": {"target": "https://example.com/photo.jpg", "face": "https://example.com/face.jpg"},
    },
}


class PlainClient:
    """A client written from the contract alone, with the standard library."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        """Send a body and return the JSON that comes back."""
        headers = {**self._headers, "Content-Type": content_type}
        request = urllib.request.Request(self._url + path, body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            fields: dict[str, Any] = json.load(answer)
            return fields

    def upload(self, data: bytes, media_type: str) -> str:
        """Upload a picture and return its address."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="photo"\r\n'
        part = f"{head}Content-Type: {media_type}\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
        url: str = self.post("/v1/uploads", part, f"multipart/form-data; boundary={boundary}")["url"]
        return url

    def picture(self, operation: str, **body: Any) -> str:
        """Run an operation on a character and return the address of its picture."""
        data = json.dumps({"waitForResult": True, **body}).encode()
        answer = self.post(f"/v1/character/{operation}", data, "application/json")
        assert "success" == answer["status"]
        url: str = answer["outputs"][0]["url"]
        return url


@pytest.fixture(scope="module")
def drawing_server() -> Iterator[SandboxServer]:
    """Run a sandbox that really draws."""
    with sandbox.serve() as running:
        yield running


def test_a_client_written_from_the_contract_alone_gets_its_pictures(
    drawing_server: SandboxServer, grace_hopper: Path, astronaut: Path
) -> None:
    """Upload, anchor, generation, edit and download work with nothing but urllib."""
    client = PlainClient(drawing_server.url, drawing_server.api_key)
    selfie = client.upload(grace_hopper.read_bytes(), "image/jpeg")
    clothes = client.upload(astronaut.read_bytes(), "image/jpeg")
    anchor = client.picture("id-photo", images={"face": selfie})
    cafe = client.picture("generate", prompt="在咖啡馆", images={"face": anchor, "clothes": clothes, "scene": clothes})
    roof = client.picture("edit", prompt="a rooftop at night", images={"target": cafe, "face": anchor})
    with urllib.request.urlopen(roof, timeout=30) as answer:
        image = Image.open(BytesIO(answer.read()))
    assert "PNG" == image.format
    assert "true" == image.info["aurashot:sandbox"]
    assert {"id-photo", "generate", "edit"} <= {entry.operation for entry in drawing_server.ledger().entries}


def test_the_legacy_workflows_are_drawn_too(drawing_server: SandboxServer, grace_hopper: Path) -> None:
    """A try-on and a change of pose end with a picture of the person."""
    client = PlainClient(drawing_server.url, drawing_server.api_key)
    photo = client.upload(grace_hopper.read_bytes(), "image/jpeg")
    orders = {
        "virtual_try_on": {"modelImage": photo, "productImage": photo},
        "pose_change": {"originalImage": photo},
    }
    for workflow, given in orders.items():
        body = json.dumps({"workflow": workflow, "input": given, "waitForResult": True}).encode()
        job = client.post("/api/aesthetic/generate", body, "application/json")
        with urllib.request.urlopen(job["images"][0], timeout=30) as answer:
            assert workflow == Image.open(BytesIO(answer.read())).info["aurashot:operation"]


@pytest.mark.parametrize("operation", ANNOUNCED)
def test_the_announced_curl_calls_work_word_for_word(server: SandboxServer, operation: str) -> None:
    """The three calls of the announcement answer with a picture, although nothing is fetched from example.com."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "-X", "POST"]
    command += [f"{server.url}/v1/character/{operation}", "-H", f"Authorization: Bearer {server.api_key}"]
    command += ["-H", "Content-Type: application/json", "-d", json.dumps(ANNOUNCED[operation])]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
    assert "success" == answer["status"]
    assert operation == answer["taskType"]
    assert "https://example.com/face.jpg" in answer["sandbox"]["standIns"]


@pytest.mark.parametrize("operation", ANNOUNCED)
def test_an_answer_has_every_field_of_the_contract(server: SandboxServer, operation: str) -> None:
    """Identifiers are uuids, the time is ISO 8601, and the sandbox says who it is."""
    client = PlainClient(server.url, server.api_key)
    body = json.dumps(ANNOUNCED[operation]).encode()
    answer = client.post(f"/v1/character/{operation}", body, "application/json")
    assert answer["requestId"] == str(uuid.UUID(answer["requestId"]))
    assert answer["jobId"] == str(uuid.UUID(answer["jobId"]))
    assert datetime.fromisoformat(answer["createdAt"]).tzinfo is not None
    assert {"provider": "sandbox", "status": "success"} == answer["pipeline"]
    assert {"inputTokens": 0, "outputTokens": 4} == answer["tokenUsage"]
    assert ["image"] == [output["type"] for output in answer["outputs"]]
    assert answer["outputs"][0]["url"].startswith(f"{server.url}/files/")
    assert "not by a model" in answer["sandbox"]["note"]


def test_the_same_address_is_always_the_same_person(server: SandboxServer) -> None:
    """A stand-in depends on the address and on the seed, and on nothing else."""
    assert sandbox.draw_portrait("ada", 64) == sandbox.draw_portrait("ada", 64)
    assert sandbox.draw_portrait("ada", 64) != sandbox.draw_portrait("bob", 64)


def test_the_host_that_the_client_used_is_in_the_address_of_the_picture(server: SandboxServer) -> None:
    """A client that says localhost gets pictures on localhost, and may use them as references."""
    url = server.url.replace("127.0.0.1", "localhost")
    client = PlainClient(url, server.api_key)
    anchor = client.picture("id-photo", images={"face": "https://example.com/face.jpg"})
    assert anchor.startswith(f"{url}/files/")
    assert client.picture("generate", prompt="a cafe", images={"face": anchor}).startswith(f"{url}/files/")
