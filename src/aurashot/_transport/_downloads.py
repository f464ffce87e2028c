"""What a download decides: which URLs it follows, how much it accepts, and what a response means."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar
from urllib.parse import urljoin

import httpcore

from aurashot._engine import RefusedAddressError
from aurashot._reasons import reason_of
from aurashot._retry import Retries, RetryBudget, RetryPolicy
from aurashot._transport._content_codings import Decoding, codings
from aurashot._transport._error_mapping import translate
from aurashot._transport._requests import image_request
from aurashot._url_policy import escaped_url
from aurashot.errors import DownloadError, UnsafeURLError
from aurashot.images import check_url, too_large

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot._calls import Fetch, Progress
    from aurashot._deadline import Deadline
    from aurashot._operations import Operation
    from aurashot._transport._requests import Headers
    from aurashot.errors import AuraShotError
    from aurashot.images import Sink
    from aurashot.instrumentation import Dispatcher

T = TypeVar("T")

MAX_HOPS: Final = 3
_STRONG_TAG: Final = re.compile(r'"[\x21\x23-\x7e]*"')
"""An entity tag that promises the same bytes (RFC 9110, 8.8.1); a weak one begins with W/."""
_TRANSIENT_STATUSES: Final = {408, 429, 500, 502, 503, 504}
_WHOLE: Final = {200, 203}
"""An image, as it is or as a proxy has changed it."""
_EXPIRED: Final = {401, 403, 404, 410}
"""How hosts respond to a signed URL after its time."""


class Hops:
    """The redirects to an image: at most three, each URL checked before it is requested."""

    def __init__(self, url: str, own_origin: str) -> None:
        self._own_origin = own_origin
        self._left = MAX_HOPS
        self.url = check_url(url, own_origin=own_origin)

    def arrived(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether this response is the image; if it is a redirect, follow it.

        Raises:
            DownloadError: It is neither, or there are too many redirects, or one is unsafe.
        """
        if status in _WHOLE:
            return True
        if 300 <= status < 400 and "location" in headers:
            self._follow(headers["location"])
            return False
        error = DownloadError(f"The image could not be downloaded: its host responded with {status}{_advice(status)}")
        error.status_code = status
        error.transient = status in _TRANSIENT_STATUSES
        raise error

    def _follow(self, location: str) -> None:
        if self._left == 0:
            raise DownloadError(f"The image's URL redirects more than {MAX_HOPS} times")
        self._left -= 1
        try:
            self.url = check_url(
                urljoin(self.url, escaped_url(location.encode("latin-1"))), own_origin=self._own_origin
            )
        except (UnsafeURLError, ValueError) as unsafe:
            raise DownloadError(f"The image's URL redirects to one that is not safe: {reason_of(unsafe)}") from unsafe


def _advice(status: int) -> str:
    return "; its URL may have expired, so download images soon after they are made" if status in _EXPIRED else ""


@dataclass(frozen=True, slots=True)
class Whole:
    """An image of which a part was received, identified by its strong entity tag."""

    tag: str
    total: int

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self | None:
        """Return what a full response says about its image, if that is enough to resume later."""
        tag, total = headers.get("etag", ""), _length(headers)
        return cls(tag, total) if _STRONG_TAG.fullmatch(tag) and total else None

    def asked_from(self, have: int) -> Headers:
        """Return the headers that request the rest, or for all of it if it has changed (RFC 9110, 13.1.5)."""
        return [(b"Range", b"bytes=%d-" % have), (b"If-Range", self.tag.encode("latin-1"))]

    def goes_on(self, have: int, status: int, headers: Mapping[str, str]) -> bool:
        """Say whether a response is the rest of this image, to the byte."""
        rest = f"bytes {have}-{self.total - 1}/{self.total}"
        if codings(headers):  # what is encoded cannot be appended to the bytes before it
            return False
        return status == 206 and headers.get("content-range") == rest and headers.get("etag") == self.tag


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None


