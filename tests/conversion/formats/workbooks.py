"""Workbooks for tests: made by other programs' writers, or from bytes where no writer makes what is needed."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

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
    numbers = "".join(f'<numFmt numFmtId="{170 + n}" formatCode="{code}"/>' for n, code in enumerate(formats))
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
