"""Is it the same face? Measured on your machine: nothing is sent, and nothing is stored.

    from aurashot.identity import compare

    result = compare("anchor.png", "cafe.png")
    print(result.verdict, result.similarity)  # same, different or unsure; 0 to 1

It tells when a generated face drifts away from its reference; it authenticates nobody. It needs the extra `identity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import _late

if TYPE_CHECKING:
    from aurashot.identity._calibration import Calibration, Confidence
    from aurashot.identity._comparison import Comparison, compare
    from aurashot.identity._distinctness import AlikePair, Distinctness, distinctness
    from aurashot.identity._faces import Detection, Face, FaceBox, Landmarks, Point
    from aurashot.identity._fetch import fetch_models
    from aurashot.identity._files import FILES, ModelFile, cache_folder
    from aurashot.identity._findings import Finding, Reason, ReasonCode, Verdict, reason
    from aurashot.identity._model import FaceModel, Pixels, Vector
    from aurashot.identity._opencv import YuNetSFace, default_model
    from aurashot.identity._policy import Accept, IdentityCheck, IdentityPolicy
    from aurashot.identity._preflight import Preflight, preflight
    from aurashot.identity._reference import FaceReference, HasFaceReference, ReferenceInput
    from aurashot.identity._search import aligned_face, find_faces
    from aurashot.identity._sheets import IdSheet, Tile, TileLabel, split_id_photo
    from aurashot.identity._threads import acompare, in_scoring_thread
    from aurashot.identity._thresholds import THRESHOLDS, Thresholds

__all__ = [
    "FILES",
    "THRESHOLDS",
    "Accept",
    "AlikePair",
    "Calibration",
    "Comparison",
    "Confidence",
    "Detection",
    "Distinctness",
    "Face",
    "FaceBox",
    "FaceModel",
    "FaceReference",
    "Finding",
    "HasFaceReference",
    "IdSheet",
    "IdentityCheck",
    "IdentityPolicy",
    "Landmarks",
    "ModelFile",
    "Pixels",
    "Point",
    "Preflight",
    "Reason",
    "ReasonCode",
    "ReferenceInput",
    "Thresholds",
    "Tile",
    "TileLabel",
    "Vector",
    "Verdict",
    "YuNetSFace",
    "acompare",
    "aligned_face",
    "cache_folder",
    "compare",
    "default_model",
    "distinctness",
    "fetch_models",
    "find_faces",
    "in_scoring_thread",
    "preflight",
    "reason",
    "split_id_photo",
]

_HOMES = {
    name: f"aurashot.identity.{module}"
    for module, names in {
        "_calibration": ("Calibration", "Confidence"),
        "_comparison": ("Comparison", "compare"),
        "_distinctness": ("AlikePair", "Distinctness", "distinctness"),
        "_faces": ("Detection", "Face", "FaceBox", "Landmarks", "Point"),
        "_fetch": ("fetch_models",),
        "_files": ("FILES", "ModelFile", "cache_folder"),
        "_findings": ("Finding", "Reason", "ReasonCode", "Verdict", "reason"),
        "_model": ("FaceModel", "Pixels", "Vector"),
        "_opencv": ("YuNetSFace", "default_model"),
        "_policy": ("Accept", "IdentityCheck", "IdentityPolicy"),
        "_preflight": ("Preflight", "preflight"),
        "_reference": ("FaceReference", "HasFaceReference", "ReferenceInput"),
        "_search": ("aligned_face", "find_faces"),
        "_sheets": ("IdSheet", "Tile", "TileLabel", "split_id_photo"),
        "_threads": ("acompare", "in_scoring_thread"),
        "_thresholds": ("THRESHOLDS", "Thresholds"),
    }.items()
    for name in names
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        """Import a public name on first use, so that importing the package costs nothing."""
        try:
            return _late.named(__name__, name, _HOMES)
        except ImportError as missing:
            from aurashot.errors import ConfigurationError

            package = str(missing.name or "a package").partition(".")[0]
            raise ConfigurationError(
                f"Comparing faces needs {package}; install it with pip install 'aurashot[identity]'"
            ) from missing


def __dir__() -> list[str]:
    return __all__
