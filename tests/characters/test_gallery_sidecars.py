from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot import CallMeta, Generation
from aurashot.characters._gallery import gallery, save
from aurashot.characters._links import Link, keys_of, links_of
from aurashot.characters._reproduction import at_hand, reproduce
from aurashot.characters._sidecar import (
    DRAWN,
    EDITED,
    GENERATED,
    IdentityNote,
    Reference,
    Sidecar,
    digest_of,
    read_sidecar,
    sidecar_of,
)
from aurashot.identity import IdentityCheck, reason
from aurashot.identity._comparison import Comparison
from tests.characters.disk import DiskStore
from tests.characters.images import ANCHOR, NOON, drawn, sidecar
from tests.strategies import ANY_JSON

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = drawn()
URL = "https://images.example/1.png?signature=secret"


def generation(meta: CallMeta | None = None, **fields: Any) -> Generation:
    """Return the response to a call."""
    usual: dict[str, Any] = {
        "requestId": "r-1",
        "taskType": "generate",
        "status": "success",
        "outputs": [{"url": URL}],
        "createdAt": "2026-11-28T12:00:00Z",
    }
    response = Generation.model_validate(usual | fields)
    return response.with_meta(meta or CallMeta(attempts=1, idempotency_key="order-17", operation_id="op-1"))


def test_the_facts_come_from_the_response_and_the_call() -> None:
    """What was asked for, what came back, and whether it shows the right face."""
    comparison = Comparison(
        verdict="unsure",
        similarity=0.5,
        cosine=0.4,
        engine="yunet",
        reasons=(reason("too_small", "the face is 20 px wide", "image"),),
    )
    check = IdentityCheck(comparison=comparison, accepted=True, attempts=1, images_paid=1)
    meta = CallMeta(attempts=1, idempotency_key="order-17", operation_id="op-1", identity=check)
    made = sidecar_of(
        generation(meta),
        IMAGE,
        prompt="in a cafe",
        references={"face": Reference(sha256=ANCHOR, character="Snow"), "scene": Reference(url="https://example.com")},
        anchor_sha256=ANCHOR,
        tags={"user": "alice"},
        description="Snow in a cafe",
    )
    assert made == Sidecar(
        sha256=digest_of(IMAGE),
        received_sha256=digest_of(IMAGE),
        operation="generate",
        prompt="in a cafe",
        description="Snow in a cafe",
        references={"face": Reference(sha256=ANCHOR, character="Snow"), "scene": Reference(url="https://example.com")},
        parents=(ANCHOR,),
        anchor_sha256=ANCHOR,
        identity=IdentityNote(
            verdict="unsure",
            similarity=0.5,
            reasons=("image: the face is 20 px wide (too_small)",),
            engine="yunet",
            accepted=True,
        ),
        created_at=NOON,
        payment="paid",
        request_id="r-1",
        idempotency_key="order-17",
        operation_id="op-1",
        url=URL,
        tags={"user": "alice"},
        digital_source_type=GENERATED,
    )
    assert "unsure" == made.verdict


def test_a_time_that_the_response_does_not_state_is_that_of_its_receipt() -> None:
    """A time without a zone is one in UTC, as the service writes it."""
    assert NOON == sidecar_of(generation(createdAt="yesterday"), IMAGE, now=NOON).created_at
    assert NOON == sidecar_of(generation(createdAt="2026-11-28T12:00:00"), IMAGE).created_at
    before = datetime.now(UTC)
    assert before <= sidecar_of(generation(createdAt=None), IMAGE).created_at


@pytest.mark.parametrize(
    ("fields", "meta", "payment"),
    [
        ({}, CallMeta(attempts=1), "paid"),
        ({}, CallMeta(from_ledger=True), "paid"),
        ({}, CallMeta(), "unknown"),
        ({"outputs": []}, CallMeta(attempts=1), "unknown"),
        ({"status": "failed"}, CallMeta(attempts=1), "unknown"),
    ],
)
def test_what_is_known_of_the_payment(fields: dict[str, Any], meta: CallMeta, payment: str) -> None:
    """A result that was received is paid for; of one that was loaded from elsewhere, that is not known."""
    assert payment == sidecar_of(generation(meta, **fields), IMAGE).payment


def test_how_an_image_came_about() -> None:
    """A model made it, or changed an image of somebody, or the sandbox drew it."""
    edit = generation(taskType="edit")
    chain = edit.with_meta(replace(edit.meta, edited_from=(generation(requestId="r-0"),)))
    sandbox = generation(pipeline={"provider": "sandbox"})
    made = [sidecar_of(each, IMAGE) for each in (generation(), edit, chain, sandbox)]
    assert [GENERATED, EDITED, GENERATED, DRAWN] == [each.digital_source_type for each in made]
    assert [False, False, False, True] == [each.sandbox for each in made]
    assert ("r-0",) == made[2].edited_from


def test_an_unknown_operation_is_another() -> None:
    """The service may add some."""
    assert "other" == sidecar_of(generation(taskType="upscale"), IMAGE).operation
    assert "edit" == sidecar_of(generation(taskType=None), IMAGE, operation="edit").operation


