from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aurashot import sandbox

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer


@pytest.fixture
def try_on(image: str) -> dict[str, Any]:
    """Return the body of a try-on."""
    return {
        "workflow": "virtual_try_on",
        "input": {"productImage": image, "modelImage": image, "sceneImage": image},
    }


@pytest.fixture
def pose(image: str) -> dict[str, Any]:
    """Return the body of a change of pose."""
    return {"workflow": "pose_change", "input": {"originalImage": image, "textDescription": "arms crossed"}}


@pytest.mark.parametrize("identifier", ["taskId", "executionId"])
@pytest.mark.parametrize("kind", ["try_on", "pose"])
def test_a_job_is_submitted_then_processed_then_done(
    client: httpx.Client, server: SandboxServer, request: pytest.FixtureRequest, kind: str, identifier: str
) -> None:
    """It is polled by either of its identifiers, billed once, and ends with an image."""
    body = request.getfixturevalue(kind)
    job = client.post("/api/aesthetic/generate", json=body).json()
    assert ("submitted", False, []) == (job["status"], job["completed"], job["images"])
    query = {"workflow": body["workflow"], identifier: job[identifier]}
    first, second, third = (client.post("/api/aesthetic/query", json=query).json() for _ in range(3))
    assert ("processing", False) == (first["status"], first["completed"])
    assert ("success", True) == (second["status"], second["completed"])
    assert [{"status": "Success", "image": second["images"][0], "progress": None, "error": None}] == second["results"]
    assert second["images"] == third["images"]
    assert 200 == client.get(second["images"][0]).status_code
    assert [body["workflow"]] == [entry.operation for entry in server.bill().entries]


def test_a_client_that_waits_gets_the_image_at_once(client: httpx.Client, try_on: dict[str, Any]) -> None:
    """`waitForResult` needs no poll."""
    job = client.post("/api/aesthetic/generate", json={**try_on, "waitForResult": True}).json()
    assert ("success", True, 1) == (job["status"], job["completed"], len(job["images"]))


def test_a_job_is_not_done_before_its_time(quick_drawings: None) -> None:
    """The latency of the service holds for polled jobs too, without holding up the submission."""
    body = {"workflow": "pose_change", "input": {"originalImage": "https://example.com/a.jpg"}}
    headers = {"Authorization": "Bearer sk_a"}
    with sandbox.serve(latency=0.6, polls=0) as server, httpx.Client(base_url=server.url, headers=headers) as client:
        job = client.post("/api/aesthetic/generate", json=body).json()
        query = {"workflow": "pose_change", "taskId": job["taskId"]}
        assert "processing" == client.post("/api/aesthetic/query", json=query).json()["status"]
        deadline = time.monotonic() + 60
        while client.post("/api/aesthetic/query", json=query).json()["status"] != "success":
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"workflow": "virtual_try_on", "input": {}}, "input.productImage is required; input.modelImage is required."),
        ({"workflow": "dance"}, "the body must name a workflow: 'virtual_try_on', 'pose_change'."),
        ({"input": {}}, "the body must name a workflow."),
        (
            {"workflow": "pose_change", "input": {"originalImage": "https://e.com/a.jpg", "generateVersion": "max"}},
            "input.generateVersion must be 'lite' or 'pro'.",
        ),
        (
            {
                "workflow": "virtual_try_on",
                "input": {
                    "productImage": "https://e.com/a.jpg",
                    "modelImage": "https://e.com/a.jpg",
                    "descriptionType": "custom",
                },
            },
            "textDescription is required when descriptionType is custom.",
        ),
    ],
)
def test_a_bad_submission_is_refused(client: httpx.Client, body: dict[str, Any], sentence: str) -> None:
    """Each workflow has its own input."""
    response = client.post("/api/aesthetic/generate", json=body)
    assert 422 == response.status_code
    assert sentence == response.json()["error"]["message"]


def test_a_bad_reference_is_named(client: httpx.Client) -> None:
    """The legacy endpoints know the same rules of addresses."""
    body = {"workflow": "pose_change", "input": {"originalImage": "http://localhost/a.jpg"}}
    response = client.post("/api/aesthetic/generate", json=body)
    assert "input.originalImage: must be https." == response.json()["error"]["message"]


def test_a_query_needs_an_identifier(client: httpx.Client) -> None:
    """Without one there is no job to ask for."""
    response = client.post("/api/aesthetic/query", json={"workflow": "pose_change"})
    assert (422, "executionId or taskId is required.") == (response.status_code, response.json()["error"]["message"])


def test_an_unknown_job_and_the_job_of_another_key_are_404(client: httpx.Client, pose: dict[str, Any]) -> None:
    """Nobody learns of the jobs of others."""
    job = client.post("/api/aesthetic/generate", json=pose).json()
    query = {"workflow": "pose_change", "taskId": job["taskId"]}
    other = {"Authorization": "Bearer sk_other"}
    assert 404 == client.post("/api/aesthetic/query", json={**query, "taskId": "nobody"}).status_code
    assert 404 == client.post("/api/aesthetic/query", json={**query, "executionId": "nobody"}).status_code
    assert 404 == client.post("/api/aesthetic/query", json=query, headers=other).status_code
