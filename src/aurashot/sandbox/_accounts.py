"""API keys, quotas and the bill."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from aurashot.sandbox._errors import ApiError

DEMO_KEY = "sk_sandbox_demo"
REVOKED_KEY = "sk_revoked"
_KEY_SHAPE = re.compile(r"sk_[!-~]{1,253}")


@dataclass(frozen=True, slots=True)
class BillEntry:
    """One billed image.

    Attributes:
        operation: `id-photo`, `generate`, `edit`, `virtual_try_on` or `pose_change`.
        idempotency_key: The `Idempotency-Key` header as received; two entries with the same key mean a double charge.
        request_id: The request id in the response.
        at: When it was billed, in UTC.
    """

    operation: str
    idempotency_key: str | None
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that was billed, oldest first."""

    entries: tuple[BillEntry, ...]

    @property
    def total(self) -> int:
        """How many images were billed."""
        return len(self.entries)


class Accounts:
    """The usage of each API key, and one bill for all of them.

    Every key that starts with `sk_` has a separate account, except the revoked one. `quota` is the number of
    images per key before requests fail with 402; None for no limit.
    """

    def __init__(self, quota: int | None = None) -> None:
        self._quota = quota
        self._used: Counter[str] = Counter()
        self._entries: list[BillEntry] = []

    def authenticate(self, authorization: str | None) -> str:
        """Return the key of an `Authorization` header.

        Raises:
            ApiError: 401; the key is missing, unknown or revoked.
        """
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise _unauthorized("missing_api_key", "Send your key as 'Authorization: Bearer sk_…'.")
        if key == REVOKED_KEY:
            raise _unauthorized("revoked_api_key", "This key has been revoked.")
        if not _KEY_SHAPE.fullmatch(key):
            message = "This key is not known; keys start with 'sk_' and have at most 256 printable ASCII characters."
            raise _unauthorized("invalid_api_key", message)
        return key

    def charge(self, key: str, operation: str, *, idempotency_key: str | None, request_id: str) -> None:
        """Add one image to the bill; a repeated idempotency key is billed again and is listed twice.

        Raises:
            ApiError: 402; the key has used its quota.
        """
        if self._quota is not None and self._used[key] >= self._quota:
            raise ApiError(402, "quota_exceeded", f"This key has used its {self._quota} free images.")
        self._used[key] += 1
        self._entries.append(BillEntry(operation, idempotency_key, request_id, datetime.now(UTC)))

    def bill(self) -> Bill:
        """Return what has been billed so far."""
        return Bill(tuple(self._entries))

    def clear(self) -> None:
        """Clear the bill and reset every quota."""
        self._used.clear()
        self._entries.clear()


def _unauthorized(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, {"WWW-Authenticate": "Bearer"})
