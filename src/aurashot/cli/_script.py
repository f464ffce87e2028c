"""The spellings of the service's script for agents: its commands, options and JSON, so that sessions go on unchanged.

They are not in the help. Each prints the service's response as one JSON document, with `downloaded` and
`downloadErrors` added; an error is the same object as everywhere, which has the script's `error` and `detail`.
"""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import unquote, urlsplit

import typer

from aurashot.errors import AuraShotError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot import AuraShot, Generation, WorkflowJob

SUFFIXES: Final = {".png", ".jpg", ".jpeg", ".webp", ".gif"}

Ledger = Annotated[Path | None, typer.Option(envvar="AURASHOT_LEDGER")]
Output = Annotated[str, typer.Option("--output", "--out", "-o")]
Described = Annotated[str | None, typer.Option("--description", "--prompt")]
Image = Annotated[str, typer.Option()]
OptionalImage = Annotated[str | None, typer.Option()]
Wait = Annotated[bool, typer.Option("--wait")]
Identifier = Annotated[str | None, typer.Option()]


def id_photo(
    face_image: Image,
    *,
    description: Described = None,
    output: Output = ".",
    wait: Wait = False,
    ledger: Ledger = None,
) -> None:
    """Make an ID photo."""
    _run(lambda client: client.id_photo(face_image, prompt=description, wait_for_result=wait or None), output, ledger)


def character_generate(
    face_image: Image,
    description: Annotated[str, typer.Option("--description", "--prompt")],
    *,
    clothes_image: OptionalImage = None,
    scene_image: OptionalImage = None,
    output: Output = ".",
    wait: Wait = False,
    ledger: Ledger = None,
) -> None:
    """Generate an image of a person."""

    def make(client: "AuraShot") -> "Generation":
        return client.generate(
            description, face=face_image, clothes=clothes_image, scene=scene_image, wait_for_result=wait or None
        )

    _run(make, output, ledger)


def edit(
    target_image: Image,
    description: Annotated[str, typer.Option("--description", "--prompt")],
    *,
    face_image: OptionalImage = None,
    output: Output = ".",
    wait: Wait = False,
    ledger: Ledger = None,
) -> None:
    """Edit an image."""

    def make(client: "AuraShot") -> "Generation":
        return client.edit(description, target=target_image, face=face_image, wait_for_result=wait or None)

    _run(make, output, ledger)


def generate(
    workflow: Annotated[str, typer.Option()],
    *,
    product_image: OptionalImage = None,
    model_image: OptionalImage = None,
    scene_image: OptionalImage = None,
    original_image: OptionalImage = None,
    description: Annotated[str | None, typer.Option("--description", "--text-description", "--prompt")] = None,
    version: Annotated[str | None, typer.Option("--generate-version", "--version")] = None,
    output: Output = ".",
    wait: Wait = False,
    ledger: Ledger = None,
) -> None:
    """Submit a legacy workflow."""
    named: dict[str, Any] = {} if version is None else {"version": version}

    def submit(client: "AuraShot") -> "WorkflowJob":
        if workflow == "virtual_try_on":
            product, model = _needed("--product-image", product_image), _needed("--model-image", model_image)
            images: dict[str, Any] = {"product_image": product, "model_image": model, "scene_image": scene_image}
            return client.legacy.virtual_try_on(**images, description=description, wait=wait, **named)
        original, words = _needed("--original-image", original_image), _needed("--description", description)
        return client.legacy.pose_change(original, words, wait=wait, **named)

    if workflow not in {"virtual_try_on", "pose_change"}:
        message = f"--workflow: {workflow!r} is none; choose virtual_try_on or pose_change"
        raise InputError(message, argument="workflow")
    _run(submit, output, ledger)


def query(
    workflow: Annotated[str, typer.Option()],
    *,
    execution_id: Identifier = None,
    task_id: Identifier = None,
    output: Output = ".",
    wait: Wait = False,
) -> None:
    """Ask for the state of a legacy workflow."""

    def ask(client: "AuraShot") -> "WorkflowJob":
        return client.legacy.query(workflow=workflow, execution_id=execution_id, task_id=task_id, wait=wait)

    _run(ask, output, None)


def _needed(option: str, value: str | None) -> str:
    if value is None:
        raise InputError(f"{option}: it is missing; this workflow needs it", argument=option)
    return value


def _run(call: "Callable[[AuraShot], Generation | WorkflowJob]", output: str, ledger: Path | None) -> None:
    from aurashot.cli._output import as_json, write
    from aurashot.cli._paying import Account

    downloaded: list[dict[str, str]] = []
    errors: list[dict[str, str]] = []
    with Account(ledger).client() as client:
        made = call(client)
        for url in _urls(made):
            try:
                path = client.download(url, _place(output, url))
                downloaded.append({"url": url, "localPath": str(path)})
            except AuraShotError as error:
                errors.append({"url": url, "error": error.message})
    response = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    write([as_json({**response, "downloaded": downloaded, "downloadErrors": errors})])


def _urls(made: "Generation | WorkflowJob") -> list[str]:
    outputs = getattr(made, "outputs", None)
    return [each.url for each in outputs] if outputs is not None else list(getattr(made, "images", ()))


def _place(output: str, url: str) -> str:
    """Return where an image is saved: in the folder, under the last part of its URL's path; no file is replaced."""
    from aurashot.cli._targets import numbered
    from aurashot.images import safe_stem

    given = Path(output).expanduser()
    if given.suffix.lower() in SUFFIXES and not given.is_dir():
        return str(given)
    last = PurePosixPath(unquote(urlsplit(url).path))
    if last.suffix.lower() not in SUFFIXES:
        return f"{given}/"
    path = given / f"{safe_stem(last.stem)}{last.suffix.lower()}"
    number = 1
    while numbered(path, number).exists():
        number += 1
    return str(numbered(path, number))
