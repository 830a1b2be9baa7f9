"""Columns made from buffers are those that PyArrow itself makes, and none of the plain ways needs pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.typing.constants import known_in, number_array, numbers_of, text_array

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CONVERT = """
import sys
from pathlib import Path
from ingestion.conversion import convert
convert(Path(sys.argv[1]), Path(sys.argv[2]))
print("pandas" in sys.modules)
"""


@given(st.lists(st.none() | st.text()))
def test_texts_are_a_column(texts):
    made = text_array(texts)
    made.validate(full=True)
    assert made.equals(pa.array(texts, pa.string()))


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)), st.integers(0, 9))
def test_numbers_are_a_column_and_come_back(numbers, cut):
    missing = np.array([number is None for number in numbers], np.bool_)
    made = number_array(np.array([number or 0 for number in numbers], np.int64), missing=missing)
    made.validate(full=True)
    assert made.equals(pa.array(numbers, pa.int64()))
    part = made.slice(min(cut, len(made)))
    assert known_in(part).tolist() == [number is not None for number in part.to_pylist()]
    assert numbers_of(part).tolist() == [number or 0 for number in part.to_pylist()]


@given(st.lists(st.booleans()), st.integers(0, 9))
def test_truth_values_are_a_column_and_come_back(truths, cut):
    made = number_array(np.array(truths, np.bool_))
    made.validate(full=True)
    assert made.equals(pa.array(truths, pa.bool_()))
    part = made.slice(min(cut, len(made)))
    assert numbers_of(part).tolist() == part.to_pylist()


@pytest.mark.parametrize("name", ["sap_open_items.csv", "trial_balance.xlsx", "kreditoren.xls", "nested_orders.json"])
def test_a_plain_file_needs_no_pandas(tmp_path, name):
    command = [sys.executable, "-c", CONVERT, str(SAMPLES / name), str(tmp_path / "out.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=SAMPLES.parent)
    assert done.stdout.strip() == "False"
