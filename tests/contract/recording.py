"""Record the scenarios as HTTP Archives, from the sandbox and through the real client: `scripts/record-fixtures`.

What is kept of a header is on a list; the sandbox's address becomes the hosted service's.
"""

from __future__ import annotations

import base64
import json
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore

from aurashot import AuraShot, __version__, sandbox
from aurashot._engine import Engine, Outgoing, ResponseStream, headers_of
from tests.contract.scenarios import RECORDED, SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aurashot.sandbox import SandboxServer

HOSTED: Final = "https://www.aurashot.art"
KEPT_HEADERS: Final = ("accept", "content-type", "location", "retry-after", "x-request-id")
MOMENT: Final = "2026-03-16T09:00:00.000Z"
"""When every request was made, so that recording again changes no more than it has to."""


class Kept:
    """A response that was read already."""

    def __init__(self, response: ResponseStream) -> None:
        self.status = response.status
        self.headers = response.headers
        self.content = b"".join(response)
        response.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.content])

    def close(self) -> None:
        """Do nothing."""


class Again:
    """A request whose body was read already."""

    def __init__(self, request: httpcore.Request, sent: bytes, outgoing: Outgoing) -> None:
        self.deadline = outgoing.deadline
        self.authorization = outgoing.authorization
        self.before_send = outgoing.before_send
        self._request = httpcore.Request(request.method, request.url, headers=request.headers, content=sent)

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request."""
        return nullcontext(self._request)


class Recorder:
    """Carries requests, as the engine does, and keeps them with their responses."""

    def __init__(self, public: Callable[[str], str]) -> None:
        self.entries: list[dict[str, Any]] = []
        self._engine = Engine(1)
        self._public = public

    def close(self) -> None:
        """Close the connections."""
        self._engine.close()

    def send(self, outgoing: Outgoing) -> Kept:
        """Send a request and note what was said."""
        with outgoing.request() as request:
            sent = b"".join(cast("Iterable[bytes]", request.stream))
        response = Kept(self._engine.send(Again(request, sent, outgoing)))
        self.entries.append(
            {
                "startedDateTime": MOMENT,
                "time": 0,
                "request": self._request(request, sent),
                "response": self._response(response),
                "cache": {},
                "timings": {"send": 0, "wait": 0, "receive": 0},
            }
        )
        return response

    def _request(self, request: httpcore.Request, sent: bytes) -> dict[str, Any]:
        headers = headers_of(request.headers)
        entry = {
            "method": request.method.decode(),
            "url": self._public(bytes(request.url).decode()),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(headers),
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(sent),
        }
        media_type = headers.get("content-type", "").partition(";")[0]
        text = self._public(sent.decode()) if media_type == "application/json" else ""
        return {**entry, "postData": {"mimeType": media_type, "text": text}} if sent else entry

    def _response(self, response: Kept) -> dict[str, Any]:
        media_type = response.headers.get("content-type", "")
        return {
            "status": response.status,
            "statusText": HTTPStatus(response.status).phrase,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(response.headers),
            "content": {
                "size": len(response.content),
                "mimeType": media_type,
                **self._text(media_type, response.content),
            },
            "redirectURL": response.headers.get("location", ""),
            "headersSize": -1,
            "bodySize": len(response.content),
        }

    def _text(self, media_type: str, content: bytes) -> dict[str, str]:
        if media_type.startswith("image/"):
            return {"text": base64.b64encode(content).decode(), "encoding": "base64"}
        return {"text": self._public(content.decode())}

    def _headers(self, headers: dict[str, str]) -> list[dict[str, str]]:
        kept = ((name, headers[name].partition("; boundary")[0]) for name in KEPT_HEADERS if name in headers)
        return [{"name": name, "value": self._public(value)} for name, value in kept]


def record(scenario: Scenario, server: SandboxServer) -> list[dict[str, Any]]:
    """Play a scenario against the sandbox and return its entries."""
    recorder = Recorder(lambda text: text.replace(server.url, HOSTED))
    if scenario.fault:
        server.fault(scenario.fault, times=1)
    with AuraShot(server.api_key, base_url=server.url) as client:
        runtime: Any = client._transport.connections.runtime
        runtime.api = runtime.images = recorder
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
