"""`aurashot upload` and `download`: images to the service, and from URLs to files. Free."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aurashot._reasons import reason_of
from aurashot.cli import _options as options
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aurashot import AuraShot


def upload(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Images; each is uploaded once.")],
    timeout: options.Timeout = None,
    dry_run: options.DryRun = False,
) -> None:
    """Upload images and print their URLs. Free.

    The other commands upload by themselves. Location and other metadata are removed first, with the extra "images".
    """
    from aurashot.cli._asked import described
    from aurashot.cli._output import Output

    found = [described("FILE", file) for file in files]
    if dry_run:
        rows = [{name: each[name] for name in ("source", "bytes", "upload")} for each in found]
        Output().show(
            {"dry_run": True, "paid": False, "files": rows},
            lambda screen: screen.table(("file", "bytes"), [(row["source"], str(row["bytes"])) for row in rows]),
            [row["source"] for row in rows],
        )
        return

    def one(client: "AuraShot", file: str) -> dict[str, Any]:
        return {"source": file, "url": client.upload(file).url}

    _each(files, one, verb="uploading", timeout=timeout, columns=("source", "url"))


def download(
    urls: Annotated[list[str] | None, typer.Argument(metavar="URL...", help="Public https URLs of images.")] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="A file with URLs, one a line.")] = None,
    out: options.Out = None,
    force: options.Force = False,
    timeout: options.Timeout = None,
) -> None:
    """Download images. Free.

    Each is saved completely or not at all. A file that holds the URL of an image that could not be downloaded, as
    other commands write it, is passed with --from.
    """
    from aurashot.cli._targets import target_of

    wanted = [*(urls or ()), *(_lines(source) if source else ())]
    if not wanted:
        raise InputError("URL: it is missing; pass one or more URLs, or a file of them with --from", argument="url")
    target = target_of(out, count=len(wanted), force=force)
    numbers = {url: number for number, url in reversed(list(enumerate(wanted, 1)))}

    def one(client: "AuraShot", url: str) -> dict[str, Any]:
        return {"path": target.save(client, url, numbers[url])}

    _each(list(numbers)[::-1], one, verb="downloading", timeout=timeout, columns=("path",))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise InputError(f"--from: '{path}' cannot be read ({reason_of(problem)})", argument="source") from problem
    return [line.strip() for line in text.splitlines() if line.strip()]


def _each(
    what: "Iterable[str]",
    one: "Callable[[AuraShot, str], dict[str, Any]]",
    *,
    verb: str,
    timeout: float | None,
    columns: tuple[str, ...],
) -> None:
    """Do one thing with one client for each of several; what was done before a failure is told with it."""
    from aurashot.cli._output import Output
    from aurashot.cli._paying import Account

    output, done = Output(), list[dict[str, Any]]()
    with Account(None, timeout=timeout, images=lambda: done).client() as client:
        for each in what:
            with output.working(f"{verb} {each} ..."):
                done.append(one(client, each))
            if output.is_human:
                output.screen.say("  ".join(str(done[-1][column]) for column in columns))
    output.show({"paid": False, "images": done}, lambda _: None, [str(each[columns[-1]]) for each in done])
