from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot._answers import (
    MAX_ANSWER_BYTES,
    STATUS_ERRORS,
    Answer,
    describe,
    failure,
    read,
    retry_after,
    too_large,
)
from aurashot.errors import (
    APIStatusError,
    AuraShotError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentBlockedError,
    GenerationFailedError,
    NotFoundError,
    Outcome,
    PayloadTooLargeError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)
from aurashot.models import Generation, Upload, WorkflowJob

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS: dict[str, Any] = {"status": "success", "outputs": [{"url": "https://cdn.example.com/1.png"}]}
HTML = b"<!doctype html><title>Attention required</title>"
NOW = datetime(2026, 3, 16, 12, 0, 0, tzinfo=UTC)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value, with what JSON does not know but parsers take: NaN and the infinities."""
ERROR_NAMES = st.sampled_from(["error", "message", "detail", "errorMessage", "code", "requestId"])
ERROR_BODIES = st.dictionaries(ERROR_NAMES, ANY_JSON | st.dictionaries(ERROR_NAMES, ANY_JSON))


def refused(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> APIStatusError:
    """Return the error that an error status becomes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(APIStatusError) as caught:
        read(Answer(status, headers or {}, raw), Generation)
    return caught.value


def unexpected(raw: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> UnexpectedResponseError:
    """Return the error that an answer becomes that is not one of this API's."""
    with pytest.raises(UnexpectedResponseError) as caught:
        read(Answer(status, headers or {}, raw), Generation)
    return caught.value


def given_up(**fields: Any) -> GenerationFailedError:
    """Return the error that a failed generation becomes."""
    with pytest.raises(GenerationFailedError) as caught:
        read(Answer(200, {}, json.dumps({"status": "failed", **fields}).encode()), Generation)
    return caught.value


def generation(**fields: Any) -> Generation:
    """Return what a successful answer becomes."""
    return read(Answer(200, {}, json.dumps({**SUCCESS, **fields}).encode()), Generation)


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
    ("status", "words"), [(401, "does not know this key"), (402, "billing"), (404, "base URL"), (429, "too many")]
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


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (301, "unknown"),
        (302, "unknown"),
        (303, "unknown"),
        (304, "unknown"),
        (307, "rejected"),
        (308, "rejected"),
        (101, "unknown"),
    ],
)
def test_a_redirect_is_refused(status: int, outcome: Outcome) -> None:
    """No redirect of a POST is followed; 307 and 308 promise that nothing was done here."""
    error = unexpected(b"", status, {"location": "https://elsewhere.example/?token=secret"})
    assert (status, outcome) == (error.status_code, error.outcome)
    assert "elsewhere" not in str(error)


@pytest.mark.parametrize(
    ("raw", "headers", "words"),
    [
        (b"", {}, "empty body"),
        (b" \r\n", {}, "empty body"),
        (HTML, {}, "web page"),
        (b"  " + HTML, {}, "web page"),
        (b"oops", {"content-type": "Text/HTML; charset=utf-8"}, "web page"),
        (b"null", {}, "not what it documents"),
        (b"[]", {}, "not what it documents"),
        (b"[" * 100_000, {}, "not what it documents"),
        (b"NaN", {}, "not what it documents"),
        (b'{"status": "success"', {}, "not what it documents"),
        (b'{"status": "\xff\xfe"}', {}, "not what it documents"),
        (b'{"status": ' + b"9" * 5_000 + b"}", {}, "not what it documents"),
        (b"{}", {}, "status: Field required"),
        (b'{"status": null}', {}, "status: "),
        (b'{"status": "success", "outputs": [{"url": null}]}', {}, "outputs.0.url: "),
    ],
)
def test_a_2xx_that_is_no_answer_of_this_api_is_unknown(raw: bytes, headers: dict[str, str], words: str) -> None:
    """It was perhaps paid for, so its bytes, its type and its identifier stay on the error."""
    error = unexpected(raw, 200, {**headers, "x-request-id": "r-1"})
    assert words in str(error)
    assert (200, "unknown", "r-1", raw[: 64 * 1024]) == (
        error.status_code,
        error.outcome,
        error.request_id,
        error.body,
    )


