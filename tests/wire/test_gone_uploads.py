"""A remembered upload that the service no longer has is uploaded again, and nothing is paid twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from aurashot import APIStatusError, AuraShotError, GenerationFailedError, NotFoundError, sandbox
from aurashot.ledger import SpendCap, SQLiteLedger
from lab.server import CLOSE, GENERATION, json_response, status
from tests.wire.images import FACE, GENERATE, UPLOADS, png

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Request, Response, ScriptedServer

FIRST = "https://cdn.aurashot.art/u/1.jpg"
RENEWED = "https://cdn.aurashot.art/u/2.jpg"
WORKFLOW = "/api/aesthetic/generate"


def paths(server: ScriptedServer) -> list[str]:
    """Return the paths of all requests so far."""
    return [request.path for request in server.requests]


@pytest.mark.parametrize("code", [400, 404, 410, 422, 424])
def test_an_upload_that_is_gone_is_uploaded_again(client: AuraShot, server: ScriptedServer, code: int) -> None:
    """The refused request is sent again, once, with the new URL and under its own key."""
    client.generate("a cafe", face=png())
    server.queue(status(code), path=GENERATE)
    server.queue(json_response({"url": RENEWED}), path=UPLOADS)

    beach = client.generate("a beach", face=png())
    assert [UPLOADS, GENERATE, GENERATE, UPLOADS, GENERATE] == paths(server)
    refused, sent = server.posts(GENERATE)[1:]
    assert (FIRST, RENEWED) == (refused.json["images"]["face"], sent.json["images"]["face"])
    assert refused.json["prompt"] == sent.json["prompt"]
    assert {beach.meta.idempotency_key} == {refused.header("idempotency-key"), sent.header("idempotency-key")}
    assert 2 == beach.meta.attempts

    client.generate("a pub", face=png())
    assert 2 == len(server.posts(UPLOADS))
    assert RENEWED == server.requests[-1].json["images"]["face"]


def test_every_remembered_image_is_uploaded_again(client: AuraShot, server: ScriptedServer) -> None:
    """Which of the images the service refused is not known; one that was uploaded just now is not sent again."""
    client.upload(png("red"))
    client.upload(png("blue"))
    server.queue(status(422), path=GENERATE)

    assert client.generate("a cafe", face=png("red"), clothes=png("blue"), scene=png("green")).succeeded
    assert 5 == len(server.posts(UPLOADS))


def test_an_older_workflow_is_sent_again_as_well(client: AuraShot, server: ScriptedServer) -> None:
    """All billable requests with local images have the same flow."""
    client.upload(png())
    server.queue(status(422), path=WORKFLOW)

    job = client.legacy.virtual_try_on(product_image=png(), model_image=FACE)
    assert job.succeeded
    assert [UPLOADS, WORKFLOW, UPLOADS, WORKFLOW] == paths(server)


def test_a_second_refusal_is_raised(client: AuraShot, server: ScriptedServer) -> None:
    """It was not about the upload: nothing more is sent, and the error counts both requests."""
    client.upload(png())
    server.queue(status(422, "first"), status(422, "second"), path=GENERATE)

    with pytest.raises(APIStatusError) as caught:
        client.generate("a cafe", face=png())
    assert ("second", 2, "rejected", False) == (
        caught.value.code,
        caught.value.attempts,
        caught.value.outcome,
        caught.value.may_be_charged,
    )
    assert [UPLOADS, GENERATE, UPLOADS, GENERATE] == paths(server)


@pytest.mark.parametrize("face", [png(), FACE], ids=["just uploaded", "not ours"])
def test_a_refusal_of_other_images_is_raised_at_once(
    client: AuraShot, server: ScriptedServer, face: bytes | str
) -> None:
    """Nothing would change for an image that this call uploaded, or one that is somebody else's."""
    server.queue(status(422), path=GENERATE)
    with pytest.raises(APIStatusError) as caught:
        client.generate("a cafe", face=face)

    assert 1 == caught.value.attempts
    assert 1 == len(server.posts(GENERATE))
    assert len(server.posts(UPLOADS)) <= 1


