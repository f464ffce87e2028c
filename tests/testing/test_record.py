"""Recordings: what is in them, and what is not."""

from __future__ import annotations

import base64
import gzip
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from aurashot import AuraShotError, InputError, OutcomeUnknownError
from aurashot._engine import _network
from aurashot.testing import record, replay
from aurashot.testing._cleaning import HOSTED
from aurashot.testing._secrets import key_like
from aurashot.testing._traffic import OUTGOING
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, body, json_response, status

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import ScriptedServer

FACE = "https://example.com/face.jpg"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of the scripted server."""
    return make_client(server.url, retry=1)


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """Return the path of a recording."""
    return tmp_path / "cafe.har"


def entries(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a recording."""
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    return found


def answered(path: Path) -> dict[str, Any]:
    """Return the JSON of the only response."""
    (entry,) = entries(path)
    found: dict[str, Any] = json.loads(entry["response"]["content"]["text"])
    return found


@pytest.mark.usefixtures("quick_drawings")
def test_what_was_recorded_is_replayed(
    make_client: Clients, sandbox_server: Any, har: Path, grace_hopper: Path
) -> None:
    """A sandbox with a port of its own is the hosted service in a recording; images come back as they were."""

    def story(client: AuraShot) -> tuple[str, bytes]:
        anchor = client.id_photo(grace_hopper)
        cafe = client.generate("sitting in a cozy cafe", face=anchor)
        return str(cafe.request_id), client.read(cafe)

    with record(har) as recording:
        first = story(make_client(sandbox_server.url, sandbox_server.api_key))
    with replay(har) as played:
        again = story(make_client(HOSTED, KEY))

    assert first == again
    assert 4 == played.served == len(recording.requests)
    assert ("sandbox",) == recording.left_out
    assert f"POST {HOSTED}/v1/uploads" == recording.requests[0]
    assert sandbox_server.url not in har.read_text()


