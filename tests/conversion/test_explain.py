"""The report in sentences: each column's type has its reason, each widening its line, each warning its next step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingestion.conversion import convert
from ingestion.conversion.explain import explain
from ingestion.conversion.formats import blocks
from ingestion.conversion.reasons import NEXT_STEPS, why_not

CORE = Path(__file__).resolve().parents[2] / "ingestion" / "conversion"


def told(tmp_path, content, name="orders.csv"):
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    return convert(source, tmp_path / "out.parquet")


def sentence(report, column):
    return next(line for line in explain(report) if line.startswith(f"- {column}: "))


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("000000000000012345", "begins with a zero, which a number would lose"),
        ("00,5", "begins with a zero"),
        ("12E5", "looks like a power of ten"),
        ("1.5e3", "is written with an exponent"),
        ("+49 30 1234", "begins with a plus"),
        ("-0", "is a zero with a minus"),
        ("0,00-", "is a zero with a minus"),
        ("1" * 39, "has more than the 38 digits"),
        (".50", "leaves out a digit"),
        ("0x1F", "is a hexadecimal number"),
        ("2026-02-30", "is no day of the calendar"),
        ("9999-99-99", "is no day of the calendar"),
        ("NA", "is a text, not an empty cell"),
        ("1.234,56.7", "is a number that is written in another way"),
    ],
)
def test_a_text_column_names_the_cell_that_made_it_text_and_why(tmp_path, cell, reason):
    rows = "".join(f"{n};x\n" for n in range(1, 9))
    report = told(tmp_path, f'key;note\n{rows}"{cell}";y\n')
    assert str(report.columns[0].type) == "string"
    assert "All cells before line 10 could be whole numbers (int64)" in sentence(report, "key")
    assert reason in sentence(report, "key")


def test_the_line_of_a_widening_counts_lines_as_an_editor_does(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 512)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 64)
    rows = [f'{n};"text\n{n}";1.50\n' for n in range(1, 201)]
    rows[120] = '"007";"text\n121";1.50\n'
    rows[150] = '151;"text\n151";1.505\n'
    report = told(tmp_path, "key;note;amount\n" + "".join(rows))
    key, _, amount = report.columns
    assert [(one.rule, one.line, one.text) for one in key.widened] == [("int64", 2 + 2 * 120, "007")]
    assert [(one.line, one.text) for one in amount.widened] == [(2 + 2 * 150, "1.505")]
    assert 'before line 242 could be whole numbers (int64), but "007" there begins with a zero' in sentence(
        report, "key"
    )


def test_lines_that_were_skipped_count_too(tmp_path):
    rows = "".join(f"{n};1\n" for n in range(5))
    report = told(tmp_path, f"key;n\n{rows}key;n\n{rows}\n\nX7;1\n")
    assert report.columns[0].widened[-1].line == 15


def test_two_steps_of_widening_are_both_told(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 512)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 64)
    cells = [str(n) for n in range(1000, 1600)]
    cells[300], cells[500] = "7.25", "NA"
    report = told(tmp_path, "n;t\n" + "".join(f"{cell};x\n" for cell in cells))
    assert [(one.rule.split("(")[0], one.line, one.text) for one in report.columns[0].widened] == [
        ("int64", 302, "7.25"),
        ("decimal", 502, "NA"),
    ]


def test_a_typed_column_says_how_it_was_written_and_what_an_example_became(tmp_path):
    text = "wann;wert;da\n" + "31.10.2026;1.234,56-;true\n" * 3 + "01.11.2026;5,00;false\n"
    report = told(tmp_path, text)
    assert 'written DD.MM.YYYY, such as "31.10.2026", which is 2026-10-31' in sentence(report, "wann")
    assert (
        "a decimal comma, '.' between thousands, the minus behind, such as \"1.234,56-\", which is -1234.56"
        in sentence(report, "wert")
    )
    assert "either true or false" in sentence(report, "da")


def test_normalisations_and_empty_cells_are_told(tmp_path):
    report = told(tmp_path, "a;b\n 3 ;x\n3.25;\n;y\n")
    assert "filled with zeros" in sentence(report, "a")
    assert "Spaces around a value are not kept." in sentence(report, "a")
    assert "1 of 3 cells is empty." in sentence(report, "b")


def test_an_ambiguous_date_is_text_with_a_next_step(tmp_path):
    report = told(tmp_path, "d;n\n01/02/2026;1\n03/04/2026;2\n")
    assert "no value proves whether the day or the month comes first" in sentence(report, "d")
    assert any("YYYY-MM-DD" in line for line in explain(report)[-2:])


def test_the_rows_add_up_before_the_reader_s_eyes(tmp_path):
    report = told(tmp_path, "Liste\n\na;b;c\n1;2;3\n4;5;6\na;b;c\n7;8;9\n")
    assert any(re.search(r"\d+ read = 3 loaded \+ 0 rejected \+ \d+ skipped \(", line) for line in explain(report))


def test_every_warning_has_its_next_step():
    text = "\n".join(path.read_text(encoding="utf-8") for path in CORE.rglob("*.py"))
    codes = set(re.findall(r'Notice\(\s*code="(\w+)"', text)) | set(re.findall(r'_warn\(\s*"([A-Z0-9_]+)"', text))
    assert codes
    assert codes <= set(NEXT_STEPS)


def test_the_data_hold_what_the_sentences_say(tmp_path):
    report = told(tmp_path, "k;v\n1;x\n007;y\n")
    data = json.loads(json.dumps(report.as_dict()))
    assert data["explanation"] == explain(report)
    assert data["columns"][0]["widened"] == [{"rule": "int64", "text": "007", "line": 3, "record": None, "path": ""}]


def test_control_signs_in_a_cell_cannot_disturb_the_explanation(tmp_path):
    report = told(tmp_path, 'k;v\n"a\x1b[31m\nb";1\n' + '"c";2\n' * 200)
    assert '"a\\x1b[31m\\nb"' in sentence(report, "k")
    assert all(line.isprintable() for line in explain(report))


def test_plain_text_needs_no_reason():
    assert why_not("Schraube M8") == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("00.00.0000", "empty date"),
        ("0000-00-00", "empty date"),
        ("31.10.26", "year has two digits"),
        ("31-OCT-26", "month in letters"),
        ("Mar 3, 2026", "month in letters"),
        ("1.2.2026", "without zeros in front"),
        ("10/31/2026 01:15 PM", "written in another way"),
        ("1:15 pm", "clock of twelve hours"),
        ("12:30", "without seconds"),
        ("24:00:00", "no time of the day"),
        ("12,5 %", "percentage"),
        ("€ 1,234.56", "currency"),
        ("1.234,56 EUR", "currency"),
        ("($5.00)", "currency"),
        ("1,234.56 CR", "debit and credit"),
        ("12,00H", "debit and credit"),
        ("+1,00", "begins with a plus"),
        ("\u22125,00", "another sign than the plain minus"),
        ("\uff11\uff12", "other digits"),
        ("1\u2009234,56", "written in another way"),
        ("12,34,567.89", "written in another way"),
        ("1" * 36 + ".123", "more than the 38 digits"),
        ("WAHR", "yes or no"),
        ("J", "yes or no"),
    ],
)
def test_what_looks_like_a_value_is_told_why_it_stays_text(text, why):
    assert why in why_not(text)


@pytest.mark.parametrize("text", ["MAT 4711", "EURO", "12 Stück", "K-4711", "PM", "Mar", "5 H 7", "10.A", "%"])
def test_other_texts_need_no_reason(text):
    assert why_not(text) == ""


LONG = ["13.40 52.52, " * 100_000, "1" * 300_000 + "x", "1" * 300_000 + "e", "1:" + "0" * 300_000]


@pytest.mark.parametrize("text", LONG, ids=["coordinates", "digits", "exponent", "time"])
def test_a_long_text_is_not_matched_at_all(text, monkeypatch):
    monkeypatch.setattr(re, "fullmatch", lambda *_: pytest.fail("patterns take quadratic time"))
    assert why_not(text) == ""
    assert "more than the 38 digits" in why_not("-" + "7" * 300_000)


# ---- JSON ----


def records(count, **traps):
    """Return JSON records as texts; a trap is (index, member text)."""
    lines = [
        f'{{"n": {n}, "amount": {n}.25, "in": {{"k": "a", "list": [{n}]}}, "pad": "{"x" * 60}"}}' for n in range(count)
    ]
    for member, (index, text) in traps.items():
        old = {"n": f'"n": {index},', "amount": f'"amount": {index}.25', "list": f'"list": [{index}]'}[member]
        lines[index] = lines[index].replace(old, text)
    return lines


@pytest.mark.parametrize("layout", ["lines", "array"])
@pytest.mark.parametrize("last", [19_999, 12_345])
def test_the_record_that_widens_a_json_column_is_named_exactly(tmp_path, layout, last):
    lines = records(20_000, n=(last, '"n": 12E5,'), amount=(last, '"amount": "NA"'), list=(7_777, '"list": [1, 2.5]'))
    text = "\n".join(lines) if layout == "lines" else "[" + ",\n".join(lines) + "]"
    report = told(tmp_path, text, "a.json")
    by_name = {column.name: column for column in report.columns}
    assert [(one.record, one.line, one.text) for one in by_name["n"].widened] == [(last + 1, last + 1, "12E5")]
    assert [(one.record, one.text) for one in by_name["amount"].widened] == [(last + 1, "NA")]
    assert [(one.record, one.path, one.text) for one in by_name["in"].widened] == [(7_778, "in.list[]", "2.5")]
    assert f"All cells before record {last + 1:,} (line {last + 1:,}) could be" in sentence(report, "n")


def test_the_line_of_a_json_record_counts_blank_lines_and_spread_records(tmp_path):
    lines = records(20_000, n=(15_000, '"n": true,'))
    lines[3] = lines[3].replace(", ", ",\n ")
    text = "\n".join(lines[:10_000]) + "\n\n\n" + "\n".join(lines[10_000:]) + "\n"
    report = told(tmp_path, text, "a.json")
    widening = report.columns[0].widened[0]
    assert text.splitlines()[widening.line - 1].startswith('{"n": true,')
    assert widening.record == 15_001


# ---- decisions ----


def decision(report, name):
    return next(one for one in report.detection.decisions if one.name == name)


def test_quotes_are_told_with_what_the_records_would_be_without_them(tmp_path):
    rows = "".join(f'{n};"Miete; {n}. Monat"\n' for n in range(1, 9))
    told_quote = decision(told(tmp_path, f"nr;text\n{rows}"), "quote")
    assert told_quote.value == "double quote"
    assert "8 of the sample's cells are in quotes" in told_quote.evidence
    assert "without them 11% of the records would have 2 cells" in told_quote.evidence
    assert (told_quote.confidence, told_quote.runner_up) == (0.99, "no quotes")


def test_apostrophes_are_the_runner_up_where_they_enclose_cells_too(tmp_path):
    report = told(tmp_path, "a;b\n\"x;y\";'n'\n\"x;z\";'m'\n")
    assert decision(report, "quote").runner_up == "apostrophe"


@pytest.mark.parametrize(
    ("text", "value", "evidence"),
    [
        ('a;b\n1;"x ""y"" z"\n2;"v"\n', "doubled quote", "no backslash stands before a quote"),
        ('a;b\n1;"x \\"y\\"; z"\n2;"v \\"w\\"; u"\n', "backslash", "a backslash stands before 4 of the quotes"),
        ("a;b\n1;x\n", "doubled quote", "no quote stands inside a cell"),
    ],
)
def test_how_a_quote_inside_a_cell_is_written_is_a_decision(tmp_path, text, value, evidence):
    told_escape = decision(told(tmp_path, text), "escape")
    assert told_escape.value == value
    assert evidence in told_escape.evidence
    assert told_escape.runner_up in {"backslash", "doubled quote"} - {value}


def test_record_ends_are_counted_and_mixed_ones_told(tmp_path):
    ends = decision(told(tmp_path, "a;b\r\n1;2\r\n3;4\n5;6\r\n"), "record ends")
    assert (ends.value, ends.runner_up) == ("mixed", "CRLF")
    assert "3 CRLF and 1 LF" in ends.evidence


def test_the_header_has_a_runner_up_unless_it_was_given(tmp_path):
    assert decision(told(tmp_path, "name;n\nx;1\n"), "header").runner_up == "no header"
    assert decision(told(tmp_path, "1;2\n3;4\n"), "header").runner_up == "record 1"


def test_the_decimal_sign_and_the_order_of_dates_are_decisions_of_the_file(tmp_path):
    report = told(tmp_path, "wert;tag;iso\n1.234,50-;31.10.2026;2026-10-31\n2,00;01.11.2026;2026-11-01\n")
    sign, order = decision(report, "decimal sign"), decision(report, "date order")
    assert (sign.value, sign.runner_up) == ("comma", "point")
    assert 'every cell of "wert" is an amount when read so' in sign.evidence
    assert (order.value, order.runner_up) == ("DD.MM.YYYY (day first)", "MM.DD.YYYY")
    assert '"tag"' in order.evidence
    assert '"iso"' not in order.evidence


def test_columns_with_different_decimal_signs_are_both_named(tmp_path):
    sign = decision(told(tmp_path, "a;b\n1,50;1.50\n2,25;2.25\n"), "decimal sign")
    assert sign.value == "comma and point"
    assert '"a" is an amount when read so, and with a point some would be none; every cell of "b"' in sign.evidence


def test_a_sample_of_blank_cells_alone_is_still_explained(tmp_path):
    report = told(tmp_path, "\x1e\t")
    assert decision(report, "delimiter").confidence >= 0


def test_zeros_that_fill_the_fractions_of_json_numbers_are_told(tmp_path):
    report = told(tmp_path, '[{"n": 3, "amount": 1.5}, {"n": 4, "amount": 1.50}]', "a.json")
    assert "filled with zeros" in sentence(report, "amount")
    assert "kept as they were written" in sentence(report, "n")
