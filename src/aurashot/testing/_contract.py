"""What the service does with a request, as far as a mock needs it: pure functions, and tables."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import httpcore
from pydantic import ValidationError

from aurashot import models
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Operation: TypeAlias = Literal[
    "upload", "id_photo", "generate", "edit", "virtual_try_on", "pose_change", "query", "download"
]
"""What a request asks for, in the spelling of the client's methods."""
MockFault: TypeAlias = Literal[
    "refuse",
    "unauthorized",
    "payment-required",
    "forbidden",
    "unprocessable",
    "rate-limit",
    "unavailable",
    "server-error",
    "bad-gateway",
    "html",
    "bad-json",
    "no-outputs",
    "failed",
    "content-blocked",
    "pending",
    "drop",
]
"""How a request can fail; the names are those of the sandbox's faults."""

PATHS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "/v1/uploads": "upload",
        "/v1/character/id-photo": "id_photo",
        "/v1/character/generate": "generate",
        "/v1/character/edit": "edit",
        "/api/aesthetic/query": "query",
    }
)
WORKFLOWS: Final = "/api/aesthetic/generate"
_MODELS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        "id_photo": "IdPhotoRequest",
        "generate": "GenerateRequest",
        "edit": "EditRequest",
        "virtual_try_on": "VirtualTryOnRequest",
        "pose_change": "PoseChangeRequest",
        "query": "QueryRequest",
    }
)
OPERATIONS: Final[frozenset[str]] = frozenset({*PATHS.values(), "virtual_try_on", "pose_change", "download"})
BILLABLE: Final[frozenset[str]] = frozenset({"id_photo", "generate", "edit", "virtual_try_on", "pose_change"})

_NOT_SENT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)
_PAGE: Final = "<!doctype html><title>AuraShot</title><h1>One moment, please</h1>"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request fails.

    Attributes:
        worked: Whether the service does the work all the same, and bills it.
        status: The HTTP status; 0 if there is no response.
        code: The code of the error, for programs.
        message: Its sentence, for people.
        body: The whole body, if it is no JSON.
        changes: What of the correct response is different.
        problem: What the connection raises, if there is no response.
        retry_after: Seconds in the header of that name.
    """

    worked: bool
    status: int = 200
    code: str = ""
    message: str = ""
    body: str | None = None
    changes: Mapping[str, Any] | None = None
    problem: Exception | None = None
    retry_after: float | None = None


def _refused(status: int, code: str, message: str) -> Failure:
    return Failure(worked=False, status=status, code=code, message=message)


def _changed(status: str, code: str = "", message: str = "") -> Failure:
    changes: dict[str, Any] = {"status": status, "outputs": [], "images": [], "results": []}
    changes["completed"] = status == "success"
    if code:
        changes["error"] = {"code": code, "message": message}
    return Failure(worked=True, changes=changes)


FAILURES: Final[Mapping[str, Failure]] = MappingProxyType(
    {
        "refuse": Failure(worked=False, status=0, problem=httpcore.ConnectError("The mock refused the connection")),
        "unauthorized": _refused(401, "invalid_api_key", "This key is not known."),
        "payment-required": _refused(402, "quota_exceeded", "No images are left."),
        "forbidden": _refused(403, "forbidden", "This key may not do that."),
        "unprocessable": _refused(422, "invalid_request", "A field is not usable."),
        "rate-limit": Failure(
            worked=False, status=429, code="rate_limited", message="Too many requests.", retry_after=1.0
        ),
        "unavailable": _refused(503, "unavailable", "The service is busy."),
        "server-error": Failure(worked=True, status=500, code="internal_error", message="Something broke."),
        "bad-gateway": Failure(worked=True, status=502, body=_PAGE),
        "html": Failure(worked=True, body=_PAGE),
        "bad-json": Failure(worked=True, body='{"requestId": "'),
        "no-outputs": _changed("success"),
        "failed": _changed("failed", "generation_failed", "The work failed."),
        "content-blocked": _changed("failed", "content_blocked", "The prompt or an image was refused."),
        "pending": _changed("processing"),
        "drop": Failure(worked=True, status=0, problem=httpcore.RemoteProtocolError("The mock dropped the connection")),
    }
)


def failure(fault: str | int | Exception, *, retry_after: float | None) -> Failure:
    """Return how a request fails.

    Args:
        fault: A name, an HTTP status, or what the connection raises.
        retry_after: Seconds in the header of that name.

    Raises:
        InputError: There is no such fault.
    """
    if isinstance(fault, Exception):
        problem = _by_httpcore(fault)
        return Failure(worked=not isinstance(problem, _NOT_SENT), status=0, problem=problem)
    if isinstance(fault, bool) or (isinstance(fault, int) and not 400 <= fault <= 599):
        raise InputError(f"fault: {fault!r} is no error status; use 400 to 599", argument="fault")
    if isinstance(fault, int):
        worked = fault >= 500 and fault != 503
        message = f"The mock responds with {fault}."
        return Failure(worked=worked, status=fault, code="error", message=message, retry_after=retry_after)
    known = FAILURES.get(fault)
    if known is None:
        raise InputError(f"fault: there is no {fault!r}; use {', '.join(FAILURES)} or an HTTP status", argument="fault")
    if retry_after is None:
        return known
    return replace(known, retry_after=retry_after)


def _by_httpcore(problem: Exception) -> Exception:
    """Return what httpcore raises where httpx raises this: the mock stands in for a connection, which is httpcore's."""
    kind = getattr(httpcore, type(problem).__name__, None)
    if type(problem).__module__.partition(".")[0] == "httpx" and isinstance(kind, type):
        return cast("Exception", kind(*problem.args))
    return problem


