"""Respond from a recording in the HTTP Archive format (HAR 1.2), which browsers and `scripts/record-fixtures` write."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import respx

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

_TRANSFER_HEADERS: Final = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
"""Headers that describe the transfer, which a recording no longer has."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One recorded request and its response."""

    method: str
    url: str
    json: Any
    """The JSON body that the request must have; None for any body."""
    status: int
    headers: list[tuple[str, str]]
    content: bytes

    @classmethod
    def of(cls, entry: dict[str, Any]) -> _Entry:
        """Read one entry of an archive."""
        request, response = entry["request"], entry["response"]
        headers = [(header["name"], header["value"]) for header in response["headers"]]
        return cls(
            method=request["method"],
            url=request["url"],
            json=_json(request.get("postData", {}).get("text", "")),
            status=response["status"],
            headers=[(name, value) for name, value in headers if name.lower() not in _TRANSFER_HEADERS],
            content=_content(response["content"]),
        )

    def is_for(self, request: httpx.Request) -> bool:
        """Return whether this entry matches a request."""
        if (self.method, httpx.URL(self.url)) != (request.method, request.url):
            return False
        return self.json is None or self.json == _json(request.content)


class Replay:
    """A recording that is being replayed.

    Attributes:
        served: How many of its responses were used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        archive = json.loads(path.read_text(encoding="utf-8"))
        self._waiting = [_Entry.of(entry) for entry in archive["log"]["entries"]]
        self.served: int = 0

    @property
    def left(self) -> tuple[str, ...]:
        """The requests that were not made yet, such as `POST https://…`."""
        return tuple(f"{entry.method} {entry.url}" for entry in self._waiting)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Return the first unused response that matches a request.

        Raises:
            AssertionError: There is none.
        """
        entry = next((entry for entry in self._waiting if entry.is_for(request)), None)
        if entry is None:
            body = f" with the body {request.content[:500]!r}" if _json(request.content) is not None else ""
            raise AssertionError(
                f"{request.method} {request.url}{body} is not in {self._path}, or was sent too often; "
                f"unused: {self.left}"
            )
        self._waiting.remove(entry)
        self.served += 1
        return httpx.Response(entry.status, headers=entry.headers, content=entry.content)


@contextmanager
def replay(har_path: str | os.PathLike[str], *, all_served: bool = True) -> Generator[Replay]:
    """Respond to every request of all clients from a recording, until the end of the block.

    Each recorded response is used once, in the recorded order, for a request with the recorded method, URL and JSON
    body. Nothing reaches the network.

    Args:
        har_path: The recording, in the HTTP Archive format (HAR 1.2).
        all_served: Whether every recorded response has to be used before the block ends.

    Raises:
        AssertionError: A request is not in the recording, or a recorded response was not used.
    """
    recording = Replay(Path(har_path))
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=recording.respond)
        yield recording
    if all_served and recording.left:
        raise AssertionError(f"{har_path} contains responses that were not requested: {recording.left}")


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _content(content: dict[str, Any]) -> bytes:
    text = content.get("text", "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
