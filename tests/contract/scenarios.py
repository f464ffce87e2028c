"""The calls of the contract tests: made once for the recordings, then against the recordings and the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from aurashot import (
    BadRequestError,
    ContentBlockedError,
    GenerationFailedError,
    QuotaExceededError,
    ServerError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot import AuraShot, AuraShotError

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
RECORDED: Final = FIXTURES / "recorded"
WRITTEN: Final = FIXTURES / "written"

FACE: Final = "https://example.com/face.jpg"
CLOTHES: Final = "https://example.com/clothes.jpg"
SCENE: Final = "https://example.com/scene.jpg"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Some calls, and the fault that the sandbox meets the first billed one with."""

    play: Callable[[AuraShot], None]
    fault: str | None = None


def story(client: AuraShot) -> None:
    """An anchor, an image of the same person, and a change of it."""
    anchor = client.id_photo(FACE, prompt="anime")
    cafe = client.generate("sitting in a cozy cafe", face=anchor, clothes=CLOTHES, scene=SCENE)
    roof = client.edit("a rooftop bar at night", target=cafe, face=anchor, wait_for_result=True)

    assert ["id-photo", "generate", "edit"] == [response.task_type for response in (anchor, cafe, roof)]
    assert [True] * 3 == [response.succeeded for response in (anchor, cafe, roof)]
    assert 3 == len({response.request_id for response in (anchor, cafe, roof)})
    assert 3 == len({response.url for response in (anchor, cafe, roof)})
    assert "image" == roof.output.type
    assert roof.pipeline is not None
    assert roof.token_usage is not None
    assert isinstance(roof.token_usage.output_tokens, int)


def images(client: AuraShot) -> None:
    """A local image, put where the service can see it, comes back as it went."""
    path = FIXTURES / "navy.png"

    assert path.read_bytes() == client.read(client.upload(path))


def try_on(client: AuraShot) -> None:
    """A legacy job is taken, and asked about until it is done."""
    job = client.legacy.virtual_try_on(product_image=CLOTHES, model_image=FACE, description="in the park")
    assert (True, False, "virtual_try_on") == (job.pending, job.completed, job.workflow)

    done = client.legacy.query(job, wait=True)
    assert (True, True, job.execution_id) == (done.succeeded, done.completed, done.execution_id)
    assert done.images[0] == done.url == done.results[0].image


def pose(client: AuraShot) -> None:
    """A legacy job that is waited for is done when it is there."""
    assert client.legacy.pose_change(FACE, "arms crossed", wait=True).completed


def pending(client: AuraShot) -> None:
    """A response that is still to come has no image, and says so."""
    response = client.generate("a cafe", face=FACE)

    assert (True, False, ()) == (response.pending, response.succeeded, response.outputs)


def rate_limit(client: AuraShot) -> None:
    """A call that comes too early is made again."""
    assert 2 == client.generate("a cafe", face=FACE).meta.attempts


def fails(kind: type[AuraShotError], outcome: str, **attributes: object) -> Callable[[AuraShot], None]:
    """Return a call that ends with an error."""

    def play(client: AuraShot) -> None:
        with pytest.raises(kind) as caught:
            client.generate("a cafe", face=FACE)
        assert (kind, outcome, 1) == (type(caught.value), caught.value.outcome, caught.value.attempts)
        assert attributes == {name: getattr(caught.value, name) for name in attributes}

    return play


SCENARIOS: Final[dict[str, Scenario]] = {
    "story": Scenario(story),
    "images": Scenario(images),
    "try-on": Scenario(try_on),
    "pose": Scenario(pose),
    "pending": Scenario(pending, "pending"),
    "rate-limit": Scenario(rate_limit, "rate-limit;retry-after=0"),
    "payment-required": Scenario(
        fails(QuotaExceededError, "rejected", status_code=402, code="quota_exceeded"), "payment-required"
    ),
    "unprocessable": Scenario(fails(BadRequestError, "rejected", status_code=422), "unprocessable"),
    "server-error": Scenario(fails(ServerError, "unknown", status_code=500), "server-error"),
    "bad-gateway": Scenario(fails(ServerError, "unknown", status_code=502, code=None), "bad-gateway"),
    "redirect": Scenario(fails(UnexpectedResponseError, "rejected", status_code=307), "redirect"),
    "html": Scenario(fails(UnexpectedResponseError, "unknown", content_type="text/html"), "html"),
    "no-outputs": Scenario(fails(UnexpectedResponseError, "accepted", status_code=200), "no-outputs"),
    "failed": Scenario(fails(GenerationFailedError, "accepted"), "failed"),
    "content-blocked": Scenario(fails(ContentBlockedError, "accepted"), "content-blocked"),
}
