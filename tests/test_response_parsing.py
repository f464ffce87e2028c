from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot._response_parsing import (
    MAX_RESPONSE_BYTES,
    RawResponse,
    failure,
    read,
    too_large,
)
from aurashot.errors import (
    AuraShotError,
    ContentBlockedError,
    GenerationFailedError,
    Outcome,
    UnexpectedResponseError,
)
from aurashot.models import Generation, Upload, WorkflowJob
from tests.strategies import ANY_JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS: dict[str, Any] = {"status": "success", "outputs": [{"url": "https://cdn.example.com/1.png"}]}
HTML = b"<!doctype html><title>Attention required</title>"


def unexpected(raw: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> UnexpectedResponseError:
    """Return the error that a response becomes that is not one of this API's."""
    with pytest.raises(UnexpectedResponseError) as caught:
        read(RawResponse(status, headers or {}, raw), Generation)
    return caught.value


def given_up(**fields: Any) -> GenerationFailedError:
    """Return the error that a failed generation becomes."""
    with pytest.raises(GenerationFailedError) as caught:
        read(RawResponse(200, {}, json.dumps({"status": "failed", **fields}).encode()), Generation)
    return caught.value


def generation(**fields: Any) -> Generation:
    """Return what a successful response becomes."""
    return read(RawResponse(200, {}, json.dumps({**SUCCESS, **fields}).encode()), Generation)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"cut \ud83d", "cut ?"),
        (rb"cut \ude00 \ud83d\ude00 \\ud83d", "cut ? \U0001f600 \\ud83d"),
        (b"cut \xed\xa0\xbd", "cut ?"),
        (b"a\x00\x1b\nb", "a\0\x1b\nb"),
    ],
)
def test_a_text_that_strict_parsers_refuse_costs_no_image(raw: bytes, text: str) -> None:
    """Half of a surrogate pair becomes a question mark, and a raw control character stays."""
    body = b'{"status": "success", "requestId": "%s", "outputs": [{"url": "https://a.b/c.png"}]}' % raw
    assert text == read(RawResponse(200, {}, body), Generation).request_id


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
        (b'{"status": "success", "outputs": [{"url": "https://a.b/c.png"}], "x": NaN}', {}, "is not JSON"),
        (b'{"status": "success", "outputs": [{"url": "https://a.b/c.png"}], "x": [-Infinity]}', {}, "is not JSON"),
    ],
)
def test_a_2xx_that_is_no_response_of_this_api_is_unknown(raw: bytes, headers: dict[str, str], words: str) -> None:
    """It was perhaps paid for, so its bytes, its type and its identifier stay on the error."""
    error = unexpected(raw, 200, {**headers, "x-request-id": "r-1"})
    assert words in str(error)
    assert (200, "unknown", "r-1", raw[: 64 * 1024]) == (
        error.status_code,
        error.outcome,
        error.request_id,
        error.body,
    )


def test_a_word_like_nan_is_a_word_within_a_string() -> None:
    """Only as a number it is no JSON."""
    output = {"url": "https://cdn.example/NaN/Infinity.png"}
    response = read(RawResponse(200, {}, json.dumps({"status": "success", "outputs": [output]}).encode()), Generation)
    assert output["url"] == response.url


def test_no_content_is_an_empty_response() -> None:
    """204 is a 2xx like any other: no image came."""
    error = unexpected(b"", 204)
    assert ("unknown", 204) == (error.outcome, error.status_code)
    assert "204 and an empty body" in str(error)


def test_the_media_type_of_a_response_is_noted_and_not_trusted() -> None:
    """A true response may call itself what it likes; what is no response says what it claimed to be."""
    raw = json.dumps(SUCCESS).encode()
    assert read(RawResponse(200, {"content-type": "text/plain"}, raw), Generation).succeeded
    assert "application/json" == unexpected(b"?", headers={"content-type": "Application/JSON;charset=x"}).content_type


def test_a_misfit_does_not_print_what_came() -> None:
    """A broken response may hold what a user sent: the message names the field and no value."""
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
def test_a_compressed_response_is_read(encoding: str, encode: Any) -> None:
    """Compression was not asked for, and is understood when it comes all the same."""
    raw = encode(json.dumps(SUCCESS).encode())
    assert read(RawResponse(200, {"content-encoding": encoding}, raw), Generation).succeeded


