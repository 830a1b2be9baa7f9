"""What is to be told of a file beside its contract: one change a column, each in a sentence with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.contract.changes import Change, quoted, shown, typed
from ingestion.conversion.contract.columns import only_filled
from ingestion.conversion.contract.matching import TECHNICAL
from ingestion.conversion.contract.model import Contract, ContractColumn
from ingestion.conversion.contract.notation import JSON_TEXT, same, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.contract.columns import Way
    from ingestion.conversion.contract.matching import Matching

_NEXT = {
    "fail": "Correct the export and send the file again, or let an Admin change the policy for {kind} of this dataset.",
    "ask": "An Admin may approve it, and then the file is loaded, or refuse it.",
}
_NEVER = "No type holds these values and the earlier ones. Load the file into a dataset of its own."


def birth(contract: Contract, ways: Sequence[Way], names: list[str], rules: dict[str, str], rows: int) -> Contract:
    """Return the contract that a first file makes: its columns, with room for larger amounts."""
    columns = tuple(
        _new(contract, way, names, rules, nullable=way.name == TECHNICAL or not rows or bool(way.nulls)) for way in ways
    )
    return contract.with_columns(columns)


def _new(contract: Contract, way: Way, names: list[str], rules: dict[str, str], *, nullable: bool) -> ContractColumn:
    name = names[way.place or 0]
    rule = written(rules.get(name, ""))
    aliases = (name,) if name != way.name and contract.column(name) is None else ()
    return ContractColumn(way.name, way.kind, rule, nullable=nullable, seen=way.seen, aliases=aliases)


class _Teller:
    """Tells the changes of one file."""

    def __init__(self, contract: Contract, matching: Matching, names: list[str], rules: dict[str, str]) -> None:
        self._contract = contract
        self._version = f"version {contract.version} of the contract"
        self._matching = matching
        self._names = names
        self._rules = rules

    def change(self, kind: str, column: str, message: str, **facts: Any) -> Change:
        """Return a change with its policy and the next step."""
        policy = facts.pop("policy", self._contract.policies.get(kind, "evolve"))
        hint = _NEXT.get(policy, "").format(kind=kind) if facts.get("possible", True) else _NEVER
        return Change(kind=kind, column=column, message=message, policy=policy, hint=hint, **facts)

    def of(self, way: Way) -> Iterator[Change]:
        """Yield what is to be told of one column of the output."""
        if way.agreed is None:
            yield self._is_new(way)
        elif way.place is None:
            if way.name != TECHNICAL:
                yield self._is_missing(way)
        else:
            if way.name in self._matching.renamed:
                yield self._is_renamed(way)
            yield from self._kind(way)
            yield from self._nulls(way)

    def _is_new(self, way: Way) -> Change:
        column = _new(self._contract, way, self._names, self._rules, nullable=True)
        message = f'Column "{way.name}" is new: {shown(way.kind)}{_example(way, "such as")}. '
        message += f"It is not in {self._version}; earlier rows are empty there."
        name = self._names[way.place or 0]
        if column.aliases:
            message += f' The file calls it "{name}", as another column but for capitals.'
        elif other := self._contract.column(name):
            message += f' The file calls it "{name}", which is another name of column "{other.name}".'
        policy = {"policy": "evolve"} if way.name == TECHNICAL else {}
        data = {"column": column.as_dict()}
        return self.change("new_column", way.name, message, new=shown(way.kind), data=data, **_seen(way), **policy)

    def _is_missing(self, way: Way) -> Change:
        assert way.agreed is not None  # noqa: S101  (only a column of the contract can be missing)
        place = 1 + [column.name for column in self._contract.columns].index(way.name)
        message = f'Column "{way.name}" is missing: {self._version} has it as column {place}, {shown(way.kind)}.'
        policy = self._contract.policies["missing_column"]
        told = {"policy": "evolve"} if policy == "ask" and way.agreed.nullable else {}
        return self.change("missing_column", way.name, message, old=shown(way.kind), **told)

    def _is_renamed(self, way: Way) -> Change:
        other = self._names[way.place or 0]
        message = (
            f'Column "{way.name}" is missing and "{other}" is new in its place, with values of the same kind'
            f'{_example(way, "such as")}: it seems to be renamed. Its values are loaded as "{way.name}".'
        )
        return self.change("renamed", way.name, message, old=way.name, new=other, data={"alias": other}, **_seen(way))

    def _kind(self, way: Way) -> Iterator[Change]:
        """Yield what changed of a column's type, or of the way in which it is written."""
        assert way.agreed is not None and way.place is not None  # noqa: S101, PT018  (asked by ``of``)
        old, rule = way.agreed.kind, self._rules[self._names[way.place]]
        if way.kind != old:
            yield self._is_retyped(way, rule)
            return
        read = way.reader.rule if way.reader is not None else rule
        ways = written(read)
        if JSON_TEXT not in {ways, way.agreed.rule} and not same(way.agreed.rule, ways):
            message = f'Column "{way.name}" was written as {way.agreed.rule} and is now written as {ways}'
            message += f"{_example(way, 'such as')}. Its values are dates, times or amounts as before."
            yield self.change("notation", way.name, message, old=way.agreed.rule, new=ways, data={"rule": ways})
        elif way.narrower is not None:
            message = f'Column "{way.name}" would need no more than {shown(way.narrower)}; it is kept as {shown(old)}.'
            yield self.change("narrowed", way.name, message, old=shown(old), new=shown(way.narrower))

    def _is_retyped(self, way: Way, rule: str) -> Change:
        assert way.agreed is not None  # noqa: S101  (asked by ``of``)
        old = way.agreed.kind
        facts = {"old": shown(old), "new": shown(way.kind), **_seen(way)}
        data = {**typed(way.kind), "rule": written(rule) if not pa.types.is_string(way.kind) else ""}
        if only_filled(old, way.kind):
            message = f'Column "{way.name}" had no values until now and becomes {shown(way.kind)}{_example(way, "by")}.'
            return self.change("first_values", way.name, message, data=data, **facts)
        if pa.types.is_string(way.kind):
            came = "other texts" if pa.types.is_string(way.found) else shown(way.found)
            message = f'Column "{way.name}" is agreed to be {shown(old)}, and most of its cells are {came}'
            message += f"{_example(way, 'such as')}. To keep all values it would become text."
            possible = not pa.types.is_binary(old)
            return self.change("changed_kind", way.name, message, data=data, possible=possible, **facts)
        data["rule"] = way.agreed.rule or data["rule"]
        message = f'Column "{way.name}" is agreed to be {shown(old)} and now needs {shown(way.kind)}'
        return self.change("widened", way.name, f"{message}{_example(way, 'because of')}.", data=data, **facts)

    def _nulls(self, way: Way) -> Iterator[Change]:
        if way.agreed is None or way.agreed.nullable or not way.nulls:
            return
        rows = "1 row" if way.nulls == 1 else f"{way.nulls:,} rows"
        first = f", the first on line {way.example[0]:,}" if way.seeks == "null" and way.example else ""
        message = f'Column "{way.name}" had a value in every row and is now empty in {rows}{first}.'
        asked = {"policy": "ask"} if way.agreed.key and self._contract.policies["new_nulls"] == "evolve" else {}
        line = way.example[0] if way.seeks == "null" and way.example else None
        yield self.change("new_nulls", way.name, message, old="no nulls", new=f"{rows} without", line=line, **asked)

    def order(self, ways: Sequence[Way]) -> Iterator[Change]:
        """Tell of another order of the columns that both have."""
        common = [way for way in ways if way.agreed is not None and way.place is not None]
        came = sorted(common, key=lambda way: way.place or 0)
        if came != common:
            moved = next(way.name for way, other in zip(came, common, strict=True) if way is not other)
            names = [way.name for way in came]
            message = f'The columns come in another order: "{moved}" is now column {names.index(moved) + 1} of those '
            message += f"that {self._version} has. They are written in the contract's order."
            yield self.change("reordered", "", message, data={"order": names})


def told(
    contract: Contract,
    ways: Sequence[Way],
    matching: Matching,
    names: list[str],
    rules: dict[str, str],
    *,
    ordered: bool,
) -> list[Change]:
    """Return all changes that a file makes to a contract, column by column."""
    teller = _Teller(contract, matching, names, rules)
    changes = [change for way in ways for change in teller.of(way)]
    return changes + (list(teller.order(ways)) if ordered else [])


def _example(way: Way, words: str) -> str:
    if way.example is None:
        return ""
    line, text = way.example
    return f", {words} {quoted(text)}" + (f" on line {line:,}" if line else "")


def _seen(way: Way) -> dict[str, Any]:
    return {} if way.example is None else {"example": way.example[1], "line": way.example[0] or None}
