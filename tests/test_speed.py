"""What is not done: guards of speed that count modules, steps, objects and writes, and never look at a clock."""

from __future__ import annotations

import json
import os
import pkgutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

import aurashot
from aurashot import RetryPolicy, instrumentation
from aurashot._calls import Call, Recall
from aurashot._flows import character as flows
from aurashot.models import Generation
from lab.backends import KEY
from lab.server import GENERATION, ScriptedServer, ca_file, json_response, server_tls, status
from tests.flows.steps import CLOTHES, FACE, RULES, SCENE
from tests.notebook import Notebook

if TYPE_CHECKING:
    from aurashot._calls import Flow, Step
    from aurashot.instrumentation import Event
    from aurashot.ledger import Intent
    from lab.backends import Clients

FIRST_CLIENT: Final = f"from aurashot import AuraShot; AuraShot({KEY!r})"
DEPENDENCIES: Final = """
import anyio.to_thread, httpcore, httpx, pydantic
httpx.create_ssl_context()
class Model(pydantic.BaseModel): field: int
"""
"""What a client needs before its first retry; httpx and httpcore bring rich and trio along, if those are there."""


class Forgetful(Notebook):
    """A ledger that notes what it was asked for, and knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.recalled: list[str] = []

    def recall(self, intent: Intent, *, timeout: float) -> None:
        """Note the key."""
        self.recalled.append(intent.idempotency_key)


HELP: Final = """
import sys
from aurashot.__main__ import main
sys.argv = ["aurashot", "--help"]
try:
    main()
except SystemExit:
    pass
"""
PLAIN_HELP: Final = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)
app.command()(lambda: None)
try:
    app(["--help"])
except SystemExit:
    pass
"""


