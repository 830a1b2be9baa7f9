"""The beginning of a file as a file of its own, and a dry run of it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.dryrun import COLUMNS, ROWS, dry_run
from ingestion.conversion.heads import WholeOnly, whole_part

TABLE = "konto;betrag;datum\n" + "".join(
    f"{n:08d};{n % 90 + 1}.250,{n % 100:02d}-;{n % 28 + 1:02d}.10.2026\n" for n in range(3000)
)


@given(cut=st.integers(30, len(TABLE)))
def test_lines_are_cut_behind_a_whole_one(cut):
    part = whole_part(TABLE.encode()[:cut])
    assert TABLE.encode().startswith(part)
    assert part.endswith(b"\n")
    assert cut - len(part) < 40


@given(cut=st.integers(20, 700))
def test_a_line_end_inside_of_quotes_is_no_end(cut):
    text = b"id;text\n" + b"".join(b'%d;"one\ntwo\nthree"\n' % n for n in range(40))
    part = whole_part(text[:cut])
    assert part.count(b'"') % 2 == 0
    assert text.startswith(part)


@given(cut=st.integers(60, 4000))
def test_json_is_closed_behind_a_whole_record(cut):
    records = [{"id": n, "lines": [{"sku": "a[{", "n": 1}, {"sku": 'b"}', "n": 2}], "x": {}} for n in range(60)]
    whole = json.dumps({"meta": {"n": 1}, "value": records}).encode()
    try:
        part = json.loads(whole_part(whole[: min(cut, len(whole) - 1)]))
    except WholeOnly:
        assert cut < 180
        return
    assert part["value"] == records[: len(part["value"])]
    assert len(part["value"]) >= 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("cut", [10_000, 10_001])
def test_text_in_other_encodings_is_cut_where_it_can_be_read(encoding, cut):
    found = dry_run(TABLE.encode(encoding)[:cut], filename="a.csv", is_whole=False)
    assert found["rows"]["loaded"] > 100
    assert [column["name"] for column in found["columns"]] == ["konto", "betrag", "datum"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_text_is_looked_at_unpacked(pack):
    packed = pack(TABLE.encode() * 40)
    found = dry_run(packed[: len(packed) * 3 // 4], filename="a.csv.gz", is_whole=False)
    assert found["rows"]["loaded"] > 100


def _zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.csv", TABLE)
    return held.getvalue()


@pytest.mark.parametrize(
    "head", [_zipped()[:-10], b"PAR1" + b"\0" * 99, b"\xd0\xcf\x11\xe0" + b"\0" * 99, b"Obj\x01", b'{"a": [1, 2']
)
def test_what_can_only_be_read_whole_says_so(head):
    with pytest.raises(WholeOnly) as caught:
        whole_part(head)
    assert caught.value.hint.startswith("Load it")


def test_every_cell_is_shown_before_and_after_and_what_changes_is_marked():
    found = dry_run(TABLE.encode(), filename="a.csv", is_whole=True)
    assert len(found["rows_shown"]) == ROWS
    assert found["rows_shown"][1] == [
        ["00000001", "00000001", False],
        ["2.250,01-", "-2250.01", True],
        ["02.10.2026", "2026-10-02", True],
    ]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a;b\n 1 ;x\n2;\n", [[[" 1 ", "1", True], ["x", "x", False]], [["2", "2", False], ["", None, False]]]),
        ("a;b\nNULL;x\n7;y\n", [[["NULL", None, True], ["x", "x", False]], [["7", "7", False], ["y", "y", False]]]),
    ],
)
def test_spaces_and_texts_for_null_are_changes_too(text, cells):
    from ingestion.conversion import Options

    found = dry_run(text.encode(), filename="a.csv", is_whole=True, options=Options(null_values=("NULL",)))
    assert found["rows_shown"] == cells


def test_of_a_wide_table_the_first_columns_are_shown():
    wide = ";".join(f"c{n}" for n in range(500)) + "\n" + ";".join("1" for _ in range(500)) + "\n"
    found = dry_run(wide.encode(), filename="a.csv", is_whole=True)
    assert len(found["columns"]) == 500
    assert len(found["rows_shown"][0]) == COLUMNS


def test_values_of_json_are_shown_as_json():
    found = dry_run(b'[{"ok": true, "in": {"n": 1.50}}]', filename="a.json", is_whole=True)
    assert found["rows_shown"] == [[["true", "true", False], ['{"n": "1.50"}', '{"n": "1.50"}', False]]]


@pytest.mark.parametrize("name", [b"ORCAMENTO", b"PAR1", b"FEA1", b"ARROW1"])
def test_a_text_whose_first_name_begins_like_a_mark_has_a_beginning(name):
    head = name + b";amount\n" + b"K1;2.50\n" * 40
    assert whole_part(head + b"K1;2.") == head
