"""`aurashot verify`: do these images show the person of the anchor?"""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    anchor: Annotated[Path, typer.Argument(metavar="ANCHOR", help="An image of the person, or an ID photo.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="The images to compare with it.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the faces side by side, as HTML.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML, for CI systems.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Ask for a higher similarity, and count what is unsure as drift.")
    ] = False,
) -> None:
    """Compare images with an anchor on your machine; exit with 1 if one shows another person.

    Each image is "same", "different" or "unsure", with reasons. A drawn face cannot be judged, and is "unsure".
    """
    from aurashot.cli import _verify_report as reports
    from aurashot.cli._output import Output

    output = Output()
    with output.working("comparing"):
        results = reports.compared(anchor, images, strict=strict)
    drifted = [result for result in results if result.is_drift]
    output.show(
        reports.data(anchor, results),
        lambda screen: reports.show(anchor, results, screen),
        [str(result.path) for result in drifted],
    )
    if report is not None:
        reports.write(report, reports.page(anchor, results), "--report")
    if junit is not None:
        reports.write(junit, reports.junit(results), "--junit")
    if drifted:
        raise typer.Exit(1)
