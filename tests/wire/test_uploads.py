"""Local images go out once, and free of charge to retry."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

import pytest

from aurashot import BadRequestError, DeadlineExceededError, InvalidImageError
from aurashot._transport._requests import Headers, Requests
from aurashot.images import Payload
from lab.server import CLOSE, HOLD, RESET, json_response, status, wait_until
from tests.wire.images import FACE, GENERATE, UPLOADS, png

if TYPE_CHECKING:
    from pathlib import Path

    import httpcore

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer

UPLOADED = "https://cdn.aurashot.art/u/1.jpg"


def test_upload_is_a_form_with_one_file(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """A local image is posted as the one part `file`, with a name and its true media type."""
    path = tmp_path / "me.jpeg"
    path.write_bytes(png())

    assert UPLOADED == client.upload(path).url
    (request,) = server.requests
    assert ("POST", UPLOADS) == (request.method, request.path)
    assert str(request.header("content-type")).startswith("multipart/form-data; boundary=")
    assert request.header("idempotency-key") is None
    assert b'name="file"; filename="me.png"' in request.body
    assert b"Content-Type: image/png" in request.body
    assert 1 == request.body.count(png())


def test_a_file_that_shrinks_when_the_form_is_built(
    client: AuraShot, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form says how long the file is; nothing that is billed goes out, and the client can be used again."""
    path = tmp_path / "me.png"
    path.write_bytes(png())
    build = Requests._post

    def and_shrink(requests: Requests, url: str, headers: Headers, content: object) -> httpcore.Request:
        request = build(requests, url, headers, content)
        os.truncate(path, 20)
        return request

    with monkeypatch.context() as patched:
        patched.setattr(Requests, "_post", and_shrink)
        with pytest.raises(InvalidImageError, match="changed while it was") as caught:
            client.generate("a cafe", face=path)
    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert GENERATE not in [request.path for request in server.requests]
    path.write_bytes(png())
    assert "success" == client.generate("a cafe", face=path).status


def test_remote_images_are_not_uploaded(client: AuraShot, server: ScriptedServer) -> None:
    """Uploading an address returns it and asks nobody."""
    assert FACE == client.upload(FACE).url
    assert [] == server.requests


def test_photograph_is_uploaded_then_referred_to(client: AuraShot, server: ScriptedServer, grace_hopper: Path) -> None:
    """A generation from a file uploads it first and then refers to its address."""
    client.generate("a cafe", face=grace_hopper)

    assert [UPLOADS, GENERATE] == [request.path for request in server.requests]
    assert {"face": UPLOADED} == server.requests[1].json["images"]


def test_same_face_is_uploaded_once(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """Two calls with the same content, in whatever form, make one upload."""
    path = tmp_path / "me.png"
    path.write_bytes(png())
    client.generate("a cafe", face=path)
    client.generate("a beach", face=png())

    assert 1 == len(server.posts(UPLOADS))
    assert 2 == len(server.posts(GENERATE))


def test_same_image_in_two_places_is_uploaded_once(client: AuraShot, server: ScriptedServer) -> None:
    """One call that uses the same content twice makes one upload; other content makes another."""
    client.generate("a cafe", face=png(), clothes=png("red"), scene=png())

    assert 2 == len(server.posts(UPLOADS))


def test_views_share_what_was_uploaded(client: AuraShot, server: ScriptedServer) -> None:
    """A view made by `with_options` knows what its client has uploaded."""
    client.upload(png())
    client.with_options(timeout=20).upload(png())

    assert 1 == len(server.posts(UPLOADS))


def test_concurrent_calls_share_one_upload(client: AuraShot, server: ScriptedServer) -> None:
    """Sixty-four calls at once with the same face make one upload, and every call its own generation."""
    server.always((0.1, *json_response({"url": UPLOADED})), path=UPLOADS)

    with ThreadPoolExecutor(64) as pool:
        calls = [pool.submit(client.generate, f"scene {number}", face=png()) for number in range(64)]

    assert 64 == sum(call.result().succeeded for call in calls)
    assert 1 == len(server.posts(UPLOADS))
    assert {f"scene {number}" for number in range(64)} == {one.json["prompt"] for one in server.posts(GENERATE)}


def test_uploads_that_wait_hold_no_file_open(
    make_client: Clients, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait for a connection, the system's limit of open files is not theirs to fill."""
    opened: list[BinaryIO] = []
    seen: list[int] = []

    def note(payload: Payload) -> BinaryIO:
        opened.append(to_be_sent(payload))
        seen.append(sum(not one.closed for one in opened))
        return opened[-1]

    to_be_sent = Payload.open
    monkeypatch.setattr(Payload, "open", note)
    server.always((0.02, *json_response({"url": UPLOADED})), path=UPLOADS)
    client = make_client(server.url, max_connections=2)
    paths = [tmp_path / f"{number}.png" for number in range(16)]
    for number, path in enumerate(paths):
        path.write_bytes(png(f"#0000{number:02x}"))

    with ThreadPoolExecutor(16) as pool:
        assert 16 == len(list(pool.map(client.upload, paths)))
    assert 16 == len(server.posts(UPLOADS))
    assert max(seen) <= 2
    assert all(file.closed for file in opened)


@pytest.mark.parametrize(
    "fault",
    [(CLOSE,), (RESET,), status(500), status(502), status(408), (b"HTTP/1.1 200 OK\r\nContent-", CLOSE)],
    ids=["drop", "reset", "500", "502", "408", "cut"],
)
def test_uploads_are_retried(client: AuraShot, server: ScriptedServer, fault: Response) -> None:
    """An upload costs nothing, so it is sent again, whole, when its response was lost."""
    server.queue(fault, path=UPLOADS)

    assert UPLOADED == client.upload(png()).url
    first, second = server.posts(UPLOADS)
    assert png() in first.body
    assert png() in second.body


def test_failed_upload_is_not_remembered(client: AuraShot, server: ScriptedServer) -> None:
    """An upload that was refused is tried anew by the next call."""
    server.queue(status(400), path=UPLOADS)
    with pytest.raises(BadRequestError) as caught:
        client.generate("a cafe", face=png())

    assert not caught.value.may_be_charged
    assert client.generate("a cafe", face=png()).succeeded
    assert 2 == len(server.posts(UPLOADS))


def test_waiting_for_another_calls_upload_keeps_to_the_deadline(client: AuraShot, server: ScriptedServer) -> None:
    """A call that waits for the upload of another one ends in its own time; nothing was sent for it."""
    server.always((HOLD,), path=UPLOADS)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(client.upload, png(), timeout=1.5)
        wait_until(lambda: len(server.requests) == 1)
        with pytest.raises(DeadlineExceededError) as caught:
            client.generate("a cafe", face=png(), timeout=0.2)
        with pytest.raises(DeadlineExceededError):
            leader.result()

    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert 1 == len(server.requests)