@pytest.mark.parametrize(
    "response",
    [
        status(401),
        status(402),
        status(403),
        status(409),
        status(413),
        status(408),
        status(500),
        status(502),
        (CLOSE,),
        status(400, "content_policy_violation"),
        json_response({**GENERATION, "status": "failed", "outputs": []}),
    ],
    ids=["401", "402", "403", "409", "413", "408", "500", "502", "lost", "blocked", "failed"],
)
def test_nothing_is_sent_again_if_it_may_be_billed_or_is_about_something_else(
    client: AuraShot, server: ScriptedServer, response: Response
) -> None:
    """One request, one error."""
    client.upload(png())
    server.queue(response, path=GENERATE)
    with pytest.raises(AuraShotError):
        client.generate("a cafe", face=png())

    assert [UPLOADS, GENERATE] == paths(server)


def test_a_failed_generation_forgets_the_upload(client: AuraShot, server: ScriptedServer) -> None:
    """It may be billed, so it is not sent again; if the upload was the reason, the next call need not fail as well."""
    client.upload(png())
    server.queue(json_response({**GENERATION, "status": "failed", "outputs": []}), path=GENERATE)
    with pytest.raises(GenerationFailedError):
        client.generate("a cafe", face=png())

    assert client.generate("a cafe", face=png()).succeeded
    assert [UPLOADS, GENERATE, UPLOADS, GENERATE] == paths(server)


@pytest.mark.parametrize("is_url", [False, True], ids=["upload", "URL"])
def test_an_upload_that_the_caller_holds_is_forgotten(
    client: AuraShot, server: ScriptedServer, *, is_url: bool
) -> None:
    """Its bytes are not at hand, so the refusal is raised; uploading them again does upload them."""
    upload = client.upload(png())
    server.queue(status(404), path=GENERATE)
    with pytest.raises(NotFoundError):
        client.generate("a cafe", face=upload.url if is_url else upload)
    client.upload(png())

    assert [UPLOADS, GENERATE, UPLOADS] == paths(server)


def test_a_failed_second_upload_ends_the_call(client: AuraShot, server: ScriptedServer) -> None:
    """Its error is raised, after the refusal; nothing was billed."""
    client.upload(png())
    server.queue(status(422), path=GENERATE)
    server.queue(status(413), path=UPLOADS)
    with pytest.raises(APIStatusError) as caught:
        client.generate("a cafe", face=png())

    assert (413, False) == (caught.value.status_code, caught.value.may_be_charged)
    assert [UPLOADS, GENERATE, UPLOADS] == paths(server)


def test_concurrent_calls_share_the_second_upload(client: AuraShot, server: ScriptedServer) -> None:
    """Sixteen calls that are refused at the same time upload the image once more, not sixteen times."""

    def respond(request: Request) -> Response | None:
        if request.path == UPLOADS:
            return (0.1, *json_response({"url": RENEWED if len(server.posts(UPLOADS)) > 1 else FIRST}))
        return (0.1, *status(422)) if request.json["images"]["face"] == FIRST else None

    server.respond = respond
    client.upload(png())
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(client.generate, f"scene {number}", face=png()) for number in range(16)]

    assert 16 == sum(call.result().succeeded for call in calls)
    assert 2 == len(server.posts(UPLOADS))


def test_the_ledger_has_both_requests_under_one_key(
    make_client: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    """The refused one is not paid and leaves the cap alone; the key pays once."""
    with SQLiteLedger(tmp_path / "spend.db", cap=SpendCap(max_images=1)) as ledger:
        client = make_client(server.url, ledger=ledger)
        client.upload(png())
        server.queue(status(422), path=GENERATE)
        first = client.generate("a cafe", face=png(), idempotency_key="order-17")
        again = client.generate("a cafe", face=png(), idempotency_key="order-17")
        entries = ledger.entries()

    assert first == again
    assert again.meta.from_ledger
    assert [("order-17", "not_paid", 1), ("order-17", "paid", 1)] == [
        (entry.idempotency_key, entry.payment, entry.attempts) for entry in entries
    ]
    assert 2 == len(server.posts(GENERATE))


def test_a_sandbox_that_restarts_on_its_port_is_no_trouble(make_client: Clients, grace_hopper: Path) -> None:
    """The uploads of the first are gone with it; a client that remembers them goes on."""
    with sandbox.serve() as server:
        client = make_client(server.url, server.api_key)
        client.id_photo(grace_hopper)
    with sandbox.serve(urlsplit(server.url).port or 0) as server:
        assert client.generate("a cafe", face=grace_hopper).succeeded
        assert client.edit("at night", target=grace_hopper).succeeded
        assert ["generate", "edit"] == [entry.operation for entry in server.bill().entries]
