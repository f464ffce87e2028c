"""The types of both clients, as a user's type checker sees them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import httpx
import pydantic
import yarl

from aurashot import (
    AsyncAuraShot,
    AsyncLegacy,
    AuraShot,
    CallMeta,
    Generation,
    Legacy,
    Output,
    RetryPolicy,
    Upload,
    WorkflowJob,
)
from aurashot.instrumentation import (
    Event,
    IdentityChecked,
    OperationFailed,
    OperationStarted,
    OperationSucceeded,
    RequestFailed,
    RequestStarted,
    RequestSucceeded,
    RetryScheduled,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from aurashot import ImageInput


def note(event: Event) -> None:
    """A hook may be a function."""


async def waiting_note(event: Event) -> None:
    """A hook may not be a coroutine function."""


def progress(done: int, total: int | None) -> None:
    """So may a progress display."""


class Limiter:
    """A rate limiter of the blocking client."""

    def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Let everything go."""


class AsyncLimiter:
    """A rate limiter of the async client."""

    async def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Let everything go."""


def events(event: Event) -> None:
    match event:
        case OperationStarted():
            assert_type(event.tags, Mapping[str, str])
        case OperationSucceeded():
            assert_type(event.elapsed, float)
        case OperationFailed():
            assert_type(event.error, BaseException)
        case RequestStarted():
            assert_type(event.bytes_sent, int)
        case RequestSucceeded():
            assert_type((event.status_code, event.bytes_received), tuple[int, int])
        case RequestFailed():
            assert_type(event.error, BaseException)
        case RetryScheduled():
            assert_type(event.retry_in, float)
        case IdentityChecked():
            assert_type(event.similarity, float | None)
    assert_type(event.operation_id, str)
    assert_type(event.parent_id, str | None)


def limited() -> tuple[AuraShot, AsyncAuraShot]:
    return AuraShot(rate_limiter=Limiter()), AsyncAuraShot(rate_limiter=AsyncLimiter())


def blocking(client: AuraShot, image: Image) -> None:
    anchor = client.id_photo("selfie.jpg", prompt="anime", wait_for_result=True, timeout=5, idempotency_key="k")
    assert_type(anchor, Generation)
    assert_type(client.generate("in a cafe", face=anchor, clothes=Path("coat.png"), scene=b"..."), Generation)
    assert_type(client.edit("at night", target=anchor.output, face=image), Generation)
    assert_type(client.upload(io.BytesIO()), Upload)
    assert_type(client.download(anchor, "out.png", progress=progress), Path)
    assert_type(client.download("https://cdn.example.com/1.png", Path("folder")), Path)
    assert_type(client.read(anchor.output), bytes)
    assert_type(client.with_options(timeout=3.0, retry=RetryPolicy(), hooks=[note]), AuraShot)
    assert_type(client.with_options(parent_id="story-1", tags={"user": "alice"}), AuraShot)
    assert_type(client.edit("at night", target=anchor, tags={"order": "17"}, pay_once=False), Generation)
    assert_type(client.legacy, Legacy)
    assert_type(client.close(), None)
    with client as same:
        assert_type(same, AuraShot)


def blocking_legacy(legacy: Legacy) -> None:
    job = legacy.virtual_try_on(product_image="coat.png", model_image="me.png", wait=True)
    assert_type(job, WorkflowJob)
    assert_type(legacy.pose_change("me.png", "sitting", version="pro"), WorkflowJob)
    assert_type(legacy.query(job), WorkflowJob)
    assert_type(legacy.query(workflow="pose_change", task_id="t-1"), WorkflowJob)
    assert_type(job.url, str)


async def waiting(client: AsyncAuraShot, image: Image) -> None:
    anchor = await client.id_photo("selfie.jpg", prompt="anime", wait_for_result=True, timeout=5, idempotency_key="k")
    assert_type(anchor, Generation)
    assert_type(await client.generate("in a cafe", face=anchor, clothes=Path("coat.png"), scene=b"..."), Generation)
    assert_type(await client.edit("at night", target=anchor.output, face=image), Generation)
    assert_type(await client.upload(io.BytesIO()), Upload)
    assert_type(await client.download(anchor, "out.png", progress=progress), Path)
    assert_type(await client.download("https://cdn.example.com/1.png", Path("folder")), Path)
    assert_type(await client.read(anchor.output), bytes)
    assert_type(client.with_options(timeout=3.0, retry=RetryPolicy(), hooks=[note]), AsyncAuraShot)
    assert_type(client.with_options(parent_id="story-1", tags={"user": "alice"}), AsyncAuraShot)
    assert_type(await client.edit("at night", target=anchor, tags={"order": "17"}, pay_once=False), Generation)
    assert_type(client.legacy, AsyncLegacy)
    assert_type(await client.aclose(), None)
    async with client as same:
        assert_type(same, AsyncAuraShot)


async def waiting_legacy(legacy: AsyncLegacy) -> None:
    job = await legacy.virtual_try_on(product_image="coat.png", model_image="me.png", wait=True)
    assert_type(job, WorkflowJob)
    assert_type(await legacy.pose_change("me.png", "sitting", version="pro"), WorkflowJob)
    assert_type(await legacy.query(job), WorkflowJob)
    assert_type(await legacy.query(workflow="pose_change", task_id="t-1"), WorkflowJob)


def subclasses_keep_their_type() -> None:
    class Mine(AuraShot):
        pass

    class MineToo(AsyncAuraShot):
        pass

    with Mine() as client:
        assert_type(client, Mine)
    assert_type(Mine().with_options(timeout=1.0), Mine)
    assert_type(MineToo().with_options(timeout=1.0), MineToo)


def responses(generation: Generation, job: WorkflowJob) -> None:
    assert_type(generation.outputs, tuple[Output, ...])
    assert_type(generation.url, str)
    assert_type(generation.status, str)
    assert_type(generation.succeeded, bool)
    assert_type(generation.request_id, str | None)
    assert_type(generation.meta, CallMeta)
    assert_type(generation.meta.attempts, int)
    assert_type(generation.meta.operation_id, str | None)
    assert_type(generation.meta.ledger_entry, int | None)
    assert_type(generation.meta.from_ledger, bool)
    assert_type(job.images, tuple[str, ...])
    assert_type(job.completed, bool)
    assert_type(generation.with_meta(CallMeta()), Generation)


def every_form_of_image(image: Image, generation: Generation, upload: Upload) -> list[ImageInput]:
    with open("face.png", "rb") as file:  # noqa: PTH123 - the builtin is what people use
        return [
            "https://cdn.example.com/1.png",
            httpx.URL("https://cdn.example.com/1.png"),
            pydantic.HttpUrl("https://cdn.example.com/1.png"),
            yarl.URL("https://cdn.example.com/1.png"),
            "face.png",
            Path("face.png"),
            b"...",
            bytearray(),
            memoryview(b"..."),
            file,
            io.BytesIO(),
            image,
            generation,
            generation.output,
            upload,
        ]


def mistakes(client: AuraShot, waiting_client: AsyncAuraShot) -> None:
    """Each line is an error to both type checkers: an ignore that is not needed is an error, too."""
    client.generate("in a cafe")  # type: ignore[call-arg]  # face= is required
    client.generate("in a cafe", "face.png")  # type: ignore[call-arg]  # face is by keyword only
    client.generate("in a cafe", face=7)  # type: ignore[arg-type]  # a number is no image
    client.generate("in a cafe", face="face.png", size=3)  # type: ignore[call-arg]  # there is no such argument
    client.edit("at night", face="face.png")  # type: ignore[call-arg]  # target= is required
    client.legacy.virtual_try_on(product_image="a.png")  # type: ignore[call-arg]  # model_image= is required
    AuraShot(http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # has to be an error: it is async
    AsyncAuraShot(http_client=httpx.Client())  # type: ignore[arg-type]  # has to be an error: it is sync
    AuraShot(rate_limiter=AsyncLimiter())  # type: ignore[arg-type]  # has to be an error: it is async
    AsyncAuraShot(rate_limiter=Limiter())  # type: ignore[arg-type]  # has to be an error: it is sync
    AuraShot(hooks=[waiting_note])  # type: ignore[list-item]  # a hook is not awaited
    _ = waiting_client.upload("face.png").url  # type: ignore[attr-defined]  # it was not awaited
