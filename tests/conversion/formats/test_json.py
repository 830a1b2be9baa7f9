"""JSON as people send it: where the records stand, what the report tells, and what is refused with its place."""

from __future__ import annotations

import codecs
import json

import pytest

from ingestion.conversion import Options, detect
from ingestion.conversion.errors import ConversionError
from tests.conversion.formats.test_json_exact import converted


def layout_of(report) -> str:
    return next(decision.value for decision in report.detection.decisions if decision.name == "layout")


@pytest.mark.parametrize(
    ("text", "layout", "rows"),
    [
        ('[{"a": 1}, {"a": 2}]', "array", [{"a": 1}, {"a": 2}]),
        ('[{"a": 1}]\n[{"a": 2}]\n', "array", [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n{"a": 2}', "lines", [{"a": 1}, {"a": 2}]),
        ('{"a": 1} {"a": 2}', "values", [{"a": 1}, {"a": 2}]),
        ('{\n "a": 1\n}\n{\n "a": 2\n}', "values", [{"a": 1}, {"a": 2}]),
        ('{"a": 1, "b": [1, 2]}', "document", [{"a": 1, "b": [1, 2]}]),
        ("[1, 2, 3]", "array", [{"value": 1}, {"value": 2}, {"value": 3}]),
        ("[[1, 2], []]", "array", [{"value": [1, 2]}, {"value": []}]),
        ("[1, 2]\n[3]\n", "lines", [{"value": [1, 2]}, {"value": [3]}]),
        ("12.50", "document", [{"value": 12.5}]),
        ('"00123"', "document", [{"value": "00123"}]),
        ("true\n", "document", [{"value": True}]),
        ("{}", "document", [{"value": "{}"}]),
        ('[{"a": 1}, 5]', "array", [{"value": '{"a": 1}'}, {"value": "5"}]),
        ('{"value": [{"a": 1}], "@odata.context": "x"}', "envelope", [{"a": 1}]),
        ('{"@odata.context": "x", "value": [1, 2]}', "envelope", [{"value": 1}, {"value": 2}]),
        ('{"d": {"results": [{"a": 1}]}}', "envelope", [{"a": 1}]),
        ('{"d": [{"a": 1}]}', "envelope", [{"a": 1}]),
        ('{"d": {"a": {"b": 1}}}', "envelope", [{"a": {"b": 1}}]),
        ('{"orders": [{"a": 1}]}', "envelope", [{"a": 1}]),
        ('{"status": "ok", "total": 1, "items": [{"a": 1}]}', "envelope", [{"a": 1}]),
        ('{"response": {"numFound": 1, "docs": [{"a": 1}]}}', "envelope", [{"a": 1}]),
        ('{"type": "FeatureCollection", "features": [{"a": 1}]}', "envelope", [{"a": 1}]),
        ('{"order": "7", "lines": [{"a": 1}]}', "document", [{"order": "7", "lines": [{"a": 1}]}]),
        ('{"a": [{"x": 1}], "b": [{"y": 2}]}', "document", [{"a": [{"x": 1}], "b": [{"y": 2}]}]),
    ],
)
def test_records_are_found_where_they_stand(text, layout, rows):
    found, report = converted(text)
    assert layout_of(report) == layout
    assert found == rows


@pytest.mark.parametrize("text", ["[]", " [ ] \n", '{"value": []}', '{"d": {"results": []}}'])
def test_an_array_without_elements_is_no_table(text):
    with pytest.raises(ConversionError) as raised:
        converted(text)
    assert raised.value.code == "NO_ROWS"


@pytest.mark.parametrize("blanks", range(8))
@pytest.mark.parametrize("around", ["[%s]", '{"@odata.context": "x", "value": [%s]}'])
def test_a_sample_that_ends_inside_a_character_is_one_of_larger_characters(around, blanks):
    records = [{"a": "ключ" * 100} for _ in range(400)]
    text = " " * blanks + around % ", ".join(json.dumps(record, ensure_ascii=False) for record in records)
    rows, report = converted(text)
    assert (rows, layout_of(report)) == (records, "envelope" if around.startswith("{") else "array")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
def test_all_of_a_json_may_stand_on_one_line_in_any_encoding(monkeypatch, encoding):
    monkeypatch.setattr(detect, "MAX_LINES_BYTES", detect.HEAD_BYTES)
    records = [{"a": number, "b": "x" * 100} for number in range(8_000)]
    rows, _ = converted(json.dumps(records).encode(encoding))
    assert rows == records


def test_the_report_names_what_stood_around_the_records():
    _, report = converted(
        '{"@odata.context": "$metadata#X", "@odata.count": 3, "value": [{"a": 1}], "@odata.nextLink": "p2"}'
    )
    told = {notice.code: notice.message for notice in report.warnings}
    assert "@odata.context = $metadata#X" in told["ENVELOPE"]
    assert told["COUNT_MISMATCH"] == "@odata.count announces 3 records, and 1 came."
    assert "MORE_PAGES" in told


def test_the_count_of_odata_v2_is_a_string_and_held_against_the_rows():
    _, report = converted('{"d": {"__count": "1", "results": [{"a": 1}]}}')
    assert [notice.code for notice in report.warnings] == ["ENVELOPE"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "cp1252"])
def test_every_encoding_of_json_is_read(encoding):
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    found, _ = converted(mark + '[{"Straße": "Köln"}, {"Straße": "Gößweinstein €"}]\n'.encode(encoding))
    assert found == [{"Straße": "Köln"}, {"Straße": "Gößweinstein €"}]


def test_blank_lines_are_counted():
    found, report = converted('{"a": 1}\n\n{"a": 2}\n  \n\n{"a": 3}\n')
    assert len(found) == 3
    assert report.rows.skipped == {"blank lines": 3}
    assert report.rows.balanced


def test_a_value_of_another_kind_makes_the_column_json_text():
    found, report = converted('[{"a": 1}, {"a": "x"}, {"a": {"b": 1.50}}, {}]')
    assert [row["a"] for row in found] == ["1", '"x"', '{"b": 1.50}', None]
    assert [notice.code for notice in report.warnings] == ["MIXED_KINDS"]
    assert report.columns[0].rule == "JSON text of number, object and string"


def test_a_name_that_stands_twice_loses_neither_value():
    found, report = converted('[{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}, {"a": 4}]')
    assert found[0]["a"] == 3
    assert found[0]["b"] == {"c": 2}
    assert json.loads(found[0]["_rescued"]) == {"a": [1], "b.c": [1]}
    assert found[1]["_rescued"] is None
    assert [notice.code for notice in report.warnings] == ["DUPLICATE_NAMES"]


def test_half_a_surrogate_pair_stays_an_escape():
    found, _ = converted('[{"a": "x\\ud83d"}, {"a": "\\ud83d\\ude00"}]')
    assert [row["a"] for row in found] == ['"x\\ud83d"', '"😀"']


def test_columns_stand_in_the_order_of_their_first_appearance():
    _, report = converted('[{"z": 1, "b": 2}, {"a": 3, "b": 4}]')
    assert [column.name for column in report.columns] == ["z", "b", "a"]


def test_an_empty_string_is_not_null_and_no_date():
    found, _ = converted('[{"a": "2026-10-31"}, {"a": ""}, {"a": null}]')
    assert [row["a"] for row in found] == ["2026-10-31", "", None]


def test_an_object_with_thousands_of_names_is_a_map():
    value = {f"k{number}": number for number in range(1500)}
    found, report = converted(json.dumps([{"map": value}]))
    assert json.loads(found[0]["map"]) == value
    assert report.columns[0].rule.startswith("JSON text of object")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('[{"a": 1},\n {"a": 2}', 2, 10),
        ('[{"a": 1},\n {"a": 02}]', 2, 9),
        ('[{"a": 1},\n]', 1, 10),
        ('[{"a": 1}\n {"a": 2}]', 2, 2),
        ('{"a": 1}\n{"a": NaN}\n', 2, 7),
        ('{"a": 1}\n{"ä": "x\n', 2, 9),
        ('{"a": 1}\n{"a": 2},\n', 2, 9),
        ('[{"a": 1} // x\n]', 1, 11),
        ("{'a': 1}", 1, 2),
        ("{a: 1}", 1, 2),
        ('{"a": 1,}', 1, 9),
        ('["a"]]', 1, 6),
        ('["a"}', 1, 5),
        ("[1,2", 1, 5),
        ("[True]", 1, 2),
        ('{"value": [{"a": 1}, {"a": 2]}', 1, 29),
        ('["\t"]', 1, 3),
    ],
)
def test_broken_json_is_refused_with_line_and_column(text, line, column):
    with pytest.raises(ConversionError) as raised:
        converted(text)
    assert raised.value.code == "BROKEN_FILE"
    assert raised.value.place.line == line
    assert f"at column {column}:" in raised.value.what
    assert raised.value.hint


