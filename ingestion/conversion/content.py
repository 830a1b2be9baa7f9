"""The hash of what a Parquet file holds, whichever job wrote it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path


def content_sha256(path: Path) -> str:
    """Return the SHA-256 over the column types and all pages, without the footer, which names the job.

    Two loads of the same file have the same. The footer's length stands in the last 8 bytes (Apache Parquet, "File
    Format").
    """
    schema = pq.read_schema(path)
    digest = hashlib.sha256(repr([(field.name, str(field.type)) for field in schema]).encode())
    with path.open("rb") as file:
        file.seek(-8, 2)
        left = file.tell() - int.from_bytes(file.read(4), "little")
        file.seek(0)
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()
