"""Character cards: PNG files that carry who a character is, in the chunks `chara` (version 2) and `ccv3` (version 3).

A card's text is not for the service: a card that is passed as a face is stripped like any other image, and
`without_card` removes the card and nothing else. Sources: Character Card V2 (malfoyslastname) and V3 (kwaroran).
"""

from __future__ import annotations

import base64
import binascii
import copy
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeGuard, cast

from aurashot.characters._parts import (
    PNG,
    PNG_HEADER_END,
    Change,
    changed,
    parts_of,
    png_chunk,
    png_keyword,
    png_text,
    type_of,
)
from aurashot.errors import InputError, InvalidImageError
from aurashot.images._jpeg import MalformedError
from aurashot.images._metadata import without_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.images._containers import Part

CardVersion: TypeAlias = Literal[1, 2, 3]

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a chunk with a card that is read or written."""
_V2, _V3 = "chara", "ccv3"
_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Half characters, which JSON can have as escapes and UTF-8 cannot."""
_ASSET: Final = "chara-ext-asset_:"
"""What the keywords of a card's own assets begin with."""
_SPECS: Final[Mapping[str, CardVersion]] = {"chara_card_v2": 2, "chara_card_v3": 3}
_NOTE: Final = (
    "This is a version 3 character card that was written as version 2 as well; open it with a program that knows "
    "version 3 to see all of it."
)
_TEXTS: Final = (
    "name",
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
_LISTS: Final = ("alternate_greetings", "tags")
_ONLY_V3: Final = (
    "assets",
    "nickname",
    "creator_notes_multilingual",
    "source",
    "group_only_greetings",
    "creation_date",
    "modification_date",
)


@dataclass(frozen=True, slots=True)
class CharacterCard:
    """A character card as it was read: fields that this SDK does not know stay in it.

    Attributes:
        version: 3, 2, or 1 for a card of before the versions.
        content: The JSON document.
    """

    version: CardVersion
    content: Mapping[str, Any] = field(repr=False)

    @property
    def data(self) -> Mapping[str, Any]:
        """The part with the fields of the character."""
        data: object = self.content.get("data")
        return data if self.version > 1 and _is_object(data) else self.content

    @property
    def name(self) -> str:
        """The name of the character."""
        return _text(self.data, "name")

    @property
    def description(self) -> str:
        """Who the character is, what it looks like: the text that a model is given."""
        return _text(self.data, "description")

    @property
    def personality(self) -> str:
        """What the character is like."""
        return _text(self.data, "personality")

    @property
    def scenario(self) -> str:
        """Where a conversation takes place."""
        return _text(self.data, "scenario")

    @property
    def first_message(self) -> str:
        """What the character says first."""
        return _text(self.data, "first_mes")

    @property
    def tags(self) -> tuple[str, ...]:
        """What the card is filed under."""
        tags: object = self.data.get("tags")
        return tuple(str(tag) for tag in cast("list[object]", tags)) if isinstance(tags, list) else ()

    def as_version_2(self) -> CharacterCard:
        """Return the card for programs that know version 2 only, with a note to its reader that says so.

        What only version 3 has is kept under `extensions`.
        """
        if self.version == 2:
            return self
        data: dict[str, Any] = copy.deepcopy(dict(self.data))
        beyond = {name: data.pop(name) for name in _ONLY_V3 if name in data}
        blank: dict[str, Any] = dict.fromkeys(_TEXTS, "") | {name: list[str]() for name in _LISTS} | {"extensions": {}}
        data = blank | data
        if self.version == 3:
            data["creator_notes"] = f"{_text(data, 'creator_notes')}\n\n{_NOTE}".strip()
        if beyond and _is_object(data["extensions"]):
            data["extensions"] = {**data["extensions"], "aurashot/version_3": beyond}
        return CharacterCard(2, {"spec": "chara_card_v2", "spec_version": "2.0", "data": data})


def new_card(name: str, *, description: str = "", tags: Sequence[str] = (), **fields: str) -> CharacterCard:
    """Return a new card of version 3.

    Args:
        name: The name of the character.
        description: Who the character is.
        tags: What the card is filed under.
        fields: Further texts, by their names in the specification: `personality`, `first_mes`, `creator_notes`, …
    """
    unknown = sorted(set(fields) - set(_TEXTS))
    if unknown:
        raise InputError(f"fields: a card has no text called '{unknown[0]}'; use one of {', '.join(_TEXTS)}")
    data: dict[str, Any] = dict.fromkeys(_TEXTS, "") | {name: list[str]() for name in _LISTS}
    data |= {"name": name, "description": description, "tags": list(tags), **fields}
    data |= {"extensions": {}, "group_only_greetings": list[str]()}
    return CharacterCard(3, {"spec": "chara_card_v3", "spec_version": "3.0", "data": data})


def read_card(image: bytes) -> CharacterCard | None:
    """Return the card in a PNG file, that of version 3 if it has both; None if it has none, as all other files.

    Raises:
        InvalidImageError: The file or the card is cut short, broken, or larger than 16 MiB.
    """
    if type_of(image) != PNG:
        return None
    found: dict[str, Part] = {}
    for part in parts_of(image, PNG):
        found.setdefault((png_keyword(image, part) or "").casefold(), part)
    chosen = found.get(_V3) or found.get(_V2)
    return None if chosen is None else card_from(png_text(image, chosen, LARGEST))


def card_from(text: bytes) -> CharacterCard:
    """Return the card in the content of a chunk: JSON in UTF-8, in base64.

    Raises:
        InvalidImageError: It is none.
    """
    try:
        document: object = json.loads(_decoded(text), parse_constant=_refused)
    except (ValueError, RecursionError) as error:  # also what is not UTF-8, and numbers of thousands of digits
        raise InvalidImageError("The character card in the image is broken; export it again") from error
    if not _is_object(document):
        raise InvalidImageError("The character card in the image is broken; export it again")
    spec = document.get("spec")
    version: CardVersion = _SPECS.get(spec, 1) if isinstance(spec, str) else 1
    if version > 1 and not _is_object(document.get("data")):
        raise InvalidImageError("The character card in the image has no 'data'; export it again")
    return CharacterCard(version, document)


def with_card(image: bytes, card: CharacterCard, *, version_2: bool = True) -> bytes:
    """Return a PNG file with a card, instead of any that it has; pixels and all other chunks stay byte for byte.

    Args:
        image: The file.
        card: The card.
        version_2: Whether a card of version 3 is written as version 2 as well, for programs that know no other.

    Raises:
        InvalidImageError: It is not a PNG file, or is cut short or broken.
        InputError: The card is larger than 16 MiB, or holds what JSON cannot.
    """
    if type_of(image) != PNG:
        raise InvalidImageError("Character cards are PNG files; convert the image to PNG first")
    cards = {_V3: card} if card.version == 3 else {_V2: card}
    if card.version == 3 and version_2:
        cards = {_V2: card.as_version_2(), **cards}
    chunks = b"".join(png_chunk(b"tEXt", keyword.encode() + b"\0" + _encoded(each)) for keyword, each in cards.items())
    removed = [Change(part.start, part.end) for part in _card_parts(image, assets=False)]
    return changed(image, [Change(PNG_HEADER_END, PNG_HEADER_END, chunks), *removed])


def without_card(image: bytes) -> bytes:
    """Return an image without a character card: a PNG file without those chunks, and others without any metadata.

    Raises:
        InvalidImageError: It is not a JPEG, PNG, WebP or GIF file, or is cut short or broken.
    """
    media_type = type_of(image)
    if media_type == PNG:
        return changed(image, [Change(part.start, part.end) for part in _card_parts(image, assets=True)])
    parts_of(image, media_type)
    try:
        return without_metadata(io.BytesIO(image), media_type)
    except MalformedError as error:
        raise InvalidImageError("The image is cut short or broken; download or copy it again") from error


def _card_parts(image: bytes, *, assets: bool) -> list[Part]:
    """Return the chunks of a card, however they are compressed, and whatever case their keywords have."""
    parts = [(part, (png_keyword(image, part) or "").casefold()) for part in parts_of(image, PNG)]
    return [part for part, name in parts if name in {_V2, _V3} or (assets and name.startswith(_ASSET))]


def _encoded(card: CharacterCard) -> bytes:
    try:
        text = json.dumps(card.content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("card: it holds something that JSON cannot; use texts, numbers, lists and objects") from error
    encoded = base64.b64encode(_HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode())
    if len(encoded) > LARGEST:
        raise InputError(f"card: it takes {len(encoded):,} bytes, more than {LARGEST:,}; make its texts shorter")
    return encoded


def _decoded(text: bytes) -> bytes:
    compact = text.translate(None, b" \t\r\n\0").rstrip(b"=")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidImageError("The character card in the image is not base64; export it again") from error


def _refused(constant: str) -> object:
    raise ValueError(constant)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, Mapping)


def _text(data: Mapping[str, Any], name: str) -> str:
    value: object = data.get(name)
    return value if isinstance(value, str) else ""
