"""Face-anchored image generation: the same face in every image.

    from aurashot import AuraShot

    with AuraShot() as client:
        anchor = client.id_photo("selfie.jpg")
        cafe = client.generate("sitting in a cozy cafe, warm afternoon light", face=anchor)
        client.download(cafe, "cafe.png")

`AsyncAuraShot` is the same with `async with` and `await`. Everything here is imported when it is first used.
"""

from os import environ as _environ
from typing import TYPE_CHECKING

from aurashot import _late
from aurashot._version import __version__

if TYPE_CHECKING:
    from aurashot._client._async import AsyncAuraShot
    from aurashot._client._async_legacy import AsyncLegacy
    from aurashot._client._sync import AuraShot
    from aurashot._client._sync_legacy import Legacy
    from aurashot._config import save_key, save_key_in_keyring
    from aurashot._rate_limit import AsyncRateLimiter, RateLimiter
    from aurashot._retry import RetryPolicy
    from aurashot.errors import (
        APIConnectionError,
        APIStatusError,
        AuraShotError,
        AuthenticationError,
        BadRequestError,
        CharacterExistsError,
        CharacterNotFoundError,
        ConfigurationError,
        ConflictError,
        ContentBlockedError,
        DeadlineExceededError,
        DownloadError,
        FaceEngineError,
        GenerationFailedError,
        IdentityDriftError,
        InputError,
        InvalidImageError,
        LedgerError,
        LibraryError,
        NoOutputError,
        NotFoundError,
        NotSentError,
        Outcome,
        OutcomeUnknownError,
        PayloadTooLargeError,
        PermissionDeniedError,
        QuotaExceededError,
        RateLimitError,
        ServerError,
        SpendCapError,
        UnexpectedResponseError,
        UnresolvedError,
        UnsafeURLError,
    )
    from aurashot.identity import IdentityPolicy
    from aurashot.images import ImageInput
    from aurashot.models import CallMeta, Generation, Output, Upload, WorkflowJob

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "AsyncAuraShot",
    "AsyncLegacy",
    "AsyncRateLimiter",
    "AuraShot",
    "AuraShotError",
    "AuthenticationError",
    "BadRequestError",
    "CallMeta",
    "CharacterExistsError",
    "CharacterNotFoundError",
    "ConfigurationError",
    "ConflictError",
    "ContentBlockedError",
    "DeadlineExceededError",
    "DownloadError",
    "FaceEngineError",
    "Generation",
    "GenerationFailedError",
    "IdentityDriftError",
    "IdentityPolicy",
    "ImageInput",
    "InputError",
    "InvalidImageError",
    "LedgerError",
    "Legacy",
    "LibraryError",
    "NoOutputError",
    "NotFoundError",
    "NotSentError",
    "Outcome",
    "OutcomeUnknownError",
    "Output",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "RateLimiter",
    "RetryPolicy",
    "ServerError",
    "SpendCapError",
    "UnexpectedResponseError",
    "UnresolvedError",
    "UnsafeURLError",
    "Upload",
    "WorkflowJob",
    "__version__",
    "save_key",
    "save_key_in_keyring",
]

_HOMES = dict.fromkeys(__all__, "aurashot.errors") | {
    "AsyncAuraShot": "aurashot._client._async",
    "AsyncLegacy": "aurashot._client._async_legacy",
    "AsyncRateLimiter": "aurashot._rate_limit",
    "AuraShot": "aurashot._client._sync",
    "CallMeta": "aurashot.models",
    "Generation": "aurashot.models",
    "IdentityPolicy": "aurashot.identity",
    "ImageInput": "aurashot.images",
    "Legacy": "aurashot._client._sync_legacy",
    "Output": "aurashot.models",
    "RateLimiter": "aurashot._rate_limit",
    "RetryPolicy": "aurashot._retry",
    "Upload": "aurashot.models",
    "WorkflowJob": "aurashot.models",
    "save_key": "aurashot._config",
    "save_key_in_keyring": "aurashot._config",
}
"""Where a public name lives; all others are errors."""


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)


if _environ.get("AURASHOT_LOG"):
    from aurashot import _logging

    _logging.set_up(_environ["AURASHOT_LOG"])
