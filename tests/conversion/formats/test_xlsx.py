""".xlsx as Excel, other programs, damage and malice write it: the exact cells, or one catalogue code."""

from __future__ import annotations

import datetime as dt
import io
import resource
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import msoffcrypto.format.ooxml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.errors import BrokenFile, ConversionError, PasswordProtected, UnsafeArchive
from ingestion.conversion.formats.books.sheetslow import SlowReader
from ingestion.conversion.formats.books.sheetxml import FastReader
from tests.conversion.formats.workbooks import codes, loaded, raw_xlsx, saved, zipped

ROOT = Path(__file__).resolve().parents[3]


def head(*names):
    cells = "".join(f'<c r="{chr(65 + n)}1" t="inlineStr"><is><t>{name}</t></is></c>' for n, name in enumerate(names))
    return f'<row r="1">{cells}</row>'


def rows_of(tmp_path, sheet_data, **more):
    return [tuple(row.values()) for row in loaded(tmp_path, raw_xlsx(sheet_data, **more))[0].to_pylist()]


# ---- texts ----


def test_shared_strings_are_joined_from_runs_without_phonetic_hints(tmp_path):
    shared = (
        "<si><t>name</t></si><si><r><rPr><b/></rPr><t>Mül</t></r><r><t xml:space='preserve'>ler </t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si><si/><si><t/></si>"
    )
    cells = "".join(f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c></row>' for n in range(3))
    assert rows_of(tmp_path, cells, shared=shared) == [("Müller ",), ("東京",)]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a &amp; b &lt;c&gt; &#65;&#x20AC;", "a & b <c> A€"),
        ("line_x000D_\nnext", "line\r\nnext"),
        ("_x005F_x000D_", "_x000D_"),
        ("  spaces  ", "  spaces  "),
        ("<![CDATA[<raw>&]]>", "<raw>&"),
        ("&#xD83D;x", "\ufffdx"),
        ("00123", "00123"),
        ("😀\u00a0\u200b", "😀\u00a0\u200b"),
    ],
)
def test_a_text_is_exactly_what_xml_says(tmp_path, written, text):
    cell = f'<row r="2"><c r="A2" t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c></row>'
    if written == "&#xD83D;x":
        with pytest.raises(BrokenFile):
            loaded(tmp_path, raw_xlsx(head("t") + cell + "<!-- slow -->"))
        return
    assert rows_of(tmp_path, head("t") + cell) == [(text,)]
    shared = f"<si><t>t</t></si><si><t xml:space='preserve'>{written}</t></si>"
    by_number = '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    assert rows_of(tmp_path, by_number, shared=shared) == [(text,)]


def test_a_formula_may_give_text_truth_or_error(tmp_path):
    cells = (
        '<row r="2"><c r="A2" t="str"><f>X</f><v>00123</v></c><c r="B2" t="b"><f>X</f><v>1</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f t="shared" si="0"/><v>b</v></c><c r="B3" t="e"><f>X</f><v>#REF!</v></c></row>'
    )
    table, report = loaded(tmp_path, raw_xlsx(head("a", "b") + cells))
    assert table.to_pylist() == [{"a": "00123", "b": True}]
    assert report.rejects[0].reason == "The cell holds the error #REF!."


# ---- numbers and dates ----


def test_number_formats_decide_what_is_a_date(tmp_path):
    formats = ('yyyy"-"mm', "[$-407]d. mmm yyyy", "hh:mm", "[h]:mm", "dd/mm/yy hh:mm", '"day" 0', "#,##0.00", "0%")
    cells = "".join(f'<c r="{chr(65 + n)}2" s="{n + 1}"><v>46023.25</v></c>' for n in range(len(formats)))
    (row,) = rows_of(tmp_path, head(*"abcdefgh") + f'<row r="2">{cells}</row>', formats=formats)
    stamp = dt.datetime(2026, 1, 1, 6)  # noqa: DTZ001
    assert row[0] == row[1] == row[4] == stamp
    assert row[2] == stamp  # a time of more than a day is a date shown by its time
    assert row[3] == dt.timedelta(days=46023.25)
    assert row[5:] == (Decimal("46023.25"),) * 3


