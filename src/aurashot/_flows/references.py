"""What operations share: check every argument, read every image, and send at most one billable request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from aurashot import _endpoints as endpoints
from aurashot._calls import Flow, blocking, forget, recall, send, together
from aurashot._operations import check_encodable
from aurashot._response_parsing import may_be_about_images
from aurashot.errors import APIStatusError, GenerationFailedError, InputError, InvalidImageError, NoOutputError
from aurashot.images import ImageInput, StoredURL, is_stored_face, locate
from aurashot.models import Generation, SentImage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot._calls import Call, M
    from aurashot.images import ImageRules, LocalImage, Payload
    from aurashot.models import BilledRequest, Upload

ImageSources: TypeAlias = "dict[str, str | Payload]"
"""Where each image is, by the name of its argument: a checked URL, or what is to be uploaded."""


def ready(rules: ImageRules, **images: ImageInput) -> Flow[ImageSources]:
    """Check every image, and read those that are local.

    Raises:
        InvalidImageError: An argument is not an image that the service accepts; nothing was sent.
        UnsafeURLError: An argument is a URL that must not be sent; nothing was sent.
    """
    sources = {name: resolve_image(rules, name, image) for name, image in images.items()}
    local = {name: source for name, source in sources.items() if not isinstance(source, str)}
    if not local:
        return cast("ImageSources", sources)
    payloads = yield from together([load_image(rules, name, source) for name, source in local.items()])
    remote = {name: source for name, source in sources.items() if isinstance(source, str)}
    return {**remote, **dict(zip(local, payloads, strict=True))}


def identities(sources: ImageSources) -> dict[str, str]:
    """Return what each image is known by in every process: its URL, or the digest of its content."""
    return {name: source if isinstance(source, str) else f"sha256:{source.digest}" for name, source in sources.items()}


def sent_images(sources: ImageSources, **images: ImageInput | None) -> dict[str, SentImage] | None:
    """Return what is known of images beside their URLs, which are in the request: a library keeps it with the result.

    Args:
        sources: Where they are.
        images: The images, by the name of the argument.
    """
    known = {name: image for name, image in images.items() if image is not None and not _is_url(image, sources[name])}
    return {name: _sent(image, sources[name]) for name, image in known.items()} or None


def _is_url(image: ImageInput, source: str | Payload) -> bool:
    return isinstance(image, str) and isinstance(source, str)


def _sent(image: ImageInput, source: str | Payload) -> SentImage:
    url = str(source) if isinstance(source, str) else None
    if isinstance(image, Generation):
        return SentImage(url, request_id=image.request_id)
    if is_stored_face(image):
        return SentImage(url, image.reference_sha256, character=image.slug)
    return SentImage(url, None if isinstance(source, str) else source.sha256)


def send_billed(rules: ImageRules, call: Call[M], sources: ImageSources) -> Flow[M]:
    """Make a billable call: look into the ledger, upload what is local, and send.

    The service may have deleted an upload that the client remembers. If it refuses the request, so that nothing was
    billed, remembered uploads are forgotten, and the request is sent once more, under the same key, with new ones. So
    it is if the URL of a character's image has expired: then its file is uploaded.

    Args:
        rules: The limits of the client.
        call: The call, with the images as `identities` names them.
        sources: Where the images are.
    """
    earlier = yield from recall(call)
    if earlier is not None:
        return earlier
    uploads = yield from _upload(sources)
    sent = _with_urls(call, uploads)
    try:
        return cast("M", (yield sent))
    except (APIStatusError, GenerationFailedError) as error:
        if not may_be_about_images(error):
            raise
        yield from forget(cast("BilledRequest", sent.request).references.values())
        if error.outcome != "rejected":
            raise
        renewed = yield from _upload({**sources, **(yield from _stored(rules, sources))})
        if all(renewed[name] is uploads.get(name) for name in renewed):
            raise
        key, attempts = error.idempotency_key, error.attempts
    return cast("M", (yield _with_urls(call, renewed)._replace(refused_key=key, attempts=attempts)))


def _upload(sources: ImageSources) -> Flow[dict[str, Upload]]:
    """Upload what is local and not remembered, and return each upload by the name of its argument."""
    payloads = {name: source for name, source in sources.items() if not isinstance(source, str)}
    if not payloads:
        return {}
    uploads = yield from together([send(endpoints.upload(payload)) for payload in payloads.values()])
    return dict(zip(payloads, uploads, strict=True))


def _stored(rules: ImageRules, sources: ImageSources) -> Flow[ImageSources]:
    """Return the files behind URLs that may have expired."""
    stored = {name: source.local for name, source in sources.items() if isinstance(source, StoredURL)}
    payloads = yield from together([load_image(rules, name, local) for name, local in stored.items()])
    return dict(zip(stored, payloads, strict=True))


def _with_urls(call: Call[M], uploads: Mapping[str, Upload]) -> Call[M]:
    if not uploads:
        return call
    urls = {name: upload.url for name, upload in uploads.items()}
    return call._replace(request=cast("BilledRequest", call.asked).with_urls(urls))


def passed(**images: ImageInput | None) -> dict[str, ImageInput]:
    """Return the optional images that were passed."""
    return {name: image for name, image in images.items() if image is not None}


def resolve_image(rules: ImageRules, argument: str, image: ImageInput) -> str | LocalImage:
    """Return the source of an image: a checked URL, or what has to be read."""
    try:
        return locate(image, rules)
    except InputError as error:
        raise error.about(argument) from error.__cause__
    except NoOutputError as error:
        raise InvalidImageError(f"{argument}: {error.message}", argument=argument) from error


def load_image(rules: ImageRules, argument: str, image: LocalImage) -> Flow[Payload]:
    """Read an image and prepare it to be sent."""
    from aurashot.images import held, prepare

    try:
        with held(image.source) as read:
            return (yield from blocking(lambda check: prepare(image, rules, read, check)))
    except InputError as error:
        raise error.about(argument) from error.__cause__


def check_flag(argument: str, flag: object) -> None:
    """Check an optional flag.

    Raises:
        InputError: It is neither True, nor False, nor None.
    """
    if not isinstance(flag, bool | None):
        raise InputError(f"{argument}: True, False or None is needed, not {flag!r}", argument=argument)


def check_text(argument: str, text: object) -> None:
    """Check a text.

    Raises:
        InputError: It is not a string, or empty.
    """
    if not isinstance(text, str):
        raise InputError(f"{argument}: a string is needed, not {type(text).__name__}", argument=argument)
    check_encodable(argument, text)
    if not text.strip():
        raise InputError(f"{argument}: it is empty; describe what the image should show", argument=argument)
