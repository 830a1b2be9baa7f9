"""What ERP systems call .xls although it is HTML, a web archive, XML Spreadsheet 2003 or plain text."""

from __future__ import annotations

import datetime as dt
import quopri
from decimal import Decimal

import pytest

from ingestion.conversion.errors import BrokenFile, ConversionError, NoRows, UnknownFormat
from tests.conversion.formats.workbooks import codes, loaded

# ---- HTML ----

SAP = """<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>
<p>Offene Posten</p>
<table border=1><tr><td><b>Material</b></td><td>Betrag</td><td>Datum</td><td>Text</td></tr>
<tr><td>000000000000012345<td align=right>1.234,56-<td>31.10.2026<td>Stra&szlig;e&nbsp;5<br>Hof</tr>
<tr><td>000000000000000007<td align=right>0,10<td>01.11.2026<td>a &amp; b</tr>
</table></body></html>"""


def test_a_table_of_a_web_page_is_typed_as_text_is(tmp_path):
    table, report = loaded(tmp_path, SAP.encode())
    assert report.detection.format == "html"
    assert table.to_pylist() == [
        {
            "Material": "000000000000012345",
            "Betrag": Decimal("-1234.56"),
            "Datum": dt.date(2026, 10, 31),
            "Text": "Straße\u00a05\nHof",
        },
        {"Material": "000000000000000007", "Betrag": Decimal("0.10"), "Datum": dt.date(2026, 11, 1), "Text": "a & b"},
    ]


@pytest.mark.parametrize(
    ("said", "codec"),
    [
        ("windows-1252", "cp1252"),
        ("iso-8859-1", "cp1252"),
        ("utf-8", "utf-8"),
        ("utf-16", "utf-16"),
        ("Shift_JIS", "cp932"),
    ],
)
def test_a_page_says_its_encoding(tmp_path, said, codec):
    text = "請求書" if codec == "cp932" else "Größe"
    page = f'<html><meta charset="{said}"><table><tr><th>{text}</th></tr><tr><td>1</td></tr></table></html>'
    assert loaded(tmp_path, page.encode(codec))[0].to_pylist() == [{text: 1}]


