"""What every operation does with its arguments first: check them all, then make every image remote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, Labels, blocking, send, together
from aurashot.errors import InputError, InvalidImageError, NoOutputError
from aurashot.images import ImageInput, locate

if TYPE_CHECKING:
    from aurashot.images import ImageRules, LocalImage, Payload

_KEY_SHAPE: Final = re.compile(r"[!-~]{1,255}")


def references(rules: ImageRules, **images: ImageInput) -> Flow[dict[str, str]]:
    """Return a remote address for every image, by the name of its argument.

    Raises:
        InvalidImageError: An argument is not an image that the service takes; nothing was sent.
        UnsafeURLError: An argument is an address that must not be sent; nothing was sent.
    """
    places = {name: located(rules, name, image) for name, image in images.items()}
    local = {name: place for name, place in places.items() if not isinstance(place, str)}
    payloads = yield from together([prepared(rules, name, place) for name, place in local.items()])
    uploads = yield from together([send(endpoints.upload(payload)) for payload in payloads])
    uploaded = {name: upload.url for name, upload in zip(local, uploads, strict=True)}
    return {name: place if isinstance(place, str) else uploaded[name] for name, place in places.items()}


def located(rules: ImageRules, argument: str, image: ImageInput) -> str | LocalImage:
    """Return where an image is: a checked address, or what is to be read here."""
    try:
        return locate(image, rules)
    except InputError as error:
        raise error.about(argument) from error.__cause__
    except NoOutputError as error:
        raise InvalidImageError(f"{argument}: {error.message}", argument=argument) from error


def prepared(rules: ImageRules, argument: str, place: LocalImage) -> Flow[Payload]:
    """Read an image and make it ready to go out."""
    from aurashot.images import prepare

    try:
        return (yield from blocking(lambda: prepare(place, rules)))
    except InputError as error:
        raise error.about(argument) from error.__cause__


def given(**images: ImageInput | None) -> dict[str, ImageInput]:
    """Return the optional images that were given."""
    return {name: image for name, image in images.items() if image is not None}


def check_text(argument: str, text: object) -> None:
    """Refuse a text that says nothing.

    Raises:
        InputError: It is not a string, or empty.
    """
    if not isinstance(text, str):
        raise InputError(f"{argument}: a string is needed, not {type(text).__name__}", argument=argument)
    if not text.strip():
        raise InputError(f"{argument}: it is empty; say in words what the picture should show", argument=argument)


def check_labels(labels: Labels) -> None:
    """Refuse an idempotency key that cannot travel in a header, and tags that are not words.

    Raises:
        InputError: One of them is not usable.
    """
    _check_key(labels.idempotency_key)
    _check_tags({} if labels.tags is None else labels.tags)


def _check_key(key: str | None) -> None:
    if key is not None and not _KEY_SHAPE.fullmatch(key):
        message = "idempotency_key: use 1 to 255 printable ASCII characters without spaces, a UUID for instance"
        raise InputError(message, argument="idempotency_key")


def _check_tags(tags: object) -> None:
    known = cast("dict[object, object]", tags) if isinstance(tags, Mapping) else {None: None}
    if not all(isinstance(word, str) and word for pair in known.items() for word in pair):
        raise InputError(f"tags: names and values are strings that are not empty, not {tags!r}", argument="tags")
