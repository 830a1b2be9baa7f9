"""A batch as a DataFrame: the same values of the same types over the same memory."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa

from ingestion.conversion.frames import as_batch, as_frame

BATCH = pa.record_batch(
    {
        "doc": pa.array([4900001234567890123, None], pa.int64()),
        "price": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
        "day": pa.array([date(2026, 10, 31), None], pa.date32()),
        "country": pa.array(["NA", ""], pa.string()),
    }
)


def test_a_frame_gives_back_the_batch_it_came_from():
    frame = as_frame(BATCH)
    assert frame["doc"].iloc[0] == 4900001234567890123
    assert str(frame["price"].dtype) == "decimal128(9, 2)[pyarrow]"
    assert as_batch(frame, BATCH.schema).equals(BATCH)


def test_a_frame_shares_the_batch_s_memory():
    column = pa.array(as_frame(BATCH)["doc"])
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    assert column.buffers()[1].address == BATCH["doc"].buffers()[1].address
