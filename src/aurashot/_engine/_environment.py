"""The TLS context: the one of the process, which depends on its environment, or one that the user gave."""

from __future__ import annotations

import os
import re
import ssl
from functools import cache
from pathlib import Path
from typing import Final

import httpcore

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError

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
        raise ConfigurationError(f"{name} cannot be opened ({reason_of(problem)}); correct or unset it") from problem
    if path := os.environ.get("SSL_CERT_FILE"):
        _check_file(context, path)
    if folders := os.environ.get("SSL_CERT_DIR"):
        _check_folders(folders)
    return context


def check_context(given: object) -> ssl.SSLContext:
    """Return a TLS context that the user gave, if it verifies the server's certificate and host name.

    Raises:
        ConfigurationError: It does not, or is no TLS context of a client.
    """
    if not isinstance(given, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context= takes an ssl.SSLContext, not an object of type {type(given).__name__}")
    if given.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise ConfigurationError("ssl_context= is the context of a server; make one with ssl.create_default_context()")
    if given.verify_mode != ssl.CERT_REQUIRED or not given.check_hostname:
        raise ConfigurationError(
            "ssl_context= does not verify certificates and host names; trust a certificate of your own with "
            "ssl.create_default_context(cafile=...)"
        )
    return given


def _check_file(context: ssl.SSLContext, path: str) -> None:
    """Load the certificates once more: OpenSSL says nothing of a file that is missing."""
    try:
        context.load_verify_locations(path)
    except OSError as problem:
        raise ConfigurationError(
            f"SSL_CERT_FILE names a file without certificates ({reason_of(problem)}); name a PEM file, or unset it"
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
