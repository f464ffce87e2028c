"""Record the scenarios as HTTP Archives, from the sandbox and through the real client: `scripts/record-fixtures`.

What is kept of a header is on a list; the sandbox's address becomes the hosted service's.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from aurashot import AuraShot, __version__, sandbox
from aurashot._engine import SlotTransport
from tests.contract.scenarios import RECORDED, SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aurashot.sandbox import SandboxServer

HOSTED: Final = "https://www.aurashot.art"
KEPT_HEADERS: Final = ("accept", "content-type", "location", "retry-after", "x-request-id")
MOMENT: Final = "2026-03-16T09:00:00.000Z"
"""When every request was made, so that recording again changes no more than it has to."""


class Recorder(SlotTransport):
    """Carries requests, and keeps them with their answers."""

    def __init__(self, public: Callable[[str], str]) -> None:
        super().__init__(limit=1)
        self.entries: list[dict[str, Any]] = []
        self._public = public

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and note what was said."""
        sent = request.read()
        response = super().handle_request(request)
        content = response.read()
        self.entries.append(
            {
                "startedDateTime": MOMENT,
                "time": 0,
                "request": self._request(request, sent),
                "response": self._response(response, content),
                "cache": {},
                "timings": {"send": 0, "wait": 0, "receive": 0},
            }
        )
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(content))

    def _request(self, request: httpx.Request, sent: bytes) -> dict[str, Any]:
        entry = {
            "method": request.method,
            "url": self._public(str(request.url)),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(request.headers),
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(sent),
        }
        media_type = request.headers.get("content-type", "").partition(";")[0]
        text = self._public(sent.decode()) if media_type == "application/json" else ""
        return {**entry, "postData": {"mimeType": media_type, "text": text}} if sent else entry

    def _response(self, response: httpx.Response, content: bytes) -> dict[str, Any]:
        media_type = response.headers.get("content-type", "")
        return {
            "status": response.status_code,
            "statusText": httpx.codes.get_reason_phrase(response.status_code),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(response.headers),
            "content": {"size": len(content), "mimeType": media_type, **self._text(media_type, content)},
            "redirectURL": response.headers.get("location", ""),
            "headersSize": -1,
            "bodySize": len(content),
        }

    def _text(self, media_type: str, content: bytes) -> dict[str, str]:
        if media_type.startswith("image/"):
            return {"text": base64.b64encode(content).decode(), "encoding": "base64"}
        return {"text": self._public(content.decode())}

    def _headers(self, headers: httpx.Headers) -> list[dict[str, str]]:
        kept = ((name, headers[name].partition("; boundary")[0]) for name in KEPT_HEADERS if name in headers)
        return [{"name": name, "value": self._public(value)} for name, value in kept]


def record(scenario: Scenario, server: SandboxServer) -> list[dict[str, Any]]:
    """Play a scenario against the sandbox and return its entries."""
    recorder = Recorder(lambda text: text.replace(server.url, HOSTED))
    if scenario.fault:
        server.fault(scenario.fault, times=1)
    with (
        httpx.Client(transport=recorder) as http_client,
        AuraShot(server.api_key, base_url=server.url, http_client=http_client) as client,
    ):
        client._transport.connections.pictures = recorder  # downloads do not go over the client that is given
        scenario.play(client)
    return recorder.entries


def archive(entries: Iterable[dict[str, Any]]) -> str:
    """Return entries as the text of an HTTP Archive."""
    creator = {"name": "aurashot", "version": __version__}
    log = {"version": "1.2", "creator": creator, "entries": list(entries)}
    return json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Record every scenario."""
    RECORDED.mkdir(exist_ok=True)
    with sandbox.serve() as server:
        for name, scenario in SCENARIOS.items():
            (RECORDED / f"{name}.har").write_text(archive(record(scenario, server)), encoding="utf-8")


if __name__ == "__main__":
    main()
