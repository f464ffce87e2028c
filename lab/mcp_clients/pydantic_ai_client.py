"""An agent of PydanticAI whose model is a script. Runs in `.venv-mcp-clients`."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent))
script: Any = import_module("script")


async def main(python: str) -> None:
    """Let the agent make a character and an image."""
    ai, mcp = import_module("pydantic_ai"), import_module("pydantic_ai.mcp")
    messages, function = import_module("pydantic_ai.messages"), import_module("pydantic_ai.models.function")
    transports = import_module("fastmcp.client.transports")
    answers: list[str] = []

    def model(history: list[Any], _: Any) -> Any:
        parts = [part for message in history for part in message.parts]
        kinds = {"tool-return", "retry-prompt"}
        found = [part for part in parts if part.part_kind in kinds]
        for part in found[len(answers) :]:
            answers.append(text_of(part.content))
            script.tell(answers[-1])
        call = script.next_call(answers)
        if call is None:
            return messages.ModelResponse(parts=[messages.TextPart("Done.")])
        return messages.ModelResponse(parts=[messages.ToolCallPart(call[0], call[1])])

    transport = transports.StdioTransport(python, list(script.COMMAND), env=dict(os.environ))
    toolset = mcp.MCPToolset(transport, read_timeout=None, init_timeout=60, max_retries=script.MOST_CALLS)
    agent = ai.Agent(function.FunctionModel(model), toolsets=[toolset], retries=script.MOST_CALLS)
    async with agent:
        await agent.run("Make a character and an image of it.")


def text_of(content: Any) -> str:
    """Return what the model sees of an answer."""
    if isinstance(content, dict):
        return "\n".join(f"{name}: {value}" for name, value in cast("dict[str, object]", content).items())
    return str(content)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
