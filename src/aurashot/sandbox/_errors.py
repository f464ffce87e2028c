"""Error responses: one exception, one JSON format, and messages that name the field."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from aurashot.sandbox._wire import ErrorDetail, ErrorResponse, camel

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from fastapi import FastAPI, Request

REQUEST_ID_HEADER = "x-request-id"

_CODES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload_too_large",
}

# pydantic's error type -> the message after the name of the field
_SENTENCES = {
    "missing": "is required",
    "string_pattern_mismatch": "must not be empty",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "model_attributes_type": "must be a JSON object sent as application/json",
    "model_type": "must be a JSON object sent as application/json",
    "json_invalid": "is not valid JSON",
    "union_tag_not_found": "must name a workflow",
}


class ApiError(Exception):
    """An error response: `status` is the HTTP status, `code` is for programs, `message` for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def request_id(scope: MutableMapping[str, Any]) -> str:
    """Return the id of a request, which is created on first use."""
    state = scope.setdefault("state", {})
    return cast("str", state.setdefault("request_id", str(uuid.uuid4())))


def error_body(code: str, message: str, identifier: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return camel(ErrorResponse(error=ErrorDetail(code=code, message=message), request_id=identifier))


def install(app: FastAPI) -> None:
    """Send every error of an application in the same format."""
    app.add_exception_handler(ApiError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(RequestValidationError, _refuse_fields)
    app.add_exception_handler(Exception, _refuse_unexpected)


def _response(request: Request, error: ApiError) -> JSONResponse:
    identifier = request_id(request.scope)
    headers = {**error.headers, REQUEST_ID_HEADER: identifier}
    return JSONResponse(error_body(error.code, error.message, identifier), error.status, headers)


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    return _response(request, cast("ApiError", error))


async def _refuse_http(request: Request, error: Exception) -> JSONResponse:
    refusal = cast("HTTPException", error)
    headers = dict(refusal.headers or {})
    if refusal.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    code = _CODES.get(HTTPStatus(refusal.status_code), "bad_request")
    return _response(request, ApiError(refusal.status_code, code, f"{refusal.detail}.".replace("..", "."), headers))


def _methods(request: Request) -> list[str]:
    # The router lists only the methods of the first route that matches the path.
    scopes = {method: {**request.scope, "method": method} for method in ("DELETE", "GET", "HEAD", "POST")}
    routes = request.app.routes
    return [name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


async def _refuse_fields(request: Request, error: Exception) -> JSONResponse:
    errors = cast("Sequence[Mapping[str, Any]]", cast("RequestValidationError", error).errors())
    return _response(request, ApiError(422, "invalid_request", "; ".join(map(sentence, errors)) + "."))


async def _refuse_unexpected(request: Request, error: Exception) -> JSONResponse:
    return _response(request, ApiError(500, "internal_error", f"The sandbox failed: {type(error).__name__}."))


def sentence(error: Mapping[str, Any]) -> str:
    """Return a pydantic error as a message that names the field, such as "images.face is required"."""
    kind, message = str(error["type"]), str(error["msg"])
    if kind == "value_error":
        return str(error["ctx"]["error"])  # the rule is about several fields, and its message names them
    if kind == "literal_error":
        words = f"must be {error['ctx']['expected']}"
    elif kind == "union_tag_invalid":
        words = f"must name a workflow: {error['ctx']['expected_tags']}"
    else:
        words = _SENTENCES.get(kind, message)
    return f"{_field(error['loc'])} {words}"


def _field(location: Sequence[int | str]) -> str:
    # pydantic adds the branch of a union to the location; the JSON has no such level
    names = [str(part) for part in location[1:] if part not in {"virtual_try_on", "pose_change"}]
    return ".".join(names) or "the body"
