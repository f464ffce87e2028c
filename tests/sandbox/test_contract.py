from __future__ import annotations

import asyncio
import json
import subprocess
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from aurashot import sandbox
from tests.sandbox.plain import PlainClient

if TYPE_CHECKING:
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


@pytest.mark.parametrize("operation", ANNOUNCED)
def test_the_announced_curl_calls_work_word_for_word(server: SandboxServer, operation: str) -> None:
    """The three calls of the announcement response with an image, although nothing is fetched from example.com."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "-X", "POST"]
    command += [f"{server.url}/v1/character/{operation}", "-H", f"Authorization: Bearer {server.api_key}"]
    command += ["-H", "Content-Type: application/json", "-d", json.dumps(ANNOUNCED[operation])]
    response = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
    assert "success" == response["status"]
    assert operation == response["taskType"]
    assert "https://example.com/face.jpg" in response["sandbox"]["standIns"]


@pytest.mark.parametrize("operation", ANNOUNCED)
def test_a_response_has_every_field_of_the_contract(server: SandboxServer, operation: str) -> None:
    """Identifiers are uuids, the time is ISO 8601, and the sandbox says who it is."""
    client = PlainClient(server.url, server.api_key)
    body = json.dumps(ANNOUNCED[operation]).encode()
    response = client.post(f"/v1/character/{operation}", body, "application/json")
    assert response["requestId"] == str(uuid.UUID(response["requestId"]))
    assert response["jobId"] == str(uuid.UUID(response["jobId"]))
    assert datetime.fromisoformat(response["createdAt"]).tzinfo is not None
    assert {"provider": "sandbox", "status": "success"} == response["pipeline"]
    assert {"inputTokens": 0, "outputTokens": 4} == response["tokenUsage"]
    assert ["image"] == [output["type"] for output in response["outputs"]]
    assert response["outputs"][0]["url"].startswith(f"{server.url}/files/")
    assert "not by a model" in response["sandbox"]["note"]


async def _through_a_mount() -> list[str]:
    application = FastAPI()
    application.mount("/aurashot", sandbox.create_app())
    transport = httpx.ASGITransport(application)
    headers = {"Authorization": "Bearer sk_a"}
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test", headers=headers) as client:
        urls = ["https://example.com/face.jpg"]
        for _ in range(2):
            body = {"images": {"face": urls[-1]}}
            response = await client.post("/aurashot/v1/character/id-photo", json=body)
            urls.append(response.json()["outputs"][0]["url"])
        assert 200 == (await client.get(urls[-1])).status_code
    return urls[1:]


def test_a_mounted_sandbox_knows_where_it_is(quick_drawings: None) -> None:
    """Its images are under the path of the mount, can be downloaded from there, and are references again."""
    urls = asyncio.run(_through_a_mount())
    assert all(url.startswith("http://app.test/aurashot/files/") for url in urls)


def test_the_host_that_the_client_used_is_in_the_url_of_the_image(server: SandboxServer) -> None:
    """A client that says localhost gets images on localhost, and may use them as references."""
    url = server.url.replace("127.0.0.1", "localhost")
    client = PlainClient(url, server.api_key)
    anchor = client.image("id-photo", images={"face": "https://example.com/face.jpg"})
    assert anchor.startswith(f"{url}/files/")
    assert client.image("generate", prompt="a cafe", images={"face": anchor}).startswith(f"{url}/files/")
