"""Until when a signed URL can be fetched, as far as it says so itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH: Final = "expires"
"""Seconds since 1970: CloudFront, and the older signatures of S3 and OSS."""
_SIGNED: Final = (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires"), ("x-oss-date", "x-oss-expires"))
"""When it was signed, and for how many seconds."""
_UNTIL: Final = "se"
"""The end of a shared access signature of Azure."""


def expires_at(url: str) -> datetime | None:
    """Return when a URL expires, in UTC; None if it does not say so."""
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    try:
        return _from_signature(query) or _from_epoch(query) or _from_text(query)
    except (ValueError, OverflowError, OSError):  # it looks like one, and is something else
        return None


def _from_signature(query: Mapping[str, str]) -> datetime | None:
    for signed, seconds in _SIGNED:
        if signed in query and seconds in query:
            start = datetime.strptime(query[signed], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return start + timedelta(seconds=int(query[seconds]))
    return None


def _from_epoch(query: Mapping[str, str]) -> datetime | None:
    return datetime.fromtimestamp(int(query[_EPOCH]), UTC) if _EPOCH in query else None


def _from_text(query: Mapping[str, str]) -> datetime | None:
    if _UNTIL not in query or "sig" not in query:
        return None
    end = datetime.fromisoformat(query[_UNTIL])
    return end if end.tzinfo else end.replace(tzinfo=UTC)
