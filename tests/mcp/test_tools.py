from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aurashot.mcp._tools import TOOLS
from tests.mcp.conftest import bytes_of, ledger_in, text_of

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer
    from tests.mcp.conftest import Connect

pytestmark = pytest.mark.anyio
PAID_TOOLS = {"create_character", "generate", "edit"}


async def created(client: Any, **arguments: Any) -> dict[str, Any]:
    """Create a character, and return the answer."""
    result = await client.call_tool(
        "create_character", {"name": "Mia", "face": "selfie.jpg", "kind": "virtual", **arguments}
    )
    assert not result.is_error, text_of(result)
    return dict(result.structured_content)


async def test_the_tools_are_described_for_a_model(connect: Connect) -> None:
    """Nine tools, each with one line, a closed schema, an output schema, and honest hints."""
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert len(tools) == 9
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools.values())
    assert all(
        tool.output_schema and {"paid", "spend"} <= set(tool.output_schema["properties"]) for tool in tools.values()
    )
    assert all("\n" not in (tool.description or "\n") for tool in tools.values())
    writing = {name for name, tool in tools.items() if tool.annotations and not tool.annotations.read_only_hint}
    assert writing == PAID_TOOLS
    assert not any(tool.annotations and tool.annotations.destructive_hint for tool in tools.values())
    key = tools["generate"].input_schema["properties"]["request_key"]
    assert (key["type"], "default" in key) == ("string", False)


async def test_a_story_from_a_photo_to_the_bill(connect: Connect, service: SandboxServer, folder: Path) -> None:
    """A session makes a character and images of it, edits, verifies, lists and reads the spend."""
    async with connect(max_images=5) as client:
        mia = await created(client)
        assert (mia["paid"], mia["character"]["name"], mia["spend"]["left"]) == (True, "Mia", 4)
        cafe = await client.call_tool("generate", {"prompt": "in a cafe", "character": "Mia"})
        image = cafe.structured_content["image"]
        assert Path(image["path"]).is_relative_to(folder / "avatars" / "Mia" / "gallery")
        roof = await client.call_tool("edit", {"prompt": "at night", "target": image["uri"], "character": "Mia"})
        assert roof.structured_content["spend"]["paid"] == 3
        listed = (await client.call_tool("list_characters", {})).structured_content["characters"]
        assert [("Mia", True)] == [(each["name"], each["has_id_photo"]) for each in listed]
        recent = (await client.call_tool("recent_images", {"limit": 5})).structured_content["images"]
        assert {image["uri"], roof.structured_content["image"]["uri"]} == {each["uri"] for each in recent}
        shown = (await client.call_tool("show_character", {"name": "Mia"})).structured_content
        assert (shown["paid"], shown["character"]["images"]) == (False, 2)
        spent = (await client.call_tool("spend", {})).structured_content
        assert (spent["all_paid"], spent["unresolved"], spent["spend"]["left"]) == (3, [], 2)
    assert len(service.bill().entries) == 3


async def test_an_answer_says_where_the_image_is_and_shows_a_preview(connect: Connect, folder: Path) -> None:
    """The file is complete, and the preview is small."""
    async with connect() as client:
        result = await client.call_tool("generate", {"prompt": "in a cafe", "face": "selfie.jpg"})
    answer = result.structured_content
    path = Path(answer["image"]["path"])
    assert path.parent == folder / "images"
    with Image.open(path) as image:
        image.load()
        assert (answer["image"]["width"], answer["image"]["height"]) == image.size
    text, preview = result.content
    assert f"image.path: {path}" in text.text
    assert "paid: true" in text.text
    assert len(preview.data) <= 60_000
    with Image.open(io.BytesIO(base64.b64decode(preview.data))) as small:
        assert max(small.size) <= 512


async def test_previews_and_links_are_switched_when_the_server_starts(connect: Connect) -> None:
    """Without previews there is no image in an answer; with links there is one."""
    async with connect(previews=False, resource_links=True) as client:
        result = await client.call_tool("generate", {"prompt": "in a cafe", "face": "selfie.jpg"})
    assert ["text", "resource_link"] == [block.type for block in result.content]
    assert result.content[1].uri == result.structured_content["image"]["uri"]


async def test_full_size_comes_from_get_image_alone(connect: Connect, folder: Path) -> None:
    """By URI, by path and by key: the bytes of the file."""
    async with connect() as client:
        made = (await client.call_tool("generate", {"prompt": "in a cafe", "face": "selfie.jpg"})).structured_content
        content = await bytes_of(made)
        for arguments in ({"image": made["image"]["uri"]}, {"request_key": made["request_key"]}):
            got = await client.call_tool("get_image", arguments)
            assert base64.b64decode(got.content[1].data) == content
        photo = await client.call_tool("get_image", {"image": "selfie.jpg", "size": "preview"})
        assert photo.structured_content["image"]["path"] == str(folder / "selfie.jpg")
        assert photo.content[1].mime_type == "image/jpeg"


async def test_characters_are_resources(connect: Connect) -> None:
    """Their names may be in any script; images are read as previews."""
    async with connect() as client:
        mia = await created(client, name="小雪")
        (resource,) = (await client.list_resources()).resources
        assert (resource.name, resource.uri) == ("小雪", mia["character"]["uri"])
        read = await client.read_resource(resource.uri)
        assert '"has_id_photo": true' in read.contents[0].text
        shot = (await client.call_tool("generate", {"prompt": "茶馆", "character": "小雪"})).structured_content
        blob = (await client.read_resource(shot["image"]["uri"])).contents[0].blob
        assert len(blob) <= 60_000


async def test_there_are_two_prompts(connect: Connect) -> None:
    """One makes a character, the other tells a story; arguments are filled in."""
    async with connect() as client:
        assert ["create_character", "tell_story"] == [each.name for each in (await client.list_prompts()).prompts]
        story = await client.get_prompt("tell_story", {"character": "Mia", "story": "She finds {a} key."})
    assert "in 3 images of the character Mia" in story.messages[0].content.text
    assert "She finds {a} key." in story.messages[0].content.text


async def test_a_face_is_verified_for_free(
    connect: Connect, service: SandboxServer, astronaut: Path, folder: Path
) -> None:
    """A photo of a person is that person, and nothing is billed."""
    shutil.copy(astronaut, folder / "her.jpg")
    async with connect() as client:
        result = await client.call_tool(
            "verify_identity", {"image": "her.jpg", "reference": "her.jpg", "is_edit": True}
        )
    assert (result.structured_content["verdict"], result.structured_content["paid"]) == ("same", False)
    assert service.bill().entries == ()


async def test_a_ledger_entry_says_what_it_was_for(connect: Connect, folder: Path) -> None:
    """The key, the character and the file are in the ledger, where `aurashot spend show` prints them."""
    async with connect() as client:
        await created(client)
        await client.call_tool("generate", {"prompt": "in a cafe", "character": "Mia", "request_key": "page-1"})
    with ledger_in(folder) as ledger:
        (entry,) = ledger.find(key="page-1")
    assert entry.tags == {"via": "mcp", "character": "Mia"}
    assert (folder / str(entry.notes["file"])).is_file()


def test_the_documentation_lists_the_tools() -> None:
    """The table in docs/agents.md has each tool, and says which ones are billed."""
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (one image|no) \|$", page, re.MULTILINE)
    assert [(tool.name, "one image" if tool.is_paid else "no") for tool in TOOLS.values()] == rows
