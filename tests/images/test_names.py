from __future__ import annotations

import re

import pytest
from hypothesis import example, given, strategies as st

from aurashot.images import safe_stem


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("rooftop", "rooftop"),
        ("My holiday photo", "My-holiday-photo"),
        ("林小雨", "林小雨"),
        ("हिन्दी", "हिन्दी"),
        ("v1.2", "v1.2"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b:c*d?e", "a-b-c-d-e"),
        (".hidden", "hidden"),
        ("trailing. ", "trailing"),
        ("", "image"),
        ("…", "image"),
        ("\ud800", "image"),
        ("CON", "image-CON"),
        ("com1.tar", "image-com1.tar"),
        ("COM¹", "image-COM¹"),
        ("console", "console"),
        ("x" * 300, "x" * 100),
        ("图" * 300, "图" * 66),
    ],
)
def test_a_stem_keeps_letters_of_any_script_and_nothing_dangerous(text: str, stem: str) -> None:
    """Letters and digits stay, everything else becomes a dash or goes."""
    assert stem == safe_stem(text)


@given(st.text())
@example("con." + "x" * 200)
@example("a" * 99 + "..b")
def test_a_stem_is_safe_whatever_the_text(text: str) -> None:
    """It is never empty, hidden, too long, a path or a device, and sanitising it again changes nothing."""
    stem = safe_stem(text)
    assert stem
    assert len(stem) <= 100
    assert len(stem.encode()) <= 200
    assert not re.search(r'[/\\:*?"<>|\x00-\x1f\s]', stem)
    assert not stem.startswith((".", "-"))
    assert not stem.endswith((".", "-"))
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", stem)
    assert stem == safe_stem(stem)