def test_a_fault_far_behind_is_found_at_its_line():
    text = "".join(f'{{"a": {number}, "t": "{"x" * 50}"}}\n' for number in range(60_000)) + '{"a": 01}\n{"a": 2}\n'
    with pytest.raises(ConversionError) as raised:
        converted(text)
    assert (raised.value.code, raised.value.place.line) == ("BROKEN_FILE", 60_001)


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"a":' * 50_000, "[" * 5000 + "]" * 5000])
def test_nesting_without_end_has_a_code(text):
    with pytest.raises(ConversionError) as raised:
        converted(text)
    assert raised.value.code == "NESTED_TOO_DEEPLY"


def test_values_below_many_levels_are_json_text():
    text = '{"a":' * 60 + '"x"' + "}" * 60
    found, _ = converted(text)
    inner = found[0]
    while isinstance(inner, dict):
        inner = inner["a"]
    assert json.loads(inner)["a"]


@pytest.mark.parametrize(
    "text",
    ["[Header]\na;b\n1;2\n", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301};x\n{3F2504E0-4F89-11D3-9A0C-0305E82C3302};y\n"],
)
def test_other_texts_with_brackets_are_not_taken_for_json(text):
    _, report = converted(text)
    assert report.detection.format == "csv"


def test_options_of_the_encoding_are_kept(tmp_path):
    from ingestion.conversion import convert

    (tmp_path / "a.json").write_bytes('[{"a": "ł"}]'.encode("cp1250"))
    report = convert(tmp_path / "a.json", tmp_path / "a.parquet", options=Options(encoding="cp1250"))
    assert report.rows.loaded == 1


def test_records_of_hundreds_of_names_cost_what_they_hold_and_not_what_they_lack(tmp_path):
    lines = [f'{{"k{n % 400}":{{"a":{n},"b":[{n}]}}}}' for n in range(800)]
    rows, _ = converted("\n".join(lines), tmp_path)
    assert len(rows[0]) == 400
    for n, row in enumerate(rows):
        assert {name: value for name, value in row.items() if value is not None} == {f"k{n % 400}": {"a": n, "b": [n]}}
