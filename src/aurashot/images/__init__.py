"""Images that users pass in, and images that are downloaded.

Plain functions: no network, no threads. Pillow is used if it is installed, and imported only when it is needed;
so is all that reads or writes images, which a call with URLs does not do.
"""

from typing import TYPE_CHECKING

from aurashot import _late
from aurashot._url_policy import is_public_address
from aurashot.images._input import HasURL, ImageInput, LocalImage, is_stored_face, locate
from aurashot.images._rules import ImageRules
from aurashot.images._stored import StoredFace, StoredURL
from aurashot.images._urls import check_url
from aurashot.images._window import unlimited

if TYPE_CHECKING:
    from aurashot.images._formats import EXTENSIONS, sniff
    from aurashot.images._names import safe_stem
    from aurashot.images._payload import Payload, prepare
    from aurashot.images._pixels import decode
    from aurashot.images._preview import Preview
    from aurashot.images._shared import SharedRead, held
    from aurashot.images._sink import FileSink, MemorySink, Sink, too_large
    from aurashot.images._size import check_complete

__all__ = [
    "EXTENSIONS",
    "FileSink",
    "HasURL",
    "ImageInput",
    "ImageRules",
    "LocalImage",
    "MemorySink",
    "Payload",
    "Preview",
    "SharedRead",
    "Sink",
    "StoredFace",
    "StoredURL",
    "check_complete",
    "check_url",
    "decode",
    "held",
    "is_public_address",
    "is_stored_face",
    "locate",
    "prepare",
    "safe_stem",
    "sniff",
    "too_large",
    "unlimited",
]

_HOMES = {
    "EXTENSIONS": "aurashot.images._formats",
    "FileSink": "aurashot.images._sink",
    "Sink": "aurashot.images._sink",
    "MemorySink": "aurashot.images._sink",
    "Payload": "aurashot.images._payload",
    "Preview": "aurashot.images._preview",
    "SharedRead": "aurashot.images._shared",
    "check_complete": "aurashot.images._size",
    "decode": "aurashot.images._pixels",
    "held": "aurashot.images._shared",
    "prepare": "aurashot.images._payload",
    "safe_stem": "aurashot.images._names",
    "too_large": "aurashot.images._sink",
    "sniff": "aurashot.images._formats",
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