def operations(names: Collection[str]) -> frozenset[str]:
    """Return the operations with these names; an ID photo may also be spelled as in the service's URL.

    Raises:
        InputError: It is no list of names, or there is no such operation.
    """
    if isinstance(names, str):
        raise InputError(f"operations: a list of names is needed, not {names!r}", argument="operations")
    return frozenset(operation(name) for name in names)


def operation(name: str) -> str:
    """Return the operation of a name.

    Raises:
        InputError: There is none.
    """
    chosen = name.replace("-", "_")
    if chosen not in OPERATIONS:
        raise InputError(f"operation: there is no {name!r}; use {', '.join(sorted(OPERATIONS))}", argument="operation")
    return chosen


def fields_of(content: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; what is none is empty."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def checked_times(times: int) -> int:
    """Return how often something happens.

    Raises:
        InputError: It is no number of at least 1.
    """
    given = cast("object", times)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise InputError(f"times: a whole number of at least 1 is needed, not {times!r}", argument="times")
    return times


def misfit(operation: str, content_type: str, content: bytes) -> str | None:
    """Return why the service would not accept the body of a request, or None."""
    if operation == "upload":
        return None if uploaded(content_type, content) else "file: it is missing"
    name = _MODELS.get(cast("Operation", operation))
    if name is None:
        return "workflow: there is no such workflow"
    model: type[models.WireModel] = getattr(models, name)
    try:
        model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def uploaded(content_type: str, body: bytes) -> bytes | None:
    """Return the file of an upload, or None if the form has none."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(b"--" + boundary)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return content.removesuffix(b"\r\n")
    return None


def png(number: int) -> bytes:
    """Return a small PNG of one colour, another one for each number: 64 by 64 pixels."""
    colour = bytes((number * step) % 256 for step in (67, 131, 29))
    rows = (b"\0" + colour * 64) * 64
    chunks = [(b"IHDR", struct.pack(">2I5B", 64, 64, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def media_type(content: bytes) -> str:
    """Return the media type of an image."""
    kinds = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
    return next((kind for start, kind in kinds.items() if content.startswith(start)), "application/octet-stream")
