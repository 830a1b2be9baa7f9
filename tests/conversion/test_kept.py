"""What a process keeps of the files that it has read: nothing of a size that a file decides."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ingestion.conversion.detect import kinds
from ingestion.conversion.typing import accepting
from ingestion.conversion.typing.rules import text_rules


@pytest.mark.parametrize("letter", ["x", "1."])
def test_long_cells_are_not_kept(letter):
    def kept() -> int:
        return accepting._of_few.cache_info().currsize + kinds._kind.cache_info().currsize

    accepting._of_few.cache_clear()
    kinds._kind.cache_clear()
    long, short = letter * 5_000, letter * 5
    assert kinds.kind(long) == kinds.kind(short)
    accepting.accepting(text_rules(), pa.array([short, long]))
    assert kept() == 1
    accepting.accepting(text_rules(), pa.array([short, short]))
    assert kept() == 2
