from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from aurashot._card import LONGEST, Card, CardImage

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></table></div><iframe src=//evil.example>",
    "&lt;b&gt;",
    "\u202egnp.exe",
    "\x1b[31mred\x00\x9b",
    "half \ud800 a character",
)


class Elements(HTMLParser):
    """Collects what a browser would build: elements, their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.texts.append(data)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_a_card_becomes_html(text: str) -> None:
    """Whatever a title, a name, a value or an alternative text says, the elements and their attributes are ours."""
    hostile = Elements(Card(text, ((text, text),), CardImage(b"x", "image/png"), text).html())
    tame = Elements(Card("a", (("b", "c"),), CardImage(b"x", "image/png"), "d").html())
    assert tame.tags == hostile.tags
    assert [name for name, _ in tame.attributes] == [name for name, _ in hostile.attributes]
    assert {"div", "img", "table", "caption", "tbody", "tr", "th", "td", "bdi"} == set(hostile.tags)


@pytest.mark.parametrize("text", HOSTILE[:5], ids=range(5))
def test_what_can_be_shown_is_shown_as_it_is(text: str) -> None:
    """Markup is text."""
    assert text in Elements(Card("Title", (("Prompt", text),)).html()).texts


def test_control_characters_are_escaped() -> None:
    """Also in the plain text, which a terminal shows; lines and other scripts stay as they are."""
    card = Card("Title", (("Prompt", "\x1b[31m\x00\x9b \ud800 a\nb 雪 🙂"),))
    for text in (card.text(), "".join(Elements(card.html()).texts)):
        assert r"\x1b[31m\x00\x9b \ud800 a" + "\nb 雪 🙂" in text
        text.encode()


def test_long_values_are_cut() -> None:
    """A prompt of any length leaves the notebook readable."""
    card = Card("Title", (("Prompt", "x" * 5_000),))
    assert "x" * LONGEST + "…" in card.text()
    assert max(map(len, re.findall("x+", card.html()))) == LONGEST


def test_the_image_is_in_the_html() -> None:
    """Nothing is loaded when it is shown; a card without an image has no element for it."""
    html = Card("Title", (), CardImage(b"bytes", "image/jpeg", 320), "Nora").html()
    assert f'<img src="data:image/jpeg;base64,{base64.b64encode(b"bytes").decode()}" alt="Nora" width="320"' in html
    assert "<img" not in Card("Title", ()).html()


def test_a_bundle_has_both_forms() -> None:
    """A notebook and a terminal find what they can show."""
    card = Card("Title", (("Cost", "1 image"),))
    assert {"text/html": card.html(), "text/plain": "Title\n  Cost: 1 image"} == card.bundle()
