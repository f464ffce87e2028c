"""Variables of TLS that name what cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot import AuraShotError, ConfigurationError
from aurashot._engine import ssl_context
from aurashot.ledger import SQLiteLedger
from lab.server import ScriptedServer, ca_file, server_tls
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.backends import Clients


@pytest.fixture(autouse=True)
def _fresh_context() -> Iterator[None]:
    """Make the TLS context anew, before and after."""
    ssl_context.cache_clear()
    yield
    ssl_context.cache_clear()


@pytest.fixture
def secure() -> Iterator[ScriptedServer]:
    """Return a server with TLS."""
    with ScriptedServer.running(server_tls()) as running:
        yield running


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Return paths of each kind."""
    for name in ("empty.pem", "junk.pem"):
        (tmp_path / name).write_bytes(b"no certificate\n" * (name == "junk.pem"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ca.pem").write_bytes(ca_file().read_bytes())  # not under its hash
    (tmp_path / "hashed").mkdir()
    (tmp_path / "hashed" / "0a1b2c3d.0").write_bytes(ca_file().read_bytes())
    names = ("empty.pem", "junk.pem", "folder", "hashed", "nowhere", "spend.db", "image.png")
    return {name: str(tmp_path / name) for name in names} | {"nowhere/keys": str(tmp_path / "nowhere" / "keys")}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("SSL_CERT_FILE", "nowhere"),
        ("SSL_CERT_FILE", "empty.pem"),
        ("SSL_CERT_FILE", "junk.pem"),
        ("SSL_CERT_FILE", "folder"),
        ("SSL_CERT_DIR", "nowhere"),
        ("SSL_CERT_DIR", "junk.pem"),
        ("SSL_CERT_DIR", "folder"),
        ("SSLKEYLOGFILE", "nowhere/keys"),
        ("SSLKEYLOGFILE", "folder"),
    ],
)
def test_variable_is_named(
    make_client: Clients,
    monkeypatch: pytest.MonkeyPatch,
    places: dict[str, str],
    name: str,
    place: str,
) -> None:
    """A call and a download end with an error that names the variable; nothing was sent, and nothing is owed."""
    for other in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, places[place])
    with ScriptedServer.running(server_tls()) as secure, SQLiteLedger(places["spend.db"]) as ledger:
        client = make_client(secure.url, ledger=ledger)
        with pytest.raises(ConfigurationError, match=rf"^{name} .*unset it") as caught:
            client.generate("a cafe", face=FACE)
        assert ("not_sent", False, 1) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
        assert ["not_paid"] == [entry.payment for entry in ledger.entries()]
        with pytest.raises(ConfigurationError, match=f"^{name} "):
            client.download(f"{secure.url}/o/1.png", places["image.png"])
        assert [] == secure.requests


def test_variables_that_can_be_used(
    make_client: Clients, secure: ScriptedServer, monkeypatch: pytest.MonkeyPatch, places: dict[str, str]
) -> None:
    """One folder with certificates is enough, an empty variable counts as not set, and keys are logged where asked."""
    monkeypatch.setenv("SSL_CERT_DIR", f"{places['nowhere']}:{places['hashed']}")
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSLKEYLOGFILE", f"{places['folder']}/keys")
    with pytest.raises(AuraShotError, match="certificate"):  # it is not under its own hash, so it is not found
        make_client(secure.url).generate("a cafe", face=FACE)

    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file()))
    ssl_context.cache_clear()
    assert make_client(secure.url).generate("a cafe", face=FACE).succeeded
