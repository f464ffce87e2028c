"""The facts about an image: how it was made, from what, for whom, and whether it shows the right face.

They are kept in a JSON file beside the image, `<file name of the image>.json`, and can be read without this SDK.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from aurashot._version import __version__
from aurashot.models import WireModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity import IdentityCheck
    from aurashot.models import Generation

ENDING: Final = ".json"
"""What the name of a sidecar has after that of its image."""
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a sidecar that is read."""
SANDBOX: Final = "sandbox"
"""How the sandbox calls itself as a provider."""
_VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED: Final = f"{_VOCABULARY}trainedAlgorithmicMedia"
EDITED: Final = f"{_VOCABULARY}compositeWithTrainedAlgorithmicMedia"
DRAWN: Final = f"{_VOCABULARY}composite"
_OPERATIONS: Final = frozenset(("id-photo", "generate", "edit"))
_VERSION: Final = 1

Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
"""SHA-256 in hexadecimal, 64 lower case characters."""


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class Reference(WireModel):
    """An image that a request referred to, as far as it is known.

    Attributes:
        sha256: Of its bytes.
        url: Where it was; the URLs of results can be signed, and end.
        request_id: The service's identifier, if it was itself a result.
        character: The folder name of the character whose anchor or face it was.
    """

    sha256: Digest | None = None
    url: str | None = None
    request_id: str | None = None
    character: str | None = None


class IdentityNote(WireModel):
    """What an `IdentityPolicy` found out about the face in an image.

    Attributes:
        verdict: `same`, `different` or `unsure`.
        similarity: 0 to 1; None if there was nothing to compare.
        reasons: What the verdict rests on beside the similarity, as sentences.
        engine: The engine that compared, and its version.
        accepted: Whether the policy accepted the image.
    """

    verdict: str
    similarity: float | None = None
    reasons: tuple[str, ...] = ()
    engine: str | None = None
    accepted: bool | None = None


class Sidecar(WireModel):
    """The facts about one image. Unknown keys are kept.

    Attributes:
        sha256: Of the file as it is stored.
        received_sha256: Of the bytes as they were received, before metadata was written into them.
        operation: `id-photo`, `generate`, `edit` or `other`.
        prompt: What was asked for, as it was sent.
        description: What the image shows, in the user's words.
        references: The images that the request referred to: `face`, `clothes`, `scene`, `target`.
        parents: The images that it was made or edited from, by their SHA-256.
        edited_from: The request ids of the results that it was edited from, one after the other, the last one last.
        anchor_sha256: The anchor that it was made with.
        identity: Whether it shows the right face, if that was checked.
        created_at: When it was made.
        payment: `paid`, `not_paid` or `unknown`, as in a ledger.
        request_id: The service's identifier.
        idempotency_key: The key that the request was sent with.
        operation_id: The id of the operation, as in its events and ledger entries.
        url: Where the service put it; such URLs can be signed, and end.
        tags: The tags of the operation.
        digital_source_type: How it came about, as a URI of the IPTC's vocabulary; None if that is not known.
        sandbox: Whether the sandbox drew it.
        software: What wrote the sidecar.
        version: The version of this format.
    """

    sha256: Digest
    received_sha256: Digest | None = None
    operation: str = "other"
    prompt: str | None = None
    description: str = ""
    references: Mapping[str, Reference] = Field(default_factory=dict[str, Reference])
    parents: tuple[Digest, ...] = ()
    edited_from: tuple[str, ...] = ()
    anchor_sha256: Digest | None = None
    identity: IdentityNote | None = None
    created_at: AwareDatetime
    payment: str = "unknown"
    request_id: str | None = None
    idempotency_key: str | None = None
    operation_id: str | None = None
    url: str | None = None
    tags: Mapping[str, str] = Field(default_factory=dict[str, str])
    digital_source_type: str | None = GENERATED
    sandbox: bool = False
    software: str = f"aurashot {__version__}"
    version: int = _VERSION

    @property
    def verdict(self) -> str | None:
        """`same`, `different` or `unsure`; None if the face was not checked."""
        return self.identity.verdict if self.identity else None

    def to_bytes(self) -> bytes:
        """Return the content of the JSON file."""
        return to_json(self.model_dump(mode="json", by_alias=True), indent=2) + b"\n"


