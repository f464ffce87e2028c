"""Write the transcript in `docs/agents.md`: a real session of the official client with the server and a sandbox."""  # noqa: INP001 - a script

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aurashot.sandbox import SandboxServer

PAGE: Final = Path(__file__).with_name("agents.md")
PHOTO: Final = Path(__file__).parents[1] / "tests" / "fixtures" / "photos" / "astronaut.jpg"
PLACE: Final = re.compile(r"(<!-- transcript -->\n```text\n).*?(```\n<!-- end of transcript -->)", re.DOTALL)
HASTY: Final = 1.0
"""Seconds after which the client gives up on one call."""
STORY: Final = (
    "finding an old brass key in a sunlit attic",
    "opening a small door in a garden wall with the key",
    "having tea in the garden behind the door at dusk",
)


async def session(service: SandboxServer, folder: Path) -> AsyncIterator[str]:
    """Yield what the client calls and what the server answers, as a model sees it."""
    environment = os.environ | {"AURASHOT_BASE_URL": service.url, "AURASHOT_API_KEY": service.api_key}
    server = StdioServerParameters(
        command="aurashot", args=["mcp", "--max-images", "6"], env=environment, cwd=str(folder)
    )
    async with Client(server) as client:
        yield await call(client, "create_character", name="Eileen", face="eileen.jpg", kind="real",
                         consent_who="Eileen", consent_purpose="a story in images")  # fmt: skip
        for page, prompt in enumerate(STORY, 1):
            arguments = {"prompt": prompt, "character": "Eileen", "request_key": f"key-story-{page}"}
            service.latency = 10 * HASTY if page == 2 else 0.0
            if page == 2:
                yield await gives_up(client, "generate", **arguments)
            yield await call(client, "generate", **arguments)
        recent: Any = await client.call_tool("recent_images", {"character": "Eileen"})
        for image in reversed(recent.structured_content["images"]):
            yield await call(client, "verify_identity", image=image["uri"], character="Eileen")
        yield await call(client, "spend")
        yield await call(client, "generate", prompt="waving goodbye", character="Eileen", max_images=100)


async def call(client: Client, tool: str, **arguments: Any) -> str:
    """Return a call and its answer."""
    result: Any = await client.call_tool(tool, arguments)
    blocks = [block.text if block.type == "text" else f"[{block.type}: {len(block.data):,} characters of base64]"
              for block in result.content]  # fmt: skip
    return said(tool, arguments, "\n".join(blocks))


async def gives_up(client: Client, tool: str, **arguments: Any) -> str:
    """Return a call whose answer the client does not wait for."""
    try:
        result: Any = await client.call_tool(tool, arguments, read_timeout_seconds=HASTY)
    except MCPError as error:
        return said(tool, arguments, f"[the client gives up: {error}]")
    raise RuntimeError(f"the answer came in time: {result.content[0].text}")


def said(tool: str, arguments: dict[str, Any], answer: str) -> str:
    """Return one exchange as text."""
    return f">>> {tool} {json.dumps(arguments, ensure_ascii=False)}\n{answer}\n"


def wrapped(text: str) -> str:
    """Return the text in lines of at most 118 characters."""
    lines = (textwrap.wrap(line, 118, subsequent_indent="    ", break_on_hyphens=False) for line in text.splitlines())
    return "\n".join("\n".join(line) for line in lines)


async def transcript(folder: Path) -> str:
    """Return the whole session, in an empty folder."""
    with sandbox.serve() as service:
        shutil.copy(PHOTO, folder / "eileen.jpg")
        exchanges = [exchange async for exchange in session(service, folder)]
        text = wrapped("\n".join(exchanges).replace(str(folder), "/home/you/story"))
        return f"{text}\n\nThe sandbox has billed {service.bill().total} images.\n"


def main() -> None:
    """Replace the transcript in the page."""
    with tempfile.TemporaryDirectory() as place:
        text = asyncio.run(transcript(Path(place).resolve()))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda found: f"{found[1]}{text}{found[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
