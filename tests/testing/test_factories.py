"""Factories of the response models."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import InputError, NoOutputError, models
from aurashot.models import WireModel
from aurashot.testing import factories

if TYPE_CHECKING:
    from collections.abc import Callable

MADE = {name: getattr(factories, name) for name in factories.__all__}


def response_models() -> set[type]:
    """Return the models that a program receives; a request and what is only in one is none."""
    kinds: list[type] = [getattr(models, name) for name in models.__all__]
    parts = ("Images", "Input", "Request")
    return {kind for kind in kinds if not kind.__name__.endswith(parts)} - {models.Response, WireModel}


def test_every_response_model_has_a_factory() -> None:
    """Whoever adds a model adds its factory."""
    assert response_models() == {type(make()) for make in MADE.values()}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_every_field_can_be_given(make: Callable[..., Any]) -> None:
    """By the name that it has in the model."""
    kind: Any = make().__class__
    is_record = dataclasses.is_dataclass(kind)
    known: list[str] = [field.name for field in dataclasses.fields(kind)] if is_record else [*kind.model_fields]
    assert set(known) <= set(inspect.signature(make).parameters)


@pytest.mark.parametrize("make", [factories.generation, factories.upload, factories.workflow_job])
def test_responses_are_those_of_the_service(make: Callable[..., Any]) -> None:
    """They survive a round trip through JSON, unknown fields included, and keep how they were obtained."""
    made = make(meta=factories.call_meta(attempts=2), extra={"seed": 7})
    kind: Any = made.__class__

    assert made == kind.model_validate_json(made.model_dump_json(by_alias=True))
    assert {"seed": 7} == made.model_extra
    assert 2 == made.meta.attempts


def test_responses_differ() -> None:
    """Two that a test makes are never the same image."""
    first, second = factories.generation(), factories.generation()

    assert first.succeeded
    assert first.url != second.url
    assert first.request_id != second.request_id
    assert factories.upload().url != factories.upload().url


@pytest.mark.parametrize("status", ["failed", "processing", "no such word"])
def test_no_image_without_success(status: str) -> None:
    """As from the service."""
    made = factories.generation(status=status)
    with pytest.raises(NoOutputError):
        _ = made.url
    assert ((), ()) == (made.outputs, factories.workflow_job(status=status).images)


def test_a_job_has_the_images_of_its_results() -> None:
    """Unless a test says otherwise."""
    done = factories.workflow_job(results=[factories.workflow_result(image="https://example.com/1.png")])
    pending = factories.workflow_job(status="submitted")

    assert ("https://example.com/1.png",) == done.images
    assert (True, False) == (done.completed, pending.completed)
    assert ("https://example.com/2.png",) == factories.workflow_job(images=["https://example.com/2.png"]).images
    assert factories.workflow_result(error="broken").image is None


def test_one_image_or_several() -> None:
    """Both at once is a mistake."""
    several = [factories.output(), factories.output()]

    assert "https://example.com/1.png" == factories.generation(url="https://example.com/1.png").url
    assert 2 == len(factories.generation(outputs=several).outputs)
    with pytest.raises(InputError, match=r"^url: "):
        factories.generation(url="https://example.com/1.png", outputs=several)
