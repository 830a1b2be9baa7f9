""".ods read by vectors, which gives the cells that the exact reader gives, and what only the exact one takes."""

import io
import random

import pytest

from ingestion.conversion.formats.books import ods as book
from ingestion.conversion.formats.books import odsfast
from ingestion.conversion.formats.books.cells import POOLED, Grid
from ingestion.conversion.formats.books.xmlstream import SkippingParser
from tests.conversion.formats.workbooks import OFFICE, loaded, ods

STRING = 'office:value-type="string" calcext:value-type="string"'
CELLS = [
    f"<table:table-cell {STRING}><text:p>00123</text:p></table:table-cell>",
    f"<table:table-cell {STRING}><text:p>Müller &amp; &lt;Söhne&gt;</text:p></table:table-cell>",
    f"<table:table-cell {STRING}><text:p/></table:table-cell>",
    f'<table:table-cell {STRING} office:string-value="said">\n <text:p>shown</text:p>\n </table:table-cell>',
    f'<table:table-cell {STRING} office:string-value="a &quot;b&quot; it\'s"/>',
    f"<table:table-cell {STRING}><text:p>one</text:p><text:p>two</text:p></table:table-cell>",
    f'<table:table-cell {STRING}><text:p>a<text:s text:c="3"/>b<text:tab/>c<text:line-break/>d</text:p></table:table-cell>',
    f'<table:table-cell {STRING}><text:p>x<text:span text:style-name="T1">y</text:span> <text:a>z</text:a></text:p></table:table-cell>',
    f"<table:table-cell {STRING}><office:annotation><text:p>note</text:p></office:annotation><text:p>x</text:p></table:table-cell>",
    '<table:table-cell office:value-type="float" office:value="1.5" calcext:value-type="float"><text:p>1,50</text:p></table:table-cell>',
    '<table:table-cell office:value-type="float" office:value="12345678901234567890"><text:p>1.2E19</text:p></table:table-cell>',
    '<table:table-cell office:value-type="float" office:value="1.23456789012345678"><text:p>1,2</text:p></table:table-cell>',
    '<table:table-cell office:value-type="float" office:value="42"><text:p>00042</text:p></table:table-cell>',
    '<table:table-cell office:value-type="percentage" office:value="0.19"><text:p>19 %</text:p></table:table-cell>',
    '<table:table-cell office:value-type="currency" office:currency="EUR" office:value="-5"/>',
    '<table:table-cell office:value-type="date" office:date-value="2026-10-31"/>',
    '<table:table-cell office:value-type="date" office:date-value="2026-02-30"/>',
    '<table:table-cell office:value-type="date" office:date-value="0000-01-01"/>',
    '<table:table-cell office:value-type="date" office:date-value="2026-10-31T23:59:59.5"/>',
    '<table:table-cell office:value-type="time" office:time-value="PT36H15M00S"/>',
    '<table:table-cell office:value-type="boolean" office:boolean-value="true"/>',
    '<table:table-cell office:value-type="void"><text:p>?</text:p></table:table-cell>',
    '<table:table-cell table:formula="of:=1/0" office:value-type="string"><text:p>#DIV/0!</text:p></table:table-cell>',
    '<table:table-cell table:formula="of:=X" office:value-type="float" office:value="0" calcext:value-type="error"/>',
    '<table:table-cell table:formula="of:=[.A1]&gt;2"/>',
    '<table:table-cell table:formula="of:=&quot;Era&quot;" office:value-type="string"><text:p>Era</text:p></table:table-cell>',
    "<table:table-cell/>",
    "<table:table-cell><text:p>no type</text:p></table:table-cell>",
    "<table:covered-table-cell/>",
    f"<table:covered-table-cell {STRING}><text:p>below</text:p></table:covered-table-cell>",
    '<table:table-cell table:number-columns-repeated="3"/>',
    '<table:table-cell table:number-columns-repeated="2" office:value-type="float" office:value="7"/>',
]


def gathered(content, *, fast, wanted=None):
    """Return the tables of a document and the cells of one, with or without vectors."""
    reader = book._Reader(wanted)
    if not fast:
        reader.skip = lambda data: False
    SkippingParser(reader, "table:table", "table:table-row").parse(io.BytesIO(content))
    sheet = reader.cells.flush()
    grid = Grid(sheet)
    texts = grid.texts.to_pylist()
    columns = [grid.column(at) for at in grid.columns]
    return reader.tables, [
        (int(row), col, int(kind), texts[int(value)] if kind in POOLED else float(value))
        for col, block in zip(grid.columns, columns, strict=True)
        for row, kind, value in zip(block.rows, block.kinds, block.values, strict=True)
    ]


