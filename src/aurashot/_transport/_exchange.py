"""One call on its way: everything about it that does not wait."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Generic
from uuid import uuid4

import httpx

from aurashot._answers import MAX_ANSWER_BYTES, Answer, read, too_large
from aurashot._calls import M
from aurashot._engine import CONNECT_TIMEOUT, DEADLINE
from aurashot._retry import Retries, RetryBudget, RetryPolicy
from aurashot._transport._faults import translate
from aurashot._version import __version__
from aurashot.instrumentation import AttemptFailed, CallFailed, CallStarted, CallSucceeded, Teller
from aurashot.models import CallMeta

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

    from aurashot._calls import Call
    from aurashot._config import ApiKey
    from aurashot._deadline import Deadline
    from aurashot.errors import AuraShotError

USER_AGENT: Final = f"aurashot/{__version__} python/{platform.python_version()}"
_SECRET_HEADERS: Final = {"authorization", "cookie", "location", "proxy-authorization", "set-cookie", "x-api-key"}


class KeyAuth(httpx.Auth):
    """Put the key into the one header of the one request that needs it."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


class Requests:
    """The requests of one client: address and headers are worked out once per endpoint."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self._base_url = base_url
        self._headers = {
            **headers,  # in lower case, as all the names here: a name in two spellings would go out twice
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
        }
        self._urls: dict[str, httpx.URL] = {}

    @contextmanager
    def open(self, call: Call[Any], key: str | None, deadline: Deadline) -> Generator[httpx.Request]:
        """Give a fresh request for a call; a picture is streamed from its file, which is open meanwhile."""
        url, headers, extensions = self._url(call.path), self._headers, _extensions(deadline)
        if key is not None:
            headers = {**headers, "idempotency-key": key}
        if isinstance(call.content, bytes):
            headers = {**headers, "content-type": "application/json"}
            yield httpx.Request("POST", url, headers=headers, content=call.content, extensions=extensions)
            return
        with call.content.open() as file:
            form = {"file": (call.content.filename, file, call.content.media_type)}
            yield httpx.Request("POST", url, headers=headers, files=form, extensions=extensions)

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(self._base_url + path)
        return url


def _extensions(deadline: Deadline) -> dict[str, Any]:
    left = deadline.remaining
    timeouts = {"connect": min(CONNECT_TIMEOUT, left), "read": left, "write": left, "pool": left}
    return {"timeout": timeouts, DEADLINE: deadline}


def picture_request(url: str, deadline: Deadline) -> httpx.Request:
    """Return the GET of a picture: no key, no cookie, no compression."""
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    return httpx.Request("GET", url, headers=headers, extensions=_extensions(deadline))


class Body:
    """The body of an answer as it comes in, within the cap and the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one piece.

        Raises:
            httpx.ReadTimeout: The call's time is over, although bytes still trickle in.
            UnexpectedResponseError: The answer is larger than any of this API's.
        """
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._deadline.passed:
            raise httpx.ReadTimeout("the answer did not end in time")
        if self._size > MAX_ANSWER_BYTES:
            raise too_large(self._size)

    def answer(self, response: httpx.Response) -> Answer:
        """Return the whole answer."""
        return Answer(response.status_code, response.headers, b"".join(self._chunks))


def read_already(response: httpx.Response) -> Answer | None:
    """Return the answer if it is not to be read any more: an event hook did it, or a transport made the answer up."""
    if not response.is_stream_consumed:
        return None
    headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
    return Answer(response.status_code, headers, response.content)


class Exchange(Generic[M]):
    """One call with its key, its attempts and its time."""

    def __init__(self, call: Call[M], deadline: Deadline, teller: Teller) -> None:
        self.call = call
        self.deadline = deadline
        self.key = call.idempotency_key or (str(uuid4()) if call.billed else None)
        self.attempts = 0
        self._began = deadline.elapsed
        self._teller = teller
        if teller.listening:
            teller.tell(CallStarted(operation=call.operation, billed=call.billed, idempotency_key=self.key))

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for sending this call again."""
        return Retries(
            policy=policy,
            budget=budget,
            deadline=self.deadline,
            billed=self.call.billed,
            before_wait=self._tell_retry,
        )

    def request(self, requests: Requests) -> AbstractContextManager[httpx.Request]:
        """Give the request of one more attempt."""
        self.attempts += 1
        return requests.open(self.call, self.key, self.deadline)

    def settle(self, answer: Answer) -> M:
        """Return the answer as the model that was asked for, or raise what it says."""
        result = read(answer, self.call.answer)
        elapsed = self.deadline.elapsed - self._began
        headers = tuple(item for item in answer.headers.items() if item[0] not in _SECRET_HEADERS)
        meta = CallMeta(
            attempts=self.attempts,
            elapsed=elapsed,
            idempotency_key=self.key,
            status_code=answer.status,
            headers=headers,
        )
        if self._teller.listening:
            self._teller.tell(
                CallSucceeded(
                    operation=self.call.operation,
                    billed=self.call.billed,
                    idempotency_key=self.key,
                    attempts=self.attempts,
                    elapsed=elapsed,
                )
            )
        return result.obtained(meta)

    def lost(self, problem: Exception) -> AuraShotError:
        """Return what a transport's error means for this call."""
        return self.blame(translate(problem, self.deadline))

    def blame(self, error: AuraShotError) -> AuraShotError:
        """Write onto an error which call it ended and what it may have cost."""
        error.billed = self.call.billed
        error.idempotency_key = self.key
        error.attempts = self.attempts
        return error

    def give_up(self, error: AuraShotError) -> None:
        """Note that the call ends with an error."""
        if self._teller.listening:
            elapsed = self.deadline.elapsed - self._began
            self._teller.tell(CallFailed(operation=self.call.operation, error=error, elapsed=elapsed))

    def _tell_retry(self, error: AuraShotError, seconds: float) -> None:
        if self._teller.listening:
            self._teller.tell(
                AttemptFailed(operation=self.call.operation, attempt=self.attempts, error=error, retry_in=seconds)
            )
