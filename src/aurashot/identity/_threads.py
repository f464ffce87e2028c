"""Scoring beside an event loop: in a few threads, so that the loop goes on."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from aurashot.identity._comparison import compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity._calibration import Calibration
    from aurashot.identity._comparison import Comparison
    from aurashot.identity._model import FaceModel
    from aurashot.identity._reference import ReferenceInput
    from aurashot.images import ImageInput

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = min(os.cpu_count() or 1, 4)
"""How many images are scored at the same time in one event loop."""

_limiter: Final[RunVar[CapacityLimiter]] = RunVar("aurashot_identity_threads")


async def in_scoring_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call any function of `aurashot.identity` in one of a few threads, on asyncio or trio.

    A call that is cancelled ends when its thread has: a fraction of a second.

        sheet = await in_scoring_thread(split_id_photo, "id-photo.png")
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(THREADS)
        _limiter.set(limiter)
    return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=limiter)


async def acompare(
    reference: ReferenceInput,
    image: ImageInput,
    *,
    strict: bool = False,
    calibration: Calibration | None = None,
    paste_guard: bool = True,
    model: FaceModel | None = None,
) -> Comparison:
    """Compare as `compare` does, in one of a few threads.

    Raises:
        InvalidImageError: An image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    return await in_scoring_thread(
        compare, reference, image, strict=strict, calibration=calibration, paste_guard=paste_guard, model=model
    )
