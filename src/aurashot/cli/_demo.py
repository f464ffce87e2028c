"""`aurashot demo`: three images of one face, made by the real client."""

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from aurashot.errors import AuraShotError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot import AuraShot
    from aurashot.cli._album import Album
    from aurashot.cli._portrait import Portrait
    from aurashot.cli._screen import Screen


def demo(
    face: Annotated[
        Path | None, typer.Option(metavar="PHOTO", help="A photo with one face; otherwise one is drawn.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder for the images; those of an earlier run are replaced.")
    ] = Path("aurashot-demo"),
    live: Annotated[
        bool, typer.Option("--live", help="Use the hosted service and your key: 3 images are billed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --live spends money.")] = False,
) -> None:
    """Make an ID photo, a cafe scene and a rooftop edit of one face.

    A sandbox on this machine makes them: no key, no network, no bill. The images go into a folder, with a page that
    shows them side by side.
    """
    from aurashot.cli._album import Album
    from aurashot.cli._portrait import drawn_portrait, portrait_of
    from aurashot.cli._screen import Screen

    screen = Screen()
    portrait = portrait_of(face) if face else drawn_portrait()
    with _service(screen, live=live, yes=yes) as client:
        _run(Album(client, out, screen), portrait, screen, live=live)


@contextmanager
def _service(screen: "Screen", *, live: bool, yes: bool) -> "Generator[AuraShot]":
    from aurashot import AuraShot, sandbox

    if live:
        with AuraShot() as client:
            _ask(screen, yes=yes)
            yield client
    else:
        with sandbox.serve() as server, AuraShot(server.api_key, base_url=server.url) as client:
            screen.say(f"A sandbox is running at {server.url}: no key, no network, no bill.")
            yield client


def _ask(screen: "Screen", *, yes: bool) -> None:
    """Show what will be billed, and go on only if the user agrees.

    Raises:
        ConfigurationError: The terminal is not interactive.
    """
    service = os.environ.get("AURASHOT_BASE_URL") or "the hosted service"
    screen.say(f"3 images will be made by {service} and billed to your key.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("--live spends money and there is no terminal to ask on: add --yes to agree")
    if not screen.agrees("Go on?"):
        screen.say("Nothing was sent and nothing was billed.")
        raise typer.Exit(1)


def _run(album: "Album", portrait: "Portrait", screen: "Screen", *, live: bool) -> None:
    from aurashot.cli._failures import fail
    from aurashot.cli._files import write, writing

    with writing(album.folder):
        album.folder.mkdir(parents=True, exist_ok=True)
    face = album.folder / portrait.file
    write(face, portrait.content)
    screen.say()
    screen.row("Face", face.name, "drawn; your own with --face PHOTO" if portrait.drawn else "your photo")
    started = perf_counter()
    try:
        album.fill(face)
    except (AuraShotError, KeyboardInterrupt) as problem:
        with suppress(AuraShotError):  # the first error is the one to tell
            _conclude(album, portrait, screen, perf_counter() - started, live=live)
        if isinstance(problem, AuraShotError):
            fail(problem, is_free=not live)  # what the sandbox bills, nobody pays
        if live:
            problem.add_note("it may be billed all the same")
        raise
    _conclude(album, portrait, screen, perf_counter() - started, live=live)


def _conclude(album: "Album", portrait: "Portrait", screen: "Screen", seconds: float, *, live: bool) -> None:
    """Write the contact sheet and sum up; there may be fewer images than planned."""
    from aurashot.cli._album import SCENES
    from aurashot.cli._contact_sheet import contact_sheet
    from aurashot.cli._files import write

    made = len(album.shots)
    screen.say()
    screen.row("Made", f"{made} of {len(SCENES)} images in {seconds:.1f} s")
    if live:
        screen.row("Billed", f"{made}, to your key (the first 5 of a new key are free)")
    else:
        screen.row("Billed", f"0: the sandbox is free; the hosted service would have billed {made}")
    if made:
        index = album.folder / "index.html"
        write(index, contact_sheet(portrait, album.shots).encode())
        screen.row("Look at", str(index))
