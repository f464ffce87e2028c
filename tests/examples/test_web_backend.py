from __future__ import annotations

import io
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="module")
def browser(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a visitor of the web backend, which runs on a free port."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "0", "web_backend:app"]
    folder = tmp_path_factory.mktemp("backend")
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        addresses = (re.search(r"running on (http://\S+)", line) for line in server.stderr)
        address = next(found[1] for found in addresses if found)
        try:
            with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
                yield client
        finally:
            server.terminate()
            server.communicate()


@pytest.fixture(scope="module")
def character(browser: httpx.Client, grace_hopper: Path) -> str:
    """Return where the images of a character are made."""
    response = browser.post("/characters", files={"photo": grace_hopper.read_bytes()})
    return response.raise_for_status().headers["location"]


def test_a_visitor_gets_from_a_photo_to_images(
    browser: httpx.Client, sandbox_server: SandboxServer, grace_hopper: Path
) -> None:
    """The forms lead from a photo to an image; the anchor is made and billed once for all images."""
    billed = sandbox_server.bill().total
    assert 'action="/characters"' in browser.get("/").text
    page = browser.post("/characters", files={"photo": grace_hopper.read_bytes()})
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    responses = [browser.post(action[1], data={"prompt": prompt}) for prompt in ("in a cafe", "on a beach")]
    assert [response.headers["content-type"] for response in responses] == ["image/png", "image/png"]
    assert all(min(Image.open(io.BytesIO(response.content)).size) >= 512 for response in responses)
    assert responses[0].content != responses[1].content
    assert sandbox_server.bill().total - billed == 3


def test_a_visitor_is_told_what_is_wrong_with_a_photo(browser: httpx.Client) -> None:
    """A photo that is none is the visitor's to mend, and cost nothing."""
    response = browser.post("/characters", files={"photo": b"no image"})
    assert response.status_code == 422
    assert "not a JPEG" in response.json()["error"]
    assert (response.json()["outcome"], response.json()["may_be_charged"]) == ("not_sent", False)


def test_an_unknown_character_is_not_found(browser: httpx.Client) -> None:
    """Nothing is drawn, or billed, for a character that nobody made."""
    assert browser.post("/characters/nobody/images", data={"prompt": "in a cafe"}).status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "may_be_charged"),
    [
        ("drop", 502, True),
        ("server-error", 502, True),
        ("failed", 502, True),
        ("content-blocked", 422, True),
        ("unprocessable", 422, False),
        ("too-large", 413, False),
        ("payment-required", 502, False),
        ("rate-limit;retry-after=200", 503, False),
    ],
)
def test_each_failure_has_its_status_and_its_cost(
    browser: httpx.Client,
    character: str,
    sandbox_server: SandboxServer,
    fault: str,
    status: int,
    *,
    may_be_charged: bool,
) -> None:
    """What goes wrong behind the backend reaches the visitor as a fitting status that says what it cost."""
    sandbox_server.fault(fault, times=1, operations=["generate"])
    response = browser.post(character, data={"prompt": "in a cafe"})
    assert (status, may_be_charged) == (response.status_code, response.json()["may_be_charged"])
    assert response.headers.get("retry-after") == ("200" if "retry-after" in fault else None)
