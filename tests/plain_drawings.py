"""Small grey images instead of the sandbox's drawings, for the tests of everything else."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from PIL import Image

from aurashot.sandbox import _render, drawing

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT: Final = Path(__file__).parents[1]

CONFTEST: Final = """
import pytest
from tests.plain_drawings import plain_drawings

@pytest.fixture(scope="session", autouse=True)
def _plain_drawings():
    with plain_drawings():
        yield
"""
"""The `conftest.py` of tests that run in a process of their own, with `ROOT` on the path."""


@contextmanager
def plain_drawings() -> Generator[None]:
    """Let all sandboxes of this process draw small grey images."""

    def portrait(_seed: str, size: int = 64) -> Image.Image:
        return Image.new("RGB", (size, size), "grey")

    def grey(_images: object, _prompt: str | None) -> Image.Image:
        return Image.new("RGB", (56, 56), "grey")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_render, "_DRAW", dict.fromkeys(_render._DRAW, grey))
        patch.setattr(drawing, "draw_portrait", portrait)
        yield
