"""The documented endpoints for characters and uploads, and the files that the sandbox serves."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request, Security, UploadFile
from fastapi.responses import FileResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from aurashot.sandbox._emulator import emulator_of, url_of
from aurashot.sandbox._errors import ApiError, request_id
from aurashot.sandbox._render import ImageRequest
from aurashot.sandbox._wire import (
    EditRequest,
    ErrorResponse,
    GenerateRequest,
    GenerationResponse,
    IdPhotoRequest,
    Output,
    SandboxNote,
    TokenUsage,
    UploadResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from aurashot.sandbox._store import StoredFile

_RANGE = re.compile(r"bytes=(?:(\d+)-\d*|-\d+)")

_REFUSALS = {
    400: "The body cannot be parsed.",
    401: "The key is missing, unknown or revoked.",
    402: "The key has used its quota.",
    404: "There is no such resource.",
    413: "The body is too large.",
    422: "A field is missing or invalid.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI documentation of the errors of an endpoint."""
    return {status: {"model": ErrorResponse, "description": _REFUSALS[status]} for status in statuses}


class KeyedRoute(APIRoute):
    """A route that checks the key before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Check the key first."""
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            authorization = request.headers.get("authorization")
            request.state.key = emulator_of(request).accounts.authenticate(authorization)
            return await handle(request)

        return authenticated


# `KeyedRoute` checks the key; this adds the requirement to the OpenAPI document.
KEYED = [Security(HTTPBearer(auto_error=False, description="Any key that starts with sk_."))]

keyed = APIRouter(route_class=KeyedRoute, dependencies=KEYED, tags=["characters"])
files = APIRouter(tags=["files"])

_BILLED = refusals(400, 401, 402, 413, 422)


@keyed.post("/v1/character/id-photo", responses=_BILLED)
async def id_photo(body: IdPhotoRequest, request: Request) -> GenerationResponse:
    """Create the identity anchor of a face: four views in one image."""
    return await _produce(request, "id-photo", body.prompt, {"images.face": body.images.face})


@keyed.post("/v1/character/generate", responses=_BILLED)
async def generate(body: GenerateRequest, request: Request) -> GenerationResponse:
    """Generate an image of the face from a prompt."""
    images = body.images
    references = {"images.face": images.face, "images.clothes": images.clothes, "images.scene": images.scene}
    return await _produce(request, "generate", body.prompt, references)


@keyed.post("/v1/character/edit", responses=_BILLED)
async def edit(body: EditRequest, request: Request) -> GenerationResponse:
    """Edit an image with a prompt; with a face reference, keep that face."""
    references = {"images.target": body.images.target, "images.face": body.images.face}
    return await _produce(request, "edit", body.prompt, references)


async def _produce(
    request: Request,
    operation: Literal["id-photo", "generate", "edit"],
    prompt: str | None,
    references: Mapping[str, str | None],
) -> GenerationResponse:
    emulator = emulator_of(request)
    loaded = await emulator.load_references(request, references)
    emulator.bill(request, operation)
    drifts = getattr(request.state, "drifts", False)
    image_request = ImageRequest(operation, request_id(request.scope), prompt, loaded.images, drifts=drifts)
    await emulator.wait_latency()
    drawing = await emulator.draw(image_request)
    return GenerationResponse(
        request_id=image_request.request_id,
        job_id=str(uuid.uuid4()),
        task_type=operation,
        outputs=[Output(url=url_of(drawing.file, request))],
        token_usage=TokenUsage(input_tokens=0, output_tokens=drawing.tokens),
        created_at=datetime.now(UTC),
        sandbox=SandboxNote(stand_ins=loaded.stand_ins, drifted=drifts),
    )


_IMAGE_PART = {"file": {"contentType": "image/jpeg, image/png, image/webp, image/gif"}}


@keyed.post(
    "/v1/uploads",
    responses=refusals(400, 401, 413, 422),
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"encoding": _IMAGE_PART}}}},
)
async def upload(file: UploadFile, request: Request) -> UploadResponse:
    """Store an image and return its URL; its type is detected from its first bytes, not from its name."""
    store = emulator_of(request).store
    try:
        stored = await asyncio.to_thread(store.add, file.file)
    except ValueError as error:
        raise ApiError(422, "unsupported_media", f"file: {error}.") from error
    return UploadResponse(url=url_of(stored, request))


_ONE_IMAGE: dict[str, Any] = {
    "content": {kind: {} for kind in ("image/png", "image/jpeg", "image/webp", "image/gif")},
}
_FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {**_ONE_IMAGE, "description": "The image."},
    206: {**_ONE_IMAGE, "description": "The part of the image that `Range` requests."},
    304: {"description": "The image matches `If-None-Match`."},
    404: refusals(404)[404],
    416: {"model": ErrorResponse, "description": "The range is outside of the image."},
}


@files.get("/files/{name}", response_class=FileResponse, responses=_FILE_RESPONSES, operation_id="get_file")
@files.head("/files/{name}", response_class=FileResponse, responses=_FILE_RESPONSES, operation_id="head_file")
async def read_file(name: str, request: Request) -> Response:
    """Serve an image; it never changes."""
    file = emulator_of(request).store.find(name)
    if file is None:
        raise ApiError(404, "not_found", "There is no such file.")
    headers = {"ETag": file.etag, "Cache-Control": "public, max-age=31536000, immutable"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    _check_range(request, file)
    return FileResponse(file.path, headers=headers, media_type=file.media_type)


def _check_range(request: Request, file: StoredFile) -> None:
    """Reject a range that starts after the end, and remove one that cannot be parsed: RFC 9110 says to ignore it."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None:
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
        return
    size = file.path.stat().st_size
    if match[1] is not None and int(match[1]) >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        raise ApiError(416, "range_not_satisfiable", f"The file has {size} bytes.", headers)
