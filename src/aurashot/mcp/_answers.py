"""What tools answer: structured, and the same as text for clients that pass only text on to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from mcp.types import CallToolResult, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel, ConfigDict, Field

from aurashot.mcp._spend import Spend  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.types import ContentBlock

Paid: TypeAlias = Annotated[
    bool | Literal["unknown"],
    Field(
        description="Whether what this answer is about is on the bill. With `unknown`, do not repeat the call with "
        "another request_key: it may be paid for twice."
    ),
]
RequestKey: TypeAlias = Annotated[
    str, Field(description="The key of the call. Repeat the call with it: that never pays twice.")
]


_NOTHING: Final[tuple[object, ...]] = (None, "", [])
"""Values that text leaves out."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ImageFile(_Model):
    """An image in the server's folder."""

    uri: str = Field(description="What other tools take for this image.")
    path: str = Field(description="Its file, which is complete.")
    media_type: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    size: int = Field(description="Bytes.")


class Answer(_Model):
    """What every answer says."""

    status: Literal["done", "running"] = "done"
    paid: Paid = False
    spend: Spend


class ImageAnswer(Answer):
    """An image that was made; or the key with which to ask for it again."""

    request_key: RequestKey
    repeated: bool = Field(default=False, description="Whether an earlier call had paid for it: nothing was sent now.")
    image: ImageFile | None = None
    character: str | None = Field(default=None, description="In whose gallery it is.")
    next: str = Field(default="", description="What to do next.")


class CharacterFacts(_Model):
    """A character."""

    name: str
    uri: str
    kind: Literal["real", "virtual"]
    description: str = ""
    styles: list[str] = Field(default_factory=list[str])
    scenes: list[str] = Field(default_factory=list[str])
    has_id_photo: bool
    has_consent: bool
    images: int | None = Field(default=None, description="How many are in the gallery; null if they were not counted.")


class CharacterAnswer(Answer):
    """A character that was made or looked up."""

    request_key: str | None = None
    repeated: bool = False
    character: CharacterFacts | None = None
    recent_images: list[str] = Field(default_factory=list[str], description="The URIs of the newest images.")
    next: str = ""


class CharactersAnswer(Answer):
    """The characters of the library."""

    characters: list[CharacterFacts]


class ListedImage(_Model):
    """An image in a list."""

    uri: str
    path: str
    character: str | None
    prompt: str | None
    created_at: str = Field(description="ISO 8601, UTC.")
    verdict: str | None = Field(description="`same`, `different` or `unsure`; null if its face was not compared.")


class ImagesAnswer(Answer):
    """The newest images."""

    images: list[ListedImage]


class VerdictAnswer(Answer):
    """Whether an image shows the person."""

    verdict: Literal["same", "different", "unsure"]
    similarity: float | None = Field(description="0 to 1; no probability. Null if there was nothing to compare.")
    reasons: list[str]


class UnresolvedCall(_Model):
    """A call that may be on the bill."""

    request_key: str
    operation: str
    started_at: str = Field(description="ISO 8601, UTC.")
    is_running: bool


class SpendAnswer(Answer):
    """What was spent."""

    all_paid: int = Field(description="Images that are paid for, of all time, in this ledger.")
    unresolved: list[UnresolvedCall] = Field(description="What may be on the bill; the user can resolve it.")
    ledger: str = Field(description="The file of the ledger.")


class FullImageAnswer(Answer):
    """An image, in full size."""

    image: ImageFile | None = None
    request_key: str | None = None
    next: str = ""


class ErrorAnswer(_Model):
    """What every failed call says."""

    status: Literal["error"] = "error"
    error: str = Field(description="The kind of the error.")
    message: str
    paid: Paid
    request_key: str | None = None
    next: str
    spend: Spend | None = None


def result_of(answer: Answer | ErrorAnswer, *blocks: ContentBlock) -> CallToolResult:
    """Return an answer as the protocol has it: text first, then images and links."""
    data = answer.model_dump(mode="json")
    text = TextContent(type="text", text="\n".join(_lines(data, answer.spend)))
    return CallToolResult(content=[text, *blocks], structured_content=data, is_error=isinstance(answer, ErrorAnswer))


def _lines(data: dict[str, object], spend: Spend | None) -> Iterator[str]:
    """Yield `name: value` lines, one for each field that says something."""
    for name, value in data.items():
        if name == "spend":
            yield from () if spend is None else (f"spend: {spend}",)
        elif isinstance(value, list):
            yield from _list_lines(name, cast("list[object]", value))
        elif isinstance(value, dict):
            yield from (f"{name}.{line}" for line in _pairs(cast("object", value)))
        elif value not in _NOTHING:
            yield f"{name}: {_text(value)}"


def _list_lines(name: str, items: list[object]) -> Iterator[str]:
    if not items:
        yield f"{name}: none"
    for item in items:
        if isinstance(item, dict):
            yield "- " + ", ".join(_pairs(cast("object", item)))
        else:
            yield f"{name}: {_text(item)}"


def _pairs(item: object) -> list[str]:
    pairs = cast("dict[str, object]", item).items()
    return [f"{name}: {_text(value)}" for name, value in pairs if value not in _NOTHING]


def _text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, cast("list[object]", value)))
    return str(value).lower() if isinstance(value, bool) else str(value)


def preview_block(data: str) -> ImageContent:
    """Return a preview as the protocol has it."""
    return ImageContent(type="image", data=data, mime_type="image/jpeg")


def link_block(image: ImageFile) -> ResourceLink:
    """Return a link to an image."""
    name = image.uri.rpartition("/")[2]
    return ResourceLink(type="resource_link", uri=image.uri, name=name, mime_type=image.media_type, size=image.size)
