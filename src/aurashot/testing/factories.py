"""Factories of the response models, for tests that need a response and no service.

    from aurashot.testing import factories

    cafe = factories.generation(url="https://example.com/cafe.png", meta=factories.call_meta(attempts=2))

Each argument has a default, so that a test names only what it is about. Identifiers and URLs differ from response to
response. A failed or pending response has no image, unless `outputs` says otherwise.
"""

from __future__ import annotations

from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from aurashot.errors import InputError
from aurashot.models import (
    CallMeta,
    Generation,
    Output,
    Pipeline,
    SentImage,
    TokenUsage,
    Upload,
    WorkflowJob,
    WorkflowResult,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aurashot.identity import IdentityCheck
    from aurashot.models import BilledRequest

__all__ = [
    "call_meta",
    "generation",
    "output",
    "pipeline",
    "sent_image",
    "token_usage",
    "upload",
    "workflow_job",
    "workflow_result",
]

_HOST: Final = "https://www.aurashot.art"
_CREATED: Final = "2026-03-16T09:00:00.000Z"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_numbers = count(1)


def output(*, url: str | None = None, type: str | None = "image") -> Output:  # noqa: A002  # the field's name
    """Return an image of a response.

    Args:
        url: Where it is; another URL for each by default.
        type: What it is.
    """
    return Output(url=url or _image_url(), type=type)


def pipeline(*, provider: str | None = "qwen-image-edit", status: str | None = "success") -> Pipeline:
    """Return the model that did the work."""
    return Pipeline(provider=provider, status=status)


def token_usage(*, input_tokens: int | None = 0, output_tokens: int | None = 1_234) -> TokenUsage:
    """Return the tokens that the service counted."""
    return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)


def generation(
    *,
    status: str = "success",
    task_type: str = "generate",
    url: str | None = None,
    outputs: Sequence[Output] | None = None,
    request_id: str | None = None,
    job_id: str | None = None,
    pipeline: Pipeline | None = None,
    token_usage: TokenUsage | None = None,
    created_at: str = _CREATED,
    meta: CallMeta | None = None,
    extra: Mapping[str, Any] = _NOTHING,
) -> Generation:
    """Return the response to an id-photo, generate or edit call.

    Args:
        status: The service's word: `success`, `completed`, `failed`, `processing` or another one.
        task_type: `id-photo`, `generate` or `edit`.
        url: The URL of its one image; not together with `outputs`.
        outputs: Its images.
        request_id: The service's identifier; a new one by default.
        job_id: The identifier of the job; a new one by default.
        pipeline: The model that did the work.
        token_usage: The tokens that the service counted.
        created_at: ISO 8601.
        meta: How it was obtained.
        extra: Fields that the SDK does not know, by their names in JSON.

    Raises:
        InputError: Both `url` and `outputs` are given.
    """
    if url is not None and outputs is not None:
        raise InputError("url: outputs is given as well; pass one of the two", argument="url")
    made = Generation(
        status=status,
        request_id=request_id or _identifier(),
        job_id=job_id or _identifier(),
        task_type=task_type,
        pipeline=pipeline or _pipeline(status=status),
        token_usage=token_usage or _token_usage(),
        created_at=created_at,
    )
    if outputs is None:
        outputs = [output(url=url)] if made.succeeded or url is not None else []
    made = made.model_copy(update={**extra, "outputs": tuple(outputs)})
    return made if meta is None else made.with_meta(meta)


_pipeline, _token_usage = pipeline, token_usage  # `generation` has arguments of these names


def upload(*, url: str | None = None, meta: CallMeta | None = None, extra: Mapping[str, Any] = _NOTHING) -> Upload:
    """Return an uploaded image.

    Args:
        url: Where it is; another URL for each by default.
        meta: How it was obtained.
        extra: Fields that the SDK does not know, by their names in JSON.
    """
    made = Upload(url=url or f"{_HOST}/uploads/{_identifier()}.png").model_copy(update=dict(extra))
    return made if meta is None else made.with_meta(meta)


