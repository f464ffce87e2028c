"""schemathesis against the sandbox: every phase, every check, and nothing to find."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

    from aurashot.sandbox import SandboxServer

LONG = "long" == os.environ.get("HYPOTHESIS_PROFILE")
EXAMPLES, RUNS, CASES = (480, 80, 4_000) if LONG else (5, 2, 40)
"""Of each operation, of the operations one after the other, and cases in all at the least."""
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "headers": {"Authorization": "Bearer sk_schemathesis"},
    "generation": {"max-examples": EXAMPLES, "deterministic": True},
    "phases": {"stateful": {"generation": {"max-examples": RUNS}}},
}
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


def image(kind: str) -> bytes:
    """Return a small image."""
    data = BytesIO()
    Image.new("RGB", (8, 8), "navy").save(data, kind)
    return data.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _what_no_schema_can_say() -> None:
    """Tell schemathesis what an image is, and which addresses are public."""
    images = st.sampled_from([image(kind) for kind in MEDIA_TYPES])
    for media_type in MEDIA_TYPES.values():
        schemathesis.openapi.media_type(media_type, images)
    schemathesis.openapi.format("uri", st.builds("https://example.com/{}.jpg".format, st.integers(0, 9)))


def configuration() -> SchemathesisConfig:
    """Return a configuration of its own for each run."""
    return SchemathesisConfig.from_dict(SETTINGS)  # pyright: ignore[reportUnknownMemberType] # half typed


def findings(schema: BaseSchema, least: int) -> Iterator[str]:
    """Run schemathesis and return what it has to say; a run that tried little is a finding too."""
    cases = 0
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            yield str(event.value)
        elif isinstance(event, FatalError):
            yield str(event.exception)
        elif isinstance(event, ScenarioFinished):
            cases += len(event.recorder.cases)
            results = [check for checks in event.recorder.checks.values() for check in checks]
            failures = [check.failure_info for check in results if check.failure_info is not None]
            yield from (f"{event.label}: {failure.failure}\n{failure.code_sample}" for failure in failures)
    if cases < least:
        yield f"only {cases} cases were tried"


def test_the_openapi_document_of_the_service_is_true(server: SandboxServer) -> None:
    """What the document allows gets the documented response, and what it forbids is refused."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=configuration())
    service = schema.exclude(path_regex="^/_sandbox/")  # pyright: ignore[reportUnknownMemberType] # half typed
    assert "" == "\n\n".join(findings(service, CASES))


def test_the_openapi_document_of_the_control_endpoints_is_true() -> None:
    """The same holds for the sandbox's own endpoints, called in-process so that no listener can be closed."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", sandbox.create_app(), config=configuration())
    control = schema.include(path_regex="^/_sandbox/")  # pyright: ignore[reportUnknownMemberType] # half typed
    assert "" == "\n\n".join(findings(control, 60))
