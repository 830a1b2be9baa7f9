"""Record batches as pandas DataFrames and back, for rules that people write; the only place that imports pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd


def as_frame(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return the batch as a DataFrame of ``ArrowDtype`` columns over the same memory: no value changes its type."""
    import pandas as pd

    return batch.to_pandas(types_mapper=pd.ArrowDtype, zero_copy_only=False)


def as_batch(frame: pd.DataFrame, schema: pa.Schema) -> pa.RecordBatch:
    """Return a DataFrame as a record batch of the schema; raises ``pa.ArrowInvalid`` where values do not fit it."""
    return pa.RecordBatch.from_pandas(frame, schema=schema, preserve_index=False)
