"""Reject URLs that must not be sent or fetched."""

from __future__ import annotations

import re
from typing import Final

from aurashot._url_policy import image_url_fault
from aurashot.errors import UnsafeURLError

_SHOWN: Final = 60


def check_url(url: str, *, own_origin: str) -> str:
    """Return the URL unchanged if it is a public HTTPS URL, or one of the service's own origin.

    Raises:
        UnsafeURLError: Anything else. The message holds neither the query, which often is a secret, nor a user name.
    """
    if fault := image_url_fault(url, own_origin):
        raise UnsafeURLError(f"{_shown(url)} {fault}")
    return url


def _shown(url: str) -> str:
    """Shorten a URL for a message; a URL with an `@`, which may hold a password, is not shown at all."""
    if "@" in url:
        return "The URL (not shown: it has an @ in it)"
    visible = re.split(r"[?#]", url[: _SHOWN + 1], maxsplit=1)[0]
    end = "" if visible == url and len(url) <= _SHOWN else "…"
    return "The URL " + "".join(character for character in visible[:_SHOWN] if character.isprintable()) + end
