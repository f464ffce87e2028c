"""The options that several commands share, and what they say together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from aurashot.errors import InputError

Timeout: TypeAlias = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Seconds that an image may take in total.  [default: 120]")
]
Out: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="The file, or the folder, to save images in.  [default: this folder]"),
]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace the file of --out if it exists.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent and billed; send nothing.")]
Ledger: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", envvar="AURASHOT_LEDGER", help="Record what is billed in this file."),
]
Key: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="With a ledger, what was paid under this key is returned, not billed again.",
    ),
]
Library: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", envvar="AURASHOT_LIBRARY", help="The library of characters: what has `avatars` in it."
    ),
]
As: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="A character of the library, whose gallery the images are saved in."),
]


def _shared(
    *,
    out: Out = None,
    force: Force = False,
    count: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="How many images; each is billed.")] = 1,
    identity: Annotated[
        bool,
        typer.Option(
            "--identity",
            help="Compare each image with the face, and make one that shows another person again: up to 3 are billed.",
        ),
    ] = False,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="Of --count images, save only the one with the most similar face.")
    ] = False,
    max_images: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The most images that this command may bill.")
    ] = None,
    ledger: Ledger = None,
    key: Key = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A tag for the ledger; repeatable.")
    ] = None,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    opens: Annotated[bool, typer.Option("--open", help="Open the images with the program of your desktop.")] = False,
    urls: Annotated[
        bool, typer.Option("--urls", help="Print the URLs of the images as well; who has one can fetch its image.")
    ] = False,
) -> None:
    """Declare the options of every command that makes images; their names are those of `Wanted`."""


def makes_images(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all commands that make images; it gets them as one argument, `wanted`."""
    shared = signature(_shared).parameters
    own = [each for each in signature(command).parameters.values() if each.name != "wanted"]

    @wraps(command)
    def run(**given: Any) -> None:
        tags = tuple(given.pop("tags") or ())
        wanted = Wanted(tags=tags, **{name: given.pop(name) for name in shared if name != "tags"})
        command(**given, wanted=wanted)

    merged = [*own, *shared.values()]
    run.__signature__ = Signature(merged)  # type: ignore[attr-defined] # what typer reads the options from
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options of a command that makes images say."""

    out: str | None = None
    force: bool = False
    count: int = 1
    identity: bool = False
    keep_best: bool = False
    max_images: int | None = None
    ledger: Path | None = None
    key: str | None = None
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    dry_run: bool = False
    opens: bool = False
    urls: bool = False

    def __post_init__(self) -> None:
        """Check them, before anything is sent."""
        if self.max_images is not None and self.max_images < self.count:
            message = f"--max-images: {self.max_images} is less than --count {self.count}; raise it, or make fewer"
            raise InputError(message, argument="max_images")
        if self.keep_best and self.count < 2:
            message = "--keep-best: it chooses among several images; add --count with 2 or more"
            raise InputError(message, argument="keep_best")
        if self.key is not None and self.ledger is None:
            message = "--idempotency-key: without a ledger, a key does not pay once; add --ledger FILE"
            raise InputError(message, argument="idempotency_key")

    @property
    def compares(self) -> bool:
        """Whether faces are compared."""
        return self.identity or self.keep_best

    @property
    def attempts(self) -> int:
        """How often each image is made at most."""
        return 3 if self.identity else 1

    @property
    def most(self) -> int:
        """How many images are billed at most."""
        most = self.count * self.attempts
        return most if self.max_images is None else min(most, self.max_images)

    def tag_values(self) -> dict[str, str]:
        """Return the tags by name.

        Raises:
            InputError: One has no value.
        """
        pairs = [tag.partition("=") for tag in self.tags]
        for name, mark, _ in pairs:
            if not (name and mark):
                raise InputError(f"--tag: {name!r} has no value; write NAME=VALUE", argument="tag")
        return {name: value for name, _, value in pairs}
