from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from aurashot._calls import Blocking, Call, Flow, Forget, Recall, Together
from aurashot._flows import character as flows
from aurashot.errors import BadRequestError, InputError, InvalidImageError, NotSentError, UnsafeURLError
from aurashot.images import ImageRules, Payload, unlimited
from aurashot.models import Generation, Output, Upload
from tests.flows.steps import CLOTHES, FACE, RULES, SCENE, Play, body, png

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.images import ImageInput

DONE = Generation(status="success", outputs=(Output(url="https://cdn.example.com/out.png"),))
UNSAFE = "http://10.0.0.1/face.png"


def id_photo(face: ImageInput = FACE, **options: Any) -> Flow[Generation]:
    """Return the flow of an ID photo, with the defaults of the clients."""
    given: dict[str, Any] = {"prompt": None, "wait_for_result": None}
    return flows.id_photo(RULES, face, **{**given, **options})


def generate(prompt: str = "in a cafe", **options: Any) -> Flow[Generation]:
    """Return the flow of a generation, with the defaults of the clients."""
    given: dict[str, Any] = {"face": FACE, "clothes": None, "scene": None, "wait_for_result": None}
    return flows.generate(RULES, prompt, **{**given, **options})


def edit(prompt: str = "at night", **options: Any) -> Flow[Generation]:
    """Return the flow of an edit, with the defaults of the clients."""
    given: dict[str, Any] = {"target": SCENE, "face": None, "wait_for_result": None}
    return flows.edit(RULES, prompt, **{**given, **options})


@pytest.mark.parametrize(
    ("flow", "path", "content"),
    [
        (id_photo(), "/v1/character/id-photo", {"images": {"face": FACE}}),
        (
            id_photo(prompt="as an anime character"),
            "/v1/character/id-photo",
            {"images": {"face": FACE}, "prompt": "as an anime character"},
        ),
        (
            id_photo(wait_for_result=True),
            "/v1/character/id-photo",
            {"images": {"face": FACE}, "waitForResult": True},
        ),
        (generate(), "/v1/character/generate", {"prompt": "in a cafe", "images": {"face": FACE}}),
        (
            generate("在咖啡馆", clothes=CLOTHES, scene=SCENE, wait_for_result=False),
            "/v1/character/generate",
            {
                "prompt": "在咖啡馆",
                "images": {"face": FACE, "clothes": CLOTHES, "scene": SCENE},
                "waitForResult": False,
            },
        ),
        (
            generate(scene=SCENE),
            "/v1/character/generate",
            {"prompt": "in a cafe", "images": {"face": FACE, "scene": SCENE}},
        ),
        (edit(), "/v1/character/edit", {"prompt": "at night", "images": {"target": SCENE}}),
        (
            edit(face=FACE, wait_for_result=True),
            "/v1/character/edit",
            {"prompt": "at night", "images": {"target": SCENE, "face": FACE}, "waitForResult": True},
        ),
    ],
)
def test_remote_references_go_out_in_one_billed_request(
    flow: Flow[Generation], path: str, content: dict[str, Any]
) -> None:
    """With addresses only, an operation is one call with the body of the contract, and returns its response."""
    play = Play(DONE)
    assert DONE is play.run(flow)
    assert [(path, True, None)] == [(call.path, call.billable, call.dedupe_key) for call in play.calls]
    assert [content] == [body(call) for call in play.calls]


def test_local_images_are_uploaded_before_the_billed_request() -> None:
    """Each local image becomes an address first; the uploads are free."""
    play = Play(Upload(url=FACE), Upload(url=CLOTHES), DONE)
    play.run(generate(face=png("red"), clothes=png("blue"), scene=SCENE))
    assert ["upload", "upload", "generate"] == [call.name for call in play.calls]
    assert [False, False, True] == [call.billable for call in play.calls]
    assert body(play.calls[-1])["images"] == {"face": FACE, "clothes": CLOTHES, "scene": SCENE}


def test_a_ledger_is_asked_before_anything_is_uploaded() -> None:
    """What was paid for already is the response: no image is uploaded, and nothing is sent."""
    play = Play()
    play.remembered = DONE
    assert DONE is play.run(generate(face=png("red")))
    assert ["generate"] == [call.name for call in play.recalled]
    assert [] == play.steps


