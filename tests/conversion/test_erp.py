"""Every cell of exports in the ways of many ERP systems arrives as the value that it was written from."""

from __future__ import annotations

import io

import openpyxl
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from tests.conversion.erp import STYLES, export, printed

GERMAN = STYLES["SAP, German"]
SIZES = [5, 40, 700]


def check(tmp_path, content, made, *, names=None, skipped=None):
    """Convert and compare names, every value, and what was skipped."""
    (tmp_path / "export").write_bytes(content)
    report = convert(tmp_path / "export", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == (names or made.names)
    for name, values in zip(table.column_names, made.values, strict=True):
        assert table[name].to_pylist() == values, name
    if skipped is not None:
        assert report.rows.skipped == skipped
    return report


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_delimited_exports(tmp_path, style, rows):
    made = export(style, rows, seed=3)
    check(tmp_path, made.delimited(), made, skipped={})


@pytest.mark.parametrize("rows", SIZES)
def test_an_alv_list_with_titles_frames_and_a_total(tmp_path, rows):
    made = export(GERMAN, rows, seed=1, bars=False)
    lines, rule = printed(made, between="|", frame="|")
    total = (
        "|"
        + "|".join(("*" if not at else "").ljust(len(part)) for at, part in enumerate(lines[0][1:-1].split("|")))
        + "|"
    )
    listed = ["Anzeige der Belege", "", rule, lines[0], rule, *lines[1:], rule, total, rule]
    report = check(tmp_path, made.encoded(listed), made)
    assert report.rows.skipped["total lines"] == 1


@pytest.mark.parametrize("rows", SIZES)
def test_an_se16_list_that_repeats_its_heading_on_every_page(tmp_path, rows):
    made = export(GERMAN, rows, seed=2, bars=False)
    lines, rule = printed(made, between="|", frame="|")
    pages = []
    for first in range(1, len(lines), 20):
        pages += [
            "Tabelle:        BSEG",
            "Angezeigte Felder:   9 von   9",
            rule,
            lines[0],
            rule,
            *lines[first : first + 20],
            rule,
            "",
        ]
    check(tmp_path, made.encoded(pages), made)


@pytest.mark.parametrize("dashes", [False, True], ids=["blanks", "dashes"])
@pytest.mark.parametrize("rows", SIZES)
def test_fixed_columns(tmp_path, rows, dashes):
    made = export(GERMAN, rows, seed=4)
    made.names = [name.replace(" ", "_") for name in made.names]
    lines, _ = printed(made)
    widths = [max(map(len, [name, *texts])) for name, texts in zip(made.names, made.texts, strict=True)]
    if dashes:
        lines.insert(1, "  ".join("-" * width for width in widths))
    check(tmp_path, made.encoded([line.rstrip() for line in lines]), made)


@pytest.mark.parametrize("rows", SIZES)
def test_titles_above_and_a_total_below(tmp_path, rows):
    made = export(GERMAN, rows, seed=5)
    table = [made.line(made.names), *map(made.line, made.rows())]
    pad = ";" * (len(made.names) - 1)
    content = made.encoded(["Offene Posten" + pad, pad, *table, pad, "Summe;;;;;1.234,00;;;"])
    check(tmp_path, content, made, skipped={"title lines": 2, "blank lines": 1, "total lines": 1})


@pytest.mark.parametrize("rows", SIZES)
def test_pages_that_repeat_the_header(tmp_path, rows):
    made = export(GERMAN, rows, seed=6)
    lines = list(map(made.line, made.rows()))
    pages = [line for first in range(0, rows, 25) for line in (made.line(made.names), *lines[first : first + 25])]
    repeated = (rows - 1) // 25
    check(tmp_path, made.encoded(pages), made, skipped={"repeated headers": repeated} if repeated else {})


@pytest.mark.parametrize("rows", SIZES)
def test_a_second_header_line_of_units(tmp_path, rows):
    made = export(GERMAN, rows, seed=7)
    units = ["", "", "", "", "ST", "EUR", "", "EUR", ""]
    names = [f"{name} {unit}".strip() for name, unit in zip(made.names, units, strict=True)]
    content = made.encoded([made.line(made.names), ";".join(units), *map(made.line, made.rows())])
    check(tmp_path, content, made, names=names)


@pytest.mark.parametrize("rows", SIZES)
def test_a_workbook_with_titles_years_and_a_total(tmp_path, rows):
    made = export(GERMAN, rows, seed=8)
    made.names = [*made.names[:4], "2022", "2023", "2024", "2025", "2026"]
    made.values[6] = made.values[4]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Umsatz je Jahr"])
    sheet.append([])
    sheet.append([int(name) if name.isdecimal() else name for name in made.names])
    for row in zip(*made.values, strict=True):
        sheet.append([float(cell) if hasattr(cell, "as_tuple") else cell for cell in row])
    sheet.append([])
    sheet.append(["Summe", None, None, None, 1234.5])
    file = io.BytesIO()
    book.save(file)
    check(tmp_path, file.getvalue(), made)


@pytest.mark.parametrize("rows", SIZES)
def test_a_web_page_that_calls_itself_xls(tmp_path, rows):
    made = export(GERMAN, rows, seed=9)
    cells = [made.names, *made.rows()]
    body = "".join("<tr>" + "".join(f"<td>{c.replace('&', '&amp;')}</td>" for c in row) + "</tr>" for row in cells)
    check(tmp_path, f'<html><meta charset="utf-8"><body><table>{body}</table></body></html>'.encode(), made)
