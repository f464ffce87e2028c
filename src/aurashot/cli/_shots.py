"""Making images: one call after the other, each saved as soon as it is made, so that a later failure loses none."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from aurashot.cli._paying import Account
from aurashot.cli._targets import target_of
from aurashot.errors import DownloadError, IdentityDriftError, SpendCapError

if TYPE_CHECKING:
    from aurashot import AuraShot, Generation, IdentityPolicy
    from aurashot.cli._asked import Asked
    from aurashot.cli._options import Wanted
    from aurashot.cli._output import Output
    from aurashot.cli._screen import Screen


@dataclass(frozen=True, slots=True)
class Shot:
    """An image that was made, and the path of its file; none if it is not saved."""

    generation: Generation
    path: str | None

    def data(self, *, urls: bool) -> dict[str, Any]:
        """Return what is known of it; its URL, with which anybody can fetch it, only if that is wanted."""
        check, meta = self.generation.identity, self.generation.meta
        data = {
            "path": self.path,
            "verdict": check.verdict if check else None,
            "similarity": _rounded(check.similarity) if check else None,
            "request_id": self.generation.request_id,
            "idempotency_key": meta.idempotency_key,
            "from_ledger": meta.from_ledger,
        }
        return data | ({"url": self.generation.url} if urls else {})

    @property
    def words(self) -> str:
        """What is known of the face."""
        from aurashot.cli._faces import in_words

        check = self.generation.identity
        return in_words(check.comparison) if check else ""

    @property
    def rank(self) -> tuple[bool, float]:
        """How well it shows the face: accepted ones first, then by similarity."""
        check = self.generation.identity
        return (bool(check and check.accepted), (check.similarity if check else None) or 0.0)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


class Shoot:
    """The images of one command.

    Attributes:
        shots: The images so far.
    """

    def __init__(self, asked: Asked, wanted: Wanted, output: Output) -> None:
        self.shots: list[Shot] = []
        self._asked, self._wanted, self._output = asked, wanted, output
        self._target = target_of(wanted.out, count=wanted.count, force=wanted.force, character=asked.character)
        self._tags = wanted.tag_values()
        self._key = wanted.key or str(uuid4())
        self._account = Account(
            wanted.ledger, max_images=wanted.max_images, timeout=wanted.timeout, images=self._images, key=self._key
        )
        self._drift: IdentityDriftError | None = None

    def run(self) -> None:
        """Make and save the images, and print the result.

        Raises:
            typer.Exit: Something failed; what was made before is saved and was printed.
        """
        with self._account.client() as client:
            self._make_all(client)
            self._finish(client)
        self._tell()

    def _make_all(self, client: AuraShot) -> None:
        count = self._wanted.count
        for number in range(1, count + 1):
            which = f"image {number} of {count}" if count > 1 else "the image"
            try:
                with self._output.working(f"making {which} ..."):
                    generation = self._asked.make(
                        client, key=self._key_of(number), tags=self._tags, identity=self._policy(number)
                    )
            except IdentityDriftError as drift:
                self._keep_drifted(client, drift, number)
                continue
            if self._wanted.keep_best:
                self.shots.append(Shot(generation, None))
            else:
                self._add(client, generation, number)

    def _key_of(self, number: int) -> str:
        return self._key if number == 1 else f"{self._key}-{number}"

    def _policy(self, number: int) -> IdentityPolicy | None:
        if not self._wanted.compares:
            return None
        from aurashot import IdentityPolicy

        left = self._wanted.attempts
        if self._wanted.max_images is not None:
            left = min(left, self._wanted.max_images - self._account.paid)
        if left < 1:
            made = number - 1
            raise SpendCapError(
                f"The cap of {self._wanted.max_images} images is reached after {made} of {self._wanted.count}; "
                "raise --max-images to make the others"
            )
        return IdentityPolicy(attempts=left, max_images=left)

    def _keep_drifted(self, client: AuraShot, drift: IdentityDriftError, number: int) -> None:
        """Save images that show another person, since they are paid for."""
        made = cast("tuple[Generation, ...]", drift.delivered)
        self._drift = drift
        if self._wanted.keep_best:
            self.shots.extend(Shot(each, None) for each in made)
            return
        for each in made:
            self._add(client, each, number)
        raise drift

    def _add(self, client: AuraShot, generation: Generation, number: int) -> None:
        place = max(number, len(self.shots) + 1)
        try:
            with self._output.working("downloading ..."):
                path = self._target.save(client, generation, place)
        except DownloadError as error:
            self.shots.append(Shot(generation, None))
            self._keep_url(generation, error)
            raise
        shot = Shot(generation, path)
        self.shots.append(shot)
        self._show(shot)

    def _finish(self, client: AuraShot) -> None:
        """Choose the best image if that is wanted."""
        if not self._wanted.keep_best:
            return
        best = max(self.shots, key=lambda shot: shot.rank)
        made = len(self.shots)
        self.shots = []
        self._add(client, best.generation, 1)
        self._output.hint(f"Kept the best of {made} images; all of them were billed.")
        if self._drift is not None and not best.rank[0]:
            raise self._drift

    def _keep_url(self, generation: Generation, error: DownloadError) -> None:
        """Store the URL of an image that cannot be downloaded; whoever has it can fetch the image."""
        from aurashot.cli._files import write
        from aurashot.images import safe_stem

        path = self._target.beside(f"{safe_stem(generation.request_id or self._key)}.url.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, f"{generation.url}\n".encode(), mode=0o600)
        error.add_note(f"its URL is in '{path}'; get it with: aurashot download --from {shlex.quote(str(path))}")

    def _show(self, shot: Shot) -> None:
        """Show an image to people as soon as it is saved."""
        if self._output.is_human and shot.path:
            screen = self._output.screen
            screen.say(f"{shot.path}  {shot.words}".rstrip())
            screen.image(shot.path)

    def _tell(self) -> None:
        paid = self._account.paid
        data: dict[str, Any] = {
            "operation": self._asked.operation,
            "paid": paid > 0,
            "images_paid": paid,
            "character": self._asked.character.name if self._asked.character else None,
            "images": self._images(),
        }
        self._output.show(data, self._summary, [shot.path for shot in self.shots if shot.path])
        self._open()

    def _images(self) -> list[dict[str, Any]]:
        return [shot.data(urls=self._wanted.urls) for shot in self.shots]

    def _summary(self, screen: Screen) -> None:
        paid = self._account.paid
        if self._wanted.urls:
            for shot in self.shots:
                screen.say(shot.generation.url)
        noun = "image" if paid == 1 else "images"
        self._output.hint(f"Billed: {paid} {noun}." if paid else "Billed: nothing, as it was paid for before.")

    def _open(self) -> None:
        if not self._wanted.opens:
            return
        import typer

        for shot in self.shots:
            if shot.path and typer.launch(shot.path):
                self._output.hint(f"{shot.path} cannot be opened: there is no desktop; open it yourself")
