"""Resolve what a user passed as an image: a URL to pass on, or something to read and upload."""

from __future__ import annotations

import base64
import binascii
import inspect
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard
from urllib.parse import unquote_to_bytes

from aurashot._reasons import described, reason_of
from aurashot._url_policy import URLObject, url_text
from aurashot.errors import AuraShotError, InvalidImageError, UnsafeURLError
from aurashot.images._disk import reading
from aurashot.images._pillow import PillowImage, is_pillow_image
from aurashot.images._rules import BASE64_IMAGE, check_size
from aurashot.images._stored import StoredFace, StoredFile, StoredURL
from aurashot.images._urls import check_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.images._rules import ImageRules


class HasURL(Protocol):
    """A response of this SDK that has an image: `Generation`, `Output`, `Upload`, `Character`."""

    @property
    def url(self) -> str | URLObject:
        """The URL of the image."""
        ...


class BinaryFile(Protocol):
    """A file opened in binary mode, or an object with the same `read`."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, and none at the end."""
        ...


ImageInput: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | PillowImage | HasURL | StoredFace | URLObject
)
"""Whatever may be given as an image.

An `https` URL, as a string or as an object (`pydantic.HttpUrl`, `httpx.URL`, `yarl.URL`), a `data:` or `file:` URI, a
path, bytes, a binary file (read from where it stands, never closed), a Pillow image, an earlier response of this
SDK, or a character of a library.
"""