def test_no_content_is_an_empty_answer() -> None:
    """204 is a 2xx like any other: no picture came."""
    error = unexpected(b"", 204)
    assert ("unknown", 204) == (error.outcome, error.status_code)
    assert "204 with an empty body" in str(error)


def test_the_media_type_of_an_answer_is_noted_and_not_trusted() -> None:
    """A true answer may call itself what it likes; what is no answer says what it claimed to be."""
    raw = json.dumps(SUCCESS).encode()
    assert read(Answer(200, {"content-type": "text/plain"}, raw), Generation).succeeded
    assert "application/json" == unexpected(b"?", headers={"content-type": "Application/JSON;charset=x"}).content_type


def test_a_misfit_does_not_print_what_came() -> None:
    """A broken answer may hold what a user sent: the message names the field and no value."""
    error = unexpected(b'{"status": {"prompt": "very private"}}')
    assert "very private" not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_a_compressed_answer_is_read(encoding: str, encode: Any) -> None:
    """Compression was not asked for, and is understood when it comes all the same."""
    raw = encode(json.dumps(SUCCESS).encode())
    assert read(Answer(200, {"content-encoding": encoding}, raw), Generation).succeeded


@pytest.mark.parametrize(
    ("encoding", "raw", "words"),
    [
        ("gzip", gzip.compress(json.dumps(SUCCESS).encode())[:-12], "breaks off"),
        ("gzip", gzip.compress(bytes(MAX_ANSWER_BYTES + 1)), "larger than 8 MiB"),
        ("gzip", gzip.compress(gzip.compress(json.dumps(SUCCESS).encode())), "not what it documents"),
        ("gzip", b"no gzip at all", "not the gzip that it claims"),
        ("gzip", b"", "breaks off"),
        ("br", b"\x0b\x02\x80", "'br', which was not asked for"),
        ("gzip, gzip", b"", "'gzip, gzip', which was not asked for"),
    ],
)
def test_a_success_in_a_broken_encoding_is_unknown(encoding: str, raw: bytes, words: str) -> None:
    """A cut, doubled, false or endless compression is no answer, and costs no memory."""
    error = unexpected(raw, headers={"content-encoding": encoding})
    assert words in str(error)
    assert "unknown" == error.outcome


def test_a_success_without_a_picture_was_accepted() -> None:
    """The service did the work and kept the picture: that is on the bill, and never sent again."""
    error = unexpected(b'{"status": "success", "outputs": [], "requestId": "r-1"}')
    assert ("accepted", "r-1") == (error.outcome, error.request_id)
    assert "accepted" == unexpected(b'{"status": "completed", "outputs": null}').outcome


@pytest.mark.parametrize("status", ["queued", "SUBMITTED", "processing", "成功", ""])
def test_an_answer_that_is_not_done_needs_no_picture(status: str) -> None:
    """Pending and unknown status words are kept as they are, with or without outputs."""
    assert status == generation(status=status, outputs=None).status
    assert () == generation(status=status, outputs=None).outputs


def test_numeric_identifiers_are_taken_as_text() -> None:
    """A paid answer is not lost because an identifier came as a number."""
    answer = generation(requestId=17, jobId=18.5, createdAt=1_773_619_200)
    assert ("17", "18.5", "1773619200") == (answer.request_id, answer.job_id, answer.created_at)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"error": "out of memory"}, "failed: out of memory"),
        ({"error": {"message": "out of memory", "code": "oom"}}, "failed: out of memory"),
        ({}, "the generation failed"),
        ({"taskType": "id-photo", "message": "no face found"}, "the id-photo failed: no face found"),
    ],
)
def test_a_failed_answer_is_an_error_that_carries_it(fields: dict[str, Any], words: str) -> None:
    """A failure can come with 200: it is raised, and holds the whole answer."""
    error = given_up(requestId="r-1", **fields)
    assert type(error) is GenerationFailedError
    assert words in str(error)
    assert ("accepted", "r-1") == (error.outcome, error.request_id)
    assert error.generation is not None
    assert error.generation.failed


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "content_blocked"},
        {"code": "content-policy-violation"},
        {"error": {"code": "moderation_refused"}},
        {"error": "flagged as NSFW"},
        {"error": "The safety system said no"},
        {"message": "inappropriate prompt"},
        {"detail": "this content is prohibited"},
    ],
)
def test_blocked_content_is_told_apart(fields: dict[str, Any]) -> None:
    """A refusal for content has its own class: another prompt is needed, not another try."""
    assert type(given_up(**fields)) is ContentBlockedError


