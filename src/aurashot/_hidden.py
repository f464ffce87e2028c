"""Secrets that do not show themselves."""

from __future__ import annotations


class Hidden(bytes):
    """Bytes whose repr does not show them, for tracebacks with locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'(hidden)'"
