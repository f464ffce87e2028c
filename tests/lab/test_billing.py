from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab.billing import History, prompt, running

if TYPE_CHECKING:
    from lab.billing import Service

PATH = "/v1/character/generate"


def generate(service: Service, key: str, text: str | None = None) -> dict[str, Any]:
    """Request an image."""
    url, body = service.url + PATH, {"prompt": prompt(key) if text is None else text}
    response: dict[str, Any] = httpx.post(url, json=body, headers={"Idempotency-Key": key}).json()
    return response


@pytest.mark.parametrize(
    ("settings", "bills", "images"),
    [
        ({}, 2, ["a", "a"]),
        ({"honours_keys": True}, 1, ["a"]),
        ({"numbers_images": True, "slowest": 0.001}, 2, ["a.1", "a.2"]),
    ],
)
def test_the_record_has_all_bills(settings: dict[str, Any], bills: int, images: list[str]) -> None:
    """Each request is billed, or each key once; the response contains the ID of the billed image."""
    with running(**settings) as service:
        responses = [generate(service, "a") for _ in range(2)]
        truth = service.truth()
    assert History(bills=bills, faults=["correct response"] * 2, images=images) == truth.history("a")
    assert images[-1] == responses[-1]["requestId"]
    assert History() == truth.history("b")
    assert (["a"] * bills, 0) == (truth.bills(), truth.mismatched)


def test_a_body_with_another_key_is_counted() -> None:
    """So are requests that follow a redirect to the other origin."""
    with running() as service:
        generate(service, "a", prompt("b"))
        assert 1 == service.truth().mismatched
        assert 0 == service.truth().redirected
