"""Workbooks for tests: made by other programs' writers, or from bytes where no writer makes what is needed."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import openpyxl
import pyarrow.parquet as pq

from ingestion.conversion import Options, convert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from ingestion.conversion import Report

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def loaded(tmp_path: Path, content: bytes, name: str = "book.xls", **options: Any) -> tuple[pa.Table, Report]:
    """Convert a file's bytes and return what was loaded with the report."""
    source, target = tmp_path / name, tmp_path / "out.parquet"
    source.write_bytes(content)
    report = convert(source, target, options=Options(**options))
    assert report.rows.balanced
    return pq.read_table(target), report


def codes(report: Report) -> list[str]:
    """Return the codes of the warnings."""
    return [warning.code for warning in report.warnings]


def saved(fill: Callable[[Any], object] | Iterable[Iterable[object]], title: str = "Data") -> bytes:
    """Return an .xlsx whose first sheet is filled by a function of its openpyxl workbook, or with rows."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active.title = title
    if callable(fill):
        fill(book)
    else:
        for row in fill:
            book.active.append(list(row))
    book.save(content)
    return content.getvalue()


def raw_xlsx(
    sheet_data: str,
    *,
    shared: str | None = None,
    formats: tuple[str, ...] = (),
    properties: str = "",
    before: str = "",
    more: dict[str, str] | None = None,
) -> bytes:
    """Return an .xlsx of one sheet with this XML in its ``sheetData``.

    ``formats`` are number format codes; cell style n (from 1) shows the n-th. ``before`` stands before the root.
    """
    numbers = "".join(f'<numFmt numFmtId="{170 + n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{170 + n}"/>' for n in range(len(formats)))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{properties}'
        '<sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{before}<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}</sheetData></worksheet>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{numbers}</numFmts>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
        **(more or {}),
    }
    if shared is not None:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{shared}</sst>'
    return zipped(parts)


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """Return a zip of these members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()


def record(kind: int, body: bytes) -> bytes:
    """Return a BIFF record ([MS-XLS] 2.1.4)."""
    return struct.pack("<HH", kind, len(body)) + body


def text8(text: str, *, wide: bool = False, runs: int = 0) -> bytes:
    """Return a text of BIFF 8 ([MS-XLS] 2.5.293 XLUnicodeRichExtendedString) with so many formatting runs."""
    raw = text.encode("utf-16-le" if wide else "latin-1")
    count = struct.pack("<H", runs) if runs else b""
    return struct.pack("<HB", len(raw) >> wide, wide | (8 if runs else 0)) + count + raw + b"\0\0\0\0" * runs


def biff8(
    cells: bytes, *, shared: bytes = b"", formats: tuple[str, ...] = (), more: bytes = b"", hidden: int = 0
) -> bytes:
    """Return the bare stream of a workbook of one sheet; style n (from 1) shows the n-th format."""
    beginning = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    styles = b"".join(record(0x41E, struct.pack("<H", 170 + n) + text8(code)) for n, code in enumerate(formats))
    styles += b"".join(record(0xE0, struct.pack("<HH", 0, n) + bytes(16)) for n in [0, *range(170, 170 + len(formats))])
    name = b"\x04\x00Data"
    rest = record(0x85, struct.pack("<IBB", 0, hidden, 0) + name) + shared + record(0x0A, b"")
    start = len(beginning + more + styles + rest)
    sheet = record(0x85, struct.pack("<IBB", start, hidden, 0) + name)
    rest = sheet + shared + record(0x0A, b"")
    cells = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + cells + record(0x0A, b"")
    return beginning + more + styles + rest + cells


def biff5(cells: bytes, *, codepage: int | None = 1252) -> bytes:
    """Return the bare stream of a workbook of Excel 5 with one sheet."""
    beginning = record(0x809, struct.pack("<HHHH", 0x500, 5, 0, 0))
    beginning += b"" if codepage is None else record(0x42, struct.pack("<H", codepage))
    styles = b"".join(record(0xE0, struct.pack("<HH", 0, n) + bytes(12)) for n in (0, 14))
    size = len(beginning + styles) + 4 + 11 + 4
    sheet = record(0x85, struct.pack("<IBB", size, 0, 0) + b"\x04Data")
    cells = record(0x809, struct.pack("<HHHH", 0x500, 0x10, 0, 0)) + cells + record(0x0A, b"")
    return beginning + styles + sheet + record(0x0A, b"") + cells


def xlsb(cells: bytes, *, shared: bytes = b"", formats: tuple[str, ...] = (), old_mac: bool = False) -> bytes:
    """Return an .xlsb of one sheet; style n (from 1) shows the n-th format."""
    book = record12(153, struct.pack("<II", old_mac, 0) + wide("")) if old_mac else b""
    book += record12(156, struct.pack("<II", 0, 1) + wide("r1") + wide("Data"))
    styles = b"".join(record12(44, struct.pack("<H", 170 + n) + wide(code)) for n, code in enumerate(formats))
    styles += record12(617, struct.pack("<I", 1 + len(formats)))
    styles += b"".join(record12(47, struct.pack("<HH", 0, n) + bytes(12)) for n in [0, *range(170, 170 + len(formats))])
    styles += record12(618, b"")
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.bin"/>'
            f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.bin"/>'
            f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.bin"/></Relationships>',
            "xl/worksheets/sheet1.bin": record12(145, b"") + cells + record12(146, b""),
            "xl/sharedStrings.bin": shared,
            "xl/styles.bin": styles,
        }
    )


def record12(kind: int, body: bytes) -> bytes:
    """Return a record of .xlsb ([MS-XLSB] 2.1.4): type and size in seven bits a byte."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, rest = b"", len(body)
    while True:
        rest, low = rest >> 7, rest & 0x7F
        size += bytes([low | (0x80 if rest else 0)])
        if not rest:
            return head + size + body


def wide(text: str) -> bytes:
    """Return a text of .xlsb ([MS-XLSB] 2.5.169 XLWideString)."""
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw


OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: str, *, styles: str = "", before: str = "", more: str = "", manifest: str = "") -> bytes:
    """Return an .ods whose table ``Data`` has these rows; ``more`` follows it."""
    content = (
        f"{before}<office:document-content {OFFICE}><office:automatic-styles>{styles}</office:automatic-styles>"
        f'<office:body><office:spreadsheet><table:table table:name="Data">{rows}</table:table>{more}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped({"mimetype": SPREADSHEET, "content.xml": content, "META-INF/manifest.xml": manifest or "<manifest/>"})
