"""All rules of a dataset, held against each batch: what breaks one is told, set aside, or stops the load."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.checks.errors import RejectsOverLimit, RuleBroken, RuleColumnMissing, RuleInvalid
from ingestion.conversion.checks.kernels import kernel
from ingestion.conversion.checks.references import KeySet
from ingestion.conversion.checks.rules import as_age, as_number
from ingestion.conversion.checks.sums import Sum
from ingestion.conversion.checks.unique import Again, UniqueKeys
from ingestion.conversion.formats.base import PlanWidened
from ingestion.conversion.pythonic import value
from ingestion.conversion.values import Notice, shortened
from ingestion.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.checks.references import Before, References
    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.checks.rules import Rule
    from ingestion.conversion.contract.model import RejectLimits
    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.values import Column

FIRST_FEW = 10
RULE = "BREAKS_RULE"


@dataclass(slots=True)
class _Check:
    """One rule at work: how it finds broken rows of a batch, and what it has found so far in this pass."""

    rule: Rule
    find: Callable[[Sequence[pa.Array]], NDArray[np.int64] | None]
    places: tuple[int, ...] = ()
    count: int = 0
    lines: list[int] = field(default_factory=list)


class RulesGate:
    """Holds the rules of a contract against batches."""

    def __init__(
        self,
        rules: Sequence[Rule],
        references: References | None = None,
        now: datetime | None = None,
        before: Before | None = None,
        loaded: Before | None = None,
    ) -> None:
        """Take other datasets as ``references`` for foreign keys; ``today`` and ages count from ``now``.

        ``before`` are rows of the same file that are loaded already, ``loaded`` all rows of the dataset.
        """
        self._rules = tuple(rules)
        self._references = references
        self._now = now or datetime.now(UTC)
        self._before = before
        self._loaded = loaded
        self._keys: dict[int, UniqueKeys] = {}
        self._sets: dict[int, tuple[list[pa.DataType], KeySet]] = {}
        self._checks: list[_Check] = []
        self._wholes: list[tuple[Rule, int | None, Any]] = []

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass; raises ``RuleColumnMissing`` for a column that the table does not have."""
        self._checks, self._wholes = [], []
        for number, rule in enumerate(self._rules):
            for name in rule.columns:
                if name not in schema.names:
                    raise RuleColumnMissing(
                        f'The rule {rule.kind} is for the column "{name}", which the file does not have.',
                        hint=f"It has {shortened(', '.join(schema.names), 200)}.",
                    )
            places = tuple(schema.names.index(name) for name in rule.columns)
            if rule.kind in {"column_sum", "freshness", "row_count"}:
                self._wholes.append((rule, places[0] if places else None, self._whole(rule, schema, places)))
            else:
                self._checks.append(_Check(rule, self._finder(number, rule, schema, places), places))
        return schema

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Change nothing."""
        return columns

    # ---- how each kind finds what breaks it ----

    def _finder(
        self, number: int, rule: Rule, schema: pa.Schema, places: tuple[int, ...]
    ) -> Callable[[Sequence[pa.Array]], NDArray[np.int64] | None]:
        kinds = [schema.field(place).type for place in places]
        if rule.kind == "unique":
            keys = self._keys.setdefault(number, UniqueKeys())
            keys.begin()
            before = self._rows_before(rule)
            if before is None:
                return keys.repeated
            return _not_before(keys, self._key_set(number, kinds, before.rows(rule.columns)))
        if rule.kind == "foreign_key":
            return _unknown_keys(self._key_set(number, kinds, self._elsewhere(rule)))
        finds = [kernel(rule, kind, self._now.date()) for kind in kinds]

        def find(columns: Sequence[pa.Array]) -> NDArray[np.int64] | None:
            masks = [of_column(cells) for of_column, cells in zip(finds, columns, strict=True)]
            found = [pc.indices_nonzero(pc.fill_null(mask, False)).to_numpy() for mask in masks if mask is not None]
            return np.unique(np.concatenate(found)) if found else None

        return find

    def _rows_before(self, rule: Rule) -> Before | None:
        """Return the rows with which keys are compared beside those of the file."""
        if rule.given.get("scope") != "dataset":
            return self._before
        if self._loaded is None:
            raise RuleInvalid(
                f"The rule {rule.name} needs the rows of the dataset, which are not at hand here.",
                hint="Load the file into DataBridge, or leave the scope out.",
            )
        return self._loaded

    def _elsewhere(self, rule: Rule) -> Iterator[pa.RecordBatch]:
        """Return the rows of the other dataset, into which a foreign key looks."""
        if self._references is None:
            raise RuleInvalid(
                f"The rule {rule.name} needs the dataset {rule.given['dataset']}, which is not at hand here.",
                hint="Load the file into DataBridge, or leave the rule out.",
            )
        return self._references.rows(rule.given["dataset"], rule.given.get("to_columns", rule.columns))

    def _key_set(self, number: int, kinds: list[pa.DataType], rows: Iterator[pa.RecordBatch]) -> KeySet:
        """Read the keys of rows elsewhere; once for all passes in which the file's own have the same types."""
        known = self._sets.get(number)
        if known is None or known[0] != kinds:
            known = self._sets[number] = (kinds, KeySet(rows, kinds))
        return known[1]

    def _whole(self, rule: Rule, schema: pa.Schema, places: tuple[int, ...]) -> Any:
        if rule.kind == "column_sum":
            return Sum(schema.field(places[0]))
        if rule.kind == "freshness":
            kind = schema.field(places[0]).type
            if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
                raise RuleInvalid(
                    f'The column "{rule.columns[0]}" is {kind}, so it cannot tell how fresh the file is.',
                    hint="Name a column of dates or times in the rule freshness.",
                )
            return _Newest()
        return None

    # ---- a pass ----

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Mark the rows that break a rule; raises ``RuleBroken`` for a rule that stops the load."""
        try:
            found = [(check, check.find([batch.column(place) for place in check.places])) for check in self._checks]
        except Again:
            raise PlanWidened from None
        for check, broken in found:
            if broken is not None and len(broken):
                self._note(check, batch, broken, rows, rejects)
        for _, place, whole in self._wholes:
            if whole is not None:
                whole.add(batch.column(place), batch, rejects.marked if rows is None else _within(rows, rejects.marked))
        return batch

    def _note(
        self, check: _Check, batch: pa.RecordBatch, broken: NDArray[np.int64], rows: Numbers | None, rejects: Rejects
    ) -> None:
        rule = check.rule
        numbers = broken if rows is None else rows[broken]
        check.count += len(broken)
        if rule.severity == "reject":
            for row, number in zip(broken.tolist(), numbers.tolist(), strict=True):
                for column, place in _cells(check, batch, row):
                    rejects.add(
                        number,
                        code=RULE,
                        column=column,
                        rule=rule.name,
                        reason=_reason(rule, column, batch.column(place)[row]),
                        hint=_HINTS[rule.kind],
                    )
            return
        for number in numbers[: FIRST_FEW - len(check.lines)].tolist():
            origin = rejects.origin(number)
            if rule.severity == "fail":
                row = int(np.searchsorted(rows, number)) if rows is not None else number
                column, place = next(iter(_cells(check, batch, row)))
                raise RuleBroken(
                    f"{_reason(rule, column, batch.column(place)[row])} The rule {rule.name} stops the load.",
                    hint=_HINTS[rule.kind],
                    place=Place(
                        file=origin.file, member=origin.member, sheet=origin.sheet, line=origin.line, column=column
                    ),
                )
            check.lines.append(origin.line or 0)

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Judge what only the whole file can tell; raises ``RuleBroken``, or ``PlanWidened`` to look once more."""
        for keys in self._keys.values():
            try:
                keys.finish()
            except Again:
                raise PlanWidened from None
        for check in self._checks:
            if check.count and check.rule.severity == "warn":
                table.warnings.append(_warning(check))
        for rule, _, whole in self._wholes:
            if wrong := self._judged(rule, whole, table.rows.loaded):
                if rule.severity == "fail":
                    raise RuleBroken(wrong, hint=_HINTS[rule.kind])
                column = rule.columns[0] if rule.columns else None
                table.warnings.append(Notice(code=RULE, message=f"{wrong} The rows are loaded.", column=column))

    def _judged(self, rule: Rule, whole: Any, loaded: int) -> str:
        """Say what is wrong with the file as a whole; empty when nothing is."""
        if rule.kind == "freshness":
            return _stale(rule, whole.value, self._now)
        if rule.kind == "row_count":
            value, what = as_number(loaded), f"{loaded:,} rows are to be loaded"
        else:
            value, what = whole.value, f'The sum of "{rule.columns[0]}" is {whole.value}'
        given = {name: bound for name, text in rule.given.items() if (bound := as_number(text)) is not None}
        if value is None:
            return f'The sum of "{rule.columns[0]}" cannot be told: {whole.why}'
        sound = value >= given.get("min", value) and value <= given.get("max", value)
        if sound and value == given.get("equals", value):
            return ""
        return f"{what}, against the rule {rule.name}."


