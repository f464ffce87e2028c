"""What a download decides: where it may go, how much it takes, and what an answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import urljoin

import httpcore

from aurashot._retry import Retries, RetryBudget, RetryPolicy
from aurashot._transport._faults import translate
from aurashot.errors import DownloadError, UnsafeURLError
from aurashot.images import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot._calls import Fetch, Progress
    from aurashot._deadline import Deadline
    from aurashot.errors import AuraShotError
    from aurashot.images import Landing

T = TypeVar("T")

MAX_HOPS: Final = 3
_TRANSIENT_STATUSES: Final = {408, 429, 500, 502, 503, 504}


class Hops:
    """The way to a picture: at most three redirects, and each address checked before it is asked."""

    def __init__(self, url: str, own_origin: str) -> None:
        self._own_origin = own_origin
        self._left = MAX_HOPS
        self.url = check_url(url, own_origin=own_origin)

    def arrived(self, status: int, headers: Mapping[str, str]) -> bool:
        """Say whether this answer is the picture; if it is a redirect, go on to where it points.

        Raises:
            DownloadError: It is neither, or the way is too long or leads somewhere unsafe.
        """
        if status == 200:
            _refuse_encoding(headers)
            return True
        if 300 <= status < 400 and "location" in headers:
            self._follow(headers["location"])
            return False
        error = DownloadError(f"the picture could not be fetched: its host answered {status}")
        error.status_code = status
        error.transient = status in _TRANSIENT_STATUSES
        raise error

    def _follow(self, location: str) -> None:
        if self._left == 0:
            raise DownloadError(f"the picture's address redirects more than {MAX_HOPS} times")
        self._left -= 1
        try:
            self.url = check_url(urljoin(self.url, location), own_origin=self._own_origin)
        except (UnsafeURLError, ValueError) as unsafe:
            raise DownloadError(f"the picture's address redirects to one that is not safe: {unsafe}") from unsafe


def _refuse_encoding(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in {"", "identity"}:
        raise DownloadError(f"the picture came as {encoding!r}, which was not asked for")


class Meter:
    """How much of a picture has come, told to whoever asked for progress."""

    def __init__(self, headers: Mapping[str, str], landing: Landing[Any], progress: Progress | None) -> None:
        length = headers.get("content-length", "")
        self._total = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        self._progress = progress
        self._done = 0
        if self._total is not None and self._total > landing.max_bytes:
            raise DownloadError(f"the picture has {self._total} bytes; at most {landing.max_bytes} are taken")

    def count(self, size: int, deadline: Deadline) -> None:
        """Take note of some bytes."""
        self._done += size
        if self._progress is not None:
            self._progress(self._done, self._total)
        if deadline.passed:
            raise httpcore.ReadTimeout("the picture did not end in time")


class Retrieval(Generic[T]):
    """One download with its attempts and its time."""

    def __init__(self, fetch: Fetch[T], deadline: Deadline) -> None:
        self.deadline = deadline
        self.landing = fetch.landing
        self._fetch = fetch
        self._attempts = 0

    def begin(self, own_origin: str) -> Hops:
        """Start one more attempt, from the first byte."""
        self._attempts += 1
        return Hops(self._fetch.url, own_origin)

    def meter(self, headers: Mapping[str, str]) -> Meter:
        """Return the meter of this attempt."""
        return Meter(headers, self.landing, self._fetch.progress)

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for trying again: a download costs nothing."""
        return Retries(policy=policy, budget=budget, deadline=self.deadline, billed=False, before_wait=_silently)

    def lost(self, problem: Exception) -> AuraShotError:
        """Return a connection's error as one of a download; the picture stays where it is."""
        error = translate(problem, self.deadline)
        download = DownloadError(f"the picture could not be fetched: {error.message}")
        download.transient = not getattr(error, "final", False) and not self.deadline.passed
        return self.blame(download)

    def blame(self, error: AuraShotError) -> AuraShotError:
        """Write onto an error how often it was tried."""
        error.attempts = self._attempts
        return error


def _silently(error: AuraShotError, seconds: float) -> None:
    """Downloads tell no events."""
