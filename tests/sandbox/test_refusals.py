from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot.sandbox import _emulator

if TYPE_CHECKING:
    import httpx

FACE = "https://example.com/face.jpg"


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("character/generate", {"prompt": "a cafe"}, "images is required."),
        ("character/generate", {"prompt": "a cafe", "images": {}}, "images.face is required."),
        ("character/generate", {"images": {}}, "images.face is required; prompt is required."),
        ("character/generate", {"prompt": " ", "images": {"face": FACE}}, "prompt must not be empty."),
        ("character/generate", {"prompt": 1, "images": {"face": FACE}}, "prompt must be a string."),
        (
            "character/id-photo",
            {"images": {"face": FACE}, "waitForResult": "yes"},
            "waitForResult must be true or false.",
        ),
        ("character/id-photo", {"images": {"face": "face.jpg"}}, "images.face: must be an http(s) URL."),
        ("character/edit", {"prompt": "a cafe", "images": {"face": FACE}}, "images.target is required."),
        ("character/edit", [], "the body must be a JSON object sent as application/json."),
    ],
)
def test_a_refusal_names_the_field(client: httpx.Client, path: str, body: object, sentence: str) -> None:
    """422 comes with a sentence that a person can act on."""
    response = client.post(f"/v1/{path}", json=body)
    assert 422 == response.status_code
    assert sentence == response.json()["error"]["message"]
    assert response.headers["x-request-id"] == response.json()["requestId"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"", "application/json", 422),
        (b"{}", "text/plain", 422),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_json_is_refused(
    client: httpx.Client, content: bytes, content_type: str, status: int
) -> None:
    """Whatever comes, the refusal has the one shape."""
    response = client.post("/v1/character/generate", content=content, headers={"Content-Type": content_type})
    assert status == response.status_code
    assert {"error", "requestId"} == set(response.json())


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"file": ("face.png", b"<svg/>", "image/png")}, "file: it is not a JPEG, PNG, WebP or GIF image."),
        ({"file": ("face.png", b"", "image/png")}, "file: it is not a JPEG, PNG, WebP or GIF image."),
        ({"photo": ("face.png", b"GIF89a")}, "file is required."),
    ],
)
def test_an_upload_that_is_not_an_image_is_refused(client: httpx.Client, files: Any, sentence: str) -> None:
    """The first bytes decide, not the name and not the declared type."""
    response = client.post("/v1/uploads", files=files)
    assert 422 == response.status_code
    assert sentence == response.json()["error"]["message"]


def test_a_multipart_body_without_a_boundary_is_400(client: httpx.Client) -> None:
    """It cannot be read at all."""
    response = client.post("/v1/uploads", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert 400 == response.status_code
    assert "bad_request" == response.json()["error"]["code"]


def test_a_reference_to_something_that_is_no_image_is_refused(client: httpx.Client) -> None:
    """First bytes that look right do not make an image."""
    url = client.post("/v1/uploads", files={"file": b"GIF89a and no more"}).json()["url"]
    response = client.post("/v1/character/id-photo", json={"images": {"face": url}})
    assert 422 == response.status_code
    assert response.json()["error"]["message"].startswith("images.face: ")


def test_a_file_that_is_not_here_is_refused(client: httpx.Client, image: str) -> None:
    """The message says what to do."""
    gone = image.replace(image[-36:], "0" * 32 + ".png")
    response = client.post("/v1/character/id-photo", json={"images": {"face": gone}})
    assert "images.face: this server has no such file; upload it first." == response.json()["error"]["message"]


def test_unknown_fields_are_tolerated(client: httpx.Client, payload: dict[str, Any]) -> None:
    """A client may be newer than the sandbox."""
    assert 200 == client.post("/v1/character/generate", json={**payload, "style": "film"}).status_code


@pytest.mark.parametrize("wait", [True, False])
def test_the_image_is_finished_whether_or_not_the_client_waits(
    client: httpx.Client, payload: dict[str, Any], *, wait: bool
) -> None:
    """No polling endpoint is documented, so there is nothing to poll."""
    response = client.post("/v1/character/generate", json={**payload, "waitForResult": wait})
    assert "success" == response.json()["status"]


def test_an_unknown_path_is_404_in_the_one_shape(client: httpx.Client) -> None:
    """Refusals of the framework look like all others."""
    response = client.get("/v2/character")
    assert 404 == response.status_code
    assert "not_found" == response.json()["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/uploads", "POST"),
        ("PUT", "/_sandbox/bill", "DELETE, GET"),
        ("POST", "/files/a.png", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    """`Allow` has every method of the path."""
    response = client.request(method, path)
    assert (405, "method_not_allowed") == (response.status_code, response.json()["error"]["code"])
    assert allowed == response.headers["allow"]


def test_a_mistake_of_the_sandbox_is_500_in_the_one_shape(
    client: httpx.Client, payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even then the client can read what came back."""

    def broken(*_: object) -> None:
        raise RuntimeError("out of paint")

    monkeypatch.setattr(_emulator, "draw", broken)
    response = client.post("/v1/character/generate", json=payload)
    assert 500 == response.status_code
    assert "The sandbox failed: RuntimeError." == response.json()["error"]["message"]
    assert response.headers["x-request-id"] == response.json()["requestId"]
