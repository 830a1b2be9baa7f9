"""Corrected rows, read as the contract agrees: each cell by its column's rule, and nothing changes the contract."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.contract.casts import cast
from ingestion.conversion.contract.cells import CellReader
from ingestion.conversion.contract.columns import is_readable
from ingestion.conversion.contract.notation import JSON_TEXT, agrees
from ingestion.conversion.values import Column, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.contract.changes import Change
    from ingestion.conversion.contract.model import Contract, ContractColumn
    from ingestion.conversion.formats.base import Table

BREAKS = "BREAKS_CONTRACT"
_PLAIN = r"\A-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?\z"


class ReplayGate:
    """Brings columns of corrected texts into the shape of a contract."""

    def __init__(self, contract: Contract) -> None:
        """Keep the contract, which stays as it is: ``result``, without any ``changes``."""
        self._contract = self.result = contract
        self.changes: tuple[Change, ...] = ()
        self._places: dict[str, int] = {}
        self._beyond: list[int] = []
        self._readers: dict[str, CellReader] = {}
        self._schema = pa.schema([])

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass; return the contract's columns."""
        agreed = [self._contract.column(name) for name in schema.names]
        self._places = {column.name: place for place, column in enumerate(agreed) if column is not None}
        self._beyond = [place for place, column in enumerate(agreed) if column is None]
        self._readers = {column.name: CellReader(column.kind, column.rule) for column in self._contract.columns}
        self._schema = self._contract.schema()
        return self._schema

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Return the values; rows with a cell that is still wrong are set aside again."""
        arrays = []
        for column in self._contract.columns:
            place = self._places.get(column.name)
            cells = pa.nulls(batch.num_rows, pa.string()) if place is None else batch.column(place)
            values, unfit = self._read(column, cells)
            missing = np.zeros(0, np.int64) if column.nullable else np.flatnonzero(np.asarray(values.is_null()))
            for row in np.union1d(unfit, missing).tolist():
                self._refuse(column, cells[row].as_py(), row if rows is None else int(rows[row]), rejects)
            arrays.append(values)
        for place in self._beyond:
            name = batch.schema.names[place]
            for row in np.flatnonzero(np.asarray(batch.column(place).is_valid())).tolist():
                rejects.add(
                    row if rows is None else int(rows[row]),
                    code=BREAKS,
                    column=name,
                    reason=f'The dataset has no column "{name}", so this cell would be lost.',
                    hint="Empty the cell, or have the column added to the contract.",
                )
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _read(self, column: ContractColumn, cells: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
        kind, nothing = column.kind, np.zeros(0, np.int64)
        if cells.null_count == len(cells):
            return pa.nulls(len(cells), kind), nothing
        if pa.types.is_string(kind):
            return (_as_json(cells) if column.rule == JSON_TEXT else cells), nothing
        if not is_readable(kind):
            return _by_one(cells, kind)
        read = self._readers[column.name].read(cells)
        if len(read.unfit) and agrees(column.rule) is None and (plain := _plain(cells, kind)) is not None:
            return plain, nothing
        return read.values, read.unfit

    def _refuse(self, column: ContractColumn, text: str | None, number: int, rejects: Rejects) -> None:
        shown = "nothing" if text is None else f'"{shortened(text)}"'
        rejects.add(
            number,
            code=BREAKS,
            column=column.name,
            rule=column.rule or str(column.kind),
            reason=f'Column "{column.name}" is agreed to be {column.type}, which {shown} is not.',
            hint=f"Write it as {column.rule or column.kind}, and replay the row.",
            raw=text,
        )

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Have nothing to judge."""

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Describe the contract's columns."""
        return tuple(Column(name=one.name, type=one.kind, rule=one.rule) for one in self._contract.columns)


def _plain(cells: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return numbers and truth values in the notation of JSON and of programs; None where one is not."""
    if pa.types.is_boolean(kind):
        small = pc.utf8_lower(cells)
        sound = pc.all(pc.is_in(small, value_set=pa.array(["true", "false"])), min_count=0, skip_nulls=True).as_py()
        return pc.equal(small, "true") if sound or not pc.any(small.is_valid(), min_count=0).as_py() else None
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return None
    if not pc.all(pc.match_substring_regex(cells, _PLAIN), min_count=0).as_py():
        return None
    try:
        return cast(pa.array([None if text is None else Decimal(text) for text in cells.to_pylist()]), kind)
    except (pa.ArrowInvalid, ArithmeticError):
        return None


def _as_json(cells: pa.Array) -> pa.Array:
    """Return JSON texts; a text that is none is a string."""
    return pa.array([None if text is None else _json_text(text) for text in cells.to_pylist()], pa.string())


def _json_text(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return text


def _by_one(cells: pa.Array, kind: pa.DataType) -> tuple[pa.Array, NDArray[np.int64]]:
    """Read floats, bytes, structs and lists, one by one."""
    read = _reader(kind)
    values: list[Any] = []
    unfit = []
    for row, text in enumerate(cells.to_pylist()):
        value = None
        try:
            value = None if text is None else read(text)
            pa.array([value], kind)
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            unfit.append(row)
            value = None
        values.append(value)
    return pa.array(values, kind), np.array(unfit, np.int64)


def _reader(kind: pa.DataType) -> Callable[[str], Any]:
    if pa.types.is_floating(kind):
        return float
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return bytes.fromhex
    if pa.types.is_nested(kind):
        return lambda text: json.loads(text, parse_float=Decimal)
    return lambda text: cast(pa.array([text]), kind)[0].as_py()