def test_no_secret_is_recorded(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """Headers that are not on the list are left out, and so are fields that the API does not have, at any depth."""
    result = {**GENERATION, "debug": {"token": "hunter2"}, "outputs": [{"url": FACE, "trace": "hunter2"}]}
    server.queue(json_response(result, set_cookie="session=hunter2", x_internal="hunter2", x_request_id="r-1"))
    with record(har) as recording:
        client.generate("a cafe", face=FACE, idempotency_key="order-hunter2")

    text = har.read_text()
    assert ("debug", "trace") == recording.left_out
    (entry,) = entries(har)
    headers = [*entry["request"]["headers"], *entry["response"]["headers"]]
    assert {"accept", "content-type", "x-request-id"} == {header["name"] for header in headers}
    for secret in (KEY, "hunter2", "uthorization", "127.0.0.1"):
        assert secret not in text


def test_fields_can_be_kept(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """A field that the SDK does not know is kept if it is named, with what is in it."""
    server.queue(json_response({**GENERATION, "seed": 7, "debug": {"seed": 8}}))
    with record(har, keep_fields=["seed"]):
        client.generate("a cafe", face=FACE)

    assert 7 == answered(har)["seed"]
    assert "debug" not in answered(har)


def test_a_response_that_needs_no_change_stays_as_it_is(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """Its spelling is the service's: spaces, and characters of any script."""
    text = json.dumps({**GENERATION, "taskType": "生成"}, ensure_ascii=False, indent=3)
    server.queue((body(text.encode()),))
    with record(har):
        client.generate("在咖啡馆", face=FACE)

    (entry,) = entries(har)
    assert text == entry["response"]["content"]["text"]
    assert "在咖啡馆" == json.loads(entry["request"]["postData"]["text"])["prompt"]


def test_signatures_of_urls_are_hidden(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """Query values are hidden wherever a URL is: the same for the same value."""
    signed = "https://cdn.aurashot.art/o/1.png?Expires=1790000000&Signature=abcdef123456"
    server.queue(json_response({**GENERATION, "outputs": [{"url": signed}]}))
    with record(har):
        made = client.generate("like https://a.example/b?c=d#e", face=f"{FACE}?sig=12345678")
        client.edit("at night", target=made)
    first, second = entries(har)
    hidden = json.loads(first["response"]["content"]["text"])["outputs"][0]["url"]

    assert signed == made.url
    assert re.fullmatch(r"\S+1\.png\?Expires=hidden-[0-9a-f]{8}&Signature=hidden-[0-9a-f]{8}", hidden)
    assert hidden == json.loads(second["request"]["postData"]["text"])["images"]["target"]
    assert not re.search("1790000000|abcdef123456|12345678|=d|#e", har.read_text())


def test_a_hidden_value_is_any_value_for_a_replay(
    make_client: Clients, client: AuraShot, server: ScriptedServer, har: Path
) -> None:
    """And nothing else may differ."""
    with record(har):
        client.generate("a cafe", face=f"{FACE}?sig=12345678")
    hosted = make_client(HOSTED)
    with replay(har):
        hosted.generate("a cafe", face=f"{FACE}?sig=other+value")
    for other in (f"{FACE}?signature=1", f"{FACE}?sig=1&more=2", "https://example.com/other.jpg?sig=1"):
        with pytest.raises(AssertionError, match="is not in"), replay(har, all_served=False):
            hosted.generate("a cafe", face=other)


@pytest.mark.parametrize(
    ("prompt", "what"),
    [
        ("my key is sk_live_abc123", "something like an API key"),
        ("Bearer abcdef123456", "something like an Authorization header"),
        ("password: hunter22", "something like a password or token"),
        ("https://me:secret@example.com/", None),  # removed, as all that is hidden in URLs
        (f"key {KEY}", "the API key"),
    ],
    ids=["key", "header", "password", "user name", "own key"],
)
def test_a_recording_with_a_key_is_not_written(
    client: AuraShot, server: ScriptedServer, har: Path, prompt: str, what: str | None
) -> None:
    """The error says where it is, and not what it is; an earlier file stays."""
    har.write_text("earlier")
    if what is None:
        with record(har):
            client.generate(prompt, face=FACE)
        assert "secret" not in har.read_text()
        return
    with pytest.raises(AuraShotError, match=f"postData.text: {what}") as caught, record(har):
        client.generate(prompt, face=FACE)

    assert "earlier" == har.read_text()
    assert prompt not in str(caught.value)


@pytest.mark.parametrize("is_given", [False, True], ids=["engine", "httpx"])
def test_a_key_in_a_response_is_found(
    make_client: Clients, server: ScriptedServer, har: Path, *, is_given: bool
) -> None:
    """Even a key that looks like none, if it is the one that the request was sent with."""
    server.queue(status(401, "there is no correct-horse"))
    given: dict[str, Any] = {"http_client": make_client.http()} if is_given else {}
    client = make_client(server.url, "correct-horse", retry=1, **given)
    with pytest.raises(AuraShotError) as caught, record(har):
        client.generate("a cafe", face=FACE)

    assert ["entries.0.response.content.text: the API key"] == re.findall(
        r"entries\S+ the API key", " ".join(getattr(caught.value, "__notes__", []))
    )
    assert not har.exists()


def test_a_key_in_the_environment_is_found(
    client: AuraShot, har: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    """Although the client has another one."""
    monkeypatch.setenv("AURASHOT_STUDIO_KEY", "correct-horse")
    with pytest.raises(AuraShotError, match=r"postData\.text: the API key"), record(har):
        client.generate("correct-horse", face=FACE)


def test_half_of_a_surrogate_pair(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """Where a service has cut a text in the middle of an emoji, and a field is left out."""
    server.queue(
        (body(b'{"status": "success", "outputs": [{"url": "https://e.x/1.png"}], "message": "\\ud83d", "x": 1}'),)
    )
    with record(har):
        client.generate("a cafe", face=FACE)

    assert "\ud83d" == answered(har)["message"]


def looked_at(text: str, *, encoding: str | None = None) -> dict[str, Any]:
    """Return as much of an entry as is looked at."""
    return {"response": {"content": {"text": text, **({"encoding": encoding} if encoding else {})}}}


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_0123",
        "sk-0123456789abcdef",
        "Authorization: x",
        "basic dXNlcjpwYXNzd29yZA==",
        "Set-Cookie: a=b",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789012345678901234567890123456",
        "-----BEGIN RSA PRIVATE KEY-----",
        '"api_key": "abcdef"',
        "access_token=abcdef",
        "https://user:word@example.com/",
        "xoxb-123456789012",
    ],
)
def test_what_looks_like_a_key(text: str) -> None:
    """Keys and credentials of common services are found in text."""
    assert key_like(looked_at(f"a {text} b"))


@pytest.mark.parametrize(
    "text",
    [
        "the secret garden, a token of love, and a cookie",
        "risk_free and desk-mounted, basic clothes, bearer of news",
        '{"tokenUsage":{"inputTokens":0,"outputTokens":1234}}',
        "https://example.com/a:b@c",
        "6f1c0d0e-0000-4000-8000-000000000001",
    ],
)
def test_what_does_not_look_like_a_key(text: str) -> None:
    """Words, counts of tokens and identifiers are none."""
    assert [] == key_like(looked_at(text))


def test_a_key_in_an_image() -> None:
    """Its bytes are searched, too."""
    image = base64.b64encode(b"\x89PNG" + b"Bearer sk_live_0123456789").decode()

    assert ["response.content: something like an API key"] == key_like(looked_at(image, encoding="base64"))
    assert [] == key_like(looked_at(base64.b64encode(PIXEL).decode(), encoding="base64"))


def test_a_lost_response_has_the_status_zero(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """A replay passes over it."""
    server.queue((CLOSE,), json_response(GENERATION))
    with record(har):
        with pytest.raises(OutcomeUnknownError):
            client.generate("a cafe", face=FACE)
        client.generate("a cafe", face=FACE)

    assert [0, 200] == [entry["response"]["status"] for entry in entries(har)]
    with replay(har, all_served=False) as played:
        assert 1 == len(played.left)


def test_a_compressed_response_is_recorded_plain(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """As it is replayed."""
    content = gzip.compress(json.dumps(GENERATION).encode())
    server.queue((body(content, "application/json", 200, content_encoding="gzip"),))
    with record(har):
        client.generate("a cafe", face=FACE)

    assert GENERATION == answered(har)


def test_given_httpx_clients_are_recorded(make_client: Clients, server: ScriptedServer, har: Path) -> None:
    """Without the key, which is in their requests; what the application sends with them to others is not recorded."""
    http = make_client.http()
    with record(har) as recording:
        make_client(server.url, http_client=http).generate("a cafe", face=FACE)
        with suppress(httpx.HTTPError), httpx.Client(trust_env=False) as other:
            other.get(server.url, headers={"Authorization": "Bearer x"})

    assert (f"POST {HOSTED}/v1/character/generate",) == recording.requests
    assert KEY not in har.read_text()


def test_a_block_that_fails_is_recorded(client: AuraShot, server: ScriptedServer, har: Path) -> None:
    """What was paid for before is not lost."""

    def application() -> None:
        client.generate("a cafe", face=FACE)
        raise KeyError

    with pytest.raises(KeyError), record(har):
        application()

    assert 1 == len(entries(har))


def test_a_recording_of_nothing_is_not_written(har: Path) -> None:
    """It would replace one that is needed."""
    har.write_text("earlier")
    with pytest.raises(AuraShotError, match="no client sent a request"), record(har):
        pass
    with pytest.raises(KeyError) as caught, record(har):
        raise KeyError

    assert "earlier" == har.read_text()
    assert "was not written" in caught.value.__notes__[0]


def test_two_recordings_at_once(client: AuraShot, server: ScriptedServer, tmp_path: Path) -> None:
    """Each has what was sent in its block, and afterwards nothing is listened to."""
    original = httpcore.HTTP11Connection.handle_request
    with record(tmp_path / "1.har") as outer:
        client.generate("a cafe", face=FACE)
        with record(tmp_path / "2.har") as inner:
            client.generate("a beach", face=FACE)
    client.generate("a boat", face=FACE)

    assert (2, 1) == (len(outer.requests), len(inner.requests))
    assert original is httpcore.HTTP11Connection.handle_request


@pytest.mark.parametrize("name", ["", "nul\0.har", "https://example.com/a.har", "missing/a.har", "."])
def test_where_no_file_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It is refused before anything is sent."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^har_path: "), record(name):
        pytest.fail("it began")


def test_names_of_fields_are_a_list(har: Path) -> None:
    """One text would be a list of letters."""
    with pytest.raises(InputError, match=r"^keep_fields: "), record(har, keep_fields="seed"):
        pytest.fail("it began")


def test_the_extension_of_requests_has_one_name() -> None:
    """An application imports nothing private of the engine."""
    assert _network.OUTGOING == OUTGOING