class Meter:
    """How much of an image was received, reported to the progress callback."""

    def __init__(self, have: int, total: int | None, sink: Sink[Any], progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._have = have
        self._done = have
        if self._total is not None and self._total > sink.max_bytes:
            raise DownloadError(
                f"The image has {self._total:,} bytes, over the limit of {sink.max_bytes:,}; raise max_image_bytes if "
                "this is expected"
            )

    def count(self, size: int, deadline: Deadline) -> None:
        """Count received bytes."""
        self._done += size
        if self._progress is not None:
            self._progress(self._done, self._total)
        if deadline.passed:
            raise httpcore.ReadTimeout("The image was not complete in time")

    @property
    def received(self) -> int:
        """How many bytes of this response were received."""
        return self._done - self._have

    def finish(self) -> None:
        """Check that all announced bytes were received."""
        if self._total is not None and self._done != self._total:
            raise DownloadError(f"The image has {self._total} bytes, of which {self._done} were received")


class Retrieval(Generic[T]):
    """One download with its attempts and its time.

    Args:
        fetch: What is asked for.
        operation: What it belongs to.
        dispatcher: Where its events go.
        own_origin: Scheme, host and port of the service.
        hint: What to add to the message if no connection could be made.
    """

    def __init__(
        self, fetch: Fetch[T], operation: Operation, dispatcher: Dispatcher, own_origin: str, hint: str = ""
    ) -> None:
        self.deadline: Deadline = operation.deadline
        self.sink: Sink[T] = fetch.sink
        self._fetch = fetch
        self._operation = operation
        self._own_origin = own_origin
        self._hint = hint
        self._attempts = 0
        self._whole: Whole | None = None
        """The image of which a part is here, while the rest is asked for."""
        self._goes_on = False
        self._decoding: Decoding | None = None
        self._encoded = 0
        """How many encoded bytes there were in this response."""
        self._hops: Hops
        self._report = None
        if dispatcher.listening:
            from aurashot._transport._reports import RequestReport

            self._report = RequestReport(dispatcher, operation, "download")

    def prepare(self) -> None:
        """Make the sink ready for one more attempt. This blocks."""
        if not self._rest_is_missing():
            self._whole = None
            self.sink.begin()

    def begin(self) -> None:
        """Start one more attempt: from the first byte, or from the first that is missing."""
        self._attempts += 1
        if self._report is not None:
            self._report.started(self._attempts)
        self._hops = Hops(self._fetch.url, self._own_origin)

    @property
    def url(self) -> str:
        """The URL to request: that of the image, or of a redirect."""
        return self._hops.url

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request for the image, or for the rest of it."""
        more = self._whole.asked_from(self.sink.size) if self._whole else []
        return nullcontext(image_request(self._hops.url, more))

    @property
    def authorization(self) -> None:
        """Nothing: the host of an image is not sent the key."""

    def before_send(self) -> None:
        """Do nothing: a download costs nothing, so it does not matter whether it was sent."""

    def arrived(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether this response is the image or the rest of it; otherwise another request follows.

        Raises:
            DownloadError: It is neither, or there are too many redirects, or one is unsafe.
        """
        self._goes_on = self._whole is not None and self._whole.goes_on(self.sink.size, status, headers)
        if self._goes_on:
            return True
        if self._whole is not None and status in {206, 416}:
            self._whole = None  # what came does not fit what is here: ask for all of it
            return False
        return self._hops.arrived(status, headers)

    def open(self, headers: Mapping[str, str]) -> Meter:
        """Prepare for the bytes of a response, and return its meter. This blocks."""
        if self._whole is not None and self._goes_on:
            return Meter(self.sink.size, self._whole.total, self.sink, self._fetch.progress)
        if self.sink.size:
            self.sink.begin()
        self._decoding, self._encoded = Decoding.of(headers), 0
        self._whole = None if self._decoding else Whole.of(headers)
        return Meter(0, _length(headers), self.sink, self._fetch.progress)

    def write(self, received: bytes) -> None:
        """Store what came next, decoded. This blocks."""
        if self._decoding is None:
            self.sink.write(received)
            return
        self._encoded += len(received)
        if self._encoded > self.sink.max_bytes:
            raise too_large(self.sink.max_bytes)
        for piece in self._decoding.pieces(received):
            self.sink.write(piece)

    def finish(self) -> T:
        """Return the image, after checking that it is complete. This blocks, until the deadline at most."""
        if self._decoding is not None:
            self._decoding.finish()
        return self.sink.finish(self._check_time)

    def _check_time(self) -> None:
        if self.deadline.passed:
            raise httpcore.ReadTimeout("The image was not checked in time")

    def finished(self, status: int, received: int) -> None:
        """Note that the image is complete, and its size."""
        if self._report is not None:
            self._report.succeeded(status, received)

    def _rest_is_missing(self) -> bool:
        return self._whole is not None and 0 < self.sink.size < self._whole.total

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for trying again: a download costs nothing."""
        return Retries(
            policy=policy, budget=budget, deadline=self.deadline, billable=False, before_wait=self._before_wait
        )

    def lost(self, problem: Exception) -> AuraShotError:
        """Return a connection's error as a download error; the image is still at its URL."""
        if isinstance(problem, RefusedAddressError):
            return self.failed(DownloadError(f"The image's host {problem}"))
        error = translate(problem, self.deadline)
        hint = self._hint if error.outcome == "not_sent" else ""
        download = DownloadError(f"The image could not be downloaded: {error.message}{hint}")
        download.transient = not getattr(error, "final", False) and not self.deadline.passed
        return self.failed(download)

    def failed(self, error: AuraShotError) -> AuraShotError:
        """Record the number of attempts on an error."""
        error.operation_id = self._operation.id
        error.attempts = self._attempts
        if self._report is not None:
            self._report.failed(error)
        return error

    def interrupted(self, stop: BaseException) -> None:
        """Note what ended an attempt from outside."""
        if self._report is not None:
            self._report.failed(stop)

    def end(self, last: AuraShotError) -> list[AuraShotError]:
        """Return nothing: a download ends with its last error."""
        del last
        return []

    def _before_wait(self, error: AuraShotError, seconds: float) -> None:
        if self._report is not None:
            self._report.retrying(error, seconds)
