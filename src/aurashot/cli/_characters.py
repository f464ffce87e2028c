"""`aurashot characters`: the characters of a library."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from aurashot.cli._options import DryRun, Key, Ledger, Timeout, Wanted

characters = typer.Typer(
    name="characters",
    no_args_is_help=True,
    help="""Characters: the same person kept as an object, with face, ID photo and images.

    They are in the folder "avatars" of a library: the working directory, or what --library or AURASHOT_LIBRARY names.
    Names may be in any script. Before one that begins with a dash, write --.
    """,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the character.")]
InLibrary = Annotated[
    str,
    typer.Option(
        "--library",
        metavar="PLACE",
        envvar="AURASHOT_LIBRARY",
        help="The folder that has `avatars` in it, or the address of an object store, such as s3://bucket/folder.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RequireConsent = Annotated[
    bool, typer.Option("--require-consent", help="Refuse a real person without a consent note for the photo.")
]
URLs = Annotated[
    bool, typer.Option("--urls", help="Print the URLs of the images as well; who has one can fetch its image.")
]


Face = Annotated[
    str, typer.Option("--face", metavar="PHOTO", help="A photo with one face, or an image of an invented person.")
]
Kind = Annotated[Literal["real", "virtual"], typer.Option("--kind", help="Whether the person is real or invented.")]
Prompt = Annotated[
    str | None,
    typer.Option("--prompt", metavar="TEXT", help="A style for the ID photo, such as of an anime character."),
]
Description = Annotated[
    str, typer.Option("--description", metavar="TEXT", help="For you and your programs; it is sent nowhere.")
]
Styles = Annotated[list[str] | None, typer.Option("--style", metavar="TEXT", help="A preferred style; repeatable.")]
Scenes = Annotated[list[str] | None, typer.Option("--scene", metavar="TEXT", help="A preferred scene; repeatable.")]
Template = Annotated[
    str | None, typer.Option("--template", metavar="TEXT", help="What prompts are put into; it has {prompt} in it.")
]
ConsentBy = Annotated[str | None, typer.Option("--consent-by", metavar="WHO", help="Who agreed to it.")]
Purpose = Annotated[str | None, typer.Option("--consent-purpose", metavar="TEXT", help="What they agreed to.")]
Evidence = Annotated[
    Path | None, typer.Option("--consent-evidence", metavar="FILE", help="What proves it; only its digest is kept.")
]
NoCheck = Annotated[
    bool, typer.Option("--no-check", help="Take a photo that is not good enough, or is another character's.")
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A tag for the ledger; repeatable.")
]


@characters.command()
def create(
    name: Name,
    *,
    face: Face,
    kind: Kind = "real",
    prompt: Prompt = None,
    description: Description = "",
    styles: Styles = None,
    scenes: Scenes = None,
    template: Template = None,
    consent_by: ConsentBy = None,
    consent_purpose: Purpose = None,
    consent_evidence: Evidence = None,
    require_consent: RequireConsent = False,
    no_check: NoCheck = False,
    ledger: Ledger = None,
    key: Key = None,
    tags: Tags = None,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    library: InLibrary = ".",
) -> None:
    """Make the ID photo of a person, and keep both as a character. Billed: one image.

    A real person must have agreed to it. If the command was interrupted, run it again: it goes on where it ended, and
    nothing is paid twice.
    """
    from aurashot.cli import _character_creation as creation
    from aurashot.cli._library import opened

    consent = creation.consent_of(consent_by, consent_purpose, consent_evidence)
    details = creation.details_of(description, styles or (), scenes or (), template, consent)
    asked = creation.Asked(name=name, face=face, kind=kind, prompt=prompt, check=not no_check, details=details)
    wanted = Wanted(ledger=ledger, key=key, tags=tuple(tags or ()), timeout=timeout, dry_run=dry_run)
    creation.create(asked, wanted, opened(library, require_consent=require_consent))


@characters.command("list")
def list_(library: InLibrary = ".") -> None:
    """List the characters of a library."""
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import opened

    report.show_list(opened(library))


@characters.command()
def show(name: Name, urls: URLs = False, library: InLibrary = ".") -> None:
    """Show all that is known of a character."""
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import opened

    report.show_character(opened(library).get(name), urls=urls)


@characters.command()
def gallery(
    name: Name,
    *,
    verdict: Annotated[
        Literal["same", "different", "unsure", "unchecked"] | None,
        typer.Option(help="Only images with this verdict about the face."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only images since this date or time, in UTC.")
    ] = None,
    tag: Annotated[str | None, typer.Option(metavar="NAME[=VALUE]", help="Only images with this tag.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The newest N; all by default.")] = None,
    library: InLibrary = ".",
) -> None:
    """List the finished images of a character, the newest first."""
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import opened
    from aurashot.cli._since import moment

    place = opened(library)
    images = place.gallery(name, verdict=verdict, since=moment(since), tag=tag)
    report.show_gallery(place, place.get(name).slug, images[:limit])


@characters.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    library: InLibrary = ".",
) -> None:
    """Give a character another name; its images and its id stay the same."""
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import opened

    place = opened(library)
    before = place.get(name)
    report.show_renamed(before, place.rename(before, new))


@characters.command()
def remove(name: Name, yes: Yes = False, library: InLibrary = ".") -> None:
    """Remove a character with all of its files.

    "forget" also removes what killed programs have left, and gives a receipt.
    """
    from aurashot.cli import _character_removal as removal

    removal.remove(library, name, yes=yes)


@characters.command()
def forget(
    name: Name,
    receipt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the receipt to a file as well, as JSON.")
    ] = None,
    yes: Yes = False,
    library: InLibrary = ".",
) -> None:
    """Remove every trace of a character, and print a receipt.

    The receipt has the digest of each file that was removed, and says what may remain elsewhere. It works also for a
    character whose files are broken, and for one whose creation was interrupted.
    """
    from aurashot.cli import _character_removal as removal

    removal.forget(library, name, receipt, yes=yes)


@characters.command()
def discard(name: Name, yes: Yes = False, library: InLibrary = ".") -> None:
    """Give up an interrupted creation.

    The character can be made anew then. Its ID photo may be paid for already: look at your bill first.
    """
    from aurashot.cli import _character_removal as removal

    removal.discard(library, name, yes=yes)


@characters.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help='A zip file that "export" has written.')],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The character's name, if not that in the file.")
    ] = None,
    require_consent: RequireConsent = False,
    library: InLibrary = ".",
) -> None:
    """Create a character from a zip file; the file may come from anybody."""
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import opened

    report.show_character(opened(library, require_consent=require_consent).import_(file, name=name), verb="Imported")


@characters.command()
def export(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The zip file, or a folder for one named after the character.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier file.")] = False,
    library: InLibrary = ".",
) -> None:
    """Write a character with all of its files into one zip file.

    The file has the images of the face in it, and URLs of images.
    """
    from aurashot.cli import _character_report as report
    from aurashot.cli._library import free_path, opened

    place = opened(library)
    character = place.get(name)
    report.show_exported(character, place.export(character, free_path(file, character.slug, force=force)))
