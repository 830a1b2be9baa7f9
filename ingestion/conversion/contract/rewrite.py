"""An earlier Parquet object brought to the types of a later contract, so that both are read as one table.

Engines read a column that some files lack as null, but not one whose type differs between files: Athena takes a
table's types from its schema and refuses a file with others (AWS, "Handle schema updates": for Parquet only adding
columns is safe). So a type that changes is changed in all of a dataset's files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.conversion.contract.casts import cast
from ingestion.conversion.contract.notation import retyped
from ingestion.conversion.formats.base import Table
from ingestion.conversion.values import Column, Notice, Origin, RowCount
from ingestion.conversion.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestion.conversion.contract.model import Contract

PREFIX = "databridge."
BATCH_ROWS = 64 * 1024


def schema_of(schema: pa.Schema, contract: Contract) -> pa.Schema:
    """Return the schema that a Parquet file of the dataset must have: its own columns, with the contract's types."""
    kinds = {column.name: column.kind for column in contract.columns}
    fields = [pa.field(field.name, kinds.get(field.name, field.type)) for field in schema]
    return pa.schema(fields)


def is_settled(schema: pa.Schema, contract: Contract) -> bool:
    """Tell whether a file's types are the contract's."""
    return [field.type for field in schema] == [field.type for field in schema_of(schema, contract)]


def rewrite(src: Path, dest: Path, contract: Contract) -> None:
    """Write a Parquet file anew with the contract's types; every value stays what it was, or becomes its text.

    The footer tells the same origin and rules. Raises ``pa.ArrowInvalid`` for a value that a type does not hold.
    """
    with pq.ParquetFile(src) as file:
        told = {key.decode(): text.decode() for key, text in (file.metadata.metadata or {}).items()}
        facts = {key.removeprefix(PREFIX): text for key, text in told.items() if key.startswith(PREFIX)}
        table = _Rewritten(file, json.loads(facts.pop("rules", "{}")), contract)
        facts["contract_version"] = str(contract.version)
        with Writer(dest, table, facts) as writer:
            for batch in table.batches():
                writer.write(batch)


class _Rewritten(Table):
    """A Parquet file as a table of the contract's types."""

    def __init__(self, file: pq.ParquetFile, rules: dict[str, str], contract: Contract) -> None:
        self.rows = RowCount(read=file.metadata.num_rows, loaded=file.metadata.num_rows)
        self.warnings: list[Notice] = []
        self.progress = 0
        self._file = file
        self._rules = rules
        self._old: pa.Schema = file.schema_arrow
        self._new = schema_of(self._old, contract)

    def schema(self) -> pa.Schema:
        return self._new

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._file.iter_batches(batch_size=BATCH_ROWS):
            pairs = zip(batch.columns, self._new, strict=True)
            arrays = [cast(cells, field.type, self._rules.get(field.name, "")) for cells, field in pairs]
            yield pa.RecordBatch.from_arrays(arrays, schema=self._new)

    def columns(self) -> tuple[Column, ...]:
        pairs = zip(self._old, self._new, strict=True)
        return tuple(Column(name=new.name, type=new.type, rule=self._rule(old, new)) for old, new in pairs)

    def _rule(self, old: pa.Field, new: pa.Field) -> str:
        """Return how a column's texts become its values now; of one that became text, that they are it."""
        if pa.types.is_string(new.type) and old.type != new.type:
            return "string"
        return retyped(self._rules.get(new.name, ""), new.type)

    def origin(self, row: int) -> Origin:
        raise LookupError(row)  # where a row came from is in the raw object
