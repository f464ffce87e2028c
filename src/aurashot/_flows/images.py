"""Downloading images."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from aurashot._atomic import path_fault
from aurashot._calls import Flow, blocking, fetch
from aurashot._reasons import described
from aurashot._url_policy import escaped_url, url_text
from aurashot.errors import AuraShotError, InputError, UnsafeURLError
from aurashot.images import FileSink, HasURL, MemorySink, check_url, is_stored_face
from aurashot.images._saved import SavedImage
from aurashot.models import Generation, WorkflowJob
from aurashot.models._responses import note_saved, saved_as

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot._calls import Progress
    from aurashot._url_policy import URLObject
    from aurashot.characters import Character, GalleryImage
    from aurashot.images import ImageRules, Preview

Image: TypeAlias = "HasURL | str | URLObject"
"""What can be downloaded: a response, one of its outputs, an upload, or a URL."""


def save(
    rules: ImageRules, what: Image, to: str | os.PathLike[str] | Character, *, progress: Progress | None
) -> Flow[Path | GalleryImage]:
    """Save an image as a file, or in the gallery of a character."""
    if not is_stored_face(to):
        return (yield from download(rules, what, cast("str | os.PathLike[str]", to), progress=progress))
    character = cast("Character", to)
    with _carrying(what):
        library = character.library
        if library is None:
            raise InputError(
                f"to: the character '{character.slug}' was not loaded from a library; get it with library.get",
                argument="to",
            )
        content = yield from read(rules, what, progress=progress)
        shot = what if isinstance(what, Generation) else content
        image, saved = yield from blocking(lambda _: _filed(library.save(character, shot, image=content), character))
        if isinstance(what, Generation):
            note_saved(what, saved)
        return image


def _filed(image: GalleryImage, character: Character) -> tuple[GalleryImage, SavedImage | None]:
    from aurashot.characters._shown import local_file

    path = local_file(character, image.path)
    return image, None if path is None else SavedImage(path)


def download(rules: ImageRules, what: Image, to: str | os.PathLike[str], *, progress: Progress | None) -> Flow[Path]:
    """Save an image as a file, complete or not at all."""
    with _carrying(what):
        url = _address(rules, what)
        _check_target(to)
        sink = FileSink(to, stem=_stem(what, url), max_bytes=rules.max_bytes, max_pixels=rules.max_pixels)
        path = yield from fetch(url, sink, progress)
        if isinstance(what, Generation):
            note_saved(what, sink.saved)
        return path


def show(rules: ImageRules, what: Image | Character) -> Flow[Preview]:
    """Return an image to look at, from its file if it was saved, and otherwise from its URL."""
    from aurashot.images._preview import Preview, preview
    from aurashot.models._facts import facts_of, prompt_of, title_of

    if is_stored_face(what):
        from aurashot.characters._shown import card_of

        character = cast("Character", what)
        return Preview((yield from blocking(lambda _: card_of(character, read=True))))
    saved = saved_as(what) if isinstance(what, Generation) else None
    content = None if saved is None else (yield from blocking(lambda _: saved.read()))
    if content is None:
        content = yield from read(rules, cast("Image", what), progress=None)
    about: tuple[str, list[tuple[str, str]], str] = ("Image", [], "")
    if isinstance(what, Generation):
        about = (title_of(what), [*facts_of(what)], prompt_of(what))
    return Preview((yield from blocking(lambda _: preview(*about, content))))


def read(rules: ImageRules, what: Image, *, progress: Progress | None) -> Flow[bytes]:
    """Return an image's bytes."""
    with _carrying(what):
        sink = MemorySink(max_bytes=rules.max_bytes, max_pixels=rules.max_pixels)
        return (yield from fetch(_address(rules, what), sink, progress))


def _check_target(to: str | os.PathLike[str]) -> None:
    try:
        path: object = os.fspath(to)
    except TypeError:
        path = None
    if not isinstance(path, str):
        kind = type(to).__name__
        fault = f"a path is needed, not an object of type {kind}; client.read returns the bytes"
    elif wrong := path_fault(path):
        fault = f"{wrong}; pass a folder or the path of a file"
    elif Path(path).anchor and Path(path) == Path(Path(path).anchor):
        fault = "it is the root folder; pass a folder or the path of a file"
    else:
        return
    raise InputError(f"to: {fault}", argument="to")


@contextmanager
def _carrying(what: Image) -> Generator[None]:
    """Attach to an error what was to be fetched: it is paid for, and still at its URL."""
    try:
        yield
    except AuraShotError as error:
        if isinstance(what, Generation | WorkflowJob):
            error.delivered = (what,)
        raise


def _address(rules: ImageRules, what: Image) -> str:
    given = what if isinstance(what, str) or url_text(what) else _url_of(what)
    url = url_text(given) or given
    if not isinstance(url, str):
        message = f"what: a generation, an output, an upload or a URL is needed, not {type(what).__name__}"
        raise InputError(message, argument="what")
    try:
        return check_url(_as_requested(url), own_origin=rules.own_origin)
    except UnsafeURLError as error:
        raise error.about("what") from None


def _url_of(what: object) -> object:
    try:
        return getattr(what, "url", None)
    except AuraShotError:  # a response without an image
        raise
    except Exception as error:
        fault = f"the URL of the {type(what).__name__} object cannot be read ({described(error)}); pass the URL itself"
        raise InputError(f"what: {fault}", argument="what") from error


def _as_requested(url: str) -> str:
    """Return a URL escaped as browsers escape it: what the service calls an image is what is fetched."""
    try:
        return escaped_url(url.encode())
    except ValueError:  # half a character, or a host that cannot be a name
        return url


def _stem(what: Image, url: str) -> str:
    """Return a file name that comes from identifiers alone, never from a URL."""
    match what:
        case Generation(request_id=str() as identifier):
            return f"{identifier}-1"
        case WorkflowJob(execution_id=str() as identifier) | WorkflowJob(task_id=str() as identifier):
            return f"{identifier}-1"
        case _:
            return f"image-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
