from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from aurashot import mcp
from aurashot.errors import ConfigurationError, LedgerError
from aurashot.ledger import Entry, Intent, Settlement
from aurashot.mcp._calls import is_still_its_key
from aurashot.mcp._errors import AfterPaymentError, on_the_bill
from tests.mcp.conftest import ledger_in, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.mcp.conftest import Connect

pytestmark = pytest.mark.anyio
CAFE = {"prompt": "in a cafe", "face": "selfie.jpg"}
NOW = datetime.now(UTC)


async def generate(client: Any, **more: Any) -> dict[str, Any]:
    """Generate an image, and return the structured answer."""
    result = await client.call_tool("generate", {**CAFE, **more})
    return dict(result.structured_content)


async def test_one_key_pays_once(connect: Connect, service: SandboxServer) -> None:
    """A repeated call with the same key returns the same file, in this server and in the next."""
    async with connect() as client:
        first = await generate(client, request_key="page-1")
        again = await generate(client, request_key="page-1")
    async with connect() as client:
        later = await generate(client, request_key="page-1")
    assert (first["repeated"], again["repeated"], later["repeated"]) == (False, True, True)
    assert first["image"] == again["image"] == later["image"]
    assert (again["paid"], len(service.bill().entries)) == (True, 1)


async def test_another_key_pays_again(connect: Connect, service: SandboxServer) -> None:
    """Several images of one prompt have a key each."""
    async with connect() as client:
        keys = [(await generate(client, request_key=f"page-{number}"))["request_key"] for number in (1, 2)]
    assert (keys, len(service.bill().entries)) == (["page-1", "page-2"], 2)


async def test_an_identical_call_without_a_key_is_a_repetition(connect: Connect, service: SandboxServer) -> None:
    """A client that gave up does not know the key; the answer says how to get another image."""
    async with connect() as client:
        first, again = await generate(client), await generate(client)
        other = await generate(client, prompt="in a park")
    assert (first["request_key"], first["image"]) == (again["request_key"], again["image"])
    assert (again["repeated"], "new request_key" in again["next"]) == (True, True)
    assert other["request_key"] != first["request_key"]
    assert len(service.bill().entries) == 2


async def test_another_photo_is_another_call(
    connect: Connect, service: SandboxServer, folder: Path, grace_hopper: Path
) -> None:
    """The content of a file counts, not its name."""
    async with connect() as client:
        first = await generate(client)
        shutil.copy(grace_hopper, folder / "selfie.jpg")
        second = await generate(client)
    assert first["request_key"] != second["request_key"]


async def test_a_key_is_for_one_call(connect: Connect, service: SandboxServer) -> None:
    """Other arguments under a used key are refused, before anything is sent."""
    async with connect() as client:
        await generate(client, request_key="page-1")
        wrong = await generate(client, prompt="in a park", request_key="page-1")
    assert (wrong["error"], wrong["paid"]) == ("invalid_argument", False)
    assert "'page-1' was used for a call with other arguments" in wrong["message"]
    assert len(service.bill().entries) == 1


async def test_a_client_that_gives_up_and_repeats_pays_once(connect: Connect, service: SandboxServer) -> None:
    """The call goes on when the client stops waiting, and the repeated one gets its image."""
    service.latency = 1.0
    async with connect(timeout=0.3, grace=60.0) as client:
        with suppress(MCPError):  # on a machine that stands still, the answer may come first
            await generate(client)
    # the server of that client waited for the call before it ended
    async with connect() as client:
        again = await generate(client)
    assert (again["paid"], again["status"], len(service.bill().entries)) == (True, "done", 1)


async def test_two_calls_at_once_are_one(connect: Connect, service: SandboxServer) -> None:
    """The second waits for the first."""
    service.latency = 0.3
    found: list[dict[str, Any]] = []

    async def call(client: Any) -> None:
        found.append(await generate(client))

    async with connect() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(call, client)
        tasks.start_soon(call, client)
    assert found[0]["image"] == found[1]["image"]
    assert len(service.bill().entries) == 1


async def test_a_slow_call_answers_running_and_is_asked_for(connect: Connect, service: SandboxServer) -> None:
    """The answer has the key; get_image waits for the image."""
    service.latency = 0.8
    async with connect(answer_within=0.2) as client:
        slow = await generate(client, request_key="slow-1")
        assert (slow["status"], slow["paid"], slow["request_key"]) == ("running", "unknown", "slow-1")
        got: dict[str, Any] = {"status": "running"}
        while got["status"] == "running":
            got = (await client.call_tool("get_image", {"request_key": "slow-1"})).structured_content
        assert (got["paid"], got["spend"]["paid"], len(service.bill().entries)) == (True, 1, 1)


async def test_the_cap_is_the_users(connect: Connect, service: SandboxServer) -> None:
    """No argument raises it; what would exceed it is not sent."""
    async with connect(max_images=1, per="run") as client:
        await generate(client)
        capped = await generate(client, prompt="in a park")
        assert (capped["error"], capped["paid"], capped["spend"]["left"]) == ("spend_cap", False, 0)
        refused = await client.call_tool("generate", {**CAFE, "max_images": 9})
        assert refused.is_error
        assert "generate has no argument of this name" in text_of(refused)
    assert len(service.bill().entries) == 1
    async with connect(max_images=1, per="run") as client:
        assert (await generate(client, prompt="in a park"))["paid"] is True, "another run has a cap of its own"


