"""The tools: what each is for, what it takes, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcp.types import Tool as ToolDescription, ToolAnnotations

from aurashot.mcp import _answers as answers, _arguments as arguments, _free_tools as free, _paid_tools as paid
from aurashot.mcp._arguments import schema_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.types import CallToolResult

    from aurashot.mcp._paid_tools import Progress
    from aurashot.mcp._workspace import Workspace


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        name: Its name.
        title: Its name for people.
        purpose: What it is for, in one line.
        arguments: What it takes.
        answer: What it answers.
        run: What it does.
        is_paid: Whether it can put an image on the bill; otherwise it changes nothing.
        is_open: Whether it may use the network.
    """

    name: str
    title: str
    purpose: str
    arguments: type[arguments.Arguments]
    answer: type[answers.Answer]
    run: Callable[[Workspace, Any, Progress], Awaitable[CallToolResult]]
    is_paid: bool = False
    is_open: bool = False

    def described(self) -> ToolDescription:
        """Return it as the protocol has it."""
        return ToolDescription(
            name=self.name,
            title=self.title,
            description=self.purpose,
            input_schema=schema_of(self.arguments),
            output_schema=schema_of(self.answer, "serialization"),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=not self.is_paid,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=self.is_open,
            ),
        )


_ALL: Final = (
    Tool(
        "create_character",
        "Create a character",
        "Make a character from one photo or drawing of a face, to keep that face in later images. Billed: one image.",
        arguments.CreateCharacter,
        answers.CharacterAnswer,
        paid.create_character,
        is_paid=True,
        is_open=True,
    ),
    Tool(
        "list_characters",
        "List characters",
        "List the characters of the library. Free.",
        arguments.ListCharacters,
        answers.CharactersAnswer,
        free.list_characters,
    ),
    Tool(
        "show_character",
        "Show a character",
        "Show what is known of a character, its ID photo and its newest images. Free.",
        arguments.ShowCharacter,
        answers.CharacterAnswer,
        free.show_character,
    ),
    Tool(
        "generate",
        "Generate an image",
        "Generate an image of a character, or of the person in a photo, in a new scene. Billed: one image.",
        arguments.Generate,
        answers.ImageAnswer,
        paid.generate,
        is_paid=True,
        is_open=True,
    ),
    Tool(
        "edit",
        "Edit an image",
        "Change an image and keep its person: background, clothes, light. Billed: one image.",
        arguments.Edit,
        answers.ImageAnswer,
        paid.edit,
        is_paid=True,
        is_open=True,
    ),
    Tool(
        "verify_identity",
        "Verify the face",
        "Compare the face in an image with a character or a photo, on the machine of the server. Free.",
        arguments.VerifyIdentity,
        answers.VerdictAnswer,
        free.verify_identity,
        is_open=True,
    ),
    Tool(
        "recent_images",
        "List recent images",
        "List the newest images, of one character or of all. Free.",
        arguments.RecentImages,
        answers.ImagesAnswer,
        free.recent_images,
    ),
    Tool(
        "spend",
        "Show the spend",
        "Show what was spent, the cap, and calls that may be on the bill. Free.",
        arguments.ShowSpend,
        answers.SpendAnswer,
        free.spend,
    ),
    Tool(
        "get_image",
        "Get an image",
        "Get one image in full size, or ask for the image of a call that was still running, by its request_key. Free.",
        arguments.GetImage,
        answers.FullImageAnswer,
        free.get_image,
    ),
)
TOOLS: Final = {tool.name: tool for tool in _ALL}