class LimitsGate:
    """Stops a load that sets aside more rows than the dataset allows; the last of all gates that set rows aside."""

    def __init__(self, limits: RejectLimits) -> None:
        """Keep the limits."""
        self._limits = limits

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Change nothing."""
        return schema

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Stop early where the number alone is too large already: the rest of the file cannot mend it."""
        count = self._limits.count
        if count is not None and rejects.count > count + FIRST_FEW:
            raise _too_many(f"More than {count:,} rows are set aside", rejects)
        return batch

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Compare; raises ``RejectsOverLimit``."""
        rows = table.rows
        if rows.rejected and rows.rejected == rows.rejected + rows.loaded:
            raise _too_many(f"Each of the {rows.rejected:,} rows is set aside", rejects)
        if not self._limits.allow(rows.rejected, rows.loaded + rows.rejected):
            allowed = [f"{self._limits.count:,} rows"] if self._limits.count is not None else []
            allowed += [f"{self._limits.share:.4g} of the rows"] if self._limits.share is not None else []
            of = f"{rows.rejected:,} of {rows.loaded + rows.rejected:,} rows are set aside"
            raise _too_many(f"{of}; the dataset allows {' and '.join(allowed)}", rejects)

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Change nothing."""
        return columns


def _too_many(what: str, rejects: Rejects) -> RejectsOverLimit:
    first = rejects.listed[0] if rejects.listed else None
    place = None
    told = f"{what}."
    if first is not None:
        place = Place(file=first.file, member=first.member, sheet=first.sheet, line=first.line, column=first.column)
        told = f"{what}. The first: {first.reason}"
    return RejectsOverLimit(
        told,
        hint="Look at the rejects; correct the file and send it again, or accept the rejects and correct them here.",
        place=place,
    )


