"""Bytes in, typed Parquet out: detect, read, type, write. Pure: neither Django nor AWS is imported here.

Read the modules in the order in which the data flows: ``unpack``, ``detect``, ``formats``, ``typing``,
``writer``, and ``convert``, which joins them.
"""

import os

# NumPy's threads for matrices, of which there are none here, would begin by keeping the processors busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# PyArrow's allocator gives freed pages back at once, and takes and clears them anew for the next block.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")
os.environ.setdefault("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1")

from ingestion.conversion.convert import convert
from ingestion.conversion.values import Options, Progress, Report

# The C library's allocator keeps twice the largest block that it was ever given back; this one is never written to.
bytes(31 << 20)

__all__ = ["Options", "Progress", "Report", "convert"]
