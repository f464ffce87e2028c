from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from lab.server import ScriptedServer, ca_file, closed_port, json_response, server_file

if TYPE_CHECKING:
    from lab.server import Request, Response

ROOT = Path(__file__).parents[1]
FIXED = {
    "h11": "0.16.0",  # CVE-2025-43859
    "httpcore": "1.0.9",  # the first that takes that h11
    "idna": "3.15",  # CVE-2026-45409
    "pillow": "13.0.0",  # CVE-2026-112403
    "pillow-heif": "1.8.1",  # libheif 1.23.6
    "pytest": "9.0.3",  # CVE-2025-71176
    "python-dotenv": "1.2.2",  # CVE-2026-28684
    "python-multipart": "0.0.31",  # CVE-2026-53540
    "starlette": "1.3.1",  # CVE-2026-54283
}
"""The first versions without the holes that are known of them."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the script that looks up vulnerabilities."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return import_module("audit")


def test_lower_bounds_are_above_known_holes(script: Any) -> None:
    """Whoever installs the lowest versions has none of them."""
    lowest = dict(each.split("==") for each in script.lowest())
    assert [] == [name for name, fixed in FIXED.items() if Version(lowest[name]) < Version(fixed)]


def vulnerable(request: Request) -> Response:
    """Respond as OSV does, which knows of one vulnerability in one version of h11."""
    asked = json.loads(request.body)
    entry = {
        "id": "GHSA-vqfr-h8mv-ghfj",
        "modified": "2025-04-24T16:05:11Z",
        "summary": "h11 accepts some malformed Chunked-Encoding bodies",
        "affected": [
            {
                "package": {"name": "h11", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.16.0"}]}],
                "versions": ["0.14.0"],
            }
        ],
    }
    return json_response({"vulns": [entry]} if asked["version"] == "0.14.0" else {})


def test_a_known_vulnerability_is_named(script: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version that fixes it; other versions are fine."""
    pytest.importorskip("pip_audit", reason="the tests of other Pythons need no audit")
    server.respond = vulnerable
    monkeypatch.setattr(script, "OSV_URL", f"{server.url}/v1/query")
    assert ["h11 0.14.0 has GHSA-vqfr-h8mv-ghfj, fixed in ['0.16.0']"] == script.audit(["h11==0.14.0", "idna==3.20"])


def test_without_a_database_the_audit_is_skipped(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and does not pass for a success."""
    pytest.importorskip("pip_audit", reason="the tests of other Pythons need no audit")
    monkeypatch.setattr(script, "OSV_URL", f"http://127.0.0.1:{closed_port()}/v1/query")
    assert 77 == script.main()
    assert "skipped: no advisory source\n" == capsys.readouterr().out


def test_no_key_is_committed() -> None:
    """The certificates of the test servers are made when they are needed, and a server's signs no others."""
    assert [] == [path for folder in ("lab", "tests", "docs") for path in (ROOT / folder).rglob("*.pem")]
    assert b"PRIVATE KEY" in server_file().read_bytes()
    assert b"PRIVATE KEY" not in ca_file().read_bytes()
    assert 0 == server_file().parent.stat().st_mode & 0o077
