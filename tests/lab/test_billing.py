from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab.billing import History, prompt, running

if TYPE_CHECKING:
    from lab.billing import Service

PATH = "/v1/character/generate"


def ask(service: Service, key: str, text: str | None = None) -> dict[str, Any]:
    """Ask for an image."""
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
def test_the_truth_is_what_was_billed(settings: dict[str, Any], bills: int, images: list[str]) -> None:
    """Each request is billed, or each key once; and each bill is for an image that the response names."""
    with running(**settings) as service:
        responses = [ask(service, "a") for _ in range(2)]
        truth = service.truth()
    assert History(bills=bills, faults=["right", "right"], images=images) == truth.history("a")
    assert images[-1] == responses[-1]["requestId"]
    assert History() == truth.history("b")
    assert (["a"] * bills, 0) == (truth.bills(), truth.crossed)


def test_a_body_under_the_key_of_another_is_seen() -> None:
    """So is whoever follows a redirect, and whether the key went along."""
    with running() as service:
        ask(service, "a", prompt("b"))
        assert 1 == service.truth().crossed
        assert 0 == service.truth().evil_hits
