"""The TLS context, which depends on the environment of the process."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpcore

from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names under which OpenSSL looks for the certificates of a folder."""


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the process's one TLS context: making one takes longer than a call does.

    It trusts what the system, `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and certifi's authorities.

    Raises:
        ConfigurationError: One of these variables, or `SSLKEYLOGFILE`, names what cannot be used.
    """
    try:
        context = httpcore.default_ssl_context()
    except OSError as problem:
        name = "SSLKEYLOGFILE" if os.environ.get("SSLKEYLOGFILE") else "The list of certificates"
        raise ConfigurationError(f"{name} cannot be opened ({_reason(problem)}); correct or unset it") from problem
    if path := os.environ.get("SSL_CERT_FILE"):
        _check_file(context, path)
    if folders := os.environ.get("SSL_CERT_DIR"):
        _check_folders(folders)
    return context


def _check_file(context: ssl.SSLContext, path: str) -> None:
    """Load the certificates once more: OpenSSL says nothing of a file that is missing."""
    try:
        context.load_verify_locations(path)
    except OSError as problem:
        raise ConfigurationError(
            f"SSL_CERT_FILE names a file without certificates ({_reason(problem)}); name a PEM file, or unset it"
        ) from problem


def _check_folders(folders: str) -> None:
    for folder in folders.split(os.pathsep):
        try:
            names = [path.name for path in Path(folder).iterdir()]
        except OSError:
            continue
        if any(_HASHED.fullmatch(name) for name in names):
            return
    raise ConfigurationError(
        "SSL_CERT_DIR names no folder with certificates; run openssl rehash on the folder, or unset it"
    )


def _reason(problem: OSError) -> str:
    return problem.strerror or str(problem)