def document(*tables):
    named = "".join(f'<table:table table:name="T{at}">{rows}</table:table>' for at, rows in enumerate(tables))
    return f'<?xml version="1.0"?><office:spreadsheet {OFFICE}>{named}</office:spreadsheet>'.encode()


def some_rows(chance, count):
    rows = []
    for _ in range(count):
        repeated = chance.choice(["", "", "", ' table:number-rows-repeated="2"'])
        cells = "".join(chance.choices(CELLS, k=chance.randint(0, 9)))
        rows.append(
            f"<table:table-row{repeated}>{cells}</table:table-row>" if cells else f"<table:table-row{repeated}/>"
        )
    return "\n".join(rows)


@pytest.mark.parametrize("seed", range(20))
def test_vectors_and_the_exact_reader_give_the_same_cells(seed):
    chance = random.Random(seed)
    content = document(some_rows(chance, 40), some_rows(chance, 40))
    for wanted in (None, 0, 1):
        assert gathered(content, fast=True, wanted=wanted) == gathered(content, fast=False, wanted=wanted)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "annotation" not in cell])
def test_each_usual_form_is_read_by_vectors(cell):
    assert odsfast.read_rows(f"<table:table-row>{cell}</table:table-row>".encode(), 0) is not None


@pytest.mark.parametrize(
    "unusual",
    [
        "<table:table-row><table:table-cell office:value-type='float' office:value='1'/></table:table-row>",
        '<table:table-row><table:table-cell table:formula="a>b" office:value-type="float"/></table:table-row>',
        '<table:table-row><table:table-cell office:value-type="float" office:value="nan"/></table:table-row>',
        '<table:table-row><table:table-cell office:value="1"office:value-type="float"/></table:table-row>',
        '<table:table-row><table:table-cell x:value-type="float" office:value="1"/></table:table-row>',
        '<table:table-row><table:table-cell office:value="1" office:value="2"/></table:table-row>',
        '<table:table-row><table:table-cell table:number-columns-repeated="17000"><text:p>x</text:p></table:table-cell></table:table-row>',
        "<table:table-row><table:table-cell><text:p><text:ruby>x</text:ruby></text:p></table:table-cell></table:table-row>",
        "<table:table-row><table:table-cell>",
        "<table:table-rows/>",
    ],
)
def test_what_is_written_otherwise_is_left_to_the_exact_reader(unusual):
    assert odsfast.read_rows(unusual.encode(), 0) is None


def test_rows_that_only_a_comment_holds_are_none():
    row = f"<table:table-row>{CELLS[0]}</table:table-row>"
    content = document(f"<!-- {row} -->{row}<!-- {row * 3} -->")
    assert gathered(content, fast=True)[1] == [(0, 0, 1, "00123")]


def test_a_group_of_rows_costs_only_the_rows_about_its_edges(monkeypatch):
    row = f"<table:table-row>{CELLS[0] * 5}</table:table-row>"
    content = document(f"{row * 2000}<table:table-row-group>{row * 2000}</table:table-row-group>{row * 2000}")
    taken = []
    read = odsfast.read_rows

    def counted(data, first):
        found = read(data, first)
        taken.append(found.count if found else 0)
        return found

    monkeypatch.setattr(odsfast, "read_rows", counted)
    assert len(gathered(content, fast=True)[1]) == 6000 * 5
    assert sum(taken) > 5900


def test_blanks_between_a_cells_elements_are_no_part_of_its_text(tmp_path):
    cell = "<table:table-cell {kind}>\n   <text:p>{text}</text:p>\n  </table:table-cell>"
    note = "<office:annotation><text:p>a remark</text:p></office:annotation>"  # which only the exact reader takes
    rows = [
        f"<table:table-row>{cell.format(kind=STRING, text='a')}</table:table-row>",
        f"<table:table-row>{cell.format(kind=STRING, text='x').replace('<text:p>', note + '<text:p>', 1)}</table:table-row>",
        f"<table:table-row>{cell.format(kind=STRING, text='y')}</table:table-row>",
    ]
    table, _ = loaded(tmp_path, ods("".join(rows)))
    assert table.to_pydict() == {"a": ["x", "y"]}
