"""What a cell or a record looks like is told in a time that grows with its length and not with its square.

Each text would take minutes otherwise; a test that ends at all has passed.
"""

from __future__ import annotations

import pytest

from ingestion.conversion.detect.aligned import aligned_dialects
from ingestion.conversion.detect.kinds import is_rule, kind
from ingestion.conversion.detect.names import unique_names

LONG = 200_000


@pytest.mark.parametrize("unit", [" ", "\u00a0", "-", "1", "1 ", "= ", "|", "(", "1,"])
@pytest.mark.parametrize("end", ["x1", "1x"])
def test_a_long_run_that_is_no_value_and_no_rule_is_told_at_once(unit, end):
    text = unit * (LONG // len(unit)) + end
    assert kind(text) == "text"
    assert not is_rule([text])


@pytest.mark.parametrize(
    ("text", "told"),
    [(" 1 ", "number"), (" - 1 ", "number"), ("( 5 % )", "text"), ("-5 %", "number"), ("(1.234,56)", "number")],
)
def test_blanks_within_a_number_are_part_of_it_where_they_were_before(text, told):
    assert kind(text) == told


@pytest.mark.parametrize("line", ["--", "| -- |", "=====", "*_", "+--+--+"])
def test_a_drawn_line_is_a_rule(line):
    assert is_rule([line])


@pytest.mark.parametrize("line", ["", "|", "-+-", "- -", "--x", "+ |", "--\n--"])
def test_what_draws_no_line_is_no_rule(line):
    assert not is_rule([line])


def test_a_line_of_dashes_with_a_word_behind_is_no_rule_of_a_list():
    assert aligned_dialects(f"a|b\n{'-' * LONG}x\nc|d\n") == []


def test_a_name_that_stands_very_often_is_numbered_in_one_go():
    names = unique_names(["a", *["b", "a_3", "a"] * 30_000])
    assert len(set(names)) == len(names) == 90_001
    assert names[:7] == ["a", "b", "a_3", "a_2", "b_2", "a_3_2", "a_4"]
