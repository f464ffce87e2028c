"""S3 on this machine: moto's server in a process of its own, over a real socket."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx

from lab.process import Child, send
from lab.server import HOST

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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


class OneAtATime:
    """An application that handles one request at a time, whatever the number of connections.

    moto looks whether an object is there, and then writes it: with `If-None-Match: *`, two threads can both create it.
    A real store does both in one step.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        with self._lock:
            return list(self._application(environ, start_response))


def main() -> None:
    """Serve until the process is killed, after the address was printed."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server(HOST, 0, application, threaded=True)
    send(f"http://{HOST}:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