def test_a_cell_may_hold_a_date_as_iso_text(tmp_path):
    cells = '<row r="2"><c r="A2" t="d"><v>2026-10-31</v></c><c r="B2" t="d"><v>2026-10-31T08:30:00</v></c></row>'
    (row,) = rows_of(tmp_path, head("a", "b") + cells)
    assert row == (dt.date(2026, 10, 31), dt.datetime(2026, 10, 31, 8, 30))  # noqa: DTZ001


def test_times_are_exact_to_the_millisecond(tmp_path):
    written = (dt.timedelta(hours=23, minutes=59, seconds=59, milliseconds=999) / dt.timedelta(days=1), 1 / 3)
    cells = "".join(f'<row r="{n}"><c r="A{n}" s="1"><v>{value!r}</v></c></row>' for n, value in enumerate(written, 2))
    rows = rows_of(tmp_path, head("t") + cells, formats=("hh:mm:ss.000",))
    assert rows == [(dt.time(23, 59, 59, 999000),), (dt.time(8),)]


# ---- unusual but legal XML ----


def test_prefixes_comments_and_cells_without_addresses_are_read(tmp_path):
    sheet = (
        '<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<x:dimension ref="A1:XFD1048576"/><x:sheetData><!-- made by hand --><x:row>'
        '<x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c><x:c t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
        "<x:row><x:c><x:v>1</x:v></x:c><x:c/></x:row><x:row><x:c/><x:c><x:v> 2.5 </x:v></x:c></x:row>"
        "</x:sheetData></x:worksheet>"
    )
    assert rows_of(tmp_path, "", more={"xl/worksheets/sheet1.xml": sheet}) == [(1, None), (None, Decimal("2.5"))]


def test_a_part_in_utf_16_is_read(tmp_path):
    sheet = '<?xml version="1.0" encoding="UTF-16"?><worksheet><sheetData>' + head("Straße")
    sheet += '<row r="2"><c r="A2"><v>1</v></c></row></sheetData></worksheet>'
    content = raw_xlsx("", more={"xl/worksheets/sheet1.xml": sheet.encode("utf-16")})
    assert loaded(tmp_path, content)[0].to_pylist() == [{"Straße": 1}]


@pytest.mark.parametrize("slash", ["\\", "/"])
def test_names_of_parts_may_be_written_in_any_case_and_with_any_slash(tmp_path, slash):
    plain = raw_xlsx(head("a") + '<row r="2"><c r="A2"><v>1</v></c></row>')
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    renamed = {
        name.lower() if name.startswith("[") else name.replace("/", slash).replace("sheet1", "Sheet1"): content
        for name, content in parts.items()
    }
    assert loaded(tmp_path, zipped(renamed))[0].to_pylist() == [{"a": 1}]


def test_a_package_that_declares_more_types_than_it_has_is_what_its_parts_are(tmp_path):
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    )
    content = raw_xlsx(head("a") + '<row r="2"><c r="A2"><v>1</v></c></row>', more={"[Content_Types].xml": types})
    table, report = loaded(tmp_path, content)
    assert (report.detection.format, table.to_pylist()) == ("xlsx", [{"a": 1}])


def test_the_later_of_two_cells_at_one_address_counts(tmp_path):
    cells = '<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'
    assert rows_of(tmp_path, head("a") + cells) == [(2,)]


def test_a_lone_cell_in_the_farthest_corner_costs_nothing(tmp_path):
    source, target = tmp_path / "far.xlsx", tmp_path / "out.parquet"
    far = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    source.write_bytes(raw_xlsx(head("a") + '<row r="2"><c r="A2"><v>1</v></c></row>' + far))
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "convert", str(source), str(target)],
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)),
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 1048575 rows loaded, 1048573 skipped" in done.stdout


# ---- the vectors and the exact reader ----

CELLS = st.one_of(
    st.integers(-(10**18), 10**18).map(lambda n: ("n", str(n))),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: ("n", repr(x))),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: ("n", f"{x:.17g}")),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12).map(lambda s: ("inlineStr", s)),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12).map(lambda s: ("str", s)),
    st.sampled_from([("b", "0"), ("b", "1"), ("e", "#N/A"), ("n", ""), ("", "7"), ("s", "3"), ("formula", "")]),
)