def test_a_ledger_is_told_of_images_by_their_content() -> None:
    """A local image is known by its digest, before and after its upload; a remote one by its address."""
    play = Play(Upload(url=FACE), DONE)
    play.run(generate(face=png("red"), scene=SCENE))
    upload, sent = play.calls
    (recalled,) = play.recalled
    assert sent.asked is not None
    assert sent.asked == recalled.asked == recalled.request
    assert {"face": f"sha256:{upload.dedupe_key}", "scene": SCENE} == sent.asked.references
    assert {"face": FACE, "scene": SCENE} == body(sent)["images"]


@pytest.mark.parametrize("flow", [id_photo(), generate(clothes=CLOTHES), edit(face=FACE)])
def test_without_local_images_a_call_asks_for_what_it_sends(flow: Flow[Generation]) -> None:
    """When every image is remote, what the ledger is told is the body itself."""
    play = Play(DONE)
    play.run(flow)
    (call,) = play.calls
    assert call.request == call.asked == play.recalled[0].request


def test_the_steps_of_a_generation_are_read_then_recall_then_upload_then_send() -> None:
    """All images are read side by side, the ledger is asked, they are uploaded side by side, and one call is made."""
    flow = generate(face=png("red"), clothes=png("blue"))
    reading = next(flow)
    assert isinstance(reading, Together)
    work = [next(one) for one in reading.flows]
    payloads = [step.work(unlimited) for step in work if isinstance(step, Blocking)]
    assert [True, True] == [isinstance(payload, Payload) for payload in payloads]
    assert isinstance(flow.send(payloads), Recall)
    uploading = flow.send(None)
    assert isinstance(uploading, Together)
    uploads = [next(one) for one in uploading.flows]
    assert payloads == [step.request for step in uploads if isinstance(step, Call)]
    sending = flow.send([Upload(url=FACE), Upload(url=CLOTHES)])
    assert isinstance(sending, Call)
    assert body(sending) == {"prompt": "in a cafe", "images": {"face": FACE, "clothes": CLOTHES}}
    with pytest.raises(StopIteration) as end:
        flow.send(DONE)
    assert DONE is end.value.value


def test_the_same_image_has_the_same_once_key() -> None:
    """Equal content is uploaded once by whoever drives the flow: the calls carry the digest of the content."""
    play = Play(Upload(url=FACE), Upload(url=FACE), Upload(url=SCENE), DONE)
    play.run(generate(face=png("red"), clothes=png("red"), scene=png("blue")))
    first, second, third, _ = [call.dedupe_key for call in play.calls]
    assert first is not None
    assert first == second != third


def test_an_earlier_response_is_a_reference() -> None:
    """A generation, an output and an upload stand for their addresses, and are not uploaded again."""
    play = Play(DONE)
    play.run(generate(face=DONE, clothes=DONE.output, scene=Upload(url=SCENE)))
    assert {"face": DONE.url, "clothes": DONE.url, "scene": SCENE} == body(play.calls[0])["images"]


@pytest.mark.parametrize(
    ("flow", "argument", "kind"),
    [
        (generate(""), "prompt", InputError),
        (generate(" \n"), "prompt", InputError),
        (generate(prompt=cast("str", 7)), "prompt", InputError),
        (generate(face=UNSAFE), "face", UnsafeURLError),
        (generate(face=""), "face", InvalidImageError),
        (generate(face=None), "face", InvalidImageError),
        (generate(face=b"no image"), "face", InvalidImageError),
        (generate(face=Generation(status="processing")), "face", InvalidImageError),
        (generate(face=png(), clothes=UNSAFE), "clothes", UnsafeURLError),
        (generate(face=png(), scene=UNSAFE), "scene", UnsafeURLError),
        (generate(face=png(), scene=b"no image"), "scene", InvalidImageError),
        (id_photo("no-such-file.png"), "face", InvalidImageError),
        (id_photo(None), "face", InvalidImageError),  # type: ignore[arg-type]  # what a dict without it gives
        (id_photo(png(), prompt=""), "prompt", InputError),
        (edit(""), "prompt", InputError),
        (edit(target=png(), face=UNSAFE), "face", UnsafeURLError),
        (edit(target=b""), "target", InvalidImageError),
        (edit(target=None), "target", InvalidImageError),
        (flows.upload(RULES, UNSAFE), "image", UnsafeURLError),
        (flows.upload(RULES, b""), "image", InvalidImageError),
    ],
)
def test_every_argument_is_checked_before_anything_is_sent(
    flow: Flow[Any], argument: str, kind: type[InputError]
) -> None:
    """Whatever is wrong with any argument is found first, and the error names the argument."""
    play = Play()
    with pytest.raises(kind) as caught:
        play.run(flow)
    assert type(caught.value) is kind
    assert argument == caught.value.argument
    assert str(caught.value).startswith(f"{argument}: ")
    assert [] == play.steps
    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)


