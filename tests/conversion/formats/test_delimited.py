"""Files of many blocks: whatever stands anywhere in them arrives, and one cell decides its whole column."""

from __future__ import annotations

import csv
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.plan import Checks
from ingestion.conversion.formats import blocks
from ingestion.conversion.typing.render import render
from ingestion.errors import DataBridgeError

HEADER = "doc,price,when,text\n"
LINES = [f'{n},{n}.50,2026-10-{n % 28 + 1:02d},"line {n}, ""x"""\n' for n in range(1, 3001)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Cut small blocks, so that a small file has many."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8 << 10)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 1 << 10)


def loaded(tmp_path, text: str | bytes, **options):
    source = tmp_path / "source.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    report = convert(source, tmp_path / "out.parquet", options=Options(**options))
    return pq.read_table(tmp_path / "out.parquet"), report


def test_clean_columns_of_a_large_file_get_their_types(tmp_path):
    table, report = loaded(tmp_path, HEADER + "".join(LINES))
    assert [str(field.type) for field in table.schema] == ["int64", "decimal128(9, 2)", "date32[day]", "string"]
    assert table["doc"].to_pylist() == list(range(1, 3001))
    assert table["text"][2999].as_py() == 'line 3000, "x"'
    assert report.rows.read == report.rows.loaded == 3000
    assert report.warnings == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r", "\n,"])
def test_no_block_ends_at_a_line_end_behind_an_escaped_quote(tmp_path, end, inside):
    texts = [f'{"x" * (n % 7)} "as {n}"{inside}"agreed"' for n in range(1000)]
    lines = ["id,text", *('{},"{}"'.format(n, text.replace('"', '\\"')) for n, text in enumerate(texts))]
    table, report = loaded(tmp_path, end.join(lines) + end)
    assert table.to_pydict() == {"id": list(range(1000)), "text": texts}
    assert report.warnings == ()


@pytest.mark.parametrize("at", [1500, 2999])
@pytest.mark.parametrize(
    ("column", "cell", "kind"),
    [
        ("doc", "000123", "string"),
        ("doc", "NA", "string"),
        ("doc", "12E5", "string"),
        ("doc", "0x1F", "string"),
        ("doc", "-0", "string"),
        ("doc", "+49", "string"),
        ("doc", "9223372036854775808", "decimal128(38, 0)"),
        ("doc", "12.5", "decimal128(9, 1)"),
        ("doc", " 12", "int64"),
        ("doc", '""', "int64"),
        ("price", "1e3", "string"),
        ("price", ".50", "string"),
        ("price", "7", "decimal128(9, 2)"),
        ("price", "1.125", "decimal128(9, 3)"),
        ("price", "123456789.00", "decimal128(18, 2)"),
        ("when", "2026-02-30", "string"),
        ("when", "2026-10-31 ", "date32[day]"),
    ],
)
def test_one_cell_deep_in_a_file_decides_its_column_and_nothing_is_lost(tmp_path, at, column, cell, kind):
    names = HEADER.strip().split(",")
    lines = list(LINES)
    cells = lines[at].rstrip("\n").split(",", 3)
    cells[names.index(column)] = cell
    lines[at] = ",".join(cells) + "\n"
    table, report = loaded(tmp_path, HEADER + "".join(lines))
    assert str(table.schema.field(column).type) == kind
    expected = next(csv.reader([lines[at]]))
    found = table.slice(at, 1).to_pylist()[0]
    told = next(fact for fact in report.columns if fact.name == column)
    if kind == "string":
        assert table[column].to_pylist() == [row[names.index(column)] for row in csv.reader(lines)]
    else:
        wanted = expected[names.index(column)].strip()
        assert (found[column] is None) if not wanted else (pa.scalar(wanted).cast(told.type).as_py() == found[column])
    assert report.rows.loaded == 3000
    if kind not in {"int64", "date32[day]"} and (column, cell) != ("price", "7"):
        widening = told.widened[-1]
        assert (widening.line, widening.text) == (sum(map(line_ends, lines[:at])) + 2, expected[names.index(column)])
        assert f"line {widening.line:,}" in told.note


def line_ends(text):
    return text.count("\n")


def test_a_row_with_too_many_cells_late_in_the_file_keeps_them_all(tmp_path):
    lines = [*LINES[:2500], "7,7.50\n", '8,8.50,2026-10-08,t,extra,"1,5"\n', *LINES[2500:]]
    table, report = loaded(tmp_path, HEADER + "".join(lines))
    assert table["price"].type == pa.decimal128(9, 2)
    assert table.slice(2500, 1).to_pylist()[0] | {"price": None} == {
        "doc": 7,
        "price": None,
        "when": None,
        "text": None,
        "_rescued": None,
    }
    assert json.loads(table["_rescued"][2501].as_py()) == ["extra", "1,5"]
    assert table["_rescued"].null_count == 3001
    assert {notice.code: notice.lines for notice in report.warnings} == {"SHORT_ROWS": (2502,), "LONG_ROWS": (2503,)}


def test_the_order_of_day_and_month_may_be_proven_late(tmp_path):
    lines = ["01/02/2026,a\n"] * 2000 + ["13/02/2026,a\n"] + ["01/02/2026,a\n"] * 1000
    table, report = loaded(tmp_path, "when,x\n" + "".join(lines))
    assert table["when"].type == pa.date32()
    assert table["when"][0].as_py().isoformat() == "2026-02-01"
    assert report.warnings == ()


def test_an_order_never_proven_stays_text_with_a_warning(tmp_path):
    table, report = loaded(tmp_path, "when,x\n" + "01/02/2026,a\n" * 3000)
    assert table["when"].type == pa.string()
    assert [notice.code for notice in report.warnings] == ["AMBIGUOUS_DATE"]


def test_a_column_filled_only_at_the_end_gets_its_type(tmp_path):
    table, _ = loaded(tmp_path, "a,b\n" + "x,\n" * 6000 + "x,5\n" + "x,\n" * 6000)
    assert table["b"].type == pa.int64()
    assert table["b"].null_count == 12_000


def test_line_ends_in_quotes_never_cut_a_record(tmp_path):
    lines = [f'{n},"first {n}\nsecond\n\nthird"\n' for n in range(3000)]
    table, _ = loaded(tmp_path, "n,text\n" + "".join(lines))
    assert table.num_rows == 3000
    assert table["text"][1234].as_py() == "first 1234\nsecond\n\nthird"


def test_inch_marks_inside_cells_are_text(tmp_path):
    lines = [f'{n},pipe {n}" long,"a\nb"\n' if n % 3 else f'{n},bar,"c ""d"""\n' for n in range(1, 3001)]
    table, _ = loaded(tmp_path, "n,text,more\n" + "".join(lines))
    assert table.num_rows == 3000
    assert table["text"][0].as_py() == 'pipe 1" long'
    assert table["more"][2].as_py() == 'c "d"'


@pytest.mark.parametrize("end", ["\n", ""])
def test_total_lines_at_the_end_of_a_large_file_are_counted_not_loaded(tmp_path, end):
    table, report = loaded(tmp_path, HEADER + "".join(LINES) + "Total,4501500.00,,\nGrand total,,," + end)
    assert table.num_rows == 3000
    assert report.rows.skipped == {"total lines": 2}
    assert table["doc"].type == pa.int64()


def test_a_record_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 100_000)
    with pytest.raises(DataBridgeError) as caught:
        loaded(tmp_path, HEADER + "".join(LINES) + "1," + "9" * 300_000)
    assert caught.value.code == "RECORD_TOO_LONG"
    assert not (tmp_path / "out.parquet").exists()


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    table, report = loaded(tmp_path, HEADER)
    assert table.schema.names == HEADER.strip().split(",")
    assert table.num_rows == report.rows.read == 0


