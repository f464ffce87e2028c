"""`aurashot sandbox`: the local emulator of the service."""

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from aurashot.errors import AuraShotError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot.cli._output import Output

KEY = "sk_sandbox_demo"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

READY = """\
The AuraShot sandbox is running at {url}; Ctrl-C stops it.
Its key is {key}; any other key that starts with sk_ also works.

To use it with the SDK, run in another terminal:

  export AURASHOT_BASE_URL={url}
  export AURASHOT_API_KEY={key}

To use it without the SDK:

  curl {url}/v1/character/generate \\
    -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"prompt": "sitting in a cozy cafe",
         "images": {{"face": "https://example.com/face.jpg"}}}}'
"""

NEARBY = """\
In another container, with the name of this one instead of NAME:

  export AURASHOT_BASE_URL=http://NAME:{port} AURASHOT_ALLOW_HTTP=NAME
  export AURASHOT_API_KEY={key}

"""
"""Before the example of curl, for addresses that others can reach."""

sandbox = typer.Typer(name="sandbox", no_args_is_help=True, help="A local emulator of the service.")


@sandbox.callback()
def _group() -> None:
    """Keep `serve` a subcommand: typer would merge a group's only command into the group."""


@sandbox.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="The TCP port; 0 uses a free one.")] = 8787,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on; 0.0.0.0 for other containers.")
    ] = "127.0.0.1",
    *,
    quota: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Images per key before it gets 402; unlimited by default."),
    ] = None,
    latency: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Seconds to wait for each image, in addition to drawing it.")
    ] = 0.0,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Download public references instead of drawing a portrait for each."),
    ] = False,
    drift: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="The share of images, 0 to 1, that show another person."),
    ] = 0.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name with a dot by which clients reach it; repeatable."),
    ] = None,
) -> None:
    """Serve the emulator until Ctrl-C: no account, no network, no cost.

    Its images are drawn, not generated, and marked SANDBOX.
    """
    from aurashot import sandbox as emulator
    from aurashot.cli._output import Output

    output = Output()
    hosts = allow_host or ()
    ready = partial(_announce, output, host)
    with _refused_by_the_machine():
        emulator.run(
            port, host, quota=quota, latency=latency, fetch=fetch, drift=drift, allowed_hosts=hosts, ready=ready
        )
    output.screen.lines("\nThe sandbox has stopped.")


@contextmanager
def _refused_by_the_machine() -> "Generator[None]":
    """Raise a failure, not a usage error, where the command is valid and the port cannot be had."""
    try:
        yield
    except ConfigurationError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise AuraShotError(f"{error.message}; choose another with --port, or a free one with --port 0") from error


def _announce(output: "Output", host: str, url: str) -> None:
    nearby = "" if host in _LOOPBACK else NEARBY.format(port=urlsplit(url).port, key=KEY)
    text = nearby + READY.format(url=url, key=KEY)
    output.show({"url": url, "api_key": KEY}, lambda screen: screen.lines(text), [url])
