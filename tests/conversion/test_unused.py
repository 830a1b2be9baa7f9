"""An option that does not apply to a file is named in its report, or refused: nobody counts on what nothing came of."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from ingestion.conversion import Options, convert
from ingestion.conversion.errors import MemberChoice, OptionInvalid
from ingestion.conversion.formats import FORMATS
from ingestion.conversion.unused import _USED, unused
from ingestion.slotted import named

GIVEN = {
    "null_values": ("NA",),
    "encoding": "utf-8",
    "delimiter": ";",
    "quote": '"',
    "header_row": 1,
    "skip_rows": 1,
    "table": 1,
    "sheet": "Data",
}
TEXT = {"null_values", "encoding", "delimiter", "quote", "header_row", "skip_rows", "table"}


def write(path, kind):
    match kind:
        case "csv":
            path.write_text("id;name\nid;name\n1;A\n2;B\n")
        case "json":
            path.write_text('[{"id": 1}, {"id": 2}]')
        case "ndjson":
            path.write_text('{"id": 1}\n{"id": 2}\n')
        case "parquet":
            pq.write_table(pa.table({"id": [1, 2]}), path)
        case "orc":
            pyarrow.orc.write_table(pa.table({"id": [1, 2]}), path)
        case "xlsx":
            book = Workbook()
            book.active.title = "Data"
            for row in (["id", "name"], ["id", "name"], [1, "A"], [2, "B"]):
                book.active.append(row)
            book.save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "used"),
    [
        ("csv", TEXT),
        ("json", {"null_values", "encoding"}),
        ("ndjson", {"null_values", "encoding"}),
        ("xlsx", {"null_values", "header_row", "skip_rows", "table", "sheet"}),
        ("parquet", set()),
        ("orc", set()),
    ],
)
@pytest.mark.parametrize("option", GIVEN)
def test_an_option_that_does_not_apply_is_named(tmp_path, kind, used, option):
    source = write(tmp_path / "file", kind)
    report = convert(source, tmp_path / "out.parquet", options=Options(**{option: GIVEN[option]}))
    told = [warning.message for warning in report.warnings if warning.code == "OPTION_UNUSED"]
    assert [option in message and kind in message for message in told] == ([] if option in used else [True])
    assert not any(decision.by == "given" for decision in report.detection.decisions) or option in used


def test_several_options_are_named_by_one_warning(tmp_path):
    source = write(tmp_path / "file", "csv")
    plain = convert(source, tmp_path / "out.parquet")
    report = convert(source, tmp_path / "out.parquet", options=Options(sheet="X", delimiter=";"))
    assert not [warning for warning in plain.warnings if warning.code == "OPTION_UNUSED"]
    assert [warning.code for warning in report.warnings].count("OPTION_UNUSED") == 1


def test_every_format_says_which_options_it_uses():
    assert _USED.keys() | {"replay"} == FORMATS.keys()
    assert set().union(*_USED.values()) == named(Options()).keys()
    assert unused(Options(sheet="X"), "replay") == []


def test_a_member_of_what_is_no_archive_and_a_quote_beside_widths_are_refused(tmp_path):
    with pytest.raises(MemberChoice):
        convert(write(tmp_path / "f", "csv"), tmp_path / "out.parquet", options=Options(member="a.csv"))
    with pytest.raises(OptionInvalid, match="widths and a quote"):
        Options(widths="1,2", quote="'")
