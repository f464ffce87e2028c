from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from aurashot import InputError
from aurashot.characters import folder_name
from aurashot.characters._names import LONGEST, LONGEST_IN_BYTES, escape_fault, name_fault, name_key, suggested_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.characters import CharacterLibrary

REFUSED = {
    "": "it is empty",
    "  ": "it is empty",
    ".": "dots alone",
    "..": "dots alone",
    "...": "begins with a dot",
    "../Snow": "slash",
    "/etc/passwd": "slash",
    "a\\b": "backslash",
    "a\0b": "control character",
    "a\nb": "control character",
    "half\ud800": "half a character",
    "Snow\u202egnp.exe": "changes the direction",
    "\u2066Snow": "changes the direction",
    "Sn\u200bow": "invisible",
    "Sn\ufeffow": "invisible",
    "two\u2028lines": "invisible",
    "con": "device",
    "COM1": "device",
    "aux.txt": "device",
    "lpt¹": "device",
    "Snow.": "ends with a dot",
    "Snow ": "begins or ends with a space",
    "\u3000Snow": "begins or ends with a space",
    ".hidden": "begins with a dot",
    "what?": "Windows allows none",
    "C:": "Windows allows none",
    "a|b": "Windows allows none",
    "x" * 300: "longer than 100 characters",
    "雪" * 90: "longer than 200 bytes",
}


@pytest.mark.parametrize(
    "name", ["Snow", "林小雪", "Zoë", "Дарья", "محمد", "می‌خواهم", "👩‍🚀", "Dr. No", "O'Hara", "a b", "-", "console"]
)
def test_a_name_of_any_script_is_the_name_of_its_folder(name: str) -> None:
    """It is not changed, but for the composition of its letters."""
    assert unicodedata.normalize("NFC", name) == folder_name(name)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_name_that_is_no_folder_everywhere_is_refused_with_the_reason(name: str, reason: str) -> None:
    """The message says what is wrong, and the argument is named."""
    with pytest.raises(InputError, match=reason) as caught:
        folder_name(name)
    assert "name" == caught.value.argument
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_name_is_looked_for_nowhere(local: CharacterLibrary, name: str) -> None:
    """No method of a library takes it for a path."""
    local.create("Snow")
    rename = partial(local.rename, "Snow")
    calls: list[Callable[[str], object]] = [local.get, local.remove, local.forget, local.create, rename]
    for call in calls:
        with pytest.raises(InputError, match="name: "):
            call(name)
    assert ["Snow"] == [each.slug for each in local.list()]


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("../Snow", "Snow"),
        ("a/b", "a b"),
        (" Snow. ", "Snow"),
        ("con", "con 1"),
        ("Sn\u202eow", "Snow"),
        ("x" * 300, "x" * 100),
    ],
)
def test_another_name_is_suggested(text: str, suggested: str) -> None:
    """One that is like the refused one; the library does not take it by itself."""
    assert suggested == suggested_name(text)


def test_no_name_is_suggested_for_nothing() -> None:
    """Dots alone are like no name."""
    assert suggested_name("...") is None
    with pytest.raises(InputError, match="such as 'Snow'"):
        folder_name("..")


@given(st.text(max_size=250))
def test_any_text_is_a_name_or_is_refused(text: str) -> None:
    """What is accepted is one part of a path, short enough for file systems, and stays the same."""
    try:
        name = folder_name(text)
    except InputError as error:
        assert error.message.isprintable()  # noqa: PT017  # it is raised for some of the texts
        return
    assert name == folder_name(name) == unicodedata.normalize("NFC", text)
    assert "/" not in name
    assert len(name) <= LONGEST
    assert len(name.encode()) <= LONGEST_IN_BYTES


@given(st.text(max_size=250))
def test_a_suggested_name_is_accepted(text: str) -> None:
    """Whoever follows the advice is not refused again."""
    suggested = suggested_name(text)
    assert suggested is None or name_fault(unicodedata.normalize("NFC", suggested)) is None


@given(st.text(max_size=50))
def test_spellings_that_a_file_system_takes_for_one_have_one_key(text: str) -> None:
    """Upper and lower case, composed and decomposed letters."""
    forms = {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))}
    assert 1 == len({name_key(each) for each in forms})
    assert name_key(text) == name_key(name_key(text))


@given(st.text(alphabet="./\\\0ab", max_size=8))
def test_a_name_that_leads_out_of_its_folder_is_found_out(text: str) -> None:
    """Only one part of a path is left."""
    if escape_fault(text) is None:
        assert not {"/", "\\", "\0"} & set(text)
        assert text not in {"", ".", ".."}