async def test_a_lost_response_is_unknown_and_stays_so(connect: Connect, service: SandboxServer, folder: Path) -> None:
    """The answer forbids another key; the same key sends nothing until the user has looked at the bill."""
    service.fault("drop", times=1, operations=["generate"])
    async with connect() as client:
        lost = await generate(client)
        assert (lost["paid"], lost["spend"]["unknown"]) == ("unknown", 1)
        assert "Do not make this image with another request_key" in lost["next"]
        again = await generate(client)
        assert (again["error"], again["paid"], again["request_key"]) == ("unresolved", "unknown", lost["request_key"])
        asked = (await client.call_tool("get_image", {"request_key": lost["request_key"]})).structured_content
        assert asked["error"] == "unresolved"
        unresolved = (await client.call_tool("spend", {})).structured_content["unresolved"]
        assert [lost["request_key"]] == [each["request_key"] for each in unresolved]
        with ledger_in(folder) as ledger:
            ledger.resolve(lost["request_key"], "not_paid")
        assert (await generate(client))["request_key"] == lost["request_key"]
    assert len(service.bill().entries) == 2


async def test_a_download_that_fails_is_done_again(connect: Connect, service: SandboxServer) -> None:
    """The image is paid for; a repeated call, or get_image, downloads it without paying."""
    service.fault("not-found", times=1, operations=["file"])
    async with connect() as client:
        failed = await generate(client, request_key="page-1")
        assert (failed["error"], failed["paid"]) == ("download_failed", True)
        got = (await client.call_tool("get_image", {"request_key": "page-1"})).structured_content
        assert got["status"] == "done"
        assert (await generate(client, request_key="page-1"))["image"] == got["image"]
    assert len(service.bill().entries) == 1


async def test_an_interrupted_character_is_paid_for_once(connect: Connect, service: SandboxServer) -> None:
    """A repeated create_character returns the character; another one of that name is refused."""
    mia = {"name": "Mia", "face": "selfie.jpg", "kind": "virtual"}
    service.fault("not-found", times=1, operations=["file"])
    async with connect() as client:
        assert (await client.call_tool("create_character", mia)).structured_content["paid"] is True
        made = (await client.call_tool("create_character", mia)).structured_content
        again = (await client.call_tool("create_character", mia)).structured_content
        other = (await client.call_tool("create_character", {**mia, "style": "anime"})).structured_content
        asked = (await client.call_tool("get_image", {"request_key": made["request_key"]})).structured_content
    assert (asked["paid"], "show_character" in asked["next"]) == (True, True)
    assert (made["status"], again["repeated"], other["error"]) == ("done", True, "character_exists")
    assert len(service.bill().entries) == 1


def entry(payment: Any, age: timedelta) -> Entry:
    """Return an entry that was settled some time ago."""
    begun = Entry.begin(Intent(idempotency_key="k", operation="generate"), number=1)
    settled = begun.settled(Settlement(payment=payment, attempts=1))
    object.__setattr__(settled, "finished_at", NOW - age)
    return settled


@pytest.mark.parametrize(
    ("payment", "minutes", "expected"),
    [
        ("paid", 9, True),
        ("paid", 11, False),
        ("unknown", 900, True),
        ("pending", 900, True),
        ("blocked", 11, False),
        ("not_paid", 900, True),
    ],
)
def test_how_long_a_call_keeps_its_key(payment: str, minutes: int, *, expected: bool) -> None:
    """Ten minutes once its outcome is known, and for ever while it is not."""
    assert is_still_its_key([entry(payment, timedelta(minutes=minutes))], NOW) is expected


@pytest.mark.parametrize(
    "settings", [{"max_images": 0}, {"answer_within": 0}, {"answer_within": 51}, {"grace": -1}], ids=str
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    """A cap of nothing, an answer that comes too late: a clear error when the server starts."""
    with pytest.raises(ConfigurationError):
        mcp.ServerSettings(**settings)


async def test_a_stored_image_that_is_damaged_is_fetched_again(connect: Connect, service: SandboxServer) -> None:
    """A repeated call finds that the file is not whole, and downloads it without paying."""
    async with connect() as client:
        first = await generate(client, request_key="page-1")
        await anyio.Path(first["image"]["path"]).write_bytes(b"cut")
        again = await generate(client, request_key="page-1")
    assert (again["status"], again["repeated"], len(service.bill().entries)) == ("done", True, 1)


def damage(folder: Path) -> None:
    """Overwrite the images of all characters."""
    paths = list(folder.rglob("avatars/*/profile/*.png"))
    assert paths
    for path in paths:
        path.write_bytes(b"damaged")


async def test_what_fails_after_the_payment_is_paid(connect: Connect, service: SandboxServer, folder: Path) -> None:
    """A stored ID photo that is damaged is no wrong argument: the call is on the bill, and a repetition says so."""
    mia = {"name": "Mia", "face": "selfie.jpg", "kind": "virtual", "request_key": "k-1"}
    async with connect() as client:
        assert (await client.call_tool("create_character", mia)).structured_content["paid"] is True
        damage(folder)
        again = (await client.call_tool("create_character", mia)).structured_content
    assert ("k-1", True) == (again["request_key"], again["paid"])
    assert 1 == len(service.bill().entries)


@pytest.mark.parametrize("paid", [True, "unknown"])
def test_an_error_about_a_paid_call_says_so(paid: Any) -> None:
    """Whatever goes wrong, a ledger that cannot be read included."""
    with pytest.raises(AfterPaymentError) as caught, on_the_bill("k-1", paid):
        raise LedgerError("it is locked")
    assert (paid, "k-1") == (caught.value.paid, caught.value.error.idempotency_key)