def test_a_sidecar_is_json_that_people_can_read() -> None:
    """It survives a round trip and pickling, with keys in camel case like those of `character.json`."""
    facts = sidecar(IMAGE, prompt="雪 in a cafe", references={"face": Reference(sha256=ANCHOR)})
    content = facts.to_bytes()
    assert "雪 in a cafe" in content.decode()
    assert ANCHOR == json.loads(content)["anchorSha256"]
    assert facts == read_sidecar(content) == pickle.loads(pickle.dumps(facts))


@given(ANY_JSON)
def test_unknown_keys_survive_at_every_level(value: Any) -> None:
    """A newer version of this SDK, or another tool, may have written them."""
    document = json.loads(sidecar(references={"face": Reference()}).to_bytes())
    if json.loads(json.dumps(value)) != value or "NaN" in json.dumps(value) or "Infinity" in json.dumps(value):
        return
    document["x"] = document["references"]["face"]["x"] = value
    read = read_sidecar(json.dumps(document).encode())
    assert read is not None
    assert document == json.loads(read.to_bytes())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"title": "of another tool"}',
        b'{"sha256": "short", "createdAt": "2026-11-28T12:00:00Z"}',
        b"[" * 100_000,
        b" " * (5 * 1024 * 1024),
    ],
)
def test_what_is_no_sidecar_is_none(content: bytes) -> None:
    """Broken ones, those of other tools, and hostile ones."""
    assert read_sidecar(content) is None


@given(st.binary(max_size=50))
def test_any_bytes_are_a_sidecar_or_none(content: bytes) -> None:
    """Reading raises nothing."""
    assert read_sidecar(content) is None


def test_a_call_can_be_made_again() -> None:
    """With the images that are at hand, and without the key that is paid for."""
    facts = sidecar(
        references={"face": Reference(sha256=ANCHOR), "clothes": Reference(sha256="b" * 64, url="https://x.example")},
        tags={"user": "alice"},
    )
    again = reproduce(facts, {f"sha256:{ANCHOR}": IMAGE})
    expected = {"prompt": "in a cafe", "face": IMAGE, "clothes": "https://x.example", "tags": {"user": "alice"}}
    assert again.is_complete
    assert again == ("generate", expected, (), ("clothes",))


def test_what_is_missing_for_a_call_is_said() -> None:
    """An image that is gone, one that was never recorded, and an operation that is none."""
    references = {"target": Reference(sha256="b" * 64), "face": Reference(request_id="r-0"), "scene": Reference()}
    again = reproduce(sidecar(operation="edit", prompt=None, references=references))
    assert (
        "target: the image with the SHA-256 bbbbbbbbbbbb… is not in the library",
        "face: the image of the request r-0 is not in the library",
        "scene: the image that was passed is not in the library",
        "prompt: it was not recorded",
    ) == again.missing
    assert not again.is_complete
    assert ("face: it was not recorded",) == reproduce(sidecar(operation="id-photo")).missing
    assert ("operation: 'other' is no method of a client",) == reproduce(sidecar(operation="other")).missing


@pytest.mark.parametrize("is_remote", [False, True])
def test_references_are_found_in_the_library(tmp_path: Path, *, is_remote: bool) -> None:
    """By their digests and by the requests that made them: as paths, or as bytes from far away."""
    store = DiskStore(tmp_path, is_remote=is_remote)
    anchor = "avatars/Snow/profile/id-photo.png"
    store.create(anchor, IMAGE)
    saved = save(store, "Snow", IMAGE, sidecar(request_id="r-7"))
    references = {
        "face": Reference(sha256=ANCHOR),
        "target": Reference(request_id="r-7"),
        "scene": Reference(sha256="e" * 64),
    }
    facts = sidecar(operation="edit", references=references)
    sources = {f"sha256:{ANCHOR}": anchor, f"sha256:{'e' * 64}": "avatars/Snow/references/gone.png"}
    again = reproduce(facts, at_hand(store, facts, gallery(store, "Snow"), sources))
    found = (IMAGE, saved.content) if is_remote else (tmp_path / anchor, tmp_path / saved.path)
    assert found == (again.arguments["face"], again.arguments["target"])
    assert ("scene: the image with the SHA-256 eeeeeeeeeeee… is not in the library",) == again.missing


def test_images_know_each_other_by_what_is_recorded() -> None:
    """By digests, requests and URLs; a URL can be signed, so that only its digest is kept."""
    facts = sidecar(IMAGE, received_sha256="c" * 64, request_id="r 1", url=URL)
    url = f"url:{digest_of(URL.encode())[:32]}"
    assert (f"sha256:{facts.sha256}", f"sha256:{'c' * 64}", "request:r 1", url) == keys_of(facts)
    edited = sidecar(
        references={"target": Reference(url=URL), "face": Reference(sha256=ANCHOR), "scene": Reference()},
        parents=(ANCHOR, "b" * 64),
        edited_from=("r-0", "r 1"),
    )
    assert (
        Link("target", (url, "request:r 1")),
        Link("face", (f"sha256:{ANCHOR}",)),
        Link("parent", (f"sha256:{'b' * 64}",)),
        Link("before", ("request:r-0",)),
    ) == links_of(edited)