cell = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-10_000, 10_000, places=2).map(str),
    st.dates().map(str),
    st.text(st.sampled_from('aÄß;,."\n 0-5Ee+'), max_size=6),
    st.sampled_from(["", "NA", "null", "007", "1.234", "true", "20261031", "31.10.2026", "1.234,56-", "0x1F", "1e3"]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(cell, cell, st.text("xyz", min_size=1, max_size=3)), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([0, 400]),
)
def test_every_cell_can_be_read_back_from_its_value_or_its_text(tmp_path, odd, encoding, newline, before):
    rows = [(str(n), f"{n}.25", "common") for n in range(before)] + odd + [("5", "6.75", "common")] * 300
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    # Random letters are no words, so nothing tells their code page.
    named = {"encoding": encoding} if encoding == "cp1252" else {}
    table, report = loaded(tmp_path, text.getvalue().encode(encoding), **named)
    assert report.rows.loaded == len(rows)
    for index, fact in enumerate(report.columns):
        for row, value in zip(rows, table[fact.name].to_pylist(), strict=True):
            assert gives_back(value, row[index], fact)


def gives_back(value, text: str, fact) -> bool:
    """Render a value by the column's rule and compare it with the cell; the recorded normalisations apply."""
    if value is None:
        return text.strip() == "" if not pa.types.is_string(fact.type) else text == ""
    if pa.types.is_string(fact.type):
        return value == text
    text = text.strip()
    if pa.types.is_decimal(fact.type) and fact.type.scale:
        point = "," if re.search(r"\bcomma\b", fact.rule) else "."
        return without_zeros_behind(render(fact.rule, value), point) == without_zeros_behind(text, point)
    return {"date YYYYMMDD": "{:%Y%m%d}", "date DD.MM.YYYY": "{:%d.%m.%Y}"}.get(fact.rule, "{}").format(value) == text


def without_zeros_behind(amount: str, point: str) -> str:
    """Drop the fraction's last zeros: a column's scale fills them, and its rule says so."""
    return re.sub(rf"{re.escape(point)}?0*(?=[^0-9.,]*$)", "", amount) if point in amount else amount


