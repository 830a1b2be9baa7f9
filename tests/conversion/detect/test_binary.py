"""Texts whose first name begins like the mark of another format are read; files of these formats are named."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from ingestion.conversion.errors import UnknownFormat

NAMES = [
    "GIF8_CODE",
    "%PDF-file",
    "%!PS_NO",
    "ORCAMENTO",
    "ORC",
    "PARENT_ID",
    "PAR1",
    "FEA1",
    "MSCF_NO",
    "LZIP",
    "{\\rtf",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", [";", "\t"], ids=["semicolons", "tabs"])
def test_a_name_that_begins_like_a_mark_is_a_name(tmp_path, name, sign):
    rows = [[name, "amount"], *[[f"K{number}", f"{number}.50"] for number in range(40)]]
    (tmp_path / "a.csv").write_text("".join(sign.join(row) + "\n" for row in rows))
    convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == rows[0]
    assert table.num_rows == 40


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\n", "PDF"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (b"{\\rtf1\\ansi x}", "RTF"),
        (b"GIF89a\x01\x00\x01\x00\x00", "GIF"),
        (b"GIF87a\x01\x00\x01\x00\x00", "GIF"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, what):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnknownFormat) as caught:
        convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert what in str(caught.value)
