from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from aurashot import InputError
from aurashot.identity import distinctness
from tests.identity.conftest import ColourModel, plain

CAST = {"Ann <1>": plain("red"), "Bob": plain("blue"), "Cleo": plain((255, 200, 0)), "Nobody": plain("black")}


def test_pairs_that_are_too_alike_are_named(colours: ColourModel) -> None:
    """Everybody is compared with everybody else; who would be confused is told."""
    result = distinctness(CAST, model=colours)
    assert [(("Ann <1>", "Cleo"), True)] == [(pair.names, pair.confusable) for pair in result.too_alike]
    assert "Ann <1> and Cleo would be taken for each other (cosine 0.79)" == str(result.too_alike[0])
    assert ("Nobody: No face was found",) == result.notes
    assert [(1.0, 0.0, 0.787, None), (None, None, None, None)] == [
        tuple(each if each is None else round(each, 3) for each in result.cosines[row]) for row in (0, 3)
    ]


def test_a_pair_that_would_be_unsure_is_alike(colours: ColourModel) -> None:
    """Between the lines, two people look alike and are not confused."""
    (pair,) = distinctness([plain((100, 0, 0)), plain((100, 220, 0))], model=colours).too_alike
    assert ("1 and 2 look alike (cosine 0.41)", False) == (str(pair), pair.confusable)


def test_the_table_has_a_row_for_each(colours: ColourModel) -> None:
    """Columns are aligned, and what is missing is a dash."""
    lines = distinctness(CAST, model=colours).table().splitlines()
    assert 5 == len(lines)
    assert ["Bob", "0.00", "1.00", "0.00", "-"] == lines[2].split()
    assert 1 == len({len(line) for line in lines})


def test_the_heat_map_is_an_image(colours: ColourModel) -> None:
    """It is well-formed SVG, with names escaped and nothing loaded from elsewhere."""
    svg = distinctness(CAST, model=colours).to_svg()
    root = ET.fromstring(svg)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert 2 == texts.count("Ann <1>")
    assert "0.79" in texts
    assert "href" not in svg
    assert "<script" not in svg


def test_a_cast_of_nobody_is_an_error(colours: ColourModel) -> None:
    """An empty cast is a mistake of the caller."""
    with pytest.raises(InputError, match="The cast is empty"):
        distinctness({}, model=colours)
