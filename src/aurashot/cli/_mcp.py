"""`aurashot mcp`: the SDK as tools for agents."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from aurashot.errors import ConfigurationError

TOKEN_VARIABLE = "AURASHOT_MCP_TOKEN"  # noqa: S105  # its name
FROM_A_TERMINAL = """\
This is an MCP server: it speaks JSON-RPC on standard input and output, and is
started by a client. docs/agents.md says how to add it to one. Ctrl-D ends it.
"""

Library = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER",
        envvar="AURASHOT_LIBRARY",
        help="Where characters and images are written, in avatars/ and images/.",
    ),
]
Root = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="A folder that tools may read images from; repeatable.", show_default="."),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="AURASHOT_LEDGER",
        help="The ledger that records every paid call.",
        show_default="spend.db in the library",
    ),
]
MaxImages = Annotated[int, typer.Option(min=1, metavar="N", help="The most images that may be on the bill.")]
Per = Annotated[
    Literal["day", "run"], typer.Option(help="What --max-images is for: a day (UTC), or one run of the server.")
]
NoCap = Annotated[bool, typer.Option("--no-cap", help="Let agents make any number of images.")]
Http = Annotated[bool, typer.Option("--http", help="Serve over streamable HTTP instead of stdio.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="With --http: the address to listen on.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, metavar="N", help="With --http: the TCP port; 0 uses a free one.")
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="With --http: a name by which clients reach it; repeatable."),
]
Previews = Annotated[
    bool, typer.Option("--previews/--no-previews", help="Put small images, of at most 512 pixels, into answers.")
]
ResourceLinks = Annotated[
    bool, typer.Option("--resource-links", help="Put resource links into answers; not every client takes them.")
]
RequireConsent = Annotated[
    bool, typer.Option("--require-consent", help="Refuse characters of real people without a consent note.")
]
AnswerWithin = Annotated[
    float,
    typer.Option(min=1, max=50, metavar="SECONDS", help="Answer `running` after so long; less for hasty clients."),
]


def mcp(
    library: Library = Path(),
    root: Root = None,
    ledger: LedgerFile = None,
    *,
    max_images: MaxImages = 20,
    per: Per = "day",
    no_cap: NoCap = False,
    http: Http = False,
    host: Host = "127.0.0.1",
    port: Port = 8788,
    allow_host: AllowHost = None,
    previews: Previews = True,
    resource_links: ResourceLinks = False,
    require_consent: RequireConsent = False,
    answer_within: AnswerWithin = 50.0,
) -> None:
    """Serve the SDK to agents, as an MCP server over stdio or HTTP.

    The key is read as by every client. With --http, clients have to send the token that is in AURASHOT_MCP_TOKEN; it is
    required unless the address is loopback.
    """
    try:
        from aurashot.mcp import ServerSettings, run_http, run_stdio
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"The MCP server needs {missing.name}; install aurashot[mcp]") from missing

    settings = ServerSettings(
        folder=library,
        roots=tuple(root or ()),
        ledger=ledger,
        max_images=None if no_cap else max_images,
        per=per,
        previews=previews,
        resource_links=resource_links,
        require_consent=require_consent,
        answer_within=answer_within,
        grace=10.0 if http else 1.5,
    )
    if http:
        token = os.environ.get(TOKEN_VARIABLE) or None
        run_http(settings, host=host, port=port, token=token, allowed_hosts=allow_host or (), ready=_announce)
        return
    if sys.stdin.isatty():
        typer.echo(FROM_A_TERMINAL, err=True)
    run_stdio(settings)


def _announce(url: str) -> None:
    typer.echo(f"The MCP server is ready at {url}; Ctrl-C stops it.", err=True)