def written(rows):
    """Return the XML of rows of cells."""
    told = []
    for n, row in enumerate(rows, 1):
        cells = []
        for at, (kind, value) in enumerate(row):
            text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            place = f'r="{chr(65 + at)}{n}"' + (f' s="{at}"' if at % 2 else "")
            if kind == "inlineStr":
                cells.append(f'<c {place} t="inlineStr"><is><t>{text}</t></is></c>')
            elif kind == "formula":
                cells.append(f"<c {place}><f>A1</f></c>")
            else:
                named = f' t="{kind}"' if kind else ""
                cells.append(f"<c {place}{named}><v>{text}</v></c>")
        told.append(f'<row r="{n}">{"".join(cells)}</row>')
    return "".join(told).encode()


def cells_of(found):
    texts = dict(zip(found.text_at.tolist(), found.texts.to_pylist(), strict=True))
    block = found.block
    values = [texts.get(at, value) for at, value in enumerate(block.values.tolist())]
    return list(
        zip(block.rows.tolist(), block.cols.tolist(), block.kinds.tolist(), values, found.styles.tolist(), strict=True)
    )


@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=4))
def test_the_vectors_give_what_the_exact_reader_gives(rows):
    data = written(rows)
    fast = FastReader().read(data)
    assert fast is not None
    assert cells_of(fast) == cells_of(SlowReader("1900").read(data, -1))


# ---- damage and malice ----


def test_a_password_is_named(tmp_path):
    locked = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(saved([["a"], [1]]))).encrypt("secret", locked)
    with pytest.raises(PasswordProtected):
        loaded(tmp_path, locked.getvalue())


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_workbook_cut_off_is_broken(tmp_path, share):
    content = saved([["a", "b"], *[[n, f"text {n}"] for n in range(2000)]])
    with pytest.raises(BrokenFile):
        loaded(tmp_path, content[: int(len(content) * share)])


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>5</v></c></row>',
        '<row r="1"><c r="XFE1"><v>5</v></c></row>',
        '<row r="1048577"><c r="A1048577"><v>5</v></c></row>',
        '<row r="1"><c r="A1"><v>5</c></row>',
    ],
    ids=["no such shared string", "no such column", "no such row", "tags that cross"],
)
def test_cells_that_cannot_be_are_a_broken_file(tmp_path, rows):
    with pytest.raises(BrokenFile, match="Data"):
        loaded(tmp_path, raw_xlsx(rows, shared="<si><t>x</t></si>"))


def test_a_changed_byte_is_found_by_its_checksum(tmp_path):
    content = bytearray(saved([["a", "b"], *[[n, f"text {n}"] for n in range(2000)]]))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    content[sheet.header_offset + 200] ^= 0xFF
    with pytest.raises(BrokenFile):
        loaded(tmp_path, bytes(content))


def test_a_workbook_without_its_sheet_is_broken(tmp_path):
    with zipfile.ZipFile(io.BytesIO(saved([["a"], [1]]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if "sheet1" not in name}
    with pytest.raises(BrokenFile):
        loaded(tmp_path, zipped(parts))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE w SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_are_never_resolved(tmp_path, doctype):
    cells = head("a") + '<row r="2"><c r="A2" t="inlineStr"><is><t>&x;</t></is></c></row>'
    with pytest.raises(BrokenFile):
        loaded(tmp_path, raw_xlsx(cells, before=doctype))
    workbook = f'{doctype}<workbook><sheets><sheet name="&x;"/></sheets></workbook>'
    with pytest.raises(ConversionError) as caught:
        loaded(tmp_path, raw_xlsx(cells, more={"xl/workbook.xml": workbook}))
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"]
)
def test_a_part_that_unpacks_beyond_measure_is_refused(tmp_path, part):
    content = bomb(raw_xlsx(head("a"), shared=""), part)
    with pytest.raises(UnsafeArchive):
        loaded(tmp_path, content)


def bomb(content, part):
    """Return the zip with a member whose directory says that it unpacks to 4 GB."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = part.encode()
        at = archive.start_dir
    directory = bytearray(content[at:])
    entry = directory.find(name) - 46
    directory[entry + 20 : entry + 24] = (1000).to_bytes(4, "little")
    directory[entry + 24 : entry + 28] = (4_000_000_000).to_bytes(4, "little")
    return content[:at] + bytes(directory)


def test_a_macro_workbook_and_one_with_a_chart_sheet_are_read(tmp_path):
    def fill(book):
        book.create_chartsheet("Chart", 0)
        book["Data"].append(["a"])
        book["Data"].append([1])

    table, report = loaded(tmp_path, saved(fill), name="book.xlsm")
    assert table.to_pylist() == [{"a": 1}]
    assert codes(report) == []