def test_all_addresses_are_checked_before_the_first_file_is_read(tmp_path: Path) -> None:
    """What costs nothing to check comes first: a bad scene is found while the face is still unread."""
    with pytest.raises(UnsafeURLError):
        next(generate(face=tmp_path / "never-read.png", scene=UNSAFE))


def test_an_upload_that_fails_ends_the_operation_before_the_billed_request() -> None:
    """The error of the upload is the error of the call, and nothing billed has gone out."""
    lost = NotSentError("no way")
    play = Play(lost)
    with pytest.raises(NotSentError) as caught:
        play.run(generate(face=png()))
    assert lost is caught.value
    assert ["upload"] == [call.name for call in play.calls]


def refusal() -> BadRequestError:
    """Return the error of a request that was sent once and refused."""
    error = BadRequestError("422 no such image")
    error.status_code, error.idempotency_key, error.attempts = 422, "order-17", 1
    return error


def test_a_refused_request_is_made_again_with_new_uploads() -> None:
    """Uploads are forgotten and made again, and the second request has the key of the first."""
    play = Play(Upload(url=FACE), refusal(), Upload(url=CLOTHES), DONE)
    assert DONE is play.run(generate(face=png(), scene=SCENE))
    upload, first, again, second = play.calls
    assert (upload.name, Forget(frozenset({FACE, SCENE})), upload) == (again.name, play.steps[2], again)
    assert ({"face": FACE, "scene": SCENE}, {"face": CLOTHES, "scene": SCENE}) == (
        body(first)["images"],
        body(second)["images"],
    )
    assert (None, 0, "order-17", 1) == (first.refused_key, first.attempts, second.refused_key, second.attempts)
    assert first.asked == second.asked


def test_a_refusal_is_raised_if_there_is_no_other_upload() -> None:
    """A cache that still gives the same upload had it from this operation: it is not gone."""
    upload, refused = Upload(url=FACE), refusal()
    play = Play(upload, refused, upload)
    with pytest.raises(BadRequestError) as caught:
        play.run(generate(face=png()))
    assert refused is caught.value
    assert ["upload", "generate", "upload"] == [call.name for call in play.calls]


def test_uploading_a_local_image_gives_its_address() -> None:
    """A file goes out under its base name and true type."""
    play = Play(Upload(url=FACE))
    assert Upload(url=FACE) == play.run(flows.upload(RULES, png()))
    (call,) = play.calls
    assert isinstance(call.request, Payload)
    assert ("/v1/uploads", False, "image/png") == (call.path, call.billable, call.request.media_type)


def test_uploading_what_is_remote_sends_nothing() -> None:
    """An address is returned as it is."""
    play = Play()
    assert Upload(url=FACE) == play.run(flows.upload(RULES, FACE))
    assert [] == play.steps


def test_addresses_of_the_configured_service_are_taken() -> None:
    """On a sandbox the service's own addresses are plain http on the loopback."""
    play = Play(DONE)
    sandbox = ImageRules(own_origin="http://127.0.0.1:8787")
    face = "http://127.0.0.1:8787/files/face.png"
    play.run(flows.id_photo(sandbox, face, prompt=None, wait_for_result=None))
    assert {"images": {"face": face}} == body(play.calls[0])
