"""A web backend: a photo becomes a character, and every prompt an image of that character.

    pip install "aurashot[sandbox]" && uvicorn --app-dir examples web_backend:app

It needs `AURASHOT_API_KEY`, or a sandbox: run `aurashot sandbox serve` and set the two variables that it prints. Then
open http://127.0.0.1:8000. Each character and each image is billed as one image, whoever asks: a real backend knows
its users and sets them limits.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from fastapi import FastAPI, Form, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from aurashot import (
    APIConnectionError,
    AsyncAuraShot,
    AuraShotError,
    BadRequestError,
    ContentBlockedError,
    DeadlineExceededError,
    Generation,
    InputError,
    NotSentError,
    PayloadTooLargeError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

IMAGES = Path("images")

STATUSES: tuple[tuple[type[AuraShotError], int], ...] = (
    (InputError, 422),  # the visitor's photo or prompt
    (BadRequestError, 422),
    (ContentBlockedError, 422),
    (PayloadTooLargeError, 413),
    (RateLimitError, 503),
    (NotSentError, 503),
    (DeadlineExceededError, 504),
    (APIConnectionError, 502),
    (AuraShotError, 502),  # our key, our credit, or the service: nothing that the visitor can fix
)
"""What the visitor is told; the first class that fits decides."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Characters</title>
<style>body {{ font: 1.1rem/1.6 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}</style>
<h1>{title}</h1><form method="post" action="{action}" enctype="multipart/form-data">{field} <button>Go</button></form>
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Share one client between all requests: it holds the connections and remembers the uploads.

    No text of a visitor can make it upload a file of this server: `allow_paths=False`.
    """
    async with AsyncAuraShot(timeout=90, allow_paths=False) as client:
        app.state.client = client
        app.state.characters = {}  # a real backend keeps the anchor's address in its database
        yield


app = FastAPI(lifespan=lifespan, title="Characters")


@app.get("/")
async def start() -> HTMLResponse:
    """Ask for a photo."""
    field = '<input type="file" name="photo" accept="image/*" required>'
    return HTMLResponse(PAGE.format(title="Who is it?", action="/characters", field=field))


@app.post("/characters", status_code=201)
async def create_character(request: Request, photo: UploadFile) -> HTMLResponse:
    """Make the identity anchor of a photo, once per character, and ask for a prompt."""
    name = str(uuid4())
    request.app.state.characters[name] = await client_of(request).id_photo(await photo.read())
    action = f"/characters/{name}/images"
    field = '<input name="prompt" size="40" placeholder="sitting in a cozy cafe" required>'
    headers = {"Location": action}
    return HTMLResponse(PAGE.format(title="Where to?", action=action, field=field), 201, headers)


@app.post("/characters/{name}/images")
async def create_image(request: Request, name: str, prompt: Annotated[str, Form()]) -> FileResponse:
    """Draw the character, keep the image, and stream it to the browser."""
    anchor: Generation | None = request.app.state.characters.get(name)
    if anchor is None:
        raise HTTPException(404, "there is no such character")
    client = client_of(request)
    image = await client.generate(prompt, face=anchor)
    return FileResponse(await client.download(image, f"{IMAGES}/"))


@app.exception_handler(AuraShotError)
async def explain(_: Request, error: AuraShotError) -> JSONResponse:
    """Response with a fitting status, and say what it cost."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    body = {
        "error": str(error) if status in {413, 422} else "the image could not be made",
        "outcome": error.outcome,
        "may_be_charged": error.may_be_charged,
        "idempotency_key": error.idempotency_key,
    }
    headers = {"Retry-After": f"{error.retry_after:.0f}"} if error.retry_after is not None else None
    return JSONResponse(body, status, headers)


def client_of(request: Request) -> AsyncAuraShot:
    """Return the client that all requests share."""
    client: AsyncAuraShot = request.app.state.client
    return client
