"""The certificates of the test servers, made by a process when it first needs them, and used by its children."""

from __future__ import annotations

import atexit
import os
import shutil
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

HOSTS: Final = ("localhost", "127.0.0.1", "images.example.com")
"""Which hosts the certificate is for."""
FOLDER: Final = "LAB_CERTIFICATES"
"""The variable of the environment that tells a child process where those of its parent are."""


def ca_file() -> Path:
    """Return the certificate of the authority that a client has to trust."""
    return _folder() / "ca.pem"


def server_file() -> Path:
    """Return the certificate of a server, with its key."""
    return _folder() / "server.pem"


def server_tls() -> ssl.SSLContext:
    """Return the TLS context of a server whose certificate no public authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file())
    return context


@lru_cache(maxsize=1)
def _folder() -> Path:
    inherited = os.environ.get(FOLDER)
    if inherited is not None:
        return Path(inherited)
    folder = Path(tempfile.mkdtemp(prefix="lab-certificates-"))
    atexit.register(_remove, folder, os.getpid())
    _make(folder)
    os.environ[FOLDER] = str(folder)
    return folder


def _make(folder: Path) -> None:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # and not a child that was forked
        shutil.rmtree(folder, ignore_errors=True)
