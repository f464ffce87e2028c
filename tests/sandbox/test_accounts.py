from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aurashot import AuraShot, sandbox

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_api_key"),
        ("", "missing_api_key"),
        ("Basic sk_live_1", "missing_api_key"),
        ("Bearer", "missing_api_key"),
        ("Bearer pk_live_1", "invalid_api_key"),
        ("Bearer sk_", "invalid_api_key"),
        ("Bearer sk_live 1", "invalid_api_key"),
        (f"Bearer sk_{'x' * 254}", "invalid_api_key"),
        ("Bearer sk_revoked", "revoked_api_key"),
    ],
)
def test_a_key_that_is_not_good_is_401(server: SandboxServer, authorization: str | None, code: str) -> None:
    """The key is checked before the body is looked at."""
    headers = {} if authorization is None else {"Authorization": authorization}
    response = httpx.post(f"{server.url}/v1/character/generate", content=b"{", headers=headers)
    assert 401 == response.status_code
    assert code == response.json()["error"]["code"]
    assert "Bearer" == response.headers["www-authenticate"]


@pytest.mark.parametrize("key", ["sk_live_1", "sk_x"])
def test_any_other_key_is_good(client: httpx.Client, payload: dict[str, Any], key: str) -> None:
    """Keys are not registered anywhere."""
    response = client.post("/v1/character/generate", json=payload, headers={"Authorization": f"bearer {key}"})
    assert 200 == response.status_code


@pytest.mark.parametrize("key", ["sk_x", "sk_chat", "sk_live_0123456789", f"sk_{'x' * 253}"])
def test_a_key_of_the_sandbox_is_one_for_the_client(server: SandboxServer, key: str) -> None:
    """What one accepts, the other does not call invalid."""
    with AuraShot(key, base_url=server.url) as client:
        assert client.generate("a cafe", face="https://example.com/face.jpg").succeeded
    server.reset()


def test_every_key_has_its_own_quota(quick_drawings: None) -> None:
    """After so many images a key is refused with 402, and another is not."""
    body = {"images": {"face": "https://example.com/face.jpg"}}
    with sandbox.serve(quota=2) as server:

        def pay(key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"}
            return httpx.post(f"{server.url}/v1/character/id-photo", json=body, headers=headers).status_code

        assert [200, 200, 402, 402, 200] == [pay(key) for key in ("sk_a", "sk_a", "sk_a", "sk_a", "sk_b")]
        assert 3 == server.bill().total
        httpx.delete(f"{server.url}/_sandbox/bill")
        assert 200 == pay("sk_a")


def test_an_idempotency_key_that_comes_twice_is_billed_twice(
    client: httpx.Client, server: SandboxServer, payload: dict[str, Any]
) -> None:
    """Nobody promised that the service honours the key, so the ledger shows the double bill."""
    headers = {"Idempotency-Key": "once"}
    responses = [client.post("/v1/character/generate", json=payload, headers=headers).json() for _ in range(2)]
    entries = server.bill().entries
    assert ["once", "once"] == [entry.idempotency_key for entry in entries]
    assert [response["requestId"] for response in responses] == [entry.request_id for entry in entries]


def test_what_is_refused_is_not_billed(client: httpx.Client, server: SandboxServer) -> None:
    """Neither a bad field nor a bad reference costs anything; an upload is free."""
    client.post("/v1/character/generate", json={})
    client.post("/v1/character/id-photo", json={"images": {"face": "https://10.0.0.1/face.jpg"}})
    client.post("/v1/uploads", files={"file": b"GIF89a"})
    assert 0 == server.bill().total


@pytest.mark.parametrize("path", ["/_sandbox/bill", "/_sandbox/ledger"])
def test_the_bill_is_read_and_cleared_over_http(path: str, client: httpx.Client, payload: dict[str, Any]) -> None:
    """A process in another language sees the bill too; the path that it had before still works."""
    client.post("/v1/character/generate", json=payload, headers={"Idempotency-Key": "k1"})
    bill = client.get(path).json()
    assert 1 == bill["billed"]
    assert {"operation", "idempotencyKey", "requestId", "at"} == set(bill["entries"][0])
    assert ("generate", "k1") == (bill["entries"][0]["operation"], bill["entries"][0]["idempotencyKey"])
    assert {"billed": 0, "entries": []} == client.delete(path).json()
