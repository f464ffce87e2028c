"""The service in the process of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from aurashot import (
    AuraShotError,
    ConfigurationError,
    DeadlineExceededError,
    InputError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
)
from aurashot.ledger import SQLiteLedger
from aurashot.testing import factories, mock
from aurashot.testing._cleaning import HOSTED
from aurashot.testing._contract import FAILURES
from lab.backends import KEY

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from aurashot import AuraShot
    from aurashot.testing import AuraShotMock
    from lab.backends import Clients

FACE = "https://example.com/face.jpg"
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@pytest.fixture
def service() -> Generator[AuraShotMock]:
    """Return a mock that responds while the test runs."""
    with mock() as running:
        yield running


@pytest.fixture
def client(make_client: Clients, service: AuraShotMock) -> AuraShot:
    """Return a client of the hosted service, in each backend."""
    return make_client(HOSTED, retry=1)


def test_every_operation(client: AuraShot, service: AuraShotMock, grace_hopper: Path) -> None:
    """Responses are complete, images can be downloaded, and an upload comes back as it went."""
    upload = client.upload(grace_hopper)
    anchor = client.id_photo(upload)
    cafe = client.generate("a cafe", face=anchor, clothes=upload)
    roof = client.edit("at night", target=cafe, face=anchor)
    job = client.legacy.virtual_try_on(product_image=upload, model_image=FACE)
    posed = client.legacy.pose_change(FACE, "arms crossed")

    assert ["id-photo", "generate", "edit"] == [made.task_type for made in (anchor, cafe, roof)]
    assert 4 == len({anchor.url, cafe.url, roof.url, upload.url})
    assert client.read(cafe).startswith(b"\x89PNG")
    assert client.read(upload).startswith(b"\xff\xd8\xff")
    assert (True, False) == (job.pending, job.completed)
    assert client.legacy.query(job).completed
    assert client.legacy.query(job) == client.legacy.query(job)
    assert "pose_change" == client.legacy.query(posed).workflow
    assert 5 == service.billed
    assert "id_photo" == service.requests[1].operation


def test_the_real_client_checks_the_images(client: AuraShot, service: AuraShotMock, tmp_path: Path) -> None:
    """A download is a whole image."""
    path = client.download(client.generate("a cafe", face=FACE), tmp_path / "cafe.png")

    assert path.read_bytes().startswith(b"\x89PNG")
    service.assert_sent("download", times=1)


@pytest.mark.parametrize("fault", FAILURES)
def test_faults_are_those_of_the_sandbox(
    make_client: Clients, service: AuraShotMock, sandbox_server: Any, fault: str, plain_drawings: None
) -> None:
    """The same error, the same outcome and the same bill, whichever of the two a test uses."""

    def outcome(client: AuraShot) -> tuple[object, ...]:
        try:
            return (client.generate("a cafe", face=FACE).status,)
        except AuraShotError as error:
            return type(error), error.outcome, getattr(error, "code", None), error.may_be_charged

    service.fail_next(fault)  # type: ignore[arg-type]  # it is one of the names
    mocked = outcome(make_client(HOSTED, retry=1))
    service.router.stop()
    billed = sandbox_server.bill().total
    sandbox_server.fault("refuse;for=0.01" if fault == "refuse" else fault, times=1)
    real = outcome(make_client(sandbox_server.url, sandbox_server.api_key, retry=1))
    service.router.start()

    assert real == mocked
    assert sandbox_server.bill().total - billed == service.billed


@pytest.mark.parametrize(
    ("fault", "kind", "billed"),
    [
        (httpx.ConnectError("refused"), NotSentError, 0),
        (httpcore.ConnectTimeout(), NotSentError, 0),
        (httpx.ReadTimeout("late"), OutcomeUnknownError, 1),
        (httpcore.ReadError("reset"), OutcomeUnknownError, 1),
        (404, NotFoundError, 0),
    ],
    ids=["ConnectError", "ConnectTimeout", "ReadTimeout", "ReadError", "404"],
)
def test_other_faults(
    client: AuraShot, service: AuraShotMock, fault: int | Exception, kind: type[AuraShotError], billed: int
) -> None:
    """A status, or what a connection raises, of httpx or of httpcore."""
    service.fail_next(fault)
    with pytest.raises(kind):
        client.generate("a cafe", face=FACE)

    assert billed == service.billed


def test_faults_in_turn(client: AuraShot, service: AuraShotMock) -> None:
    """First told, first happens; a fault of other operations waits for them, and retries are attempts."""
    service.fail_next("drop", operations=["edit"])
    service.fail_next("rate-limit", times=2, retry_after=0)
    made = client.with_options(retry=3).generate("a cafe", face=FACE)
    with pytest.raises(OutcomeUnknownError):
        client.edit("at night", target=made)

    assert 3 == made.meta.attempts
    assert 3 == len(service.sent("generate"))
    assert client.edit("at night", target=made).succeeded


def test_retry_after(client: AuraShot, service: AuraShotMock) -> None:
    """The error has it."""
    service.fail_next(429, retry_after=30)
    with pytest.raises(RateLimitError) as caught:
        client.generate("a cafe", face=FACE)

    assert 30 == caught.value.retry_after


def test_a_response_of_your_own(client: AuraShot, service: AuraShotMock) -> None:
    """It is what the client returns."""
    given = factories.generation(url="https://example.com/cafe.png", extra={"seed": 7})
    service.respond_next(given, operations=["generate"])
    upload = factories.upload()
    service.respond_next(upload)

    assert upload.url == client.upload(PIXEL).url
    assert given == client.generate("a cafe", face=FACE)
    assert given != client.generate("a cafe", face=FACE)


def test_slow(make_client: Clients, service: AuraShotMock, tmp_path: Path) -> None:
    """A call that has less time times out, and the service has billed it; the ledger does not know."""
    client = make_client(HOSTED, ledger=SQLiteLedger(tmp_path / "spend.db"))
    service.slow(60, operations=["generate"])
    with pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE, timeout=0.1)
    service.slow(0.01)

    assert ("unknown", 1) == (caught.value.outcome, service.billed)
    assert client.edit("at night", target=FACE).meta.elapsed >= 0.01
    assert 1 == len(SQLiteLedger(tmp_path / "spend.db").unresolved())


def test_a_given_httpx_client(make_client: Clients, service: AuraShotMock) -> None:
    """It is mocked as well, with its timeouts."""
    client = make_client(HOSTED, http_client=make_client.http())
    assert client.generate("a cafe", face=FACE).succeeded
    service.slow(60)
    with pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE, timeout=0.1)

    assert "unknown" == caught.value.outcome


def test_what_was_sent(client: AuraShot, service: AuraShotMock) -> None:
    """Assertions by prompt, images and key; the message has what was sent instead, and never the API key."""
    client.generate("a cafe", face=FACE, idempotency_key="order-1")
    client.generate("a beach", face=FACE)
    client.legacy.pose_change(FACE, "arms crossed")

    assert "order-1" == service.assert_sent("generate", prompt="a cafe", face=FACE, times=1).idempotency_key
    assert "a beach" == service.assert_sent("generate", times=2).prompt
    service.assert_sent("pose_change", prompt="arms crossed")
    service.assert_not_sent("edit")
    for check in (
        lambda: service.assert_sent("generate", prompt="a boat"),
        lambda: service.assert_sent("generate", face=FACE, times=1),
        lambda: service.assert_sent("edit"),
        lambda: service.assert_not_sent("generate"),
        service.assert_not_sent,
    ):
        with pytest.raises(AssertionError, match=r"(?s)^Expected .*prompt='a cafe', face='https:\S+'") as caught:
            check()
        assert KEY not in str(caught.value)
    service.reset()
    service.assert_not_sent()
    assert 0 == service.billed


def test_requests_that_the_contract_does_not_have(service: AuraShotMock) -> None:
    """They are refused as the service refuses them, although no client of the SDK sends them."""
    url, headers = f"{HOSTED}/v1/character/generate", {"Authorization": f"Bearer {KEY}"}

    assert 401 == httpx.post(url, json={"prompt": "a cafe", "images": {"face": FACE}}).status_code
    assert 422 == httpx.post(url, json={"prompt": "a cafe"}, headers=headers).status_code
    assert 422 == httpx.post(url, content=b"no JSON", headers=headers).status_code
    assert 422 == httpx.post(f"{HOSTED}/v1/uploads", content=b"no form", headers=headers).status_code
    assert 422 == httpx.post(f"{HOSTED}/api/aesthetic/generate", json={"workflow": "x"}, headers=headers).status_code
    assert 404 == httpx.get(f"{HOSTED}/mock/99.png").status_code
    assert 0 == service.billed


def test_other_requests_need_a_route(client: AuraShot, service: AuraShotMock) -> None:
    """One without is an error, and is remembered."""
    with pytest.raises(AssertionError):
        client.read("https://example.com/1.gif")
    service.router.get("https://example.com/2.gif").respond(content=PIXEL)

    assert PIXEL == client.read("https://example.com/2.gif")
    assert ("GET https://example.com/1.gif",) == service.missed


@pytest.mark.parametrize("fault", ["no such fault", 200, 600, True], ids=str)
def test_a_fault_that_there_is_not(service: AuraShotMock, fault: Any) -> None:
    """The error names those that there are."""
    with pytest.raises(InputError, match=r"^fault: .* use "):
        service.fail_next(fault)


def test_other_bad_input(service: AuraShotMock) -> None:
    """Each is named."""
    with pytest.raises(InputError, match=r"^operation: there is no 'paint'; use .*generate"):
        service.fail_next(operations=["paint"])
    with pytest.raises(InputError, match=r"^operations: a list"):
        service.fail_next(operations="generate")
    with pytest.raises(InputError, match=r"^times: "):
        service.fail_next(times=0)
    with pytest.raises(InputError, match=r"^operation: "):
        service.assert_sent("paint")  # type: ignore[arg-type]  # the fault that is tested
    for seconds in (-1, float("inf"), True, "5"):
        with pytest.raises(InputError, match=r"^seconds: "):
            service.slow(seconds)  # type: ignore[arg-type]  # some are of another type


def test_a_closed_client_stays_closed(service: AuraShotMock, make_client: Clients) -> None:
    """The mock replaces the network and nothing else."""
    client = make_client(HOSTED)
    client.close()
    with pytest.raises(ConfigurationError):
        client.generate("a cafe", face=FACE)
    service.assert_not_sent()
