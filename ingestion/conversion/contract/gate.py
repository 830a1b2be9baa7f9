"""The contract as a gate: each batch is brought into the agreed shape, and at the end the changes are judged.

A file is converted as if all its changes were welcome, so that all of them are known together; then the contract's
policies decide. Until then nothing is published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.contract.cells import CellReader
from ingestion.conversion.contract.changes import evolved, quoted, shown
from ingestion.conversion.contract.columns import Way, is_readable, target
from ingestion.conversion.contract.kinds import canonical, roomy
from ingestion.conversion.contract.matching import (
    WIDE,
    Matching,
    guessed,
    hashes,
    is_like,
    matched,
    overlap,
    own_name,
    take_renamed,
)
from ingestion.conversion.contract.notation import retyped
from ingestion.conversion.contract.telling import birth, told
from ingestion.conversion.errors import ApprovalNeeded, SchemaChanged
from ingestion.conversion.formats.base import PlanWidened
from ingestion.conversion.values import Column, Notice

if TYPE_CHECKING:
    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.contract.changes import Change
    from ingestion.conversion.contract.model import Contract
    from ingestion.conversion.formats.base import Table

Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
BREAKS = "BREAKS_CONTRACT"
SILENT = {"narrowed", "first_values"}
OPEN = {"AMBIGUOUS_NUMBER", "AMBIGUOUS_DATE"}  # of a column: its cells, read singly, settle what its rules left open
PARTITION = "date"  # the lake's folders are called date=2026-01-31


class ContractGate:
    """Brings batches into the shape of a contract; one of version 0 has none yet, and takes that of the file.

    After a pass, ``changes`` are what the file would change, and ``result`` is the contract with them.
    """

    def __init__(self, contract: Contract, table: Table, *, ordered: bool = True) -> None:
        """``ordered`` says that the order of the table's columns means something."""
        self.contract = contract
        self.changes: tuple[Change, ...] = ()
        self.result = contract
        self._table = table
        self._ordered = ordered
        self._lost: dict[str, tuple[int, str | None]] = {}
        self._wide: set[str] = set()
        self._surely: set[str] = set()
        self._unsure: dict[str, int] = {}
        self._matching = Matching()
        self._ways: list[Way] = []
        self._schema = pa.schema([])
        self._first = True

    # ---- the shape ----

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass; return the contract's columns, as this file needs them, and then new ones."""
        rules = {column.name: column.rule for column in self._table.columns()}
        self._first = True
        self._matching = found = matched(self.contract, schema.names)
        self._unsure = {}
        if places := guessed(self.contract, schema, found):
            taken = {name: place for name, place in places.items() if self._is_renamed(name, schema.field(place).name)}
            take_renamed(found, taken)
            self._unsure = {name: place for name, place in places.items() if name not in taken}
        places = {**found.found, **found.renamed}
        ways = [self._agreed(column.name, places.get(column.name), schema, rules) for column in self.contract.columns]
        spelled = {way.name.casefold() for way in ways}
        aliases = {alias.casefold() for column in self.contract.columns for alias in column.aliases}
        reserved = aliases | {name.casefold() for name in schema.names}
        for place in found.new:
            field = schema.field(place)
            if self.contract.column(field.name) is not None:
                spelled.add(field.name.casefold())  # the alias of a column that the file has beside it
            name = own_name(field.name, spelled, reserved)
            ways.append(Way(name=name, place=place, kind=roomy(field.type), rule=rules[field.name], seeks="value"))
        self._ways = ways
        metadata = schema.metadata
        self._schema = pa.schema([pa.field(way.name, way.kind) for way in ways], metadata)
        return self._schema

    def _is_renamed(self, name: str, other: str) -> bool:
        """Tell whether a new column is a missing one: its name or a value is alike, or a column that never lacked goes.

        An optional one may be missing, and another optional one come, without the one being the other: two
        files that bring a column each are no rename. What evolves unasked needs the likeness in any case.
        """
        if name in self._surely or is_like(name, other):
            return True
        column = self.contract.column(name)
        return self.contract.policies["renamed"] != "evolve" and column is not None and not column.nullable

    def _agreed(self, name: str, place: int | None, schema: pa.Schema, rules: dict[str, str]) -> Way:
        """Return how a column of the contract comes about."""
        column = self.contract.column(name)
        assert column is not None  # noqa: S101  (it is one of the contract's)
        if place is None:
            return Way(name=name, place=None, kind=column.kind, agreed=column)
        field = schema.field(place)
        found, rule = canonical(field.type), rules[field.name]
        kind = target(column.kind, found, lost=name in self._lost, wide=name in self._wide)
        way = Way(name=name, place=place, kind=kind, rule=rule, agreed=column, found=found)
        if pa.types.is_string(found) and not pa.types.is_string(kind) and is_readable(kind):
            way.reader = CellReader(kind, column.rule)
        if name in self._lost:
            way.example = self._lost[name]
        elif kind != column.kind:
            way.seeks = "value" if pa.types.is_null(column.kind) or pa.types.is_string(kind) else "wider"
        elif name in self._matching.renamed:
            way.seeks = "value"
        elif not column.nullable:
            way.seeks = "null"
        return way

    # ---- the rows ----

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Return a batch in the contract's shape; rows with cells that do not fit are set aside."""
        if self._first:
            self._look_once(batch)
        arrays: list[pa.Array] = []
        unfit: list[tuple[Way, Rows]] = []
        for way, values, bad in self._read(batch):
            arrays.append(values)
            if len(bad):
                unfit.append((way, bad))
                way.unfit += len(bad)
            if way.place is not None:
                way.known += batch.num_rows - batch.column(way.place).null_count
        self._give_up(batch, unfit)
        for way, bad in unfit:
            self._set_aside(batch, way, bad, rows, rejects)
        broken = np.unique(np.concatenate([bad for _, bad in unfit])) if unfit else None
        for way, values in zip(self._ways, arrays, strict=True):
            if way.agreed is None or not way.agreed.nullable or way.seeks:
                self._notice(batch, way, values, broken)
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _read(self, batch: pa.RecordBatch) -> list[tuple[Way, pa.Array, Rows]]:
        """Return each column's values and the rows that do not fit; begin again where a number is too large."""
        read, before = [], len(self._wide)
        for way in self._ways:
            try:
                read.append((way, *way.values(batch)))
            except pa.ArrowInvalid:
                if way.name in self._wide:
                    raise
                self._wide.add(way.name)
        if len(self._wide) > before:
            raise PlanWidened
        return read

    def _look_once(self, batch: pa.RecordBatch) -> None:
        """Look at the first batch: for values by which columns are known again, now or in a later file."""
        self._first = False
        sure = {
            name
            for name, place in self._unsure.items()
            if (column := self.contract.column(name)) is not None and overlap(column, batch.column(place))
        }
        if sure:
            self._surely |= sure
            raise PlanWidened
        for way in self._ways if len(self._ways) <= WIDE else []:
            if way.agreed is None and way.place is not None:
                way.seen = hashes(batch.column(way.place))

    def _give_up(self, batch: pa.RecordBatch, unfit: list[tuple[Way, Rows]]) -> None:
        """Begin again with text for columns in which most cells do not fit."""
        lost = [(way, bad) for way, bad in unfit if way.is_lost]
        for way, bad in lost:
            self._lost[way.name] = self._cell(batch, way, int(bad[0]))
        if lost:
            raise PlanWidened

    def _set_aside(
        self,
        batch: pa.RecordBatch,
        way: Way,
        bad: Rows,
        rows: Numbers | None,
        rejects: Rejects,
    ) -> None:
        assert way.agreed is not None and way.place is not None  # noqa: S101, PT018  (only agreed columns are read so)
        cells = batch.column(way.place)
        rule = way.agreed.rule or shown(way.agreed.kind)
        for row in bad.tolist():
            text = cells[row].as_py()
            rejects.add(
                int(row if rows is None else rows[row]),
                code=BREAKS,
                column=self._table.schema().field(way.place).name,
                rule=rule,
                reason=f'Column "{way.name}" is agreed to be {shown(way.agreed.kind)}, which {quoted(text)} is not.',
                hint=f"Write it as {rule}, and replay the row.",
                raw=text,
            )

    def _notice(
        self,
        batch: pa.RecordBatch,
        way: Way,
        values: pa.Array,
        broken: Rows | None,
    ) -> None:
        """Count nulls, and keep the first cell that shows what is to be told."""
        if broken is not None:
            stays = np.ones(len(values), np.bool_)
            stays[broken] = False
            way.nulls += int(values.filter(pa.array(stays)).null_count)
        else:
            way.nulls += values.null_count
        if way.seeks and way.example is None and way.place is not None:
            cells = batch.column(way.place)
            if way.seeks == "null":
                cells = values if broken is None else _known(values, broken)
            if (row := way.sought(cells)) is not None:
                way.example = self._cell(batch, way, row)

    def _cell(self, batch: pa.RecordBatch, way: Way, row: int) -> tuple[int, str | None]:
        """Return the line of a cell, and its text as it was written."""
        assert way.place is not None  # noqa: S101  (only cells of the file are shown)
        origin = self._table.origin(row)
        return origin.line or 0, origin.cells.get(batch.schema.field(way.place).name)

    # ---- the end ----

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Judge the changes; raises ``SchemaChanged`` or ``ApprovalNeeded`` where the contract says so."""
        rules = {column.name: column.rule for column in self._table.columns()}
        names = self._table.schema().names
        table.warnings += [_shadowed(way.name) for way in self._ways if way.is_new and way.name.lower() == PARTITION]
        if not self.contract.version:
            self.result = birth(self.contract, self._ways, names, rules, table.rows.loaded)
            return
        changes = told(self.contract, self._ways, self._matching, names, rules, ordered=self._ordered)
        self.changes = tuple(changes)
        if failing := [change for change in changes if change.outcome == "fail"]:
            raise SchemaChanged.of(self.contract.version, changes, failing)
        if asking := [change for change in changes if change.outcome == "ask"]:
            raise ApprovalNeeded.of(self.contract.version, changes, asking)
        self.result = evolved(self.contract, changes)
        by_cell = {names[way.place] for way in self._ways if way.reader is not None and way.place is not None}
        table.warnings = [notice for notice in table.warnings if not (notice.code in OPEN and notice.column in by_cell)]
        table.warnings += [
            Notice(code=change.kind.upper(), message=change.message, column=change.column or None, lines=_lines(change))
            for change in changes
            if change.kind not in SILENT
        ]

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Describe the columns as they are written."""
        described = []
        for way in self._ways:
            if way.place is None:
                described.append(Column(name=way.name, type=way.kind, rule="null", note="the file does not have it"))
                continue
            own = columns[way.place]
            rule = way.reader.rule if way.reader is not None and way.reader.rule else own.rule
            notes = [own.note] if own.note and way.reader is None else []
            if own.name != way.name:
                notes.append(f'it is "{own.name}" in the file')
            if way.agreed is not None and way.narrower is not None and way.kind == way.agreed.kind:
                notes.append(f"this file would need no more than {shown(way.narrower)}")
            rule = retyped(rule, way.kind)
            described.append(replace(own, name=way.name, type=way.kind, rule=rule, note="; ".join(notes)))
        return tuple(described)


def _shadowed(name: str) -> Notice:
    message = (
        f'Column "{name}" has the name of the lake\'s folders, {PARTITION}=YYYY-MM-DD. An engine that reads folders as '
        "partitions shows their day in its place: read with hive_partitioning=false, or agree on another name for it, "
        f'with "{name}" as its alias, before the first load.'
    )
    return Notice(code="PARTITION_NAME", message=message, column=name)


def _lines(change: Change) -> tuple[int, ...]:
    return (change.line,) if change.line else ()


def _known(values: pa.Array, broken: Rows) -> pa.Array:
    """Return whether there is a value, as something that is null where there is none in a row that stays."""
    there = values.is_valid().to_numpy(zero_copy_only=False).copy()
    there[broken] = True
    return pa.array(there, mask=~there)
