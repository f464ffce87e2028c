"""Holding images to a face: what is accepted, what it costs, and that nothing that was paid for is lost."""

from __future__ import annotations

import pickle
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from PIL.PngImagePlugin import PngInfo

from aurashot import (
    AsyncAuraShot,
    AuraShot,
    ConfigurationError,
    DownloadError,
    FaceEngineError,
    Generation,
    IdentityDriftError,
    IdentityPolicy,
    InputError,
    OutcomeUnknownError,
)
from aurashot.identity import Calibration, FaceReference
from aurashot.instrumentation import Event, IdentityChecked
from aurashot.ledger import SpendCap, SQLiteLedger
from aurashot.sandbox import _render
from tests.identity.conftest import ColourModel, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image

    from aurashot.sandbox import SandboxServer
    from lab.backends import Clients

RIGHT, WRONG, CLOSE = (250, 10, 10), (10, 10, 250), (90, 200, 10)
"""The person of the reference, another one, and one for which the cosine is between the lines."""
FACE = plain(RIGHT)
NOBODY = plain("black")
OTHER = Calibration(same=0.5, different=0.3, expected=0.5, cosines=(), strangers=(), confidence="low", engine="x")
"""The lines of another engine."""
POLICY = IdentityPolicy(model=ColourModel(), paste_guard=False)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the sandbox draw images of these colours, one after the other; the last one again and again."""

    def draw(*colours: tuple[int, int, int]) -> None:
        left = list(colours)

        def image(_images: object, _prompt: str | None) -> Image.Image:
            return plain(left.pop(0) if len(left) > 1 else left[0])

        monkeypatch.setattr(_render, "_DRAW", dict.fromkeys(_render._DRAW, image))

    return draw


@pytest.fixture
def events() -> list[Event]:
    """Return where the client's events go."""
    return []


@pytest.fixture
def client(make_client: Clients, sandbox_server: SandboxServer, events: list[Event]) -> AuraShot:
    """Return a client of the sandbox, whose bill is empty."""
    sandbox_server.reset()
    return make_client(sandbox_server.url, sandbox_server.api_key, hooks=[events.append])


def checks(events: list[Event]) -> list[IdentityChecked]:
    """Return what the hooks heard about faces."""
    return [event for event in events if isinstance(event, IdentityChecked)]


def keys(server: SandboxServer) -> list[str | None]:
    """Return the keys of what was billed."""
    return [entry.idempotency_key for entry in server.bill().entries]


def delivered(interruption: BaseException) -> tuple[Generation, ...]:
    """Return what an interrupted operation had received."""
    found: tuple[Generation, ...] = vars(interruption)["delivered"]
    return found


def test_an_image_that_is_accepted_costs_one(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None], events: list[Event]
) -> None:
    """It says what was found, and survives a task queue."""
    draws(RIGHT)
    image = client.generate("a cafe", face=FACE, identity=POLICY)
    for each in (image, pickle.loads(pickle.dumps(image))):
        assert each.identity is not None
        assert ("same", True, 1, 1) == (
            each.identity.verdict,
            each.identity.accepted,
            each.identity.attempts,
            each.identity.images_paid,
        )
        assert "same (similarity 1.00); attempt 1, 1 image paid" == str(each.identity)
    assert 1 == sandbox_server.bill().total
    assert [("same", 1, True, image.meta.idempotency_key)] == [
        (each.verdict, each.attempt, each.accepted, each.idempotency_key) for each in checks(events)
    ]


@pytest.mark.parametrize("call", ["id_photo", "generate", "edit"])
def test_drift_is_generated_again(
    client: AuraShot,
    sandbox_server: SandboxServer,
    draws: Callable[..., None],
    events: list[Event],
    call: str,
) -> None:
    """Every billed operation makes another image under another key, and all of them are kept."""
    draws(WRONG, RIGHT)
    calls: dict[str, Callable[[], Generation]] = {
        "id_photo": lambda: client.id_photo(FACE, identity=POLICY, idempotency_key="order-17"),
        "generate": lambda: client.generate("x", face=FACE, identity=POLICY, idempotency_key="order-17"),
        "edit": lambda: client.edit("x", target=plain(CLOSE), face=FACE, identity=POLICY, idempotency_key="order-17"),
    }
    image = calls[call]()
    assert image.identity is not None
    assert ("same", 2, 2) == (image.identity.verdict, image.identity.attempts, image.identity.images_paid)
    assert ["different", "same"] == [each.identity.verdict for each in image.identity.candidates if each.identity]
    assert ["order-17", "order-17.2"] == keys(sandbox_server)
    assert [image.meta.idempotency_key, 2] == [checks(events)[-1].idempotency_key, checks(events)[-1].images_paid]