# ---- pieces ----


class _Newest:
    """The largest of all values seen."""

    def __init__(self) -> None:
        self.value: Any = None
        self._scalar: pa.Scalar | None = None

    def add(self, cells: pa.Array, batch: pa.RecordBatch, out: Sequence[int]) -> None:
        newest = pc.max(cells)
        if newest.is_valid and (self._scalar is None or pc.greater(newest, self._scalar).as_py()):
            self._scalar, self.value = newest, value(newest)


def _within(rows: Numbers, marked: Sequence[int]) -> list[int]:
    """Return the places in a batch of rows by their numbers."""
    return np.flatnonzero(np.isin(rows, marked)).tolist()


def _not_before(own: UniqueKeys, known: KeySet) -> Callable[[Sequence[pa.Array]], NDArray[np.int64] | None]:
    """Compare keys with those of the rows before them, and with those of the rows loaded before."""

    def find(columns: Sequence[pa.Array]) -> NDArray[np.int64] | None:
        return np.union1d(own.repeated(columns), np.flatnonzero(~known.unknown(columns)))

    return find


def _unknown_keys(keys: KeySet) -> Callable[[Sequence[pa.Array]], NDArray[np.int64] | None]:
    def find(columns: Sequence[pa.Array]) -> NDArray[np.int64] | None:
        if len(columns) == 1:
            values = pc.unique(columns[0]).drop_null()
            wrong = keys.unknown([values]) if len(values) else np.zeros(0, bool)
            if not wrong.any():
                return None
            missing = values.filter(pa.array(wrong))
            return pc.indices_nonzero(pc.is_in(columns[0], value_set=missing, skip_nulls=True)).to_numpy()
        whole = columns[0].is_valid()
        for cells in columns[1:]:
            whole = pc.and_(whole, cells.is_valid())
        return np.flatnonzero(keys.unknown(columns) & whole.to_numpy(zero_copy_only=False))

    return find


