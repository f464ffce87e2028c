from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from aurashot.sandbox._control import FaultRequest, read_specification
from aurashot.sandbox._faults import FaultRule, FaultRules, parse
from aurashot.sandbox._scenarios import TABLE

PATTERN: str = FaultRequest.model_json_schema()["properties"]["fault"]["pattern"]


def test_a_fault_without_parameters_takes_the_values_of_the_table() -> None:
    """What is not set has a sensible value."""
    assert {"retry-after": 1.0} == parse("rate-limit", TABLE).parameters


def test_parameters_follow_the_name() -> None:
    """A number is a number and a text is a text."""
    assert {"retry-after": 2.5} == parse("rate-limit;retry-after=2.5", TABLE).parameters
    assert {"to": "https://a.example/x=1"} == parse("redirect;to=https://a.example/x=1", TABLE).parameters


@pytest.mark.parametrize(
    ("specification", "sentence"),
    [
        ("explode", "no fault 'explode'"),
        ("", "no fault ''"),
        ("drop;after=1", "takes no parameters"),
        ("rate-limit;after=1", "takes retry-after"),
        ("rate-limit;retry-after=soon", "takes retry-after"),
        ("rate-limit;retry-after", "takes retry-after"),
        ("refuse;for=-1", "takes for"),
    ],
)
def test_what_is_not_in_the_table_is_refused(specification: str, sentence: str) -> None:
    """The sentence says what there is."""
    with pytest.raises(ValueError, match=sentence):
        parse(specification, TABLE)


@settings(max_examples=30)
@given(st.from_regex(PATTERN.removesuffix("$"), fullmatch=True))
def test_what_the_openapi_document_allows_can_be_read(specification: str) -> None:
    """The pattern in the document and the reader agree."""
    assert specification == ",".join(one.specification for one in read_specification(specification))


def test_every_row_has_a_name_for_a_header_and_a_sentence() -> None:
    """Names are lower-case words with hyphens."""
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in TABLE)
    assert all(fault.sentence.endswith(".") for fault in TABLE.values())


def rules(**settings: object) -> FaultRules:
    """Return rules with one for the fault `drop`."""
    made = FaultRules()
    made.add(FaultRule(read_specification("drop"), **settings), seed=1)  # type: ignore[arg-type] # by name
    return made


def hits(made: FaultRules, count: int, operation: str = "generate") -> list[bool]:
    """Return which of so many requests are hit."""
    return [made.choose(operation) is not None for _ in range(count)]


def test_equal_seeds_hit_equal_requests() -> None:
    """A run can be repeated, and a share is about the share."""
    assert hits(rules(share=0.3), 1000) == hits(rules(share=0.3), 1000)
    assert 250 < sum(hits(rules(share=0.3), 1000)) < 350


def test_a_rule_ends_after_its_times() -> None:
    """Then it is no longer in force."""
    made = rules(times=2)
    assert [True, True, False, False] == hits(made, 4)
    assert () == made.active


def test_a_rule_spares_other_operations() -> None:
    """It neither hits nor counts them."""
    made = rules(times=1, operations=frozenset({"edit"}))
    assert [False, False] == hits(made, 2, "generate")
    assert [True] == hits(made, 1, "edit")


def test_of_several_faults_one_is_drawn_for_each_request() -> None:
    """All of them happen."""
    made = FaultRules()
    made.add(FaultRule(read_specification("drop,reset,html")), seed=1)
    drawn = [made.choose("edit") for _ in range(100)]
    assert {"drop", "reset", "html"} == {one.fault.name for one in drawn if one is not None}


def test_cleared_rules_hit_nothing() -> None:
    """Requests pass again."""
    made = rules()
    made.clear()
    assert [False] == hits(made, 1)
