"""Ports that nothing listens on, and waiting for a server to have seen something."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def closed_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def reserved_port() -> int:
    """Return a port that nothing listens on, and that no outgoing connection is given meanwhile."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise OSError("no port below 32768 is free")


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"it did not come true within {seconds:g} s"
        time.sleep(0.005)
