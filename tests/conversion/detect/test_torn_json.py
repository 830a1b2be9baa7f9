"""What is left of JSON that was cut or joined wrongly, and the plain words that only look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestion.conversion import convert
from ingestion.conversion.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

    from ingestion.conversion import Report


def _read(tmp_path: Path, content: bytes) -> Report:
    (tmp_path / "in").write_bytes(content)
    return convert(tmp_path / "in", tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b'"', 1),
        (b'"Schraube M8\n', 13),
        (b'""y', 3),
        (b'"Werk"kg', 7),
        (b'["\\\x00"]', 3),
        (b"]", 1),
        (b"}\n", 1),
        (b"7]", 2),
        (b"true}", 5),
        (b"[\x00]", 2),
        (b'["\x0bb"\\f]', 3),
        (b'["b\x00b"]', 4),
        (b'{"a": "\x01\x02\x03"}', 8),
    ],
)
def test_one_cell_that_only_torn_json_has_is_refused_with_its_column(
    tmp_path: Path, content: bytes, column: int
) -> None:
    with pytest.raises(ConversionError) as raised:
        _read(tmp_path, content)

    assert (raised.value.code, raised.value.place.line) == ("BROKEN_FILE", 1)
    assert f"at column {column}:" in raised.value.what


@pytest.mark.parametrize(
    "content",
    [
        "Werk",
        "*",
        "<.>",
        "2@",
        "Straße",
        "å",
        "Umsatz [EUR]",
        '"Werk";"Lager"',
        '"Werk" "Lager"',
        '"Werk"1000',
        "a,b]\n1,2\n",
        "]\n1\n",
    ],
)
def test_a_word_that_is_no_torn_json_is_a_name_without_rows(tmp_path: Path, content: str) -> None:
    """A table that has just its heading is usual in exports without hits, and one column is a table too.

    Nothing in such a word says JSON: no bracket that closes nothing, no quote without an end. It is shown with its
    name and 0 rows, and no value is made of it. With rows below, or further cells beside, a bracket is the sender's.
    """
    assert _read(tmp_path, content.encode()).detection.format == "csv"


@pytest.mark.parametrize(("content", "rows"), [("[][]", 2), ('{"a": true} "x"', 2), ("[1][2]", 2)])
def test_values_behind_one_another_are_a_record_each(tmp_path: Path, content: str, rows: int) -> None:
    """JSON's standard calls this broken, but it is how logs and answers in pages are written one behind the other.

    Each value is whole and none is lost, so each is a record; values of several kinds are told by MIXED_KINDS.
    """
    report = _read(tmp_path, content.encode())

    assert (report.detection.format, report.rows.loaded) == ("json", rows)
    assert [notice.code for notice in report.warnings] == (["MIXED_KINDS"] if "x" in content else [])


@pytest.mark.parametrize("rest", [b"{}", b"Werk;Lager\n1000;0001\n", "Straße;Ort\n1;2\n".encode()])
def test_two_bytes_of_a_mark_are_no_letter(tmp_path: Path, rest: bytes) -> None:
    """Read as a code page, the first name would begin with a sign that nobody wrote."""
    with pytest.raises(ConversionError) as raised:
        _read(tmp_path, b"\xef\xbb" + rest)

    assert raised.value.code == "ENCODING_ERROR"