def _cells(check: _Check, batch: pa.RecordBatch, row: int) -> list[tuple[str, int]]:
    """Return the columns of a row that are to be named: of ``not_null`` those that are null, else all or the first."""
    pairs = list(zip(check.rule.columns, check.places, strict=True))
    if check.rule.kind == "not_null":
        return [(name, place) for name, place in pairs if not batch.column(place)[row].is_valid] or pairs[:1]
    return pairs[:1]


def _reason(rule: Rule, column: str, cell: pa.Scalar) -> str:
    held = value(cell)
    shown = "nothing" if held is None else f'"{shortened(str(held))}"'
    return f'Column "{column}" holds {shown}, which {_WRONG[rule.kind](rule)}.'


_LOADED_BEFORE = {None: "before", "file": "before", "dataset": "before, in this file or loaded earlier,"}
_WRONG: dict[str, Callable[[Rule], str]] = {
    "not_null": lambda _: "must not be empty",
    "unique": lambda rule: f"a row {_LOADED_BEFORE[rule.given.get('scope')]} has already{_beside(rule)}",
    "in_list": lambda rule: f"is none of {rule.name.partition(': ')[2]}",
    "range": lambda rule: f"is not {rule.name.partition(': ')[2]}",
    "length": lambda rule: f"has not {rule.name.partition(': ')[2]}",
    "regex": lambda rule: f"is not of the form {rule.given['pattern']}",
    "date_window": lambda rule: f"is not {rule.name.partition(': ')[2]}",
    "foreign_key": lambda rule: f"the dataset {rule.given['dataset']} does not have",
}
_HINTS = {
    "not_null": "Fill the cell in and replay the row.",
    "unique": "Correct the key and replay the row, or dismiss it if it is the same record twice.",
    "in_list": "Write one of the values allowed, or have the new one added to the rule.",
    "range": "Correct the value and replay the row, or have the rule's bounds changed.",
    "length": "Correct the text and replay the row.",
    "regex": "Correct the text and replay the row.",
    "date_window": "Correct the date and replay the row.",
    "foreign_key": "Load the missing key into that dataset first, or correct the cell; then replay the row.",
    "row_count": "Check that the export is whole, or change the rule.",
    "column_sum": "Check that the export is whole, or change the rule.",
    "freshness": "Check that this is the latest export, or change the rule.",
}


def _beside(rule: Rule) -> str:
    return f", with the same {', '.join(rule.columns[1:])}" if rule.columns[1:] else ""


def _warning(check: _Check) -> Notice:
    rows = "1 row breaks" if check.count == 1 else f"{check.count:,} rows break"
    message = f"{rows} the rule {check.rule.name}, the first on line {check.lines[0]:,}; they are loaded."
    return Notice(code=RULE, message=message, column=check.rule.columns[0], lines=tuple(check.lines))


def _stale(rule: Rule, newest: Any, now: datetime) -> str:
    if newest is None:
        return f'"{rule.columns[0]}" has no value, so the file\'s age cannot be told.'
    if isinstance(newest, str):  # beyond Python's calendar: before the year 1, or behind 9999
        told = f'The newest value of "{rule.columns[0]}" is {newest}, against the rule {rule.name}.'
        return told if newest.startswith(("-", "0000")) else ""
    if not isinstance(newest, datetime):
        newest = datetime(newest.year, newest.month, newest.day, 23, 59, 59, tzinfo=UTC)
    newest = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
    if now - newest <= as_age(rule.given["max_age"]):
        return ""
    return f'The newest value of "{rule.columns[0]}" is {newest:%Y-%m-%d %H:%M}, against the rule {rule.name}.'
