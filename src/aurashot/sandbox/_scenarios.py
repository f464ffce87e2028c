"""The table of faults: one row for each way in which an HTTP server can fail.

`worked` is about billing: True means that the request was processed and billed before the fault, so that sending it
again is billed again. Rejections (4xx, 503) are sent before any work; 500, 502 and 504 after it.
"""

from __future__ import annotations

from functools import partial

from aurashot.sandbox import _distortions as do
from aurashot.sandbox._faults import Fault, by_name

_RETRY = {"retry-after": 1.0}
_OVER = {"over": 3.0}
_HTML = b"<!doctype html><title>AuraShot</title><h1>One moment, please</h1>"
_DEEP = b"[" * 100_000
_HUGE_NUMBER = b'{"status": ' + b"9" * 5_000 + b"}"

Before = partial(Fault, worked=False)
After = partial(Fault, worked=True)

_BEFORE_ANY_WORK = (
    Before("drop-before", "The connection is closed before any work.", end="close"),
    Before("reset-before", "The connection is reset before the body is read.", end="reset"),
    Before("refuse", "New connections are refused for some seconds.", end="refuse", parameters={"for": 2.0}),
    Before("redirect", "307 to another URL.", response=do.redirect, parameters={"to": "https://example.com/"}),
)

_REFUSALS = (
    Before("bad-request", "400.", response=do.refusal(400, "bad_request", "The request is malformed.")),
    Before("unauthorized", "401.", response=do.refusal(401, "invalid_api_key", "This key is not known.")),
    Before("payment-required", "402.", response=do.refusal(402, "quota_exceeded", "No images are left.")),
    Before("forbidden", "403.", response=do.refusal(403, "forbidden", "This key may not do that.")),
    Before("not-found", "404.", response=do.refusal(404, "not_found", "There is nothing at this URL.")),
    Before("timeout", "408.", response=do.refusal(408, "timeout", "The request took too long to arrive.")),
    Before("conflict", "409.", response=do.refusal(409, "conflict", "The request conflicts with another one.")),
    Before("too-large", "413.", response=do.refusal(413, "payload_too_large", "The body is too large.")),
    Before("unprocessable", "422.", response=do.refusal(422, "invalid_request", "A field is not usable.")),
    Before(
        "rate-limit",
        "429 with Retry-After.",
        response=do.refusal(429, "rate_limited", "Too many requests."),
        parameters=_RETRY,
    ),
    Before(
        "out-of-credit",
        "429 with Retry-After and a code that says that retrying won't help.",
        response=do.refusal(429, "insufficient_credits", "The account has no credits left."),
        parameters=_RETRY,
    ),
    Before(
        "unavailable",
        "503, with Retry-After when it is given.",
        response=do.refusal(503, "unavailable", "The service is busy."),
        parameters={"retry-after": 0.0},
    ),
)

_LOST_BEHIND_A_STATUS = (
    After("server-error", "500 after the work.", response=do.refusal(500, "internal_error", "Something broke.")),
    After("bad-gateway", "502 with a page of HTML, after the work.", response=do.body(_HTML, "text/html", status=502)),
    After("gateway-timeout", "504 with no body, after the work.", response=do.body(b"", "text/plain", status=504)),
)

_UNUSABLE_RESPONSES = (
    After("html", "200 with a page of HTML.", response=do.body(_HTML, "text/html")),
    After("bad-json", "200 with JSON that ends too early.", response=do.body(b'{"requestId": "')),
    After("bad-utf8", "200 with bytes that are not UTF-8.", response=do.body(b'{"status": "\xff\xfe"}')),
    After("null-json", "200 with `null`.", response=do.body(b"null")),
    After("deep-json", "200 with 100,000 nested arrays.", response=do.body(_DEEP)),
    After("huge-number", "200 with an integer of 5,000 digits.", response=do.body(_HUGE_NUMBER)),
    After("empty", "200 with no body.", response=do.body(b"")),
    After("cut-gzip", "200 with half of a gzip stream.", response=do.cut_gzip),
    After("bomb", "200 with gzip that inflates to `mib` MiB.", response=do.bomb, parameters={"mib": 64.0}),
    After("unknown-encoding", "The correct response under an unknown Content-Encoding.", response=do.unknown_encoding),
    After("wrong-type", "The correct response, labelled text/plain.", response=do.mislabelled),
    After(
        "no-outputs", "A success without an image.", response=do.changed(outputs=[], url=None, images=[], results=[])
    ),
    After("failed", "200 with the status `failed`.", response=do.failed("generation_failed", "The work failed.")),
    After(
        "content-blocked",
        "200 with the status `failed` and the code `content_blocked`.",
        response=do.failed("content_blocked", "The prompt or an image was refused for its content."),
    ),
    After(
        "pending",
        "200 with the status `processing` and no image yet.",
        response=do.changed(status="processing", outputs=[], images=[], results=[], completed=False),
    ),
)

_LOST_ON_THE_WIRE = (
    After("drop", "The connection is closed after the work, with no response.", end="close"),
    After("reset", "The connection is reset after the work, with no response.", end="reset"),
    After("hang", "The work is done and no response is ever sent.", end="hold"),
    After("stall", "Headers are sent and the body never is.", wire=do.head_only, end="hold"),
    After("cut-headers", "The connection is closed in the middle of the headers.", wire=do.cut_headers, end="close"),
    After("cut", "The body is shorter than its Content-Length.", wire=do.cut, end="close"),
    After("cut-reset", "The connection is reset in the middle of the body.", wire=do.cut, end="reset"),
    After("cut-chunked", "The body ends in the middle of a chunk.", wire=do.cut_chunked, end="close"),
    After("cut-unseen", "Half of the body with no length: it looks complete.", wire=do.cut_unseen, end="close"),
    After("garbage", "Bytes that are not HTTP.", wire=do.literal(b"\x16\x03\x01 not HTTP\r\n\r\n"), end="close"),
    After("two-lengths", "Two lengths that differ.", wire=do.two_lengths, end="close"),
    After("large-headers", "A header of 300 KB.", wire=do.large_headers, end="close"),
)

_SLOW_OR_ODD = (
    After("trickle", "A body that takes `over` seconds.", wire=do.trickle, end="close", parameters=_OVER),
    After(
        "trickle-headers",
        "Headers that take `over` seconds.",
        wire=do.trickle_headers,
        end="close",
        parameters=_OVER,
    ),
    After(
        "informational",
        "Interim responses (103) for `over` seconds, then the correct one.",
        wire=do.informational,
        end="close",
        parameters=_OVER,
    ),
    After(
        "two-answers",
        "The response twice: the second one arrives with the next request.",
        response=do.unchanged,
        wire=do.whole,
    ),
    After(
        "close-idle", "The correct response, then the idle connection is closed.", response=do.unchanged, end="close"
    ),
)

DRIFT = After("drift", "The correct response with an image of another person.", response=do.unchanged)
"""Not a fault of HTTP: what generators do."""

TABLE = by_name(
    (
        *_BEFORE_ANY_WORK,
        *_REFUSALS,
        *_LOST_BEHIND_A_STATUS,
        *_UNUSABLE_RESPONSES,
        *_LOST_ON_THE_WIRE,
        *_SLOW_OR_ODD,
        DRIFT,
    )
)