@pytest.mark.parametrize(
    ("encoding", "raw", "words"),
    [
        ("gzip", gzip.compress(json.dumps(SUCCESS).encode(), mtime=0)[:-12], "breaks off"),
        ("gzip", gzip.compress(bytes(MAX_RESPONSE_BYTES + 1), mtime=0), "larger than 8 MiB"),
        ("gzip", gzip.compress(gzip.compress(json.dumps(SUCCESS).encode(), mtime=0), mtime=0), "not what it documents"),
        ("gzip", b"no gzip at all", "is not valid gzip"),
        ("gzip", b"", "breaks off"),
        ("br", b"\x0b\x02\x80", "'br', which was not requested"),
        ("gzip, gzip", b"", "'gzip, gzip', which was not requested"),
    ],
)
def test_a_success_in_a_broken_encoding_is_unknown(encoding: str, raw: bytes, words: str) -> None:
    """A cut, doubled, false or endless compression is no response, and costs no memory."""
    error = unexpected(raw, headers={"content-encoding": encoding})
    assert words in str(error)
    assert "unknown" == error.outcome


def test_a_success_without_an_image_was_accepted() -> None:
    """The service did the work and kept the image: that is on the bill, and never sent again."""
    error = unexpected(b'{"status": "success", "outputs": [], "requestId": "r-1"}')
    assert ("accepted", "r-1") == (error.outcome, error.request_id)
    assert "accepted" == unexpected(b'{"status": "completed", "outputs": null}').outcome


@pytest.mark.parametrize("status", ["queued", "SUBMITTED", "processing", "成功", ""])
def test_a_response_that_is_not_done_needs_no_image(status: str) -> None:
    """Pending and unknown status words are kept as they are, with or without outputs."""
    assert status == generation(status=status, outputs=None).status
    assert () == generation(status=status, outputs=None).outputs


def test_numeric_identifiers_are_taken_as_text() -> None:
    """A paid response is not lost because an identifier came as a number."""
    response = generation(requestId=17, jobId=18.5, createdAt=1_773_619_200)
    assert ("17", "18.5", "1773619200") == (response.request_id, response.job_id, response.created_at)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"error": "out of memory"}, "failed: out of memory"),
        ({"error": {"message": "out of memory", "code": "oom"}}, "failed: out of memory"),
        ({}, "the generation failed"),
        ({"taskType": "id-photo", "message": "no face found"}, "the id-photo failed: no face found"),
    ],
)
def test_a_failed_response_is_an_error_that_carries_it(fields: dict[str, Any], words: str) -> None:
    """A failure can come with 200: it is raised, and holds the whole response."""
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


def test_a_failure_without_a_response_has_no_identifier() -> None:
    """A legacy job's failure is described from its own fields."""
    error = failure("pose_change", {"error": "no person"})
    assert "The service reported that the pose_change failed: no person" == str(error)
    assert (None, None) == (error.generation, error.request_id)


def test_uploads_and_jobs_are_read_without_judgement() -> None:
    """Only a generation promises outputs: an upload is an address, and a failed job is still a response."""
    upload = read(RawResponse(201, {}, b'{"url": "https://cdn.example.com/a.png"}'), Upload)
    assert "https://cdn.example.com/a.png" == upload.url
    assert read(RawResponse(200, {}, b'{"status": "failed"}'), WorkflowJob).failed


def test_a_response_that_does_not_end_is_unknown() -> None:
    """What is larger than the cap is not read to its end."""
    error = too_large(MAX_RESPONSE_BYTES + 1)
    assert "unknown" == error.outcome
    assert f"{MAX_RESPONSE_BYTES + 1} received" in str(error)


@given(
    st.integers(100, 599),
    st.binary() | ANY_JSON.map(json.dumps).map(str.encode),
    st.sampled_from(["identity", "gzip", "deflate", "br"]),
)
def test_any_response_is_a_model_or_a_typed_error(status: int, raw: bytes, encoding: str) -> None:
    """No bytes under any status raise anything that is not of this SDK."""
    try:
        response = read(RawResponse(status, {"content-encoding": encoding}, raw), Generation)
    except AuraShotError as error:
        assert error.outcome in {"rejected", "unknown", "accepted"}  # noqa: PT017 - both ends are right
    else:
        assert 200 <= status < 300
        assert response.status
