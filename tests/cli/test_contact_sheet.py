from __future__ import annotations

import pytest

from aurashot.cli._album import Scene, Shot
from aurashot.cli._contact_sheet import contact_sheet
from aurashot.cli._portrait import Portrait
from aurashot.models import Generation

FACE = Portrait("face.png", b"", drawn=True)
HOSTILE = "<script>alert('&\"$title')</script>"


def _shot(provider: str) -> Shot:
    response = {"status": "success", "requestId": HOSTILE, "pipeline": {"provider": provider}}
    return Shot(Scene("cafe", HOSTILE, HOSTILE), Generation.model_validate(response), 'ca"fe.png', 1.25)


def test_escaped() -> None:
    """Nothing that a prompt, a name or a response holds becomes markup."""
    page = contact_sheet(FACE, [_shot("qwen")])
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;&amp;&quot;$title&#x27;)&lt;/script&gt;" in page
    assert 'src="ca&quot;fe.png"' in page


@pytest.mark.parametrize(("provider", "marked"), [("sandbox", True), ("qwen-image-edit", False)])
def test_mark(provider: str, marked: bool) -> None:  # noqa: FBT001 - a column of the table
    """The page says that the sandbox made it when it did."""
    assert marked == ("Made by the sandbox" in contact_sheet(FACE, [_shot(provider)]))


def test_without_pipeline() -> None:
    """A response that does not say who drew it carries no mark."""
    shot = Shot(Scene("id-photo", "ID photo"), Generation.model_validate({"status": "success"}), "id-photo.png", 1)
    assert not shot.by_sandbox


def test_static() -> None:
    """The page needs no network and no script."""
    page = contact_sheet(FACE, [_shot("sandbox")])
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page


@pytest.mark.parametrize(("drawn", "said"), [(True, "Drawn by code"), (False, "The photo")])
def test_face(drawn: bool, said: str) -> None:  # noqa: FBT001 - a column of the table
    """The page says whose face it is."""
    assert said in contact_sheet(Portrait("face.jpg", b"", drawn=drawn), [])
