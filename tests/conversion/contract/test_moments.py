"""Moments that one type of time holds and another does not, loaded towards a contract one after the other."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.references import KeySet
from ingestion.conversion.contract.model import NEW
from ingestion.conversion.pythonic import values
from ingestion.conversion.shown import preview
from tests.conversion.contract.lake import Lake, preset

if TYPE_CHECKING:
    from pathlib import Path

NANOSECONDS = 1_767_225_600_123_456_789  # 2026-01-01 00:00:00.123456789


def _moments(unit: str, *counts: int, tz: str | None = None) -> pa.Array:
    return pa.array(counts, pa.int64()).view(pa.timestamp(unit, tz))


LAST_DAY = 253_402_214_400_000_000  # 9999-12-31, in microseconds
COLUMNS = {
    "us": _moments("us", LAST_DAY, 0),
    "us near": _moments("us", 0, 1),
    "ns": _moments("ns", NANOSECONDS, 0),
    "us, UTC": _moments("us", LAST_DAY, 0, tz="UTC"),
    "ns, UTC": _moments("ns", NANOSECONDS, 0, tz="UTC"),
    "date": pa.array([dt.date(9999, 12, 31), dt.date(2026, 1, 1)]),
}
COLUMNS |= {
    f"struct of {name}": pa.StructArray.from_arrays([COLUMNS[name]], names=["at"]) for name in ("us", "us near", "ns")
}
COLUMNS |= {
    f"list of {name}": pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), COLUMNS[name]) for name in ("us", "ns")
}


def _file(path: Path, cells: pa.Array) -> Path:
    pq.write_table(pa.table({"key": pa.array(range(len(cells))), "at": cells}), path)
    return path


@pytest.mark.parametrize(("one", "two"), list(itertools.permutations(COLUMNS, 2)))
def test_two_files_of_different_moments_become_one_table_without_a_fault(tmp_path: Path, one: str, two: str) -> None:
    lake = Lake(tmp_path)
    lake.load(_file(tmp_path / "one.pq", COLUMNS[one]))
    lake.contract = preset(lake.contract, "open")

    assert lake.load(_file(tmp_path / "two.pq", COLUMNS[two])) in {"same", "evolved"}
    assert len(lake.arrow()["at"].drop_null()) == 4


@pytest.mark.parametrize("order", [("us", "ns"), ("ns", "us")])
def test_the_last_day_of_9999_and_nanoseconds_meet_in_text(tmp_path: Path, order: tuple[str, str]) -> None:
    """64 bits of nanoseconds end in 2262, so no type of time holds both."""
    lake = Lake(tmp_path)
    for number, name in enumerate(order):
        lake.load(_file(tmp_path / f"{number}.pq", COLUMNS[name]))
        lake.contract = preset(lake.contract, "open")

    found = lake.arrow()["at"]

    assert found.type == pa.string()
    assert {"9999-12-31 00:00:00", "2026-01-01 00:00:00.123456789", "1970-01-01 00:00:00"} == set(found.to_pylist())
    assert [change.kind for change in lake.changes] == ["changed_kind"]


def test_a_default_contract_asks_before_a_column_of_moments_becomes_text(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.load(_file(tmp_path / "one.pq", COLUMNS["ns"]))
    lake.contract = preset(lake.contract, "balanced")

    assert lake.load(_file(tmp_path / "two.pq", COLUMNS["us"])) == "ask"


def test_microseconds_near_enough_stay_in_a_column_of_nanoseconds(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.load(_file(tmp_path / "one.pq", COLUMNS["ns"]))

    assert lake.load(_file(tmp_path / "two.pq", COLUMNS["us near"])) == "same"
    assert lake.arrow()["at"].type == pa.timestamp("ns")


FAR = {
    "us": (_moments("us", 2**62, 0), "148108-07-06 14:00:27.387904"),
    "ms": (_moments("ms", 2**62, 0), "146140482-04-24 15:36:27.904"),
    "date": (pa.array([2**31 - 1, 0], pa.int32()).view(pa.date32()), "5881580-07-11"),
    "before the year 1": (_moments("us", -62_167_219_200_000_001, 0), "-001-12-31 23:59:59.999999"),
}


@pytest.mark.parametrize("name", FAR)
def test_a_day_beyond_the_year_9999_is_loaded_and_shown(tmp_path: Path, name: str) -> None:
    """Python's calendar ends there; the file's types do not."""
    cells, text = FAR[name]
    src = _file(tmp_path / "far.pq", cells)

    report = convert(src, tmp_path / "out.pq", options=Options(contract=NEW))

    assert report.rows.loaded == 2
    assert pq.read_table(tmp_path / "out.pq")["at"].combine_chunks().equals(cells)
    assert preview(tmp_path / "out.pq")["rows"][0][1].startswith(text)


def test_what_is_nested_keeps_its_shape_around_a_far_moment() -> None:
    far = FAR["ms"][0]
    nested = pa.StructArray.from_arrays([far, pa.array([1, 2])], names=["at", "n"])
    lists = pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), nested)

    assert values(lists) == [[{"at": FAR["ms"][1], "n": 1}, {"at": dt.datetime(1970, 1, 1), "n": 2}]]  # noqa: DTZ001


def test_keys_of_two_units_are_compared_by_their_moment() -> None:
    known = pa.record_batch({"at": _moments("us", LAST_DAY, 1)})
    keys = KeySet(iter([known]), [pa.timestamp("ns")])

    assert keys.unknown([_moments("ns", 1000, 1001, 0)]).tolist() == [False, True, True]
