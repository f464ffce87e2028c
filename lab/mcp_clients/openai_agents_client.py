"""An agent of the OpenAI Agents SDK whose model is a script, with the five seconds that it waits by default.

Runs in `.venv-mcp-clients`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
script: Any = import_module("script")


async def main(python: str) -> None:
    """Let the agent make a character and an image."""
    agents, mcp = import_module("agents"), import_module("agents.mcp")
    responses = import_module("openai.types.responses")
    base: Any = import_module("agents.models.interface").Model
    answers: list[str] = []

    async def get_response(_: Any, **given: Any) -> Any:
        """Do what the script says."""
        items: Any = () if isinstance(given["input"], str) else given["input"]
        found = [item["output"] for item in items if item.get("type") == "function_call_output"]
        for output in found[len(answers) :]:
            answers.append(text_of(output))
            script.tell(answers[-1])
        return agents.ModelResponse(output=[said(script.next_call(answers))], usage=agents.Usage(), response_id=None)

    scripted = type("Scripted", (base,), {"get_response": get_response, "stream_response": None})

    def said(call: tuple[str, dict[str, Any]] | None) -> Any:
        if call is None:
            text = responses.ResponseOutputText(text="Done.", type="output_text", annotations=[])
            return responses.ResponseOutputMessage(
                id="1", content=[text], role="assistant", status="completed", type="message"
            )
        arguments = json.dumps(call[1])
        return responses.ResponseFunctionToolCall(
            name=call[0], arguments=arguments, call_id=f"call-{len(answers)}", type="function_call"
        )

    agents.set_tracing_disabled(True)
    parameters = {"command": python, "args": list(script.COMMAND), "env": dict(os.environ)}
    async with mcp.MCPServerStdio(parameters) as server:
        agent = agents.Agent("Test", mcp_servers=[server], model=scripted())
        await agents.Runner.run(agent, "Make a character and an image of it.", max_turns=script.MOST_CALLS + 2)


def text_of(output: Any) -> str:
    """Return what the model sees of an answer."""
    parts: Any = output
    return "\n".join(str(part.get("text", part)) for part in parts) if isinstance(output, list) else str(output)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
