"""Images on their way out and in: what a user hands over, and where a downloaded picture lands.

Plain functions: no network, no threads. Pillow is used if it is installed, and imported only when it is needed.
"""

from aurashot.images._formats import EXTENSIONS, check_complete, sniff
from aurashot.images._input import HasURL, ImageInput, LocalImage, locate
from aurashot.images._landing import FileLanding, Landing, MemoryLanding
from aurashot.images._names import safe_stem
from aurashot.images._payload import Payload, prepare
from aurashot.images._rules import ImageRules
from aurashot.images._urls import check_url, is_public_address

__all__ = [
    "EXTENSIONS",
    "FileLanding",
    "HasURL",
    "ImageInput",
    "ImageRules",
    "Landing",
    "LocalImage",
    "MemoryLanding",
    "Payload",
    "check_complete",
    "check_url",
    "is_public_address",
    "locate",
    "prepare",
    "safe_stem",
    "sniff",
]
