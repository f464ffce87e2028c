"""The arguments of the tools, and their JSON Schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

ImageArgument: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        description="A file below the allowed folders, the URI of an image that this server made, or an https URL.",
        examples=["photos/selfie.jpg", "aurashot://images/avatars/Snow/gallery/red-gown.png"],
    ),
]
Prompt: TypeAlias = Annotated[
    str, Field(min_length=1, description="What the image shows, in any language.", examples=["in a cozy cafe, morning"])
]
CharacterName: TypeAlias = Annotated[
    str, Field(min_length=1, description="The name of a character of the library.", examples=["Snow"])
]
RequestKeyArgument: TypeAlias = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="Your own name for this image. A repeated call with the same key never pays twice. Without one, an "
        "identical call within ten minutes counts as the same; for more images of one prompt, pass a new key for each.",
        examples=["story-7-page-2"],
    ),
]


class Arguments(BaseModel):
    """The arguments of a tool; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CreateCharacter(Arguments):
    """The arguments of `create_character`."""

    name: Annotated[str, Field(min_length=1, description="Its name, in any script.", examples=["Snow"])]
    face: ImageArgument
    kind: Annotated[
        Literal["real", "virtual"],
        Field(description="`real` for a photo of a real person, `virtual` for anyone invented."),
    ] = "real"
    style: Annotated[
        str | None, Field(description="A style for the ID photo.", examples=["anime style"], min_length=1)
    ] = None
    description: Annotated[str, Field(description="For you and the user; it is sent nowhere.")] = ""
    consent_who: Annotated[str | None, Field(description="Who agreed to images of this real person.", min_length=1)] = (
        None
    )
    consent_purpose: Annotated[str | None, Field(description="What they agreed to.", min_length=1)] = None
    request_key: RequestKeyArgument = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.consent_who is None) != (self.consent_purpose is None):
            raise ValueError("consent_who and consent_purpose belong together; pass both")
        return self


class ListCharacters(Arguments):
    """The arguments of `list_characters`."""


class ShowCharacter(Arguments):
    """The arguments of `show_character`."""

    name: CharacterName


class Generate(Arguments):
    """The arguments of `generate`."""

    prompt: Prompt
    character: CharacterName | None = None
    face: ImageArgument | None = None
    clothes: ImageArgument | None = None
    scene: ImageArgument | None = None
    request_key: RequestKeyArgument = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.character is None) == (self.face is None):
            raise ValueError("pass either character or face: it says who is in the image")
        return self


class Edit(Arguments):
    """The arguments of `edit`."""

    prompt: Prompt
    target: ImageArgument
    character: CharacterName | None = None
    face: ImageArgument | None = None
    request_key: RequestKeyArgument = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.character is not None and self.face is not None:
            raise ValueError("pass character or face, not both")
        return self


class VerifyIdentity(Arguments):
    """The arguments of `verify_identity`."""

    image: ImageArgument
    character: CharacterName | None = None
    reference: ImageArgument | None = None
    is_edit: Annotated[
        bool, Field(description="Whether the image was made by `edit`, which keeps pixels of its target.")
    ] = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.character is None) == (self.reference is None):
            raise ValueError("pass either character or reference: it says who the image should show")
        return self


class RecentImages(Arguments):
    """The arguments of `recent_images`."""

    character: CharacterName | None = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 10


class ShowSpend(Arguments):
    """The arguments of `spend`."""


class GetImage(Arguments):
    """The arguments of `get_image`."""

    image: ImageArgument | None = None
    request_key: Annotated[
        str | None, Field(description="The key of a call whose image you want.", min_length=1, max_length=255)
    ] = None
    size: Annotated[
        Literal["full", "preview"], Field(description="`full` can be several MB; `preview` has at most 512 pixels.")
    ] = "full"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.image is None) == (self.request_key is None):
            raise ValueError("pass either image or request_key")
        return self


def schema_of(model: type[BaseModel], mode: Literal["validation", "serialization"] = "validation") -> dict[str, Any]:
    """Return a JSON Schema that all clients understand: for arguments, without `null` for what can be left out."""
    schema = model.model_json_schema(mode=mode)
    schema.pop("description", None)
    return cast("dict[str, Any]", _plain(schema, optional=mode == "validation"))


def _plain(schema: object, *, optional: bool) -> object:
    if isinstance(schema, list):
        return [_plain(each, optional=optional) for each in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, object] = {}
    for name, each in cast("dict[str, object]", schema).items():
        if name in {"properties", "$defs"}:
            inner = cast("dict[str, object]", each)
            plain[name] = {key: _plain(value, optional=optional) for key, value in inner.items()}
        elif name != "title":
            plain[name] = _plain(each, optional=optional)
    return _without_null(plain) if optional else plain


def _without_null(schema: dict[str, object]) -> dict[str, object]:
    kinds = cast("list[dict[str, object]]", schema.get("anyOf", []))
    wanted = [kind for kind in kinds if kind != {"type": "null"}]
    if len(kinds) == 2 and len(wanted) == 1:
        rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
        return {**wanted[0], **rest}
    return schema
