"""`aurashot id-photo`, `generate` and `edit`: the commands that make images."""

from typing import TYPE_CHECKING, Annotated

import typer

from aurashot.cli import _options as options
from aurashot.errors import InputError

if TYPE_CHECKING:
    from aurashot.cli._asked import Asked

Face = Annotated[str | None, typer.Option(metavar="IMAGE", help="The face: an ID photo, or a photo with one face.")]
Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help="In words, in any language; - reads standard input.")]


@options.makes_images
def id_photo(
    face: Annotated[str, typer.Argument(metavar="FACE", help="A photo with one face: a file or a URL.")],
    *,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A style, for example for an anime character.")
    ] = None,
    wanted: options.Wanted,
) -> None:
    """Make the ID photo of a person: the anchor to pass as --face from then on. Bills one image.

    It shows the face from the front, from the left, from the right and smiling. To keep it with a name, use
    "aurashot characters create" instead.
    """
    from aurashot.cli._asked import Asked

    _run(Asked(operation="id_photo", prompt=prompt, images={"face": face}), wanted)


@options.makes_images
def generate(
    prompt: Prompt,
    *,
    face: Face = None,
    name: options.As = None,
    clothes: Annotated[str | None, typer.Option(metavar="IMAGE", help="The clothes that the person wears.")] = None,
    scene: Annotated[str | None, typer.Option(metavar="IMAGE", help="The place where the person is.")] = None,
    library: options.Library = ".",
    wanted: options.Wanted,
) -> None:
    """Generate an image of a person in a new scene. Bills one image.

    The person is the one of --face, or a character of your library with --as.
    """
    from aurashot.cli._asked import Asked, face_of, prompt_in

    text = prompt_in(prompt)
    person, character = face_of(face, name, library)
    if person is None:
        raise InputError("--face: whom the image shows is missing; pass --face IMAGE or --as NAME", argument="face")
    given = {"face": person, "clothes": clothes, "scene": scene}
    images = {argument: image for argument, image in given.items() if image is not None}
    worded = character.prompt(text) if character else text
    _run(Asked(operation="generate", prompt=worded, images=images, character=character), wanted)


@options.makes_images
def edit(
    prompt: Prompt,
    *,
    target: Annotated[str, typer.Option(metavar="IMAGE", help="The image to edit.")],
    face: Face = None,
    name: options.As = None,
    library: options.Library = ".",
    wanted: options.Wanted,
) -> None:
    """Edit an image and keep its person. Bills one image.

    With --face or --as, the person must stay the one of that face.
    """
    from aurashot.cli._asked import Asked, face_of, prompt_in

    text = prompt_in(prompt)
    person, character = face_of(face, name, library)
    images = {"target": target} | ({} if person is None else {"face": person})
    if wanted.compares and person is None:
        raise InputError("--face: what to compare faces with is missing; pass --face or --as", argument="face")
    _run(Asked(operation="edit", prompt=text, images=images, character=character), wanted)


def _run(asked: "Asked", wanted: options.Wanted) -> None:
    from aurashot.cli._output import Output

    output = Output()
    if wanted.dry_run:
        from aurashot.cli._dry_run import show_plan

        show_plan(asked, wanted, output)
    else:
        from aurashot.cli._shots import Shoot

        Shoot(asked, wanted, output).run()