def sidecar_of(
    generation: Generation,
    image: bytes,
    *,
    operation: str | None = None,
    prompt: str | None = None,
    references: Mapping[str, Reference] | None = None,
    parents: Sequence[Digest] = (),
    anchor_sha256: Digest | None = None,
    tags: Mapping[str, str] | None = None,
    description: str = "",
    now: datetime | None = None,
) -> Sidecar:
    """Return the facts about a generated image.

    Args:
        generation: The response.
        image: The bytes that its URL gave.
        operation: `id-photo`, `generate` or `edit`; by default, what the response says.
        prompt: The prompt, as it was sent.
        references: The images that were passed.
        parents: Images that it was made from, beside the `references` whose digests are known.
        anchor_sha256: The anchor that it was made with.
        tags: The tags of the operation.
        description: What it shows; names the file.
        now: When it was received; counts if the response does not say when the image was made.
    """
    known = dict(references or {})
    kind = operation or generation.task_type or "other"
    given = [each.sha256 for each in known.values() if each.sha256]
    return _received(generation, digest_of(image), now).model_copy(
        update={
            "operation": kind if kind in _OPERATIONS else "other",
            "prompt": prompt,
            "description": description,
            "references": known,
            "parents": tuple(dict.fromkeys([*parents, *given])),
            "anchor_sha256": anchor_sha256,
            "tags": dict(tags or {}),
            "digital_source_type": _source_type(kind, generation),
        }
    )


def _received(generation: Generation, digest: str, now: datetime | None) -> Sidecar:
    """Return what the response alone says."""
    meta = generation.meta
    return Sidecar(
        sha256=digest,
        received_sha256=digest,
        edited_from=tuple(each.request_id for each in meta.edited_from if each.request_id),
        identity=_identity_note(generation.identity),
        created_at=_moment(generation.created_at) or now or datetime.now(UTC),
        payment=_payment(generation),
        request_id=generation.request_id,
        idempotency_key=meta.idempotency_key,
        operation_id=meta.operation_id,
        url=generation.outputs[0].url if generation.outputs else None,
        sandbox=is_of_sandbox(generation),
    )


def is_of_sandbox(generation: Generation) -> bool:
    """Whether the sandbox drew an image, by its response."""
    return generation.pipeline is not None and generation.pipeline.provider == SANDBOX


def _source_type(kind: str, generation: Generation) -> str:
    """Return the IPTC's term for how an image came about.

    What a model made is `trainedAlgorithmicMedia`. What a model changed in an image that is not known to be one of its
    own, a photograph for instance, is `compositeWithTrainedAlgorithmicMedia`. The sandbox has no model: it puts
    drawings and pieces of the given images together, `composite`.

    Source: https://cv.iptc.org/newscodes/digitalsourcetype/
    """
    if is_of_sandbox(generation):
        return DRAWN
    return EDITED if kind == "edit" and not generation.meta.edited_from else GENERATED


def _payment(generation: Generation) -> str:
    """Return what is known of the payment: a result with an image, received over HTTP or from a ledger, was paid."""
    received = generation.meta.attempts > 0 or generation.meta.from_ledger
    return "paid" if received and generation.outputs and not generation.failed else "unknown"


def _identity_note(check: IdentityCheck | None) -> IdentityNote | None:
    if check is None:
        return None
    return IdentityNote(
        verdict=check.verdict,
        similarity=check.similarity,
        reasons=tuple(map(str, check.reasons)),
        engine=check.comparison.engine,
        accepted=check.accepted,
    )


def _moment(text: str | None) -> datetime | None:
    """Return a time as the service writes it, with its zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_sidecar(content: bytes) -> Sidecar | None:
    """Return the facts in a JSON file, or None if it is broken or somebody else's."""
    if len(content) > LARGEST:
        return None
    try:
        return Sidecar.model_validate(from_json(content, allow_inf_nan=False))
    except (ValueError, ValidationError, RecursionError):
        return None
