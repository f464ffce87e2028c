"""Respond from a recording in the HTTP Archive format (HAR 1.2), which `record` and browsers write."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
import respx

from aurashot.testing._archive import read_archive
from aurashot.testing._cleaning import HIDDEN

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from aurashot.testing._archive import Entry

_TRANSFER_HEADERS: Final = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
"""Headers that describe the transfer, which a recording no longer has."""


class Replay:
    """A recording that is being replayed.

    Attributes:
        served: How many of its responses were used.
        missed: The requests that it had no response for, such as `POST https://…`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = read_archive(path)
        self.served: int = 0
        self.missed: tuple[str, ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """The requests that were not made yet, such as `POST https://…`."""
        return tuple(f"{entry.request.method} {entry.request.url}" for entry in self._waiting)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Return the first unused response that matches a request.

        Raises:
            AssertionError: There is none.
        """
        entry = next((entry for entry in self._waiting if _matches(entry, request)), None)
        if entry is None:
            self.missed = (*self.missed, f"{request.method} {request.url}")
            body = f" with the body {request.content[:500]!r}" if _json(request.content) is not None else ""
            raise AssertionError(
                f"{request.method} {request.url}{body} is not in {self._path}, or was sent too often; "
                f"unused: {self.left}"
            )
        self._waiting.remove(entry)
        self.served += 1
        headers = [(header.name, header.value) for header in entry.response.headers]
        return httpx.Response(
            entry.response.status,
            headers=[(name, value) for name, value in headers if name.lower() not in _TRANSFER_HEADERS],
            content=entry.response.content.decoded(),
        )


@contextmanager
def replay(har_path: str | os.PathLike[str], *, all_served: bool = True) -> Generator[Replay]:
    """Respond to every request of all clients from a recording, until the end of the block.

    Each recorded response is used once, in the recorded order, for a request with the recorded method, URL and JSON
    body. Nothing reaches the network.

    Args:
        har_path: The recording, in the HTTP Archive format (HAR 1.2).
        all_served: Whether every recorded response has to be used before the block ends.

    Raises:
        InputError: The file cannot be read, or is not such a recording.
        AssertionError: A request is not in the recording, or a recorded response was not used. A request that is not in
            it fails twice: where it is made, and at the end of the block, in case the first error was caught.
    """
    recording = Replay(Path(har_path))
    try:
        with respx.mock(assert_all_called=False) as router:
            router.route().mock(side_effect=recording.respond)
            yield recording
    except Exception as error:
        if recording.missed and not isinstance(error, AssertionError):
            raise AssertionError(_misses(recording, har_path)) from error
        raise
    if recording.missed:
        raise AssertionError(_misses(recording, har_path))
    if all_served and recording.left:
        raise AssertionError(f"{har_path} contains responses that were not requested: {recording.left}")


def _misses(recording: Replay, har_path: str | os.PathLike[str]) -> str:
    return f"{har_path} has no response for requests that were made: {recording.missed}; unused: {recording.left}"


def _matches(entry: Entry, request: httpx.Request) -> bool:
    """Return whether an entry is for a request: its JSON body has to be equal, any other body is accepted."""
    recorded = entry.request
    if recorded.method != request.method:
        return False
    if httpx.URL(recorded.url) != request.url and not _is_same_text(recorded.url, str(request.url)):
        return False
    body = _json(recorded.post_data.decoded()) if recorded.post_data else None
    return body is None or _is_same(body, _json(request.content))


def _is_same(recorded: Any, sent: Any) -> bool:
    """Return whether JSON is what was recorded, where what `record` has hidden may be anything."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        before, now = cast("dict[str, Any]", recorded), cast("dict[str, Any]", sent)
        return before.keys() == now.keys() and all(_is_same(before[name], now[name]) for name in before)
    if isinstance(recorded, list) and isinstance(sent, list):
        earlier, later = cast("list[object]", recorded), cast("list[object]", sent)
        return len(earlier) == len(later) and all(map(_is_same, earlier, later))
    if isinstance(recorded, str) and isinstance(sent, str):
        return _is_same_text(recorded, sent)
    return bool(recorded == sent)


def _is_same_text(recorded: str, sent: str) -> bool:
    if recorded == sent or not HIDDEN.search(recorded):
        return recorded == sent
    pattern = r"[^&#\s\"'<>\\]*".join(map(re.escape, HIDDEN.split(recorded)))
    return re.fullmatch(pattern, sent) is not None


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