def test_drift_until_the_end_loses_nothing(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """The error has all images that were paid for, with what was found, and knows the best."""
    draws(WRONG, (60, 40, 240), WRONG)
    with pytest.raises(IdentityDriftError, match="None of 3 images shows the person") as caught:
        client.generate("x", face=FACE, identity=POLICY)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert isinstance(error, IdentityDriftError)
        assert ("accepted", True, 3) == (error.outcome, error.may_be_charged, len(error.delivered))
        assert error.delivered[1] == error.best
        assert keys(sandbox_server) == [each.meta.idempotency_key for each in error.delivered]
        assert all(isinstance(each, Generation) and each.identity for each in error.delivered)


def test_unsure_is_accepted_unless_same_is_asked_for(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """By default only another person is paid for again."""
    draws(CLOSE, RIGHT)
    image = client.generate("x", face=FACE, identity=POLICY)
    assert image.identity is not None
    assert ("unsure", 1) == (image.identity.verdict, sandbox_server.bill().total)
    draws(CLOSE, RIGHT)
    picky = IdentityPolicy(accept="same", model=ColourModel(), paste_guard=False)
    image = client.generate("x", face=FACE, identity=picky)
    assert image.identity is not None
    assert ("same", 3) == (image.identity.verdict, sandbox_server.bill().total)


@pytest.mark.parametrize("limit", [{"attempts": 1}, {"max_images": 1}])
def test_limits_hold(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None], limit: dict[str, Any]
) -> None:
    """Whichever is reached first ends the operation."""
    draws(WRONG)
    policy = IdentityPolicy(model=ColourModel(), **limit)
    with pytest.raises(IdentityDriftError, match="The only image does not show"):
        client.generate("x", face=FACE, identity=policy)
    assert 1 == sandbox_server.bill().total


@pytest.mark.parametrize(
    ("face", "policy", "words"),
    [
        (NOBODY, POLICY, "face: no face was found in it"),
        (FACE, IdentityPolicy(model=ColourModel(), reference=NOBODY), "identity: no face"),
        (FACE, IdentityPolicy(model=ColourModel(), calibration=OTHER), "calibration: it was made with the engine x"),
        (FACE, 3, "identity= takes an IdentityPolicy or False, not int"),
    ],
)
def test_what_cannot_be_held_is_refused_before_anything_is_sent(
    client: AuraShot, sandbox_server: SandboxServer, face: Image.Image, policy: Any, words: str
) -> None:
    """It costs nothing."""
    with pytest.raises((InputError, ConfigurationError), match=words) as caught:
        client.generate("x", face=face, identity=policy)
    assert not caught.value.may_be_charged
    assert 0 == sandbox_server.bill().total


def test_a_drawn_face_cannot_be_asked_to_be_the_same(
    client: AuraShot, sandbox_server: SandboxServer, tmp_path: Path
) -> None:
    """Else every attempt would be paid for, and none accepted."""
    info = PngInfo()
    info.add_text("aurashot:face", "10,10,50,50")
    FACE.save(tmp_path / "drawn.png", pnginfo=info)
    picky = IdentityPolicy(accept="same", model=ColourModel())
    with pytest.raises(InputError, match="face: the face is drawn"):
        client.generate("x", face=tmp_path / "drawn.png", identity=picky)
    assert 0 == sandbox_server.bill().total


def test_an_engine_that_fails_loses_nothing(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """The images that were paid for are in the error."""

    class Failing(ColourModel):
        def vector(self, crop: Any) -> Any:
            colour = super().vector(crop)
            if colour[1] > 100:
                raise RuntimeError("out of memory")
            return colour

    draws(WRONG, CLOSE)
    with pytest.raises(FaceEngineError) as caught:
        client.generate("x", face=FACE, identity=IdentityPolicy(model=Failing()))
    assert ("accepted", 2) == (caught.value.outcome, len(caught.value.delivered))
    assert keys(sandbox_server) == [each.meta.idempotency_key for each in caught.value.delivered]


@pytest.mark.parametrize("with_ledger", [False, True])
def test_ctrl_c_between_candidates_loses_nothing(
    sandbox_server: SandboxServer, draws: Callable[..., None], tmp_path: Path, *, with_ledger: bool
) -> None:
    """The exception has what was paid for; with a ledger, a repeated call goes on from there."""
    sandbox_server.reset()
    draws(WRONG, CLOSE)
    stopped: list[Event] = []

    def press_ctrl_c(event: Event) -> None:
        if isinstance(event, IdentityChecked) and not stopped:
            stopped.append(event)
            raise KeyboardInterrupt

    with ExitStack() as stack:
        ledger = stack.enter_context(SQLiteLedger(tmp_path / "spend.db")) if with_ledger else None
        url, key, hooks = sandbox_server.url, sandbox_server.api_key, [press_ctrl_c]
        client = stack.enter_context(AuraShot(key, base_url=url, ledger=ledger, hooks=hooks))
        with pytest.raises(KeyboardInterrupt) as caught:
            client.generate("x", face=FACE, identity=POLICY, idempotency_key="order-17")
        (image,) = delivered(caught.value)
        assert ["order-17"] == keys(sandbox_server) == [image.meta.idempotency_key]
        assert "`delivered`" in caught.value.__notes__[0]
        assert client.read(image)
        again = client.generate("x", face=FACE, identity=POLICY, idempotency_key="order-17")
    assert again.identity is not None
    assert (1 + with_ledger, "unsure") == (again.identity.attempts, again.identity.verdict)
    assert ["order-17", "order-17.2" if with_ledger else "order-17"] == keys(sandbox_server)


@pytest.mark.anyio
async def test_a_cancellation_between_candidates_loses_nothing(
    sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """The exception has what was paid for, and nothing more is."""
    sandbox_server.reset()
    draws(WRONG)
    scope = anyio.CancelScope()

    def cancel(event: Event) -> None:
        if isinstance(event, IdentityChecked):
            scope.cancel()

    url, key = sandbox_server.url, sandbox_server.api_key
    async with AsyncAuraShot(key, base_url=url, hooks=[cancel]) as client:
        images: tuple[Generation, ...] = ()
        with scope:
            try:
                await client.generate("x", face=FACE, identity=POLICY)
            except anyio.get_cancelled_exc_class() as cancelled:
                images = delivered(cancelled)
                raise
        assert scope.cancelled_caught
        assert [image.meta.idempotency_key for image in images] == keys(sandbox_server)
        assert 1 == len(images)


def test_a_download_that_fails_loses_nothing(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """The image is in the error, and can be downloaded later."""
    draws(RIGHT)
    sandbox_server.fault("not-found", operations=["file"], times=1)
    with pytest.raises(DownloadError) as caught:
        client.generate("x", face=FACE, identity=POLICY)
    assert ("accepted", True, 1) == (caught.value.outcome, caught.value.may_be_charged, len(caught.value.delivered))
    assert client.read(caught.value.delivered[0])


def test_a_pending_response_is_no_proof(client: AuraShot, sandbox_server: SandboxServer) -> None:
    """There is nothing to compare, and nobody can say that it is another person."""
    sandbox_server.fault("pending", operations=["generate"], times=1)
    image = client.generate("x", face=FACE, identity=POLICY)
    assert image.identity is not None
    assert ("unsure", None, ["no_image"]) == (
        image.identity.verdict,
        image.identity.similarity,
        [each.code for each in image.identity.reasons],
    )


def test_a_lost_response_ends_it(client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]) -> None:
    """What may have been billed is not sent again, and the first image is in the error."""
    draws(WRONG)

    def lose_the_next(event: Event) -> None:
        if isinstance(event, IdentityChecked):
            sandbox_server.fault("drop", operations=["generate"])

    with pytest.raises(OutcomeUnknownError) as caught:
        client.with_options(hooks=[lose_the_next]).generate("x", face=FACE, identity=POLICY)
    assert (2, 1) == (sandbox_server.bill().total, len(caught.value.delivered))


def test_with_a_ledger_the_same_key_pays_once(
    make_client: Clients, sandbox_server: SandboxServer, draws: Callable[..., None], tmp_path: Path
) -> None:
    """Every attempt is noted, and a repeated call returns what was paid for, compared again."""
    sandbox_server.reset()
    draws(WRONG, RIGHT)
    with SQLiteLedger(tmp_path / "spend.db", cap=SpendCap(max_images=2)) as ledger:
        client = make_client(sandbox_server.url, sandbox_server.api_key, ledger=ledger)
        first = client.generate("x", face=FACE, identity=POLICY, idempotency_key="order-17")
        again = client.generate("x", face=FACE, identity=POLICY, idempotency_key="order-17")
        assert first == again
        assert again.meta.from_ledger
        assert again.identity is not None
        assert ("same", 2) == (again.identity.verdict, again.identity.attempts)
        assert 2 == sandbox_server.bill().total
        notes = [entry.notes for entry in ledger.entries()]
    assert {("different", 1), ("same", 2)} == {(each["identity_verdict"], each["identity_attempt"]) for each in notes}


def test_a_client_can_have_a_policy(
    client: AuraShot, sandbox_server: SandboxServer, draws: Callable[..., None]
) -> None:
    """A call can leave it out."""
    held = client.with_options(identity=POLICY)
    draws(WRONG, RIGHT)
    assert held.generate("x", face=FACE).identity is not None
    assert held.with_options(timeout=60).generate("x", face=FACE).identity is not None
    assert held.generate("x", face=FACE, identity=False).identity is None
    assert held.with_options(identity=False).generate("x", face=FACE).identity is None
    assert 5 == sandbox_server.bill().total


def test_a_reference_can_be_prepared(client: AuraShot, draws: Callable[..., None]) -> None:
    """What images are compared with may be another image than what is sent."""
    draws(RIGHT)
    reference = FaceReference.from_images([FACE], model=ColourModel())
    policy = IdentityPolicy(model=ColourModel(), reference=reference)
    image = client.generate("x", face=plain(WRONG), identity=policy)
    assert image.identity is not None
    assert "same" == image.identity.verdict


def test_a_reference_at_a_url_is_downloaded(client: AuraShot, draws: Callable[..., None]) -> None:
    """An anchor is the response of an earlier call."""
    draws(RIGHT, RIGHT)
    anchor = client.id_photo(FACE)
    image = client.generate("x", face=anchor, identity=POLICY)
    assert image.identity is not None
    assert "same" == image.identity.verdict
    assert "same" == client.compare(anchor, image, model=ColourModel()).verdict
    assert "different" == client.compare([plain(WRONG), plain(WRONG)], image, model=ColourModel()).verdict


@pytest.fixture
def chain(client: AuraShot, draws: Callable[..., None]) -> list[Generation]:
    """Return an image and its edits: one that passed, and two that did not."""
    draws(RIGHT, RIGHT, CLOSE, CLOSE, RIGHT)
    images = [client.generate("x", face=FACE, identity=POLICY)]
    for _ in range(3):
        images.append(client.edit("x", target=images[-1], face=FACE, identity=POLICY))
    return images


def test_an_image_knows_what_it_was_edited_from(client: AuraShot, chain: list[Generation]) -> None:
    """With a policy or without; long chains are told."""
    assert tuple(chain[:3]) == chain[3].meta.edited_from
    assert ((), (chain[0],)) == (chain[0].meta.edited_from, chain[1].meta.edited_from)
    assert [[], [], ["long_chain"]] == [
        [each.code for each in image.identity.reasons] for image in chain[1:] if image.identity
    ]
    assert (*chain,) == client.edit("x", target=chain[3]).meta.edited_from


@pytest.mark.parametrize(("limit", "start"), [(1, 0), (2, 1), (3, 1), (4, 3)])
def test_a_long_chain_starts_again_from_what_passed(
    client: AuraShot, chain: list[Generation], limit: int, start: int
) -> None:
    """The last image before it that passed; the face stays the anchor."""
    policy = IdentityPolicy(model=ColourModel(), max_chain=limit)
    image = client.edit("x", target=chain[3], face=FACE, identity=policy)
    assert chain[start] == image.meta.edited_from[-1]
    assert image.identity is not None
    assert (start != 3) == image.identity.rebased


def test_an_edit_without_a_face_is_held_to_the_first_image(client: AuraShot, chain: list[Generation]) -> None:
    """Not to the image that is edited, which may have drifted already."""
    image = client.edit("x", target=chain[3], identity=POLICY)
    assert image.identity is not None
    assert "same" == image.identity.verdict


@pytest.mark.parametrize(
    "wrong",
    [{"accept": "good"}, {"attempts": 0}, {"attempts": True}, {"max_images": 1.5}, {"max_chain": -1}, {"strict": 1}],
)
def test_a_policy_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    """At once, and by name."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(wrong))}= takes"):
        IdentityPolicy(**wrong)
