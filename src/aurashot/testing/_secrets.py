"""The last look at a recording before it is written: nothing in it may look like a key."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

KEY_VARIABLES: Final = ("AURASHOT_API_KEY", "AURASHOT_STUDIO_KEY")
_SHORTEST: Final = 6
"""Characters of a known secret that is looked for: a shorter one is part of many words."""

PATTERNS: Final = (
    ("an API key", re.compile(r"(?<![A-Za-z0-9])(?:[spr]k_\w+|[spr]k-[\w-]{12,})")),
    (
        "an Authorization header",
        re.compile(r"\b(?:bearer|basic)\s+(?=\S*[\d=])[\w.~+/=-]{6,}|\bauthorization\s*[:=]", re.IGNORECASE),
    ),
    ("a cookie", re.compile(r"\b(?:set-)?cookie\s*:", re.IGNORECASE)),
    ("a JSON Web Token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")),
    ("a key of a cloud service", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bgh[pousr]_\w{20,}")),
    ("a token of a chat service", re.compile(r"\bxox[abeoprs]-[\w-]{10,}")),
    (
        "a password or token",
        re.compile(
            r"\b(?:api[_-]?key|secret|passw(?:or)?d|pwd|(?:access|auth|refresh|session)[_-]?token|token)"
            r"[\"']?\s*[:=]\s*[\"']?[^\s\"'&,;]{4,}",
            re.IGNORECASE,
        ),
    ),
    ("a user name and password", re.compile(r"://[^\s/@:]+:[^\s/@]+@")),
)
"""What keys and credentials look like in text, and what each is."""

BINARY_PATTERNS: Final = (
    ("an API key", re.compile(rb"(?<![A-Za-z0-9])[spr]k_[a-z]+_[A-Za-z0-9]{8,}")),
    ("an Authorization header", re.compile(rb"\bbearer [\w.~+/=-]{8,}", re.IGNORECASE)),
    ("a private key", re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY")),
    ("a key of a cloud service", re.compile(rb"(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|gh[pousr]_\w{20,}")),
)
"""The same for images, whose bytes look like anything that is short."""


def known_secrets(authorization: str = "") -> frozenset[str]:
    """Return the secrets that are known here: the keys in the environment, and the one that a request was sent with."""
    keys = [os.environ.get(name, "").strip() for name in KEY_VARIABLES]
    return frozenset(key for key in (*keys, authorization.rpartition(" ")[2]) if len(key) >= _SHORTEST)


def key_like(entry: dict[str, Any], known: Collection[str] = ()) -> list[str]:
    """Return where an entry holds something like a key, and what that is; never the thing itself.

    Args:
        entry: An entry of an archive.
        known: Secrets that are known, whatever they look like.
    """
    found: list[str] = []
    for place, text in _texts(entry, ""):
        if any(secret in text for secret in known):
            found.append(f"{place}: the API key")
        else:
            what = next((name for name, pattern in PATTERNS if pattern.search(text)), None)
            found += [] if what is None else [f"{place}: something like {what}"]
    return found + _in_image(entry["response"]["content"], known)


def _in_image(content: dict[str, Any], known: Collection[str]) -> list[str]:
    if content.get("encoding") != "base64":
        return []
    image = base64.b64decode(content["text"])
    if any(secret.encode() in image for secret in known):
        return ["response.content: the API key"]
    what = next((name for name, pattern in BINARY_PATTERNS if pattern.search(image)), None)
    return [] if what is None else [f"response.content: something like {what}"]


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text of an entry and where it is, but for images."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for index, each in enumerate(cast("list[object]", value)):
            yield from _texts(each, f"{place}.{index}")
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        is_image = fields.get("encoding") == "base64"
        for name, each in fields.items():
            if not (is_image and name == "text"):
                yield from _texts(each, f"{place}.{name}".removeprefix("."))
