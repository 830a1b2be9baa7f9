"""A text of one column, which is cut by its line ends: against the exact way, record by record."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion.conversion import convert
from ingestion.conversion.dialect import Dialect
from ingestion.conversion.errors import UndecidedEncoding
from ingestion.conversion.formats.cells import _one_column
from ingestion.conversion.records import records

LINES = st.lists(st.text(st.sampled_from("a1 ,ä€-#\t"), max_size=5), min_size=1, max_size=8)


@example(["1"], "\r\n", False, "\n")
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from(["", '"', "\r", "\n", "\r\n"]))
def test_each_line_is_the_cell_that_the_exact_way_reads(lines, newline, ended, stray):
    text = newline.join(lines) + newline * ended + stray
    dialect = Dialect(encoding="utf-8", delimiter=None, quote='"', newline=newline, names=("a",))
    batch = _one_column(text.encode(), dialect)
    if batch is not None:
        assert batch.column(0).to_pylist() == [record.cells[0] for record in records(text, dialect, 1)]
    else:
        assert stray or not text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_column_of_many_blocks_comes_back(tmp_path, newline):
    cells = [f"{n:07}" if n % 7 else "" for n in range(700_000)]
    (tmp_path / "a.txt").write_bytes(newline.join(["key", *cells, ""]).encode())
    report = convert(tmp_path / "a.txt", tmp_path / "out.parquet")
    assert report.rows.loaded == len(cells)
    assert pq.read_table(tmp_path / "out.parquet")["key"].to_pylist() == [cell or None for cell in cells]


def test_a_column_whose_line_ends_change_blocks_later_comes_back(tmp_path):
    cells = [f"{n:07}" if n % 7 else "" for n in range(700_000)]
    first, later = cells[:200_000], cells[200_000:]
    (tmp_path / "a.txt").write_bytes(("\r\n".join(["key", *first, ""]) + "\n".join([*later, ""])).encode())
    report = convert(tmp_path / "a.txt", tmp_path / "out.parquet")
    assert report.rows.loaded == len(cells)
    assert pq.read_table(tmp_path / "out.parquet")["key"].to_pylist() == [cell or None for cell in cells]


def test_a_byte_that_is_no_text_is_told_with_its_place(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"key\n" + b"00\xc3\xa4\n" * 300_000 + b"ab\xff\n" + b"00\xc3\xa4\n" * 300_000)
    with pytest.raises(UndecidedEncoding, match=r"position 1,500,006 "):
        convert(tmp_path / "a.txt", tmp_path / "out.parquet")