def workflow_result(
    *,
    status: str | None = "Success",
    image: str | None = None,
    progress: float | str | None = None,
    error: str | None = None,
) -> WorkflowResult:
    """Return one image of a legacy workflow, or its error.

    Args:
        status: The service's word.
        image: The URL; another one for each by default, and None if there is an error.
        progress: How far the work is, as the service says it.
        error: What went wrong.
    """
    url = image or (None if error else _image_url())
    return WorkflowResult(status=status, image=url, progress=progress, error=error)


def workflow_job(
    *,
    status: str = "success",
    workflow: str = "virtual_try_on",
    completed: bool | None = None,
    results: Sequence[WorkflowResult] | None = None,
    images: Sequence[str] | None = None,
    task_id: str | None = None,
    execution_id: str | None = None,
    meta: CallMeta | None = None,
    extra: Mapping[str, Any] = _NOTHING,
) -> WorkflowJob:
    """Return the response of the legacy workflows.

    Args:
        status: The service's word: `submitted`, `processing`, `success`, `failed` or another one.
        workflow: `virtual_try_on` or `pose_change`.
        completed: Whether it is done; by default, if the status is not one of a job in progress.
        results: What became of each image; one success by default, if the job succeeded.
        images: The URLs of the images; those of the results by default.
        task_id: An identifier; a new one by default.
        execution_id: Another identifier; a new one by default.
        meta: How it was obtained.
        extra: Fields that the SDK does not know, by their names in JSON.
    """
    made = WorkflowJob(
        status=status, workflow=workflow, task_id=task_id or _identifier(), execution_id=execution_id or _identifier()
    )
    if results is None:
        results = [workflow_result()] if made.succeeded and images is None else []
    urls = [each.image for each in results if each.image] if images is None else images
    changes = {
        "completed": not made.pending if completed is None else completed,
        "images": tuple(urls),
        "results": tuple(results),
    }
    made = made.model_copy(update={**extra, **changes})
    return made if meta is None else made.with_meta(meta)


def call_meta(
    *,
    attempts: int = 1,
    elapsed: float = 2.0,
    operation_id: str | None = None,
    idempotency_key: str | None = None,
    ledger_entry: int | None = None,
    from_ledger: bool = False,
    status_code: int = 200,
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),),
    identity: IdentityCheck | None = None,
    edited_from: Sequence[Generation] = (),
    request: BilledRequest | None = None,
    images: Mapping[str, SentImage] = _NOTHING,
    tags: Mapping[str, str] = _NOTHING,
) -> CallMeta:
    """Return how a response was obtained.

    Args:
        attempts: Requests that were sent.
        elapsed: Seconds from the first request to the response.
        operation_id: The id of the method call; a new one by default.
        idempotency_key: The key that was sent; the id of the operation by default.
        ledger_entry: The number of its entry in the client's ledger.
        from_ledger: Whether an earlier call with the same key had paid for it.
        status_code: The HTTP status.
        headers: The response's headers, names in lower case.
        identity: What an identity policy found out about the face.
        edited_from: The images that it was edited from, the last one last.
        request: What was asked for.
        images: What is known of the images that were passed, by the name of the argument.
        tags: The tags of the operation.
    """
    operation_id = operation_id or _identifier()
    return CallMeta(
        attempts=attempts,
        elapsed=elapsed,
        operation_id=operation_id,
        idempotency_key=idempotency_key or operation_id,
        ledger_entry=ledger_entry,
        from_ledger=from_ledger,
        status_code=status_code,
        headers=tuple(headers),
        identity=identity,
        edited_from=tuple(edited_from),
        request=request,
        images=dict(images),
        tags=dict(tags),
    )


def sent_image(
    *,
    url: str | None = "https://example.com/face.jpg",
    sha256: str | None = None,
    request_id: str | None = None,
    character: str | None = None,
) -> SentImage:
    """Return an image that was passed to a call.

    Args:
        url: Where it was, if it was passed as a URL.
        sha256: Of the file that was passed, in hexadecimal.
        request_id: The service's identifier, if it was the response of an earlier call.
        character: The folder name of the character whose image it is.
    """
    return SentImage(url=url, sha256=sha256, request_id=request_id, character=character)


def _identifier() -> str:
    """Return an identifier in the form of a UUID, another one each time, and the same ones in each run."""
    return f"00000000-0000-4000-8000-{next(_numbers):012}"


def _image_url() -> str:
    return f"{_HOST}/outputs/{_identifier()}.png"
