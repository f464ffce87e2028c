"""What the fixtures may not hold."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from aurashot.testing._cleaning import HOSTED, KEPT_HEADERS
from aurashot.testing._secrets import key_like
from tests.contract.scenarios import RECORDED, WRITTEN

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVES = sorted(chain(RECORDED.iterdir(), WRITTEN.iterdir()))
SECRET = re.compile(
    rb"authorization|bearer|cookie\"|api.?key|sk_\w|127\.0\.0\.1|localhost|/home/|/root/", re.IGNORECASE
)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_no_secret(path: Path) -> None:
    """No fixture holds a key, a header that carries one, or an address of the machine that it was recorded on."""
    entries = json.loads(path.read_bytes())["log"]["entries"]

    assert [] == SECRET.findall(path.read_bytes())
    assert [] == [place for entry in entries for place in key_like(entry)]


def test_secrets_would_be_found() -> None:
    """The search for secrets finds what a careless recording would hold."""
    careless = b'{"name": "Authorization", "value": "Bearer sk_live_1"}, {"url": "http://127.0.0.1:8787/files/1"}'

    assert [b"Authorization", b"Bearer", b"sk_l", b"127.0.0.1"] == SECRET.findall(careless)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_archive(path: Path) -> None:
    """A fixture is an HTTP Archive 1.2 of the hosted service, with headers from the list of those that are kept."""
    log: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["log"]

    assert "1.2" == log["version"]
    assert {"name", "version"} == set(log["creator"])
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} == set(entry)
        assert entry["request"]["url"].startswith(HOSTED + "/")
        for message in (entry["request"], entry["response"]):
            assert set(KEPT_HEADERS) >= {header["name"] for header in message["headers"]}
            assert [] == message["cookies"]
