"""The page that shows the images of a demo side by side: static HTML without scripts and external URLs."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.cli._album import Shot
    from aurashot.cli._portrait import Portrait

TITLE: Final = "One face, the same in every image"
INTRO: Final = "Made with aurashot demo: the ID photo is made once, and is the anchor of every later image."
SANDBOX_MARK: Final = '<p class="mark">Made by the sandbox, not by a model</p>\n'

FIGURE: Final = Template(
    """\
<figure>
  <a href="$file"><img src="$file" alt="$alt"></a>
  <figcaption>
    <h2>$title</h2>
    <p>$text</p>
$crop$facts  </figcaption>
</figure>"""
)


def contact_sheet(portrait: Portrait, shots: Sequence[Shot]) -> str:
    """Return the page as HTML; the file names in it are relative to its own folder."""
    template = Template(files("aurashot.cli").joinpath("contact_sheet.html").read_text("utf-8"))
    return template.substitute(
        title=TITLE,
        mark=SANDBOX_MARK if any(shot.by_sandbox for shot in shots) else "",
        intro=INTRO,
        figures="\n".join([_original(portrait), *map(_shot, shots)]),
    )


def _original(portrait: Portrait) -> str:
    text = "Drawn by code: it shows no real person." if portrait.drawn else "The photo that all images are made from."
    return _figure(portrait.file, title="The face", text=text, alt="The face that all images show")


def _shot(shot: Shot) -> str:
    prompt = shot.scene.prompt
    return _figure(
        shot.file,
        title=shot.scene.title,
        text=f"“{prompt}”" if prompt else "The identity anchor: front, left, right and smiling.",
        alt=f"The same person: {prompt}" if prompt else "The face from the front, left, right and smiling",
        facts=[*_verdict(shot), f"{shot.seconds:.1f} seconds", f"request {shot.generation.request_id}"],
        crop=shot.crop,
    )


def _verdict(shot: Shot) -> list[str]:
    """Return what is known of the face: the verdict first, then each reason."""
    if shot.comparison is None:
        return []
    return [f"The same face? {shot.words}", *(each.sentence for each in shot.comparison.reasons)]


def _figure(file: str, *, title: str, text: str, alt: str, facts: Sequence[str] = (), crop: str = "") -> str:
    lines = "".join(f'    <p class="fact">{escape(fact)}</p>\n' for fact in facts)
    words = {"file": file, "title": title, "text": text, "alt": alt}
    escaped = {name: escape(value) for name, value in words.items()}
    return FIGURE.substitute(**escaped, facts=lines, crop=f'    <div class="face">{crop}</div>\n' if crop else "")