def test_the_attributes_of_excels_own_html_count(tmp_path):
    page = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><style>.t {mso-number-format:"\\@";}</style>
    <table><tr><td>key</td><td>n</td><td>k2</td><td>k3</td></tr>
    <tr><td x:str>12</td><td x:num="1234.5678">1.234,57</td><td class=t>13</td><td style='mso-number-format:"\\@"'>14</td></tr>
    <tr><td x:str>15</td><td x:num>2</td><td class=t>16</td><td style='mso-number-format:"\\@"'>17</td></tr></table></html>"""
    table, _ = loaded(tmp_path, page.encode())
    assert table.to_pylist()[0] == {"key": "12", "n": Decimal("1234.5678"), "k2": "13", "k3": "14"}


def test_cells_that_span_leave_the_others_in_their_columns(tmp_path):
    page = """<table><tr><th>a</th><th>b</th><th>c</th></tr>
    <tr><td rowspan=2>x</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>
    <tr><td>y</td><td colspan=2>5</td></tr></table>"""
    assert [tuple(row.values()) for row in loaded(tmp_path, page.encode())[0].to_pylist()] == [
        ("x", 1, 2),
        (None, 3, 4),
        ("y", 5, None),
    ]


def test_the_largest_table_is_loaded_and_the_others_can_be_chosen(tmp_path):
    page = """<html><table><tr><td>menu</td></tr></table><table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr>
    </table></html>"""
    table, report = loaded(tmp_path, page.encode())
    assert table.to_pylist() == [{"a": 1, "b": 2}]
    assert codes(report) == ["SHEETS_NOT_READ"]
    assert loaded(tmp_path, page.encode(), sheet="table 1")[0].num_rows <= 1


def test_tables_inside_cells_are_tables_of_their_own(tmp_path):
    inner = "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"
    page = f"<html><table><tr><td>{inner}</td></tr></table></html>"
    assert loaded(tmp_path, page.encode())[0].to_pylist() == [{"a": 1, "b": 2}]


def test_an_error_that_excel_marks_sets_its_row_aside(tmp_path):
    page = "<table><tr><td>a</td></tr><tr><td x:err='#N/A'>#N/A</td></tr><tr><td>1</td></tr></table>"
    table, report = loaded(tmp_path, page.encode())
    assert table.to_pylist() == [{"a": 1}]
    assert report.rejects[0].cell == "A2"


def test_a_page_without_a_table_is_named_by_its_title(tmp_path):
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>...</form></body></html>"
    with pytest.raises(NoRows, match="'Sign in'"):
        loaded(tmp_path, page.encode())


def test_scripts_and_styles_are_no_text(tmp_path):
    page = "<table><tr><td>a<script>var x='<td>';</script></td></tr><tr><td>1<style>b{}</style></td></tr></table>"
    assert loaded(tmp_path, page.encode())[0].to_pylist() == [{"a": 1}]


def test_a_page_of_endless_spans_is_answered(tmp_path):
    page = "<table>" + "<tr><td colspan=999999 rowspan=999999>x</td><td>y</td></tr>" * 200 + "</table>"
    with pytest.raises(ConversionError):
        loaded(tmp_path, (page + "<table><tr><td colspan=1000>1" + "<td colspan=1000>2" * 40).encode(), sheet="no")


# ---- MHTML ----


def archive(*pages, coding="quoted-printable"):
    parts = "".join(
        f"------=_Next\r\nContent-Location: file:///C:/sheet{n}.htm\r\nContent-Transfer-Encoding: {coding}\r\n"
        f'Content-Type: text/html; charset="utf-8"\r\n\r\n{quopri.encodestring(page.encode()).decode()}\r\n'
        for n, page in enumerate(pages)
    )
    return (
        'MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related; boundary="----=_Next"\r\n'
        f"\r\nThis document is a Single File Web Page.\r\n\r\n{parts}------=_Next--\r\n"
    ).encode()


def test_a_web_archive_is_read_with_all_its_pages(tmp_path):
    frame = "<html><frameset><frame src='sheet1.htm'></frameset></html>"
    page = "<html><table><tr><td>Größe</td><td>Betrag</td></tr><tr><td>0012</td><td>1,50</td></tr></table></html>"
    table, report = loaded(tmp_path, archive(frame, page))
    assert report.detection.format == "mhtml"
    assert table.to_pylist() == [{"Größe": "0012", "Betrag": Decimal("1.50")}]


def test_a_web_archive_without_a_table_is_named(tmp_path):
    with pytest.raises(NoRows):
        loaded(tmp_path, archive("<html><p>nothing</p></html>"))


# ---- XML Spreadsheet 2003 ----


def spreadsheet(rows, *, head='<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', more=""):
    return (
        f'{head}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel">'
        f'<Worksheet ss:Name="Data"><Table ss:ExpandedColumnCount="9" ss:ExpandedRowCount="999999">{rows}</Table></Worksheet>{more}</Workbook>'
    ).encode()


def data(kind, text, **more):
    attributes = "".join(f' ss:{name}="{told}"' for name, told in more.items())
    return f'<Cell{attributes}><Data ss:Type="{kind}">{text}</Data></Cell>'


def test_xml_spreadsheet_has_every_kind_of_cell(tmp_path):
    names = "".join(data("String", name) for name in "abcdef")
    rows = (
        f"<Row>{names}</Row><Row>{data('String', '00123')}{data('Number', '1.10')}{data('Boolean', '1')}"
        f"{data('DateTime', '2026-10-31T00:00:00.000')}{data('DateTime', '2026-10-31T08:30:00.000')}"
        f"{data('Number', '12345678901234567')}</Row>"
        f'<Row ss:Index="5">{data("String", "x", Index="1")}{data("Number", "2", Index="2")}</Row>'
        f"<Row>{data('String', 'y')}{data('Error', '#N/A')}</Row>"
        f'<Row>{data("String", "z")}<Cell ss:Formula="=R1C1"/></Row>'
    )
    table, report = loaded(tmp_path, spreadsheet(rows))
    assert report.detection.format == "xml-spreadsheet"
    assert list(table.to_pylist()[0].values()) == [
        "00123",
        Decimal("1.1"),
        True,
        dt.date(2026, 10, 31),
        dt.datetime(2026, 10, 31, 8, 30),  # noqa: DTZ001
        12345678901234567,
    ]
    assert table["a"].to_pylist() == ["00123", "x"]
    assert report.rows.skipped == {"blank rows": 2}
    assert [(reject.cell, reject.code) for reject in report.rejects] == [
        ("B6", "EXCEL_ERROR_CELL"),
        ("B7", "FORMULA_WITHOUT_VALUE"),
    ]


def test_zeros_that_a_style_of_xml_spreadsheet_shows_are_kept(tmp_path):
    styles = '<Styles><Style ss:ID="s1"><NumberFormat ss:Format="00000"/></Style><Style ss:ID="s2"/></Styles>'
    rows = f"<Row>{data('String', 'zip')}{data('String', 'n')}</Row>" + "".join(
        f"<Row>{data('Number', zip_code, StyleID='s1')}{data('Number', '5', StyleID='s2')}</Row>"
        for zip_code in ("1067", "99084")
    )
    content = spreadsheet(rows).replace(b"<Worksheet", styles.encode() + b"<Worksheet", 1)
    assert loaded(tmp_path, content)[0].to_pylist() == [{"zip": "01067", "n": 5}, {"zip": "99084", "n": 5}]


def test_merged_and_hidden_parts_of_xml_spreadsheet(tmp_path):
    hidden = (
        '<Worksheet ss:Name="Secret"><Table><Row><Cell><Data ss:Type="String">s</Data></Cell></Row></Table>'
        '<WorksheetOptions xmlns="urn:schemas-microsoft-com:office:excel"><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet>'
    )
    rows = f"<Row>{data('String', 'a', MergeAcross=1)}{data('String', 'c')}</Row><Row>{data('Number', '1')}{data('Number', '2')}{data('Number', '3')}</Row>"
    table, report = loaded(tmp_path, spreadsheet(rows, more=hidden))
    assert [tuple(row.values()) for row in table.to_pylist()] == [(1, 2, 3)]
    assert '"Secret" (hidden)' in report.warnings[-1].message


@pytest.mark.parametrize(
    "content",
    [
        spreadsheet("<Row><Cell>"),
        spreadsheet("", head='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "1">]>'),
        spreadsheet(f'<Row ss:Index="99999999">{data("Number", "1")}</Row>'),
        spreadsheet(f"<Row>{data('String', 'a')}</Row>")[:-60],
    ],
    ids=["open tags", "entities", "no such row", "cut off"],
)
def test_xml_that_cannot_be_is_a_broken_file(tmp_path, content):
    with pytest.raises(BrokenFile):
        loaded(tmp_path, content)


def test_other_xml_is_named_as_such(tmp_path):
    with pytest.raises(UnknownFormat, match="XML"):
        loaded(tmp_path, b'<?xml version="1.0"?><orders><order id="1"/></orders>')


# ---- text ----


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"a"\r\nC;Y2;X1;K5\r\nE\r\n', "SYLK"),
        (b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\nDATA\r\n0,0\r\n""\r\n', "DIF"),
    ],
)
def test_exchange_formats_are_named_and_not_taken_for_text(tmp_path, content, kind):
    with pytest.raises(UnknownFormat, match=kind):
        loaded(tmp_path, content)


def test_text_whose_first_name_is_id_is_text(tmp_path):
    table, _ = loaded(tmp_path, b"ID;PLANT\r\nC;0001\r\nB;0002\r\n")
    assert table["PLANT"].to_pylist() == ["0001", "0002"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1252"])
def test_text_with_tabs_is_text_whatever_its_name(tmp_path, codec):
    content = "Material\tBetrag\r\n000123\t1.234,56-\r\n000124\t2.000,00\r\n".encode(codec)
    table, report = loaded(tmp_path, content)
    assert report.detection.format == "csv"
    assert table.to_pylist()[0] == {"Material": "000123", "Betrag": Decimal("-1234.56")}
