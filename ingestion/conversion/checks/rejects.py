"""The rows of a load that are set aside: all of them on disk, the first of them at hand, none of them in silence."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion.values import MAX_LISTED, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import pyarrow.parquet as pq

    from ingestion.conversion.values import Origin

HELD = 5_000
Numbers = Any  # an array of row numbers, ascending
_WHOLE = {"line", "offset", "row", "source_row"}
SCHEMA = pa.schema([pa.field(one.name, pa.int64() if one.name in _WHOLE else pa.string()) for one in fields(Reject)])


@dataclass(frozen=True, slots=True)
class _Mark:
    """What is wrong with one cell, or with a row as a whole, of the present batch."""

    code: str
    column: str | None
    rule: str
    reason: str
    hint: str
    raw: str | None


class Rejects:
    """Collects the rejects of one pass; ``count`` is the number of rows set aside, not of their wrong cells.

    While a batch is looked at its rows are marked; ``settle`` then asks the table where these stand. All rejects go
    to ``path`` as Parquet, where one is given; the first ``MAX_LISTED`` are in ``listed``. ``numbers`` are those of
    the present batch's rows, as they were read, among the input's rows of data, from 1.
    """

    def __init__(self, origin: Callable[[int], Origin], path: Path | None = None) -> None:
        """Begin without any; ``origin`` tells where a row of the present batch stands."""
        self.origin = origin
        self.numbers: Numbers = np.zeros(0, np.int64)
        self.listed: list[Reject] = []
        self.count = self.entries = 0
        if path is not None:
            path.unlink(missing_ok=True)
        self._path = path
        self._held: list[Reject] = []
        self._writer: pq.ParquetWriter | None = None
        self._marks: dict[int, list[_Mark]] = {}

    def add(
        self,
        row: int,
        *,
        code: str,
        column: str | None = None,
        rule: str = "",
        reason: str,
        hint: str = "",
        raw: str | None = None,
    ) -> None:
        """Set a row of the present batch aside; call it once for each wrong cell.

        ``raw`` is the cell's text where the row's origin has no such column.
        """
        self._marks.setdefault(row, []).append(_Mark(code, column, rule, reason, hint, raw))

    @property
    def marked(self) -> Sequence[int]:
        """The rows of the present batch that are set aside so far."""
        return sorted(self._marks)

    def settle(self) -> None:
        """Take in what was marked in the present batch, in the order of its rows."""
        for row in self.marked:
            self.count += 1
            self._take(self._marks[row], self.origin(row), int(self.numbers[row]))
        self._marks = {}

    def take(self, rejects: Iterable[Reject], rows: int) -> None:
        """Take in rejects that the table found itself, row by row: the cells of some ``rows`` that it has left out."""
        row, last = self.count, None
        for one in rejects:
            if (place := (one.sheet, one.line)) != last:
                row, last = row + 1, place
            values = {field.name: getattr(one, field.name) for field in fields(Reject)}
            self._keep(Reject(**values | {"row": row}))
        self.count += rows

    def close(self) -> None:
        """Finish the file of rejects; there is none where there are no rejects."""
        self._write()
        if self._writer is not None:
            self._writer.close()

    def _take(self, marks: list[_Mark], origin: Origin, source_row: int) -> None:
        raw = json.dumps(dict(origin.cells), ensure_ascii=False)
        for mark in marks:
            text = origin.cells.get(mark.column, mark.raw) if mark.column else mark.raw
            self._keep(
                Reject(
                    code=mark.code,
                    reason=mark.reason,
                    file=origin.file,
                    member=origin.member,
                    sheet=origin.sheet,
                    cell=origin.addresses.get(mark.column) if mark.column else None,
                    line=origin.line,
                    offset=origin.offset,
                    column=mark.column,
                    value=text,
                    raw=raw,
                    rule=mark.rule,
                    hint=mark.hint,
                    row=self.count,
                    source_row=source_row,
                )
            )

    def _keep(self, reject: Reject) -> None:
        self.entries += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append(reject)
        if self._path is not None:
            self._held.append(reject)
            if len(self._held) >= HELD:
                self._write()

    def _write(self) -> None:
        if self._path is None or not self._held:
            return
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, SCHEMA, compression="zstd")
        columns = [[getattr(one, name) for one in self._held] for name in SCHEMA.names]
        batch = [pa.array(cells, kind) for cells, kind in zip(columns, SCHEMA.types, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(batch, schema=SCHEMA))
        self._held = []
