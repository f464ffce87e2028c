"""What operations share: check every argument, read every image, and pay at most once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, blocking, recall, send, together
from aurashot.errors import InputError, InvalidImageError, NoOutputError
from aurashot.images import ImageInput, locate
from aurashot.models import BilledRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot._calls import Call, M
    from aurashot.images import ImageRules, LocalImage, Payload

B = TypeVar("B", bound=BilledRequest)


def billed(
    endpoint: Callable[[B], Call[M]],
    build: Callable[[dict[str, str]], B],
    rules: ImageRules,
    **images: ImageInput,
) -> Flow[M]:
    """Make one billed call: check and read every image, ask the ledger, upload what is local, and send.

    Args:
        endpoint: The function of `_endpoints`.
        build: Returns the body, given the address of each image that there is, by the name of its argument.
        rules: How images are treated.
        images: The images that were given, by the name of their arguments.

    Raises:
        InvalidImageError: An argument is not an image that the service takes; nothing was sent.
        UnsafeURLError: An argument is an address that must not be sent; nothing was sent.
    """
    places = yield from _ready(rules, images)
    identities = {name: _identity(place) for name, place in places.items()}
    asked = build(identities)
    earlier = yield from recall(endpoint(asked))
    if earlier is not None:
        return earlier
    addresses = yield from _addresses(places)
    body = asked if addresses == identities else build(addresses)
    return (yield from send(replace(endpoint(body), asked=asked)))


def given(**images: ImageInput | None) -> dict[str, ImageInput]:
    """Return the optional images that were given."""
    return {name: image for name, image in images.items() if image is not None}


def _ready(rules: ImageRules, images: dict[str, ImageInput]) -> Flow[dict[str, str | Payload]]:
    """Return for every image a checked address, or what is to be uploaded."""
    places = {name: located(rules, name, image) for name, image in images.items()}
    local = {name: place for name, place in places.items() if not isinstance(place, str)}
    payloads = yield from together([prepared(rules, name, place) for name, place in local.items()])
    remote = {name: place for name, place in places.items() if isinstance(place, str)}
    return {**remote, **dict(zip(local, payloads, strict=True))}


def _identity(place: str | Payload) -> str:
    """Return what an image is known by in every process: its address, or the digest of its content."""
    return place if isinstance(place, str) else f"sha256:{place.digest}"


def _addresses(places: dict[str, str | Payload]) -> Flow[dict[str, str]]:
    """Upload what is local, and return the address of every image."""
    payloads = {name: place for name, place in places.items() if not isinstance(place, str)}
    uploads = yield from together([send(endpoints.upload(payload)) for payload in payloads.values()])
    uploaded = {name: upload.url for name, upload in zip(payloads, uploads, strict=True)}
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


def check_text(argument: str, text: object) -> None:
    """Refuse a text that says nothing.

    Raises:
        InputError: It is not a string, or empty.
    """
    if not isinstance(text, str):
        raise InputError(f"{argument}: a string is needed, not {type(text).__name__}", argument=argument)
    if not text.strip():
        raise InputError(f"{argument}: it is empty; say in words what the picture should show", argument=argument)
