from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot._response_parsing import (
    STATUS_ERRORS,
    RawResponse,
    describe,
    read,
)
from aurashot.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    Outcome,
    PayloadTooLargeError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from aurashot.models import Generation
from tests.strategies import ANY_JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

HTML = b"<!doctype html><title>Attention required</title>"
ERROR_NAMES = st.sampled_from(["error", "message", "detail", "errorMessage", "code", "requestId"])
ERROR_BODIES = st.dictionaries(ERROR_NAMES, ANY_JSON | st.dictionaries(ERROR_NAMES, ANY_JSON))


def refused(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> APIStatusError:
    """Return the error that an error status becomes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(APIStatusError) as caught:
        read(RawResponse(status, headers or {}, raw), Generation)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (400, BadRequestError, "rejected"),
        (401, AuthenticationError, "rejected"),
        (402, QuotaExceededError, "rejected"),
        (403, PermissionDeniedError, "rejected"),
        (404, NotFoundError, "rejected"),
        (405, APIStatusError, "rejected"),
        (408, APIStatusError, "unknown"),
        (409, ConflictError, "rejected"),
        (413, PayloadTooLargeError, "rejected"),
        (418, APIStatusError, "rejected"),
        (422, BadRequestError, "rejected"),
        (429, RateLimitError, "rejected"),
        (451, APIStatusError, "rejected"),
        (500, ServerError, "unknown"),
        (501, ServerError, "unknown"),
        (502, ServerError, "unknown"),
        (503, ServerError, "unknown"),
        (504, ServerError, "unknown"),
        (599, ServerError, "unknown"),
    ],
)
def test_a_status_becomes_its_error(status: int, kind: type[APIStatusError], outcome: Outcome) -> None:
    """Each error status has one class, and says what became of the request."""
    error = refused(status)
    assert type(error) is kind
    assert (status, outcome, None) == (error.status_code, error.outcome, error.retry_after)
    assert str(error).startswith(str(status))


def test_every_status_of_the_table_is_one_that_the_tests_know() -> None:
    """The table of statuses is closed: a new one needs a row above."""
    assert {400, 401, 402, 403, 404, 409, 413, 422, 429} == set(STATUS_ERRORS)


@pytest.mark.parametrize(
    ("headers", "outcome", "seconds"),
    [
        ({"retry-after": "7"}, "rejected", 7.0),
        ({"retry-after": "0"}, "rejected", 0.0),
        ({"retry-after": "soon"}, "unknown", None),
        ({}, "unknown", None),
    ],
)
def test_503_is_a_refusal_only_when_it_says_when_to_come_back(
    headers: dict[str, str], outcome: Outcome, seconds: float | None
) -> None:
    """Overload with a Retry-After is refused work; without one nobody knows."""
    error = refused(503, headers=headers)
    assert (outcome, seconds) == (error.outcome, error.retry_after)


def test_a_500_with_retry_after_stays_unknown() -> None:
    """A time to come back says nothing about work that broke midway."""
    error = refused(500, headers={"retry-after": "3"})
    assert ("unknown", 3.0) == (error.outcome, error.retry_after)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": "no such face"}, "no such face", None),
        ({"message": "no such face"}, "no such face", None),
        ({"detail": "no such face"}, "no such face", None),
        ({"errorMessage": "no such face"}, "no such face", None),
        ({"error": "first", "message": "second"}, "first", None),
        ({"error": "", "message": "second"}, "second", None),
        ({"error": None, "detail": "third"}, "third", None),
        ({"error": False, "message": "m"}, "m", None),
        ({"code": "face_missing", "message": "m"}, "m", "face_missing"),
        ({"code": 1004, "message": "m"}, "m", "1004"),
        ({"code": {"name": "x"}, "message": "m"}, "m", '{"name": "x"}'),
        ({"error": {"code": "c", "message": "m"}}, "m", "c"),
        ({"code": "outer", "error": {"code": "inner", "message": "m"}}, "m", "outer"),
        ({"error": {"code": "inner"}, "message": "m"}, "m", "inner"),
        ({"error": {"error": {"message": "deep", "code": 7}}}, "deep", "7"),
        ({"detail": [{"loc": ["body", "prompt"], "msg": "required"}]}, '[{"loc": ["body", "prompt"]', None),
        ({"error": "two\n  lines\tof it"}, "two lines of it", None),
        ({}, "without a message", None),
        ([], "without a message", None),
        ("error", "without a message", None),
        (None, "without a message", None),
        (b"", "without a message", None),
        (HTML, "without a message", None),
        (b'{"error": "cut', "without a message", None),
        (b'{"error": "\xff\xfe"}', "without a message", None),
        (b'{"error": "\\ud800"}', "without a message", None),
        (b"[" * 100_000, "without a message", None),
        (b'{"error":' * 5_000 + b"1" + b"}" * 5_000, "without a message", None),
        (b'{"error": ' + b"9" * 5_000 + b"}", "without a message", None),
        (b'{"error": NaN}', "NaN", None),
    ],
)
def test_an_error_body_of_any_shape_gives_its_message_and_code(body: Any, message: str, code: str | None) -> None:
    """The service documents no error bodies, so all usual shapes are understood and none breaks the reader."""
    error = refused(400, body)
    assert str(error).startswith(f"400 {message}")
    assert code == error.code


@pytest.mark.parametrize(
    ("status", "words"), [(401, "does not know this key"), (402, "billing"), (404, "base URL"), (429, "Too many")]
)
def test_a_silent_refusal_is_explained(status: int, words: str) -> None:
    """Where the service says nothing, the statuses that people meet first come with what to do."""
    assert words in str(refused(status))


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "code", ["insufficient_credits", "quota_exceeded", "BILLING_hard_limit", "no-balance", "payment_required"]
)
def test_a_quota_code_is_a_quota_error_under_any_refusal(status: int, code: str) -> None:
    """An empty account is told apart from a rate limit, since waiting does not fill it."""
    assert type(refused(status, {"code": code})) is QuotaExceededError
    assert type(refused(status, {"error": {"code": code}})) is QuotaExceededError


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequestError), (500, ServerError)])
def test_a_quota_code_changes_no_other_status(status: int, kind: type[APIStatusError]) -> None:
    """A malformed request and a broken server stay what they are, whatever their code says."""
    assert type(refused(status, {"code": "quota_exceeded"})) is kind


def test_a_rate_limit_that_mentions_credit_in_its_message_stays_one() -> None:
    """Only the code decides: a message is prose."""
    assert type(refused(429, {"message": "you have credit left, but slow down"})) is RateLimitError


def test_a_status_error_keeps_the_start_of_the_body_and_the_request_id() -> None:
    """What the service wrote is there for a support request, cut to 2,000 characters."""
    error = refused(400, "é".encode() * 9_000, {"x-request-id": "r-1"})
    assert "é" * 2_000 == error.body
    assert "r-1" == error.request_id
    assert "r-2" == refused(400, {"requestId": "r-2"}).request_id
    assert "r-1" == refused(400, {"requestId": "r-2"}, {"x-request-id": "r-1"}).request_id
    assert 504 == len(str(refused(400, {"error": "x" * 9_000})))


@pytest.mark.parametrize("status", [401, 429, 503])
@pytest.mark.parametrize(("encoding", "raw"), [("br", b"\x0b\x02"), ("gzip", b"no gzip"), ("zstd, gzip", b"")])
def test_a_refusal_in_an_unreadable_encoding_is_still_that_refusal(status: int, encoding: str, raw: bytes) -> None:
    """The status says what became of the request; a proxy that compresses its page does not make it unknown."""
    error = refused(status, raw, {"content-encoding": encoding, "retry-after": "2"})
    assert ("rejected", 2.0) == (error.outcome, error.retry_after)
    assert STATUS_ERRORS.get(status, ServerError) is type(error)


@given(ERROR_BODIES)
def test_any_error_body_is_described(details: dict[str, Any]) -> None:
    """Message and code of any JSON object are short, plain text."""
    message, code = describe(details)
    assert len(message) <= 500
    assert code is None or code.strip() == code != ""


@given(
    st.sampled_from([400, 403, 429, 500, 503]), st.binary() | (ERROR_BODIES | ANY_JSON).map(json.dumps).map(str.encode)
)
def test_any_error_body_becomes_an_error_that_can_be_printed(status: int, raw: bytes) -> None:
    """Whatever stands in an error response, the error is typed and its text can be written out."""
    error = refused(status, raw)
    assert status == error.status_code
    assert str(error).encode().startswith(b"%d " % status)
    assert len(error.body) <= 2_000