def test_only_zeros_behind_the_decimal_sign_are_dropped():
    assert without_zeros_behind("1.200", ",") == "1.200"
    assert without_zeros_behind("1.200,50-", ",") == without_zeros_behind("1.200,5-", ",") != "1.2,5-"
    assert without_zeros_behind("3.00", ".") == without_zeros_behind("3", ".")


def test_a_line_drawn_with_one_sign_is_no_row_of_empty_cells(tmp_path):
    table, _ = loaded(tmp_path, "x" + "~" * 70_000)
    assert table.num_columns == 1


def test_a_blank_row_above_the_total_belongs_to_the_end(tmp_path):
    table, report = loaded(tmp_path, "konto;betrag;text\n0001;1,50;a\n0002;2,50;b\n;;\nSumme;4,00;\n")
    assert table["konto"].to_pylist() == ["0001", "0002"]
    assert report.rows.skipped == {"blank lines": 1, "total lines": 1}


def test_a_row_of_units_is_part_of_the_header_whatever_is_below_it(tmp_path):
    table, _ = loaded(tmp_path, "key;menge;rabatt\n;ST;EUR\n0001;1,50;\n0002;2,50;\n")
    assert table.column_names == ["key", "menge ST", "rabatt EUR"]
    assert str(table.schema.field("menge ST").type) == "decimal128(3, 2)"


def test_a_comma_in_one_of_two_lines_is_no_delimiter(tmp_path):
    table, _ = loaded(tmp_path, "doc~item~text~amount\n0001~A-1~bolt, zinc~5.50-\n")
    assert table.num_rows == 1
    assert table.column_names == ["doc", "item", "text", "amount"]


def test_a_doubled_delimiter_stays_one_beside_empty_cells(tmp_path):
    table, _ = loaded(tmp_path, "a||b||c||d\n" + "".join(f"{n}||||x||\n" for n in range(9)))
    assert table.column_names == ["a", "b", "c", "d"]
    assert table.num_rows == 9


def test_a_quote_that_is_never_closed_costs_no_row_of_a_large_file(tmp_path):
    lines = [f'{n};"name {n}"\n' for n in range(3_000)]
    lines[1_500] = '1500;"name 1500\n'
    table, report = loaded(tmp_path, "id;name\n" + "".join(lines))
    assert table["id"].to_pylist() == list(range(3_000))
    assert table["name"][1_500].as_py() == '"name 1500'
    assert report.rows.loaded == 3_000


def test_the_header_of_a_joined_file_is_a_repeated_one_in_spite_of_its_mark(tmp_path):
    part = "id;name\n0001;A\n".encode("utf-8-sig")
    table, report = loaded(tmp_path, part + part.replace(b"0001;A", b"0002;B"))
    assert table.to_pylist() == [{"id": "0001", "name": "A"}, {"id": "0002", "name": "B"}]
    assert report.rows.skipped == {"repeated headers": 1}


@pytest.mark.parametrize(
    ("header", "odd", "kind"),
    [("key,n,price", "--,,", "rule lines"), ("key,2025,2026", "key,2025,2026", "repeated headers")],
)
def test_a_row_that_is_none_is_told_alike_in_every_block_and_moves_no_reject(tmp_path, header, odd, kind):
    rows = [f"k{n},{n},{n}.50" if header.startswith("key,n") else f"k{n},{n},{n}" for n in range(3000)]
    rows[1500], rows[1510] = odd, rows[1510].replace(",1510,", ",-1510,")
    (tmp_path / "in.csv").write_text("\n".join([header, *rows]) + "\n")
    rule = {"kind": "range", "column": header.split(",")[1], "min": 0}
    report = convert(tmp_path / "in.csv", tmp_path / "out.parquet", checks=Checks.of({"rules": [rule]}))
    assert report.rows.skipped == {kind: 1}
    assert [(reject.line, json.loads(reject.raw)["key"], reject.value) for reject in report.rejects] == [
        (1512, "k1510", "-1510")
    ]
    assert pq.read_table(tmp_path / "out.parquet")["key"].to_pylist() == [
        f"k{n}" for n in range(3000) if n not in {1500, 1510}
    ]


def test_a_mark_in_front_of_a_value_is_kept_and_told(tmp_path):
    table, report = loaded(tmp_path, b"\xef\xbb\xbfid;n\n1;5\n\xef\xbb\xbf2;6\n3;7\n")
    assert table["id"].to_pylist() == ["1", "\ufeff2", "3"]
    assert report.columns[0].widened[0].line == 3


def test_subtotals_between_the_rows_are_loaded_and_told(tmp_path):
    rows = "konto;text;betrag\n0001;a;1,00\nZwischensumme;;1,00\n0002;Total Energies;4,00\nTotal Energies;b;5,00\nSumme;;9,00\n"
    table, report = loaded(tmp_path, rows)
    assert table["konto"].to_pylist() == ["0001", "Zwischensumme", "0002", "Total Energies"]
    assert [notice.lines for notice in report.warnings if notice.code == "TOTAL_KEPT"] == [(3,)]
    assert report.rows.skipped == {"total lines": 1}
