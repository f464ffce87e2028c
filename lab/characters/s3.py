"""S3 on this machine: moto's server in a process of its own, over a real socket."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx

from lab.process import Child, send

if TYPE_CHECKING:
    from collections.abc import Generator

REGION: Final = "us-east-1"


@contextmanager
def running() -> Generator[str]:
    """Run a server, and return its address."""
    with Child("lab.characters.s3") as child:
        yield str(child.receive())


def bucket(endpoint: str) -> dict[str, Any]:
    """Make a bucket, and return the place of a library in it: `root` and `options`."""
    name = f"characters-{uuid4().hex[:12]}"
    httpx.put(f"{endpoint}/{name}", timeout=30, trust_env=False).raise_for_status()
    options = {
        "endpoint": endpoint,
        "region": REGION,
        "access_key_id": "testing",
        "secret_access_key": "testing",
        "client_options": {"allow_http": True},
    }
    return {"root": f"s3://{name}/library", "options": options}


def main() -> None:
    """Serve until the process is killed, after the address was printed."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    send(f"http://{host}:{port}")
    while True:
        time.sleep(3_600)


if __name__ == "__main__":
    main()