_FORMS = "pass an https URL, a path, bytes, a binary file, a Pillow image, or an earlier result"
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]{1,60}):")  # one letter alone is a drive of Windows
_COLLAPSED_URL = re.compile(r"https?:[/\\]", re.IGNORECASE)
_BASE64_IMAGE = re.compile(BASE64_IMAGE)
_LONGEST_PATH = 4_096
_LONGEST_URI = 4 * _LONGEST_PATH
_LONGEST_MARK = 64
"""Characters before the comma of a data: URI in which ";base64" is looked for."""
_NO_PATHS = (
    "The text is neither an https URL nor a data: URI, and allow_paths=False accepts no other; pass the image's URL or "
    "its bytes"
)
"""What is said of any other text: whether it is the path of a file is not looked up."""
_MOST_ESCAPES = 5_000_000
"""Percent-encoded bytes of a data: URI; 100 MiB in base64 of which plus and slash are encoded have fewer."""
_PIECE = 64 * 1024
_AS_BASE64 = "if this is base64, pass 'data:image/png;base64,…' or the decoded bytes"


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that has to be read before it can be sent.

    Attributes:
        source: Where its bytes are.
        stem: The name to send it under, without an extension and not yet sanitised.
        label: Its name in error messages.
    """

    source: Path | bytes | BinaryFile | PillowImage = field(repr=False)
    stem: str
    label: str


def locate(image: ImageInput, rules: ImageRules) -> str | LocalImage:
    """Return a checked URL, or a description of what `prepare` must read; do no I/O.

    Raises:
        UnsafeURLError: A URL that the service could not or should not fetch.
        InvalidImageError: Not one of the accepted forms.
    """
    given: object = image
    if isinstance(given, str):
        return _from_text(given, rules)
    if isinstance(given, bytes | bytearray | memoryview):
        return _from_bytes(given, rules)
    if isinstance(given, os.PathLike):
        with reading(f"The {type(given).__name__} object"):
            path = os.fsdecode(given)
        return _from_path(path)
    if is_pillow_image(given):
        return LocalImage(given, _stem_of(given, "filename"), "The Pillow image")
    return _from_object(given, rules)


def _from_object(given: object, rules: ImageRules) -> str | LocalImage:
    if is_stored_face(given):
        return _from_character(given, rules)
    if _is_file(given):
        return _from_file(given)
    text = url_text(given)
    return _from_response(given, rules) if text is None else _from_text(text, rules)


def _from_bytes(given: bytes | bytearray | memoryview, rules: ImageRules) -> LocalImage:
    label = f"The {type(given).__name__} object"
    try:
        size = memoryview(given).nbytes
    except (BufferError, ValueError) as error:
        raise InvalidImageError(f"{label} was released ({reason_of(error)}); pass the bytes themselves") from error
    check_size(size, label, rules)
    return LocalImage(bytes(given), "image", label)


def _from_text(text: str, rules: ImageRules) -> str | LocalImage:
    scheme = _SCHEME.match(text)
    if not rules.allow_paths:
        return _from_untrusted(text, scheme[1].lower() if scheme else "", rules)
    if not text or text.isspace():
        raise InvalidImageError(f"The image is an empty string; {_FORMS}")
    if scheme:
        return _SCHEMES.get(scheme[1].lower(), _from_other_scheme)(text, rules)
    if len(text) > _LONGEST_PATH or _BASE64_IMAGE.fullmatch(text):
        raise InvalidImageError(f"A text of {len(text):,} characters is neither a path nor a URL; {_AS_BASE64}")
    return _from_path(text)


def _from_untrusted(text: str, scheme: str, rules: ImageRules) -> str | LocalImage:
    """Return what a text of a visitor stands for: never a file of this machine."""
    if scheme == "data":
        return _from_data_uri(text, rules)
    if scheme == "https" or (scheme == "http" and text.startswith(f"{rules.own_origin}/")):
        return _from_url(text, rules)
    raise InvalidImageError(_NO_PATHS)


def _from_url(text: str, rules: ImageRules) -> str:
    return check_url(text, own_origin=rules.own_origin)


def _from_data_uri(text: str, rules: ImageRules) -> LocalImage:
    comma = text.find(",")
    if comma < 0:
        raise InvalidImageError("The data: URI has no comma before its data; write it as 'data:image/png;base64,…'")
    is_base64 = text[max(0, comma - _LONGEST_MARK) : comma].rstrip().lower().endswith(";base64")
    check_size(_least_size(text, comma + 1, is_base64=is_base64), "The data: URI", rules)
    if text.count("%", comma) > _MOST_ESCAPES:
        raise InvalidImageError(
            f"The data: URI has more than {_MOST_ESCAPES:,} percent-encoded bytes; write it as "
            "'data:image/png;base64,…'"
        )
    content = _unquoted(text[comma + 1 :])
    return LocalImage(_decoded(content) if is_base64 else content, "image", "The data: URI")


def _least_size(text: str, start: int, *, is_base64: bool) -> int:
    """Return a lower bound of the bytes in a URI, before anything is copied; at least 1."""
    characters = len(text) - start - 2 * text.count("%", start)
    if is_base64:
        characters = (characters - sum(text.count(space, start) for space in " \t\r\n") - 2) * 3 // 4
    return max(1, characters)


def _unquoted(text: str) -> bytes:
    """Undo the percent-encoding of a text in pieces, as each escape takes 80 bytes of memory on the way."""
    content, start = bytearray(), 0
    try:
        while start < len(text):
            end = start + _PIECE
            last = text[end - 2 : end]
            end -= 2 - last.index("%") if "%" in last else 0
            content += unquote_to_bytes(text[start:end])
            start = end
        return bytes(content)
    except UnicodeEncodeError:
        raise InvalidImageError("The URI holds half a character (a lone surrogate); percent-encode it") from None


def _decoded(text: bytes) -> bytes:
    compact = text.translate(None, b" \t\n\r\v\f").rstrip(b"=")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidImageError(
            f"The data: URI is not valid base64 ({reason_of(error)}); encode the file again"
        ) from error


def _from_file_uri(text: str, _: ImageRules) -> LocalImage:
    if len(text) > _LONGEST_URI:
        raise InvalidImageError(f"A file: URI of {len(text):,} characters is too long for a path; pass the file's path")
    rest = text.partition(":")[2]
    if rest.startswith("//"):
        host, _slash, rest = rest[2:].partition("/")
        if host.lower() not in {"", "localhost"}:
            raise UnsafeURLError("The file: URI names another computer; copy the file here and pass its path")
        rest = f"/{rest}"
    path = os.fsdecode(_unquoted(rest))
    return _from_path(path.removeprefix("/") if os.name == "nt" else path)


def _from_other_scheme(text: str, _: ImageRules) -> LocalImage:
    scheme = text.partition(":")[0].strip()
    raise UnsafeURLError(
        f"An image cannot be read from '{scheme[:20]}:' URLs; pass an https URL, a data: or file: URI, or a path "
        "(as pathlib.Path, if the file's name has a colon in it)"
    )


_SCHEMES: dict[str, Callable[[str, ImageRules], str | LocalImage]] = {
    "https": _from_url,
    "http": _from_url,
    "data": _from_data_uri,
    "file": _from_file_uri,
}


def _from_path(text: str) -> LocalImage:
    if "\0" in text:
        raise InvalidImageError("The path has a NUL character in it; pass the path of a file")
    if _COLLAPSED_URL.match(text):
        raise InvalidImageError("A URL was given as a path object, which changes it; pass the URL as a string")
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for a file named '~draft.png'
    return LocalImage(path, path.stem, f"'{path}'")


def is_stored_face(given: object) -> TypeGuard[StoredFace]:
    """Whether it is a character."""
    return not isinstance(given, type) and callable(_attribute(given, "read_reference"))


def _from_character(character: StoredFace, rules: ImageRules) -> str | LocalImage:
    local = LocalImage(StoredFile(character), character.slug, f"The character '{character.slug}'")
    url = character.live_url()
    try:
        stored = StoredURL(check_url(url or "", own_origin=rules.own_origin))
    except UnsafeURLError:  # of another service, such as a sandbox that is gone; the file is here
        return local
    stored.local = local
    return stored


def _is_file(given: object) -> TypeGuard[BinaryFile]:
    """Whether it can be read: on the instance, since wrappers (`tempfile`, Flask's uploads) delegate their methods."""
    return not isinstance(given, type) and callable(_attribute(given, "read"))


def _from_file(file: BinaryFile) -> LocalImage:
    if inspect.iscoroutinefunction(file.read):
        raise InvalidImageError(
            f"{type(file).__name__}.read must be awaited, which cannot be done here; pass the bytes that it returns"
        )
    return LocalImage(file, _stem_of(file, "name"), f"The {type(file).__name__} object")


def _from_response(given: object, rules: ImageRules) -> str:
    url = _attribute(given, "url")
    url = url_text(url) or url
    if not isinstance(url, str):
        kind = "None" if given is None else f"An object of type {type(given).__name__}"
        raise InvalidImageError(f"{kind} is not an image; {_FORMS}")
    return check_url(url, own_origin=rules.own_origin)


def _attribute(given: object, name: str) -> object:
    """Return an attribute, or None; wrappers whose file is missing or closed raise errors of their own for any of them.

    Raises:
        AuraShotError: A response has no image.
        InvalidImageError: The attribute cannot be had.
    """
    try:
        return getattr(given, name, None)
    except AuraShotError:
        raise
    except Exception as error:
        raise InvalidImageError(
            f"The {type(given).__name__} object cannot be read ({described(error)}); pass the bytes themselves"
        ) from error


def _stem_of(given: object, attribute: str) -> str:
    try:
        name = _attribute(given, attribute)
    except InvalidImageError:  # a stream that was detached has no name, and may be readable
        return ""
    return Path(name).stem if isinstance(name, str) else ""