def modules(code: str) -> set[str]:
    """Return what a fresh interpreter imports for some code."""
    script = (
        f"import json, sys\nbefore = set(sys.modules)\n{code}\nprint(json.dumps(sorted({{*sys.modules}} - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages(names: set[str]) -> set[str]:
    """Return the top-level packages of modules, without those of the standard library."""
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def answered(flow: Flow[Any]) -> list[Step]:
    """Give every call of a flow a generation as its result, and all else nothing; return the steps."""
    steps = [next(flow)]
    try:
        while True:
            steps.append(flow.send(Generation.model_validate(GENERATION) if isinstance(steps[-1], Call) else None))
    except StopIteration:
        return steps


def test_importing_the_package() -> None:
    """It loads itself, its version, how it loads the rest, and what `importlib` and `typing` load."""
    assert {"aurashot", "aurashot._late", "aurashot._version"} == modules("import aurashot") - modules(
        "import __future__, importlib, typing"
    )


def test_first_client() -> None:
    """It loads this package and what it stands on, and neither an extra nor an application."""
    loaded = modules(FIRST_CLIENT)
    assert {"aurashot"} == packages(loaded) - packages(modules(DEPENDENCIES))
    parts = {name.split(".")[1] for name in loaded if name.startswith("aurashot.")}
    assert set() == parts & {"__main__", "cli", "ledger", "sandbox", "testing"}


LATE: Final = {
    "aurashot._client._async_legacy",
    "aurashot._client._sync_legacy",
    "aurashot._engine._addresses",
    "aurashot._engine._async",
    "aurashot._engine._environment",
    "aurashot._engine._network",
    "aurashot._engine._public",
    "aurashot._engine._slots",
    "aurashot._engine._sync",
    "aurashot._flows.legacy",
    "aurashot._flows.images",
    "aurashot._transport._async_runtime",
    "aurashot._transport._client_state",
    "aurashot._transport._detached",
    "aurashot._transport._downloads",
    "aurashot._transport._driver",
    "aurashot._transport._exchange",
    "aurashot._transport._httpx_client",
    "aurashot._transport._record",
    "aurashot._transport._reports",
    "aurashot._transport._stages",
    "aurashot._transport._sync_runtime",
    "aurashot._transport._writing",
    "aurashot.images._sink",
    "aurashot.images._metadata",
    "aurashot.images._payload",
    "aurashot.instrumentation._events",
    "aurashot.models._legacy",
}
"""What a client does not load before somebody needs it: to make a call, to upload, to download, to record, to tell."""
ENTERED: Final = {
    "": f"from aurashot import AuraShot\nwith AuraShot({KEY!r}): pass",
    "Async": f"""
import asyncio
from aurashot import AsyncAuraShot
async def main():
    async with AsyncAuraShot({KEY!r}): pass
asyncio.run(main())
""",
}
"""Programs that enter a client, and make no call."""


@pytest.mark.parametrize("backend", ["", "Async"])
def test_first_client_loads_its_own_part_only(backend: str) -> None:
    """What not every program needs, and what the other backend needs, is loaded when it is used."""
    loaded = modules(f"from aurashot import {backend}AuraShot; {backend}AuraShot({KEY!r})")
    other = "_sync" if backend else "_async"
    others = {f"aurashot.{package}.{other}" for package in ("_client", "_engine", "_transport")}
    assert set() == loaded & (LATE | others | {"anyio", "h11", "httpcore", "httpx"})
    assert LATE <= {module.name for module in pkgutil.walk_packages(aurashot.__path__, "aurashot.")}


@pytest.mark.parametrize("backend", ["", "Async"])
def test_first_call_in_an_entered_client_loads_little(backend: str) -> None:
    """A web backend enters its client when it starts; its first request does not wait for the engine's import."""
    loaded = modules(ENTERED[backend])
    own = "_async" if backend else "_sync"
    assert {"httpcore", f"aurashot._engine.{own}", f"aurashot._transport.{own}_runtime"} <= loaded


def test_help() -> None:
    """`aurashot --help` loads this package and what any typer application loads."""
    loaded = modules(HELP)
    assert {"aurashot"} == packages(loaded) - packages(modules(PLAIN_HELP))
    assert set() == loaded & {"asyncio", "httpx", "pydantic", "rich", "ssl"}


@pytest.mark.parametrize(
    "flow",
    [
        flows.id_photo(RULES, FACE, prompt=None, wait_for_result=None),
        flows.generate(RULES, "a cafe", face=FACE, clothes=CLOTHES, scene=SCENE, wait_for_result=None),
        flows.edit(RULES, "at night", target=SCENE, face=FACE, wait_for_result=None),
    ],
    ids=["id_photo", "generate", "edit"],
)
def test_call_with_addresses_is_two_steps(flow: Flow[Any]) -> None:
    """A call whose images are remote asks its driver for two things: what the ledger knows of it, and to send it."""
    assert [Recall, Call] == [type(step) for step in answered(flow)]


def test_without_a_key_no_ledger_is_asked(make_client: Clients, server: ScriptedServer) -> None:
    """A key that is minted for the call is new to every ledger: only the caller's own keys are looked for."""
    notebook = Forgetful()
    client = make_client(server.url, ledger=notebook)
    client.generate("a cafe", face=FACE)
    client.generate("a cafe", face=FACE, idempotency_key="order-17", pay_once=False)
    assert [] == notebook.recalled
    client.generate("a cafe", face=FACE, idempotency_key="order-18")
    assert ["order-18"] == notebook.recalled


@pytest.mark.parametrize("hooked", [False, True])
def test_events_are_made_for_listeners_only(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, *, hooked: bool
) -> None:
    """A call, a retry and a failure make no event records when nobody listens."""
    made: list[str] = []
    for name in sorted({*instrumentation.__all__} - {"Event", "Hook", "Dispatcher"}):
        monkeypatch.setattr(instrumentation, name, counted(getattr(instrumentation, name), made))
    heard: list[Event] = []
    client = make_client(server.url, retry=RetryPolicy(initial_delay=0.0), hooks=[heard.append] if hooked else [])
    server.queue(status(429), json_response(GENERATION), status(400))

    client.generate("a cafe", face=FACE)
    with pytest.raises(Exception, match="scripted 400"):
        client.generate("a cafe", face=FACE)
    told = [
        *("OperationStarted", "RequestStarted", "RequestFailed", "RetryScheduled"),
        *("RequestStarted", "RequestSucceeded", "OperationSucceeded"),
        *("OperationStarted", "RequestStarted", "RequestFailed", "OperationFailed"),
    ]
    assert (told if hooked else []) == made == [type(event).__name__ for event in heard]


def counted(kind: Any, made: list[str]) -> Any:
    """Return a constructor that notes each use."""

    def make(**fields: Any) -> Any:
        made.append(kind.__name__)
        return kind(**fields)

    return make


@pytest.mark.parametrize("backend", ["sync", "asyncio"])
def test_request_leaves_in_one_write(
    backend: str, make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head and the body of a request are handed to the operating system together."""
    sent: list[bytes] = []
    send = socket.socket.send
    port = int(server.url.rpartition(":")[2])

    def noted(self: socket.socket, data: bytes, *flags: int) -> int:
        if self.family == socket.AF_INET and self.getpeername()[1] == port:
            sent.append(bytes(data))
        return send(self, data, *flags)

    monkeypatch.setattr(socket.socket, "send", noted)
    client = make_client(server.url)
    for number in range(5):
        client.generate(f"scene {number}", face=FACE)

    assert 5 == len(sent)
    for data, request in zip(sent, server.requests, strict=True):
        assert data.startswith(b"POST /v1/character/generate HTTP/1.1\r\n")
        assert data.endswith(b"\r\n\r\n" + request.body)


def test_calls_in_a_row_share_a_connection(make_client: Clients, server: ScriptedServer) -> None:
    """Fifty calls, one after the other, connect once."""
    client = make_client(server.url)
    for number in range(50):
        client.generate(f"scene {number}", face=FACE)

    assert 50 == len(server.requests)
    assert 1 == server.connections


def test_call_makes_no_httpx_objects(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first call to an endpoint, addresses and headers are there, and nothing of httpx is on the way."""
    client = make_client(server.url)
    client.generate("a cafe", face=FACE)
    made: list[str] = []
    for kind in (httpx.URL, httpx.Headers, httpx.Request, httpx.Response):
        original = kind.__init__
        monkeypatch.setattr(kind, "__init__", noting(kind.__name__, original, made))

    client.generate("a beach", face=FACE)
    assert [] == made
    httpx.URL("https://example.com")
    assert ["URL"] == made


def noting(name: str, original: Any, made: list[str]) -> Any:
    """Return an `__init__` that notes each use."""

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        made.append(name)
        original(self, *arguments, **options)

    return init


def test_response_is_parsed_once(make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a response become its model in one step."""
    parsed: list[object] = []
    validate = Generation.model_validate_json

    def noted(body: bytes) -> Generation:
        parsed.append(body)
        return validate(body)

    client = make_client(server.url)
    monkeypatch.setattr(Generation, "model_validate_json", noted)
    monkeypatch.setattr("aurashot._response_parsing.from_json", None)
    assert client.generate("a cafe", face=FACE).succeeded
    assert [GENERATION] == [json.loads(str(body, "utf-8")) for body in parsed if isinstance(body, bytes)]


SEVERAL_CLIENTS: Final = """
import ssl
from aurashot import AsyncAuraShot, AuraShot

made, new = [], ssl.SSLContext.__new__

def counted(*arguments, **options):
    made.append(arguments)
    return new(*arguments, **options)

ssl.SSLContext.__new__ = counted
for number in range(3):
    AsyncAuraShot({key!r}, base_url={url!r})
    with AuraShot({key!r}, base_url={url!r}) as client:
        assert client.generate("a cafe", face={face!r}).succeeded
print(len(made))
"""


def test_one_tls_context_for_all_clients() -> None:
    """Clients that speak TLS share one context: making one takes longer than a call."""
    with ScriptedServer.running(server_tls()) as server:
        code = SEVERAL_CLIENTS.format(key=KEY, url=server.url, face=FACE)
        environment = {**os.environ, "SSL_CERT_FILE": str(ca_file())}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=False, text=True
        )

    assert ("1\n", "", 0) == (done.stdout, done.stderr, done.returncode)
    assert 3 == len(server.requests)
