"""Rows that were set aside and come again, corrected: cells as texts, each with the place where it first stood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.formats.base import Table
from ingestion.conversion.values import Column, Detection, Notice, Options, Origin, RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 5_000
RULE = "corrected cells"


def write_rows(path: Path, names: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> None:
    """Write what this reader reads: the columns, then one row a line with its place and its ``cells``."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"columns": list(names)}, ensure_ascii=False) + "\n")
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


class ReplayTable(Table):
    """The corrected rows as columns of text."""

    def __init__(self, payload: Payload) -> None:
        """Read the columns."""
        self.rows = RowCount()
        self.warnings: list[Notice] = []
        self.progress = 0
        self._payload = payload
        self._batch: list[dict[str, Any]] = []
        with payload.open() as file:
            self._names: list[str] = json.loads(file.readline())["columns"]

    def schema(self) -> pa.Schema:
        """Return texts."""
        return pa.schema([pa.field(name, pa.string()) for name in self._names])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        self.rows = RowCount()
        with self._payload.open() as file:
            file.readline()
            while lines := [line for _, line in zip(range(BATCH_ROWS), file, strict=False)]:
                self._batch = [json.loads(line) for line in lines]
                self.progress = file.tell()
                self.rows.read += len(lines)
                self.rows.loaded += len(lines)
                cells = [row["cells"] for row in self._batch]
                columns = [pa.array([one.get(name) for one in cells], pa.string()) for name in self._names]
                yield pa.RecordBatch.from_arrays(columns, schema=self.schema())

    def origin(self, row: int) -> Origin:
        """Return where the row stood in its first file, with its cells as they are now."""
        told = self._batch[row]
        places: dict[str, Any] = {name: told.get(name) for name in ("file", "member", "sheet", "line", "offset")}
        return Origin(**places, cells=told["cells"])

    def columns(self) -> tuple[Column, ...]:
        """Describe the columns."""
        return tuple(Column(name=name, type=pa.string(), rule=RULE) for name in self._names)


def open_replayed(payload: Payload, _detection: Detection, _options: Options) -> ReplayTable:
    """Open the corrected rows."""
    return ReplayTable(payload)
