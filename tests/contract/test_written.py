"""Responses that the contract speaks of and the sandbox does not give, written down by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot import APIStatusError, BadRequestError, Generation, GenerationFailedError, ServerError
from aurashot.testing import replay
from aurashot.testing._cleaning import HOSTED
from tests.contract.scenarios import CLOTHES, FACE, WRITTEN

if TYPE_CHECKING:
    from aurashot import AuraShot
    from lab.backends import Clients


@pytest.fixture
def hosted(make_client: Clients) -> AuraShot:
    """Return a client of the hosted service, which only a recording can response for."""
    return make_client(HOSTED)


def test_completed(hosted: AuraShot) -> None:
    """`completed` is a success like `success`, an output needs no type, and what is unknown is kept."""
    with replay(WRITTEN / "completed.har"):
        response = hosted.generate("a cafe", face=FACE)

    assert ("completed", True) == (response.status, response.succeeded)
    assert [None, "image"] == [output.type for output in response.outputs]
    assert response.model_extra is not None
    assert 42 == response.model_extra["seed"]
    wire = response.model_dump(mode="json", by_alias=True)
    assert {"checked": True} == wire["safety"]
    assert 7 == wire["tokenUsage"]["cachedTokens"]
    assert 1024 == wire["outputs"][1]["width"]
    assert response == Generation.model_validate(wire)


def test_unknown_words(hosted: AuraShot) -> None:
    """A status that nobody has heard of is kept and belongs to no class; a number is fine as an identifier."""
    with replay(WRITTEN / "unknown-words.har"):
        response = hosted.generate("a cafe", face=FACE)

    assert ("Queued 排队中", "17", "portrait") == (response.status, response.request_id, response.task_type)
    assert (False, False, False) == (response.succeeded, response.failed, response.pending)
    assert () == response.outputs


def test_legacy_rows(hosted: AuraShot) -> None:
    """A legacy job's rows come with words of their own, in upper case, and with errors of single images."""
    with replay(WRITTEN / "legacy.har"):
        job = hosted.legacy.virtual_try_on(product_image=CLOTHES, model_image=FACE, wait=True)

    assert ("https://cdn.aurashot.art/o/3.png", True) == (job.url, job.completed)
    assert [("Success", None), ("Failed", "no person found")] == [(row.status, row.error) for row in job.results]
    assert "100%" == job.results[0].progress


def test_legacy_failure(hosted: AuraShot) -> None:
    """A legacy job that failed says why, and which job it was: it may be on the bill."""
    with (
        replay(WRITTEN / "legacy-failed.har"),
        pytest.raises(GenerationFailedError, match="no person found") as caught,
    ):
        hosted.legacy.virtual_try_on(product_image=CLOTHES, model_image=FACE, wait=True)

    assert ("accepted", True) == (caught.value.outcome, caught.value.may_be_charged)
    assert ["ex-1"] == [getattr(job, "execution_id", None) for job in caught.value.delivered]


def test_page_of_a_gateway(hosted: AuraShot) -> None:
    """A gateway's web page says nothing about the work behind it."""
    with replay(WRITTEN / "gateway.har"), pytest.raises(ServerError) as caught:
        hosted.generate("a cafe", face=FACE)

    assert ("unknown", 502, None) == (caught.value.outcome, caught.value.status_code, caught.value.code)
    assert "Bad Gateway" in caught.value.body


def test_shapes_of_errors(hosted: AuraShot) -> None:
    """Whatever shape an error body has, its message is found, and its code where there is one."""
    with replay(WRITTEN / "error-shapes.har") as recording:
        errors: list[APIStatusError] = []
        while recording.left:
            with pytest.raises(BadRequestError, match="face is required") as caught:
                hosted.generate("a cafe", face=FACE)
            errors.append(caught.value)

    assert [None, "missing_face", None, None, None, "40001", "40001", None] == [error.code for error in errors]
    assert {"rejected"} == {error.outcome for error in errors}


def test_errors_that_say_nothing(hosted: AuraShot) -> None:
    """An error body that cannot be read is kept as it came."""
    with replay(WRITTEN / "silent-errors.har") as recording:
        bodies: list[str] = []
        while recording.left:
            with pytest.raises(BadRequestError, match="400 without a message") as caught:
                hosted.generate("a cafe", face=FACE)
            bodies.append(caught.value.body)

    assert ["", "face is required", '["face is required"]', '{"error": "face is', "null"] == bodies
