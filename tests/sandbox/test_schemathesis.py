"""schemathesis against a running sandbox: every phase, every check, and nothing to find."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.sandbox import SandboxServer

SETTINGS: dict[str, Any] = {
    "seed": 1,
    "headers": {"Authorization": "Bearer sk_schemathesis"},
    "generation": {"max-examples": 15, "deterministic": True},
    "phases": {"stateful": {"generation": {"max-examples": 5}}},
}

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


def picture(kind: str) -> bytes:
    """Return a small picture."""
    data = BytesIO()
    Image.new("RGB", (8, 8), "navy").save(data, kind)
    return data.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _what_no_schema_can_say() -> None:
    """Tell schemathesis what a picture is, and which addresses are public."""
    pictures = st.sampled_from([picture(kind) for kind in MEDIA_TYPES])
    for media_type in MEDIA_TYPES.values():
        schemathesis.openapi.media_type(media_type, pictures)
    host = st.from_regex(r"[a-z]{1,9}", fullmatch=True)
    schemathesis.openapi.format("uri", st.builds("https://{}.example.com/{}".format, host, st.integers(0, 9)))


def findings(server: SandboxServer, **chosen: str) -> Iterator[str]:
    """Run schemathesis and return what it has to say."""
    config = SchemathesisConfig.from_dict(SETTINGS)
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config).include(**chosen)
    scenarios = 0
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            yield str(event.value)
        elif isinstance(event, FatalError):
            yield str(event.exception)
        elif isinstance(event, ScenarioFinished):
            print(event.phase, event.label, event.status, len(event.recorder.cases), event.elapsed_time)
            scenarios += len(event.recorder.cases)
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        yield f"{event.label}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
    print(scenarios)
    assert scenarios > 100


@pytest.mark.parametrize("path_regex", ["^/(v1|api|files)", "^/_sandbox"])
def test_the_openapi_document_is_true(server: SandboxServer, path_regex: str) -> None:
    """What the document allows is answered as it says, and what it forbids is refused."""
    assert "" == "\n\n".join(findings(server, path_regex=path_regex))
