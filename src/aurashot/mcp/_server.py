"""The server: the tools, the resources and the prompts, as the protocol has them."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mcp.server import Server, ServerRequestContext
from mcp.types import ListToolsResult
from pydantic import ValidationError

from aurashot._version import __version__
from aurashot.errors import AuraShotError, LedgerError
from aurashot.mcp import _prompts as prompts, _resources as resources
from aurashot.mcp._answers import ErrorAnswer, result_of
from aurashot.mcp._errors import AfterPaymentError, answer_to, invalid_arguments, paid_of, unexpected
from aurashot.mcp._settings import ServerSettings
from aurashot.mcp._tools import TOOLS
from aurashot.mcp._workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mcp.types import (
        CallToolRequestParams,
        CallToolResult,
        GetPromptRequestParams,
        GetPromptResult,
        ListPromptsResult,
        ListResourcesResult,
        ListResourceTemplatesResult,
        PaginatedRequestParams,
        ReadResourceRequestParams,
        ReadResourceResult,
    )

    from aurashot.mcp._answers import Paid
    from aurashot.mcp._spend import Spend
    from aurashot.mcp._tools import Tool

Context: TypeAlias = "ServerRequestContext[Workspace, Any]"
Page: TypeAlias = "PaginatedRequestParams | None"

logger: Final = logging.getLogger("aurashot")

INSTRUCTIONS: Final = """\
AuraShot makes images in which a person keeps the same face. Make a character once (create_character), then pass its
name to generate and edit; verify_identity tells whether the face stayed the same.

Every image of create_character, generate and edit is billed to the user. Tell the user how many images you are going to
make. Each answer says whether its image is on the bill (`paid`) and what was spent. If an answer says `running`, or you
got none, repeat the same call with the same request_key: it is never paid twice. If `paid` is `unknown`, never make the
image with another request_key; tell the user. A spend cap that only the user can change may stop you.

Make images of a real person only with their consent, none of minors in sexual content, and none to deceive others.
"""


def create_server(settings: ServerSettings | None = None) -> Server[Workspace]:
    """Return an MCP server with the tools, resources and prompts of aurashot. Serve it once.

    The client is made with the key and the other settings of the environment when a tool first needs it.

    Args:
        settings: The folders, the cap and the rest; the defaults otherwise.

    Raises:
        ConfigurationError: A folder or a value cannot be used.
        LedgerError: The ledger cannot be used.
    """
    return server_of(Workspace(settings or ServerSettings()))


def server_of(workspace: Workspace) -> Server[Workspace]:
    """Return the server that works with a workspace, and ends it."""

    @asynccontextmanager
    async def lifespan(_: Server[Workspace]) -> AsyncGenerator[Workspace]:
        async with workspace.running():
            yield workspace

    return Server(
        "aurashot",
        version=__version__,
        title="AuraShot",
        description="Images in which a person keeps the same face.",
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        get_tool_input_schema=_input_schema,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read_resource,
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
    )


def _input_schema(name: str) -> dict[str, Any] | None:
    tool = TOOLS.get(name)
    return tool.described().input_schema if tool is not None else None


async def _list_tools(_context: Context, _params: Page) -> ListToolsResult:
    return ListToolsResult(tools=[tool.described() for tool in TOOLS.values()])


async def _list_resources(context: Context, params: Page) -> ListResourcesResult:
    return await resources.list_resources(context.lifespan_context, params)


async def _list_templates(_context: Context, _params: Page) -> ListResourceTemplatesResult:
    return resources.list_templates()


async def _read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    return await resources.read_resource(context.lifespan_context, params)


async def _list_prompts(_context: Context, _params: Page) -> ListPromptsResult:
    return prompts.list_prompts()


async def _get_prompt(_context: Context, params: GetPromptRequestParams) -> GetPromptResult:
    return prompts.get_prompt(params)


async def _call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
    workspace = context.lifespan_context
    tool = TOOLS.get(params.name)
    if tool is None:
        message = f"There is no tool '{params.name}'; the tools are {', '.join(TOOLS)}"
        return result_of(
            ErrorAnswer(
                error="no_tool", message=message, paid=False, next="Call one of these.", spend=await _spend(workspace)
            )
        )
    given = params.arguments or {}
    try:
        arguments = tool.arguments.model_validate(given)
    except ValidationError as problem:
        names = list(tool.arguments.model_fields)
        return result_of(invalid_arguments(tool.name, names, problem, await _spend(workspace)))
    return await _answer(context, tool, arguments)


async def _answer(context: Context, tool: Tool, arguments: Any) -> CallToolResult:
    workspace = context.lifespan_context
    key: str | None = getattr(arguments, "request_key", None)
    ledger = str(workspace.ledger.path.absolute())

    async def progress(seconds: float) -> None:
        await context.session.report_progress(seconds, message=f"{tool.name} has taken {seconds:.0f} seconds so far")

    try:
        return await tool.run(workspace, arguments, progress)
    except AfterPaymentError as problem:
        return await _failed(workspace, tool, key, problem.error, problem.paid)
    except AuraShotError as error:
        return await _failed(workspace, tool, key, error, paid_of(error))
    except Exception:  # a bug of ours must reach neither the model as a traceback, nor the other calls
        logger.exception("The tool %s failed unexpectedly", tool.name)
        spend = await _spend(workspace)
        return result_of(unexpected(tool.name, is_paid=tool.is_paid, key=key, ledger=ledger, spend=spend))


async def _failed(
    workspace: Workspace, tool: Tool, key: str | None, error: AuraShotError, paid: Paid
) -> CallToolResult:
    logger.info("The tool %s failed: %s", tool.name, error.message)
    ledger = str(workspace.ledger.path.absolute())
    known = key or error.idempotency_key
    return result_of(answer_to(error, paid=paid, key=known, ledger=ledger, spend=await _spend(workspace)))


async def _spend(workspace: Workspace) -> Spend | None:
    with suppress(LedgerError):
        return await workspace.spend()
    return None
