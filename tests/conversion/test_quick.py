"""What is read place by place equals what the rule itself reads, or is left to it."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.typing.dates import DATE_FORMS, CompactDateRule, DateRule
from ingestion.conversion.typing.quick import quick_values
from ingestion.conversion.typing.reading import read_columns

SHAPES = [
    (point, group, sign)
    for point, group in [(",", "."), (".", ","), (",", ""), (".", "'"), (",", " ")]
    for sign in ("front", "behind")
]


def written(unscaled: int, scale: int, shape: tuple[str, str, str]) -> str:
    point, group, sign = shape
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    whole = f"{int(digits[:-scale]):,}".replace(",", group)
    text = f"{whole}{point}{digits[-scale:]}"
    return text if unscaled >= 0 else "-" + text if sign == "front" else text + "-"


def chosen(rule, cells: list[str]):
    """Let a rule see cells, as a plan does, and leave it room."""
    assert rule.accepts(pa.array(cells))
    if isinstance(rule, DecimalRule):
        rule.leave_room()
    return rule


@settings(deadline=None)
@given(
    st.lists(st.none() | st.integers(-(10**17), 10**17) | st.integers(-(10**4), 10**6), min_size=1),
    st.integers(1, 17),
    st.sampled_from(SHAPES),
    st.integers(0, 3),
)
def test_amounts_of_one_shape_are_read_as_the_rule_reads_them(numbers, scale, shape, cut):
    texts = [None if number is None else written(number, scale, shape) for number in numbers]
    rule = chosen(DecimalRule(*shape), [text for text in texts if text] or ["1" + shape[0] + "5" * scale])
    cells = pa.array(["x", *texts, "y"], pa.string()).slice(1, len(texts)).slice(min(cut, len(texts) - 1))
    quick = quick_values(rule, cells)
    if rule.type().precision > 18:
        assert quick is None
        return
    assert quick is not None
    quick.validate(full=True)
    assert quick.equals(rule.cast(cells))


ODD = [
    "007,50",
    "1,5",
    "1",
    ",50",
    "1,555",
    "-0,00",
    "0,00-",
    "+1,00",
    " 1,00",
    "1,00 ",
    "1.23,00",
    "1234.567,00",
    ".123,00",
    "1,00--",
    "-",
    "",
    "1e3,00",
    "1.0000,00",
    "--1,00",
    "1.234",
    "1,,00",
    "1\x00,00",
    "99.999.999.999.999.999.999,00",
    "-1,00-",
    "1..234,00",
    "\u0661,00",
    "01.234,00",
    "12.34,00",
]


@settings(deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6),
    st.sampled_from(SHAPES),
    st.sampled_from([2, 3, 6, 7, 8, 9]),
    st.data(),
)
def test_one_byte_changed_is_never_taken_for_what_the_rule_refuses(numbers, shape, scale, data):
    texts = [written(number, scale, shape) for number in numbers]
    rule = chosen(DecimalRule(*shape), [*texts, written(10**9, scale, shape)])
    named = rule.name
    at = data.draw(st.integers(0, len(texts) - 1))
    place = data.draw(st.integers(0, len(texts[at]) - 1))
    sign = data.draw(st.sampled_from("0123456789-,.' /:\x00\x7f()e"))
    texts[at] = texts[at][:place] + sign + texts[at][place + 1 :]
    cells = pa.array(texts)
    quick = quick_values(rule, cells)
    if quick is not None:
        assert rule.accepts(cells)
        assert rule.name == named
        assert quick.equals(rule.cast(cells))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("odd", ODD)
def test_an_amount_of_another_shape_is_left_to_the_rule(odd, shape):
    rule = chosen(DecimalRule(*shape), [written(123_450, 2, shape), written(5, 2, shape)])
    named = rule.name
    odd = odd.translate(str.maketrans({",": shape[0], ".": shape[1]}))
    cells = pa.array([written(1234, 2, shape), odd])
    quick = quick_values(rule, cells)
    exact = odd != "" and rule.accepts(pa.array([odd])) and rule.name == named
    assert (quick is not None) <= exact
    if quick is not None:
        assert quick.equals(rule.cast(cells))


FORMS = [form for form in DATE_FORMS if form.padded]


@settings(deadline=None)
@given(st.lists(st.none() | st.dates(), min_size=1), st.sampled_from(FORMS))
def test_dates_are_read_as_the_rule_reads_them(dates, form):
    template = form.name.replace("YYYY", "{0.year:04d}").replace("MM", "{0.month:02d}").replace("DD", "{0.day:02d}")
    texts = [None if date is None else template.format(date) for date in dates]
    cells = pa.array(["01.01.2026", *texts]).slice(1)
    quick = quick_values(DateRule(form), cells)
    assert quick is not None
    quick.validate(full=True)
    assert quick.to_pylist() == dates


@pytest.mark.parametrize(
    "odd",
    [
        "30.02.2026",
        "29.02.2100",
        "00.01.2026",
        "01.13.2026",
        "01.00.2026",
        "01.01.0000",
        "1.01.20266",
        "01-01-2026",
        "01.01.202",
        "",
        " 1.01.2026",
        "0\u0661.01.202",
    ],
)
def test_a_text_that_is_no_date_of_the_form_is_left_to_the_rule(odd):
    rule = next(DateRule(form) for form in DATE_FORMS if form.name == "DD.MM.YYYY")
    assert quick_values(rule, pa.array(["31.12.2026", odd])) is None


def test_every_day_of_two_centuries_has_its_number():
    first, last = dt.date(1899, 12, 31), dt.date(2101, 1, 1)
    days = [first + dt.timedelta(days) for days in range((last - first).days)]
    rule = next(DateRule(form) for form in DATE_FORMS if form.name == "DD.MM.YYYY")
    assert quick_values(rule, pa.array([f"{day:%d.%m.%Y}" for day in days])).to_pylist() == days


def test_compact_dates_with_zeros_and_the_last_day():
    texts = ["20261031", None, "00000000", "99991231", "21001231", "19000101"]
    rule = chosen(CompactDateRule(), [text for text in texts if text])
    assert quick_values(rule, pa.array(texts)).equals(rule.cast(pa.array(texts)))
    assert quick_values(rule, pa.array(["00000000", "00000000"])).null_count == 2
    for odd in ("18991231", "21010101", "99991230", "20260230", "2026103", "202610311"):
        assert quick_values(rule, pa.array(["20261031", odd])) is None
    without = chosen(CompactDateRule(), ["20261031"])
    assert quick_values(without, pa.array(["20261031", "00000000"])) is None


def test_a_column_reads_its_parts_by_it(tmp_path):
    column = TextColumn("amount")
    column.look(pa.array(["1.234,56-", "0,00", "12,50"]))
    column.leave_room()
    found = column.reading().values(pa.array(["9.999.999,99-", None]))
    assert [None if value is None else str(value) for value in found.to_pylist()] == ["-9999999.99", None]


COLUMNS = st.lists(st.lists(st.none() | st.integers(-(10**8), 10**8), min_size=3, max_size=3), min_size=1, max_size=6)


@settings(deadline=None)
@given(COLUMNS, st.sampled_from(["", "1,5", "x", "1.234,5-"]))
def test_columns_read_at_once_are_what_each_is_alone(columns, odd):
    shape = (",", ".", "behind")
    texts = [[None if number is None else written(number, 2, shape) for number in cells] for cells in columns]
    readings = []
    for cells in texts:
        column = TextColumn("a")
        column.look(pa.array([*(text for text in cells if text), "1.234,50-"]))
        column.decide()
        column.leave_room()
        readings.append(column.reading())
    texts[-1][-1] = odd or texts[-1][-1]
    arrays = [pa.array(cells, pa.string()) for cells in texts]
    at_once = read_columns(readings, arrays)
    alone = [reading.values(cells) for reading, cells in zip(readings, arrays, strict=True)]
    assert [None if values is None else values.to_pylist() for values in at_once] == [
        None if values is None else values.to_pylist() for values in alone
    ]


def test_a_part_that_the_rule_reads_as_it_is_changes_nothing():
    column = TextColumn("a")
    column.look(pa.array(["1,50", "2,25-"]))
    column.decide()
    for cells in (["3,75", None], ["-3,75"], ["1.234,5"], ["12.345.678,90"], ["x"]):
        part = pa.array(cells, pa.string())
        other = TextColumn("a")
        other.look(pa.concat_arrays([pa.array(["1,50", "2,25-"]), part]))
        other.decide()
        confirmed = column.is_confirmed(part, column.reading().values(part))
        assert confirmed == (other.column().rule == column.column().rule)
