"""What goes out: method, address, headers and body of every operation."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import pydantic
import pytest
import yarl

from aurashot import AuraShot
from lab.backends import KEY
from lab.server import body, json_response
from tests.wire.images import png

if TYPE_CHECKING:
    from lab.backends import Clients
    from lab.server import ScriptedServer

FACE = "https://example.com/face.jpg"
CLOTHES = "https://example.com/clothes.jpg"
SCENE = "https://example.com/scene.jpg"

Operation: TypeAlias = Callable[[AuraShot], object]

CHARACTER: dict[str, tuple[Operation, str, dict[str, Any]]] = {
    "an anchor": (
        lambda client: client.id_photo(FACE),
        "/v1/character/id-photo",
        {"images": {"face": FACE}},
    ),
    "an anchor in a style": (
        lambda client: client.id_photo(FACE, prompt="anime", wait_for_result=False),
        "/v1/character/id-photo",
        {"images": {"face": FACE}, "prompt": "anime", "waitForResult": False},
    ),
    "a generation": (
        lambda client: client.generate("sitting in a cozy cafe", face=FACE),
        "/v1/character/generate",
        {"prompt": "sitting in a cozy cafe", "images": {"face": FACE}},
    ),
    "a generation with everything": (
        lambda client: client.generate("在咖啡馆", face=FACE, clothes=CLOTHES, scene=SCENE, wait_for_result=True),
        "/v1/character/generate",
        {
            "prompt": "在咖啡馆",
            "images": {"face": FACE, "clothes": CLOTHES, "scene": SCENE},
            "waitForResult": True,
        },
    ),
    "an edit": (
        lambda client: client.edit("at night", target=SCENE),
        "/v1/character/edit",
        {"prompt": "at night", "images": {"target": SCENE}},
    ),
    "an edit with the face locked": (
        lambda client: client.edit("at night", target=SCENE, face=FACE),
        "/v1/character/edit",
        {"prompt": "at night", "images": {"target": SCENE, "face": FACE}},
    ),
}

LEGACY: dict[str, tuple[Operation, str, dict[str, Any]]] = {
    "a try-on": (
        lambda client: client.legacy.virtual_try_on(product_image=CLOTHES, model_image=FACE),
        "/api/aesthetic/generate",
        {
            "workflow": "virtual_try_on",
            "waitForResult": False,
            "input": {
                "productImage": CLOTHES,
                "modelImage": FACE,
                "generateVersion": "weshopFlash",
                "descriptionType": "auto",
            },
        },
    ),
    "a try-on with everything": (
        lambda client: client.legacy.virtual_try_on(
            product_image=CLOTHES, model_image=FACE, scene_image=SCENE, version="bananaPro", description="in the park"
        ),
        "/api/aesthetic/generate",
        {
            "workflow": "virtual_try_on",
            "waitForResult": False,
            "input": {
                "productImage": CLOTHES,
                "modelImage": FACE,
                "sceneImage": SCENE,
                "generateVersion": "bananaPro",
                "descriptionType": "custom",
                "textDescription": "in the park",
            },
        },
    ),
    "a change of pose": (
        lambda client: client.legacy.pose_change(FACE, "arms crossed"),
        "/api/aesthetic/generate",
        {
            "workflow": "pose_change",
            "waitForResult": False,
            "input": {"originalImage": FACE, "generateVersion": "lite", "textDescription": "arms crossed"},
        },
    ),
    "a question by execution": (
        lambda client: client.legacy.query(workflow="pose_change", execution_id="run-1"),
        "/api/aesthetic/query",
        {"workflow": "pose_change", "executionId": "run-1"},
    ),
    "a question by task": (
        lambda client: client.legacy.query(workflow="pose_change", task_id="task-1"),
        "/api/aesthetic/query",
        {"workflow": "pose_change", "taskId": "task-1"},
    ),
}


@pytest.mark.parametrize(("call", "path", "body"), [*CHARACTER.values(), *LEGACY.values()], ids=[*CHARACTER, *LEGACY])
def test_body(client: AuraShot, server: ScriptedServer, call: Operation, path: str, body: dict[str, Any]) -> None:
    """An operation posts the body of the contract and nothing else."""
    call(client)

    (request,) = server.requests
    assert ("POST", path, body) == (request.method, request.path, request.json)


@pytest.mark.parametrize("call", [call for call, _, _ in CHARACTER.values()], ids=CHARACTER)
def test_headers_of_a_billed_call(client: AuraShot, server: ScriptedServer, call: Operation) -> None:
    """A billed call carries its key once, a fresh idempotency key, its media type, its name, and no cookie."""
    call(client)

    (request,) = server.requests
    assert f"Bearer {KEY}" == request.header("authorization")
    assert uuid.UUID(request.header("idempotency-key")).version == 4
    assert "application/json" == request.header("content-type")
    assert str(len(request.body)) == request.header("content-length")
    assert str(request.header("user-agent")).startswith("aurashot/")
    assert request.header("cookie") is None


def test_every_call_has_an_idempotency_key_of_its_own(client: AuraShot, server: ScriptedServer) -> None:
    """Two calls never share an idempotency key unless the caller gives one."""
    client.generate("a cafe", face=FACE)
    client.generate("a cafe", face=FACE)
    client.generate("a cafe", face=FACE, idempotency_key="order-17")

    first, second, given = [request.header("idempotency-key") for request in server.requests]
    assert first != second
    assert "order-17" == given


def test_a_free_call_has_no_idempotency_key(client: AuraShot, server: ScriptedServer) -> None:
    """A question about a job costs nothing and is not numbered."""
    client.legacy.query(workflow="pose_change", task_id="task-1")

    assert server.requests[0].header("idempotency-key") is None


def test_cookies_are_not_kept(client: AuraShot, server: ScriptedServer) -> None:
    """A cookie that a response sets does not come back with the next request."""
    server.always(json_response({"status": "pending"}, set_cookie="session=1; Path=/"))
    client.generate("a cafe", face=FACE)
    client.generate("a cafe", face=FACE)

    assert [None, None] == [request.header("cookie") for request in server.requests]


def test_meta_says_how_the_response_was_obtained(client: AuraShot, server: ScriptedServer) -> None:
    """A response knows its attempts, its idempotency key and its headers, without the secret ones."""
    server.queue(json_response({"status": "pending"}, x_request_id="r-1", set_cookie="session=1"))
    meta = client.generate("a cafe", face=FACE).meta

    assert (1, 200) == (meta.attempts, meta.status_code)
    assert server.requests[0].header("idempotency-key") == meta.idempotency_key
    assert "r-1" == dict(meta.headers)["x-request-id"]
    assert "set-cookie" not in dict(meta.headers)
    assert 0 < meta.elapsed < 5


@pytest.mark.parametrize("make", [httpx.URL, pydantic.HttpUrl, yarl.URL, urlsplit])
def test_url_objects_are_urls(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, make: Callable[[str], Any]
) -> None:
    """URL objects of other libraries are taken wherever a URL is, alone and as the `url` of an object."""
    monkeypatch.setenv("NO_PROXY", "*")
    client = make_client(make(server.url), download_proxy=make("http://user:word@host:3128"))
    scene: Any = SimpleNamespace(url=make(SCENE))
    client.generate("a cafe", face=make(FACE), scene=scene)
    assert {"face": FACE, "scene": SCENE} == server.requests[-1].json["images"]

    server.always((body(png(), "image/png"),))
    address = f"{server.url}/files/1.png"
    output: Any = SimpleNamespace(url=make(address))
    assert [png()] * 2 == [client.read(make(address)), client.read(output)]
