"""Recordings in the HTTP Archive format (HAR 1.2): what of them is replayed, checked when they are read."""

from __future__ import annotations

import base64
import codecs
import re
from typing import TYPE_CHECKING, Annotated, Final, Self

import httpx
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from aurashot._reasons import reason_of
from aurashot.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _check_url(text: str) -> str:
    if not _SCHEME.match(text):
        raise ValueError("it is not a URL")
    if _is_http(text):
        try:
            httpx.URL(text)
        except httpx.InvalidURL as error:
            raise ValueError(f"it is not a URL ({reason_of(error)})") from error
    return text


def _is_http(url: str) -> bool:
    return url.lower().startswith(("http:", "https:"))


def _check_status(status: int) -> int:
    if status and not 100 <= status <= 599:
        raise ValueError("it is not an HTTP status")
    return status


class Header(BaseModel):
    """A header of a response."""

    name: str
    value: str


class Body(BaseModel):
    """The body of a request or a response."""

    text: str | None = None
    encoding: str | None = None
    """`base64`, or None for plain text."""

    def decoded(self) -> bytes:
        """Return its bytes."""
        text = self.text or ""
        return base64.b64decode(text) if self.encoding == "base64" else text.encode()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.decoded()
        return self


class Request(BaseModel):
    """A recorded request."""

    method: str
    url: Annotated[str, AfterValidator(_check_url)]
    post_data: Body | None = Field(None, alias="postData")


class Response(BaseModel):
    """A recorded response."""

    status: Annotated[int, AfterValidator(_check_status)]
    """0 if the browser got none."""
    headers: list[Header] = []
    content: Body = Body()


class Entry(BaseModel):
    """One recorded request and its response."""

    request: Request
    response: Response


class Log(BaseModel):
    """What was recorded."""

    entries: list[Entry]


class Archive(BaseModel):
    """The whole file."""

    log: Log


def read_archive(path: Path) -> list[Entry]:
    """Return the HTTP requests of a recording that got a response, in order.

    Raises:
        InputError: The file cannot be read, or is not a recording; the message says where it is wrong.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"har_path: {path} cannot be read ({reason_of(error)}); check the path", argument="har_path"
        ) from error
    try:
        archive = Archive.model_validate_json(content.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        message = f"har_path: {path} is not a recording in the HTTP Archive format; {_fault(error)}; record it again"
        raise InputError(message, argument="har_path") from None
    return [entry for entry in archive.log.entries if entry.response.status and _is_http(entry.request.url)]


def _fault(error: ValidationError) -> str:
    """Return the first fault and where it is, without the content of the file."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
