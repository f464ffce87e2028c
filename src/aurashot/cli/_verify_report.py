"""The results of `aurashot verify`: rows of a table, a page with faces side by side, and JUnit XML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot.cli._faces import face_element
from aurashot.errors import FaceEngineError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from aurashot.cli._screen import Screen
    from aurashot.identity import Comparison, FaceReference

_SHOWN: Final = 160
"""Pixels of a face in the terminal."""
_PAGE: Final = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Do these images show the same person?</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  article { display: flex; gap: 1rem; align-items: center; padding: 1rem 0; border-top: 1px solid #8884; }
  img { width: 120px; height: 120px; border-radius: 8px; background: #8883; flex: none; }
  h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
  p, ul { margin: .2rem 0; } ul { padding-left: 1.2rem; } small { opacity: .75; }
  .verdict { display: inline-block; padding: 0 .6rem; border-radius: 1rem; color: #fff; font-weight: 600; }
  .same { background: #1a7f4b; } .unsure { background: #8a6100; } .different, .error { background: #b3261e; }
</style>
</head>
<body>
<h1>Do these images show the same person?</h1>
<p>$summary</p>
<p><small>Compared with $anchor by $engine. A similarity is no probability, and this is a drift check, no proof of
identity. A drawn face cannot be judged.</small></p>
$articles
</body>
</html>
"""
)

_ARTICLE: Final = Template(
    """\
<article>
  $reference$face
  <div>
    <h2>$name</h2>
    <p><span class="verdict $verdict">$verdict</span> $similarity</p>
    <ul>$reasons</ul>
  </div>
</article>"""
)


@dataclass(frozen=True, slots=True)
class Result:
    """One image, compared with the anchor.

    Attributes:
        path: The image.
        comparison: What was found; None if it cannot be read.
        problem: Why not.
        strict: Whether what is unsure counts as drift.
    """

    path: Path
    comparison: Comparison | None
    problem: str = ""
    strict: bool = False

    @property
    def verdict(self) -> str:
        """The verdict, or `error`."""
        return self.comparison.verdict if self.comparison else "error"

    @property
    def is_drift(self) -> bool:
        """Whether the image fails."""
        return self.verdict in {"different", "error"} or (self.strict and self.verdict != "same")

    @property
    def similarity(self) -> str:
        """The similarity, if anything was compared."""
        value = self.comparison.similarity if self.comparison else None
        return "-" if value is None else f"{value:.2f}"

    @property
    def reasons(self) -> list[str]:
        """The reasons as text."""
        return [str(each) for each in self.comparison.reasons] if self.comparison else [self.problem]

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row of the table."""
        codes = (
            [f"{each.about}: {each.code}" for each in self.comparison.reasons] if self.comparison else [self.problem]
        )
        return str(self.path), self.verdict, self.similarity, ", ".join(codes)


def compared(anchor: Path, images: Sequence[Path], *, strict: bool) -> list[Result]:
    """Compare images with an anchor; one that cannot be read is a result, too.

    Raises:
        InputError: The anchor cannot be read.
    """
    from aurashot.identity import FaceReference

    try:
        reference = FaceReference.from_images(anchor)
    except InputError as error:
        raise error.about("ANCHOR") from error
    return [_compared(reference, image, strict=strict) for image in images]


def _compared(reference: FaceReference, image: Path, *, strict: bool) -> Result:
    from aurashot.identity import compare

    try:
        return Result(image, compare(reference, image, strict=strict), strict=strict)
    except (InputError, FaceEngineError) as error:
        return Result(image, None, error.message, strict)


def data(anchor: Path, results: Sequence[Result]) -> dict[str, Any]:
    """Return the results as a document."""
    images = [
        {
            "path": str(each.path),
            "verdict": each.verdict,
            "similarity": each.comparison.similarity if each.comparison else None,
            "is_drift": each.is_drift,
            "reasons": each.reasons,
        }
        for each in results
    ]
    return {"anchor": str(anchor), "drifted": sum(each.is_drift for each in results), "images": images}


def show(anchor: Path, results: Sequence[Result], screen: Screen) -> None:
    """Print the results as a table, and the faces where the terminal shows images."""
    screen.table(("image", "verdict", "similarity", "reasons"), [result.cells for result in results])
    screen.faces(lambda: faces(anchor, results))
    drifted = sum(result.is_drift for result in results)
    if drifted:
        screen.say(f"{drifted} of {len(results)} drifted away from {anchor}.")


def faces(anchor: Path, results: Sequence[Result]) -> list[tuple[tuple[str, str], Image | None]]:
    """Return the face of the anchor and of each image, captioned with its file's name and the verdict."""
    from aurashot.identity import aligned_face

    shown = [(result.path, result.verdict) for result in results if result.comparison]
    return [((path.name, word), aligned_face(path, size=_SHOWN)) for path, word in [(anchor, "anchor"), *shown]]


def page(anchor: Path, results: Sequence[Result]) -> str:
    """Return an HTML page without scripts and external URLs: the faces are in it."""
    counts = {
        verdict: sum(each.verdict == verdict for each in results)
        for verdict in ("same", "unsure", "different", "error")
    }
    engines = [each.comparison.engine for each in results if each.comparison]
    reference = face_element(anchor)
    return _PAGE.substitute(
        summary=escape(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)),
        anchor=escape(str(anchor)),
        engine=escape(engines[0] if engines else "no engine"),
        articles="\n".join(_article(each, reference) for each in results),
    )


def _article(result: Result, reference: str) -> str:
    return _ARTICLE.substitute(
        reference=reference,
        face=face_element(result.path) if result.comparison else "",
        name=escape(str(result.path)),
        verdict=result.verdict,
        similarity=f"similarity {result.similarity}" if result.comparison else "",
        reasons="".join(f"<li>{escape(each)}</li>" for each in result.reasons),
    )


def junit(results: Sequence[Result]) -> str:
    """Return the results as JUnit XML: drift is a failure, and what cannot be read an error."""
    failures = sum(each.is_drift and each.comparison is not None for each in results)
    errors = sum(each.comparison is None for each in results)
    counts = {"tests": str(len(results)), "failures": str(failures), "errors": str(errors)}
    suite = ET.Element("testsuite", {"name": "aurashot verify", **counts})
    for each in results:
        case = ET.SubElement(suite, "testcase", {"classname": "aurashot.verify", "name": str(each.path)})
        if each.is_drift:
            message = f"{each.verdict} (similarity {each.similarity})"
            kind = "failure" if each.comparison else "error"
            ET.SubElement(case, kind, {"message": message}).text = "\n".join(each.reasons)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def write(path: Path, text: str, option: str) -> None:
    """Write a file atomically.

    Raises:
        InputError: It cannot be written.
    """
    if fault := _atomic.path_fault(str(path)):
        raise InputError(f"{option}: {fault}; pass a file", argument=option)
    try:
        _atomic.write(path, text.encode("utf-8", "backslashreplace"))
    except OSError as problem:
        message = f"{option}: '{path}' cannot be written ({reason_of(problem)}); choose another file"
        raise InputError(message, argument=option) from problem
