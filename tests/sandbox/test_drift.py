"""A sandbox that draws another person now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AuraShot, IdentityPolicy, InputError, sandbox
from aurashot.identity import FaceReference, compare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="module")
def drifting() -> Iterator[SandboxServer]:
    """Return a sandbox that draws another person in half of its images."""
    with sandbox.serve(drift=0.5, seed=1) as server:
        yield server


@pytest.fixture
def client(drifting: SandboxServer) -> Iterator[AuraShot]:
    """Return a client of the sandbox."""
    with AuraShot(drifting.api_key, base_url=drifting.url) as client:
        yield client


def test_half_of_the_images_show_another_person(client: AuraShot, drifting: SandboxServer, astronaut: Path) -> None:
    """The engine tells them apart from a photograph, and is sure."""
    face = FaceReference.from_images(astronaut)
    images = [client.generate("in a park", face=astronaut) for _ in range(6)]
    verdicts = [compare(face, client.read(image)).verdict for image in images]
    assert {"same", "different"} == set(verdicts)
    assert 6 == len(drifting.bill().entries)


@pytest.mark.parametrize("operation", ["id_photo", "generate", "edit"])
def test_a_drift_that_is_asked_for(client: AuraShot, drifting: SandboxServer, astronaut: Path, operation: str) -> None:
    """Each operation can drift; the policy pays for other images until the person is right."""
    drifting.fault("drift", operations=[operation], times=1)
    options: dict[str, Any] = {"identity": IdentityPolicy(accept="same", attempts=16, max_images=16)}
    match operation:
        case "id_photo":
            image = client.id_photo(astronaut, **options)
        case "generate":
            image = client.generate("in a park", face=astronaut, **options)
        case _:
            image = client.edit("in a park", target=astronaut, face=astronaut, **options)
    assert image.identity is not None
    assert image.identity.attempts > 1
    verdicts = [each.identity.verdict for each in image.identity.candidates if each.identity]
    assert len(verdicts) == image.identity.attempts
    assert "same" != verdicts[0]
    assert "same" == image.identity.verdict


@pytest.mark.parametrize("share", [-0.1, 1.5, True, "0.3", float("nan")])
def test_a_share_that_is_none(share: Any) -> None:
    """It is refused before a server is started."""
    with pytest.raises(InputError, match="drift: a number from 0 to 1"):
        sandbox.create_app(drift=share)
