from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aurashot import sandbox
from aurashot.sandbox._scenarios import TABLE

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer


def outcomes(client: httpx.Client, payload: dict[str, Any], count: int) -> list[int]:
    """Return the statuses of so many generations, 0 for a lost response."""
    found: list[int] = []
    for _ in range(count):
        try:
            found.append(client.post("/v1/character/generate", json=payload).status_code)
        except httpx.TransportError:
            found.append(0)
    return found


def test_a_share_of_the_requests_fails_in_the_same_order_again(client: httpx.Client, payload: dict[str, Any]) -> None:
    """A seed repeats a run."""
    runs: list[list[int]] = []
    for _ in range(2):
        client.delete("/_sandbox/faults").raise_for_status()
        client.post("/_sandbox/faults", json={"fault": "unavailable", "share": 0.3, "seed": 7}).raise_for_status()
        runs.append(outcomes(client, payload, 20))
    assert runs[0] == runs[1]
    assert {200, 503} == set(runs[0])


def test_a_lost_response_is_on_the_bill(client: httpx.Client, server: SandboxServer, payload: dict[str, Any]) -> None:
    """The client gets nothing and pays: what makes sending again expensive."""
    client.post("/_sandbox/faults", json={"fault": "drop", "times": 2}).raise_for_status()
    assert [0, 0, 200] == outcomes(client, payload, 3)
    assert 3 == server.bill().total


def test_a_rule_can_be_for_some_operations(client: httpx.Client, payload: dict[str, Any], image: str) -> None:
    """Here downloads fail and generations do not."""
    client.post("/_sandbox/faults", json={"fault": "not-found", "operations": ["file"]}).raise_for_status()
    assert 404 == client.get(image).status_code
    assert [200] == outcomes(client, payload, 1)


def test_the_list_tells_what_is_active_and_what_is_known(client: httpx.Client) -> None:
    """Every row of the table comes with its sentence; DELETE clears what is active."""
    client.post("/_sandbox/faults", json={"fault": "drop,rate-limit;retry-after=2", "share": 0.5, "times": 3})
    listed = client.get("/_sandbox/faults").json()
    rule: dict[str, Any] = {"fault": "drop,rate-limit;retry-after=2", "share": 0.5, "times": 3, "operations": []}
    assert [rule] == listed["active"]
    assert set(TABLE) == {row["name"] for row in listed["known"]}
    assert all(row["sentence"] for row in listed["known"])
    assert [] == client.delete("/_sandbox/faults").json()["active"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "fault is required."),
        ({"fault": "explode"}, "fault: there is no fault 'explode'; GET /_sandbox/faults lists them."),
        ({"fault": "drop", "operations": ["paint"]}, "operations.0 must be "),
        ({"fault": "drop", "share": 0}, "share "),
        ({"fault": "drop", "times": 0}, "times "),
        ({"fault": "drop", "times": "2"}, "times "),
    ],
)
def test_a_bad_rule_is_refused(client: httpx.Client, body: dict[str, Any], sentence: str) -> None:
    """The message names the field."""
    response = client.post("/_sandbox/faults", json=body)
    assert 422 == response.status_code
    assert response.json()["error"]["message"].startswith(sentence)


def test_faults_can_be_set_from_code(client: httpx.Client, server: SandboxServer, payload: dict[str, Any]) -> None:
    """The server object has the same switches."""
    server.fault("server-error", times=1, operations=["generate"])
    assert [500, 200] == outcomes(client, payload, 2)
    server.fault("forbidden")
    server.clear_faults()
    assert [200] == outcomes(client, payload, 1)
    with pytest.raises(ValueError, match="no fault"):
        server.fault("explode")


@pytest.mark.parametrize("operation", ["id-photo", "id_photo"])
def test_an_operation_has_two_spellings(client: httpx.Client, server: SandboxServer, operation: str) -> None:
    """The name of the method is as good as that of the service, from code and over HTTP."""
    body = {"images": {"face": "https://example.com/face.jpg"}}
    server.fault("forbidden", times=1, operations=[operation])
    client.post("/_sandbox/faults", json={"fault": "not-found", "times": 1, "operations": [operation]})
    statuses = [client.post("/v1/character/id-photo", json=body).status_code for _ in range(3)]
    assert [403, 404, 200] == statuses


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"operations": ["generates"]}, "operations: there is no 'generates'; use upload, id-photo, generate, "),
        ({"operations": ["generate", "Edit", "read"]}, "operations: there is no 'Edit', 'read'; use "),
        ({"operations": "generate"}, "operations: a list of names is needed, not 'generate'"),
        ({"operations": ""}, "operations: a list of names is needed, not ''"),
        ({"operations": None}, "operations: a list of names is needed, not None"),
        ({"operations": [["edit"]]}, "operations: there is no "),
        ({"operations": [None]}, "operations: there is no None"),
        ({"share": 0}, "share: a number above 0 and at most 1 is needed, not 0"),
        ({"share": 1.5}, "share: "),
        ({"share": float("nan")}, "share: "),
        ({"share": "0.5"}, "share: "),
        ({"times": 0}, "times: a whole number of at least 1, or None for no limit, is needed, not 0"),
        ({"times": 1.5}, "times: "),
        ({"times": True}, "times: "),
    ],
)
@pytest.mark.parametrize("fault", ["drop", "refuse"])
def test_a_fault_that_could_never_happen_is_refused(
    server: SandboxServer, client: httpx.Client, fault: str, arguments: dict[str, Any], sentence: str
) -> None:
    """The message names the argument, and no rule is added."""
    with pytest.raises(ValueError, match=rf"^{re.escape(sentence)}"):
        server.fault(fault, **arguments)
    assert [] == client.get("/_sandbox/faults").json()["active"]


def test_a_fault_is_one_string(server: SandboxServer) -> None:
    """A list of faults is written with commas."""
    with pytest.raises(ValueError, match="with commas between several"):
        server.fault(["drop", "reset"])  # type: ignore[arg-type]  # what the test is about


def test_all_faults_that_end_by_themselves_can_be_set_at_once(client: httpx.Client, server: SandboxServer) -> None:
    """Chaos for a share of the requests, without one that would hold a client for ever."""
    server.faults(share=0.4, seed=3)
    names = client.get("/_sandbox/faults").json()["active"][0]["fault"].split(",")
    assert set(TABLE) - set(names) == {"hang", "stall", "refuse", "drift"}


async def _refuse_in_process() -> httpx.Response:
    transport = httpx.ASGITransport(sandbox.create_app(fetch=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.post("/_sandbox/faults", json={"fault": "refuse"})


def test_without_a_server_there_is_no_listener_to_close() -> None:
    """The control endpoint says so."""
    response = asyncio.run(_refuse_in_process())
    assert (409, "no_listener") == (response.status_code, response.json()["error"]["code"])
