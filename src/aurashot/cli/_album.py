"""The images of a demo, each downloaded as soon as it is made, so that a later failure loses none of them."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final

from aurashot.cli._faces import compared, face_element, in_words, reference_in
from aurashot.cli._files import move, write
from aurashot.errors import AuraShotError, DownloadError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot import AuraShot, Generation
    from aurashot.cli._output import Output
    from aurashot.identity import Comparison, FaceReference


@dataclass(frozen=True, slots=True)
class Scene:
    """An image to generate: the name of its file, its title, and its prompt."""

    name: str
    title: str
    prompt: str = ""


ID_PHOTO: Final = Scene("id-photo", "ID photo")
CAFE: Final = Scene("cafe", "Cafe", "sitting in a cozy cafe, warm afternoon light, casual outfit")
ROOFTOP: Final = Scene("rooftop", "Rooftop", "change background to a rooftop bar at night")
SCENES: Final = (ID_PHOTO, CAFE, ROOFTOP)


@dataclass(frozen=True, slots=True)
class Shot:
    """A generated image: the service's response, the name of its file, and the seconds that it took."""

    scene: Scene
    generation: Generation
    file: str
    seconds: float
    comparison: Comparison | None = None
    """Whether it shows the face, if faces can be compared here."""
    crop: str = ""
    """The face in it, as an element of a page."""

    @property
    def words(self) -> str:
        """What is known of the face: the verdict, the similarity, the reasons, and how many images it took."""
        if self.comparison is None:
            return ""
        check = self.generation.identity
        took = f", attempt {check.attempts}" if check is not None and check.attempts > 1 else ""
        return in_words(self.comparison) + took

    @property
    def by_sandbox(self) -> bool:
        """Whether the sandbox drew it."""
        pipeline = self.generation.pipeline
        return pipeline is not None and pipeline.provider == "sandbox"


class Album:
    """A folder of images that one client generates.

    Attributes:
        folder: The folder of the files; existing files with the same names are replaced.
        shots: The images so far.
    """

    def __init__(self, client: AuraShot, folder: Path, output: Output) -> None:
        self.folder = folder
        self.shots: list[Shot] = []
        self.reference: FaceReference | None = None
        self._client = client
        self._screen = output.screen
        self._working = output.working

    def fill(self, face: Path) -> None:
        """Generate the three images of the demo: the anchor of a face, the face in a scene, and an edit of that image.

        Raises:
            AuraShotError: An image could not be generated or saved; the earlier ones are in `shots`.
        """
        client = self._client
        self.reference = reference_in(face)
        anchor = self._add(ID_PHOTO, lambda: client.id_photo(face, wait_for_result=True))
        cafe = self._add(CAFE, lambda: client.generate(CAFE.prompt, face=anchor, wait_for_result=True))
        self._add(ROOFTOP, lambda: client.edit(ROOFTOP.prompt, target=cafe, face=anchor, wait_for_result=True))

    def _add(self, scene: Scene, make: Callable[[], Generation]) -> Generation:
        started = perf_counter()
        try:
            with self._working(f"making {scene.name} ..."):
                generation = make()
                file = self._download(scene, generation)
                shot = self._shot(scene, generation, file, started)
        except (AuraShotError, KeyboardInterrupt) as problem:
            problem.add_note(f"this happened at {scene.name}, image {len(self.shots) + 1} of {len(SCENES)}")
            raise
        self.shots.append(shot)
        seconds = f"{shot.seconds:.1f} s"
        self._screen.row(scene.title, shot.file, f"{seconds}  {shot.words}" if shot.words else seconds)
        return generation

    def _shot(self, scene: Scene, generation: Generation, file: Path, started: float) -> Shot:
        seconds = perf_counter() - started
        if self.reference is None:
            return Shot(scene, generation, file.name, seconds)
        comparison = compared(self.reference, file)
        return Shot(
            scene,
            generation,
            file.name,
            seconds,
            comparison,
            face_element(file) if comparison and comparison.faces else "",
        )

    def _download(self, scene: Scene, generation: Generation) -> Path:
        try:
            image = self._client.download(generation, self.folder)
        except DownloadError as error:
            self._keep_url(scene, generation, error)
            raise
        path = self.folder / f"{scene.name}{image.suffix}"
        try:
            move(image, path)
        except InputError as error:
            quoted = f"request id {generation.request_id}, idempotency key {generation.meta.idempotency_key}"
            error.add_note(f"the image is stored as '{image}' ({quoted})")
            raise
        return path

    def _keep_url(self, scene: Scene, generation: Generation, error: AuraShotError) -> None:
        """Store the URL of an image that cannot be downloaded; whoever has it can fetch the image."""
        path = self.folder / f"{scene.name}.url.txt"
        write(path, f"{generation.url}\n".encode(), mode=0o600)
        error.add_note(f"the URL of the image is in '{path}'")