def test_a_failure_without_an_answer_has_no_identifier() -> None:
    """A legacy job's failure is described from its own fields."""
    error = failure("pose_change", {"error": "no person"})
    assert "the service reports that the pose_change failed: no person" == str(error)
    assert (None, None) == (error.generation, error.request_id)


def test_uploads_and_jobs_are_read_without_judgement() -> None:
    """Only a generation promises outputs: an upload is an address, and a failed job is still an answer."""
    upload = read(Answer(201, {}, b'{"url": "https://cdn.example.com/a.png"}'), Upload)
    assert "https://cdn.example.com/a.png" == upload.url
    assert read(Answer(200, {}, b'{"status": "failed"}'), WorkflowJob).failed


def test_an_answer_that_does_not_end_is_unknown() -> None:
    """What is larger than the cap is not read to its end."""
    error = too_large(MAX_ANSWER_BYTES + 1)
    assert "unknown" == error.outcome
    assert f"{MAX_ANSWER_BYTES + 1} came" in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("12", 12.0),
        (" 1.5 ", 1.5),
        ("86400", 86_400.0),
        ("86401", None),
        ("999999999", None),
        ("9" * 40, None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("٣", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("tomorrow", None),
        ("Mon, 16 Mar 2026 12:00:30 GMT", 30.0),
        ("Monday, 16-Mar-26 12:00:30 GMT", 30.0),
        ("Mon Mar 16 12:00:30 2026", 30.0),
        ("Mon, 16 Mar 2026 11:59:00 GMT", 0.0),
        ("Wed, 18 Mar 2026 12:00:00 GMT", None),
        ("Mon, 99 Mar 2026 12:00:00 GMT", None),
        ("Mon, 16 Mar 2026 12:00:00 +9999", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str, seconds: float | None) -> None:
    """Seconds and the three date forms of RFC 9110 are understood; what is past is now, what is absurd is nothing."""
    assert seconds == retry_after({"retry-after": text}, now=NOW)


def test_no_retry_after_is_none() -> None:
    """An absent header says nothing."""
    assert retry_after({}) is None


@given(st.text() | st.from_regex(r"\d{1,12}(\.\d{1,12})?", fullmatch=True) | st.from_regex(r"[A-Z][a-z]{2}, .{0,30}"))
def test_no_retry_after_breaks_the_reader(text: str) -> None:
    """Any text gives either nothing or a wait between now and a day."""
    seconds = retry_after({"retry-after": text})
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.datetimes(datetime(1970, 1, 1), datetime(2262, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_an_http_date_is_the_time_until_then(moment: datetime) -> None:
    """A date gives the seconds until it, 0 when it is past, and nothing beyond a day."""
    left = (moment.replace(microsecond=0) - NOW) / timedelta(seconds=1)
    expected = None if left > 86_400 else max(0.0, left)
    assert expected == retry_after({"retry-after": format_datetime(moment, usegmt=True)}, now=NOW)


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
    """Whatever stands in an error answer, the error is typed and its text can be written out."""
    error = refused(status, raw)
    assert status == error.status_code
    assert str(error).encode().startswith(b"%d " % status)
    assert len(error.body) <= 2_000


@given(
    st.integers(100, 599),
    st.binary() | ANY_JSON.map(json.dumps).map(str.encode),
    st.sampled_from(["identity", "gzip", "deflate", "br"]),
)
def test_any_answer_is_a_model_or_a_typed_error(status: int, raw: bytes, encoding: str) -> None:
    """No bytes under any status raise anything that is not of this SDK."""
    try:
        answer = read(Answer(status, {"content-encoding": encoding}, raw), Generation)
    except AuraShotError as error:
        assert error.outcome in {"rejected", "unknown", "accepted"}  # noqa: PT017 - both ends are right
    else:
        assert 200 <= status < 300
        assert answer.status
