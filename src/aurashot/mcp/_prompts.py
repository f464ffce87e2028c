"""Prompts: two tasks that a user can start from a menu of the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    GetPromptResult,
    ListPromptsResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

if TYPE_CHECKING:
    from mcp.types import GetPromptRequestParams

_CREATE: Final = """\
Create the character {name} with the tools of the aurashot server.

1. If no photo is named here, ask me for one: one face, from the front, sharp, well lit. Photo: {photo}
2. Ask whether it shows a real person. If it does, ask who agreed to the images, and to what, and pass it as
   consent_who and consent_purpose. Make no character of a minor for sexual content, and of nobody to deceive others.
3. Tell me that this puts one image on the bill, and call create_character once.
4. Show me the ID photo. Then offer to generate a first image.
"""
_STORY: Final = """\
Tell this story in {images} images of the character {character}, with the tools of the aurashot server: {story}

1. Call show_character for {character}, and spend. Tell me how many images this puts on the bill, and wait for my yes.
2. Write one prompt for each image: place, action, light. Do not describe the face; the character has it.
3. Call generate for each, with character "{character}" and a request_key of its own: the story's name and the number of
   the image. If an answer is `running`, or you got none, repeat the call with the same request_key.
4. Call verify_identity for each image. If one is `different`, show it to me, and ask before you make another.
5. Show me the images in order, each with its sentence of the story, and the spend.
"""


@dataclass(frozen=True, slots=True)
class _Task:
    """A prompt.

    Attributes:
        prompt: What clients list.
        text: What the model gets, with `{name}` for each argument.
        defaults: What arguments that are left out stand for.
    """

    prompt: Prompt
    text: str
    defaults: dict[str, str]


_TASKS: Final = (
    _Task(
        Prompt(
            name="create_character",
            title="Create a character",
            description="Make a character from a photo, with consent, and see its ID photo.",
            arguments=[
                PromptArgument(name="name", description="The name of the character.", required=True),
                PromptArgument(name="photo", description="The path of a photo.", required=False),
            ],
        ),
        _CREATE,
        {"photo": "(none yet)"},
    ),
    _Task(
        Prompt(
            name="tell_story",
            title="Tell a story in images",
            description="Tell a story in a few images of one character, and verify that its face stays the same.",
            arguments=[
                PromptArgument(name="character", description="The name of the character.", required=True),
                PromptArgument(name="story", description="What happens, in a sentence or two.", required=True),
                PromptArgument(name="images", description="How many images; 3 by default.", required=False),
            ],
        ),
        _STORY,
        {"images": "3"},
    ),
)
_BY_NAME: Final = {task.prompt.name: task for task in _TASKS}


def list_prompts() -> ListPromptsResult:
    """List the prompts."""
    return ListPromptsResult(prompts=[task.prompt for task in _TASKS])


def get_prompt(params: GetPromptRequestParams) -> GetPromptResult:
    """Return a prompt with its arguments filled in.

    Raises:
        MCPError: There is no such prompt, or an argument is missing or unknown.
    """
    task = _BY_NAME.get(params.name)
    if task is None:
        raise MCPError(INVALID_PARAMS, f"There is no prompt '{params.name}'; there are {', '.join(_BY_NAME)}")
    given = params.arguments or {}
    wanted = task.prompt.arguments or []
    names = [argument.name for argument in wanted]
    unknown = [name for name in given if name not in names]
    missing = [argument.name for argument in wanted if argument.required and not given.get(argument.name)]
    if unknown or missing:
        fault = f"it has no argument {', '.join(unknown)}" if unknown else f"it needs {', '.join(missing)}"
        raise MCPError(INVALID_PARAMS, f"{params.name}: {fault}; its arguments are {', '.join(names)}")
    text = task.text.format_map({**task.defaults, **given})
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=task.prompt.description, messages=[message])
