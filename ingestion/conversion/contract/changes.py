"""The changes that a file would make to a contract, each told in a sentence, and the contract that comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ingestion.conversion.contract.kinds import kind_of, named
from ingestion.conversion.contract.model import Contract, ContractColumn
from ingestion.conversion.contract.notation import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which a file is not as agreed.

    ``old`` and ``new`` are texts to show, ``example`` a cell as it is written and ``line`` where it stands. ``policy``
    is what the contract says about it. ``data`` is what the next version needs to know. ``possible`` is False where no
    version could hold both the earlier rows and these.
    """

    kind: str
    column: str
    message: str
    hint: str = ""
    old: str = ""
    new: str = ""
    example: str | None = None
    line: int | None = None
    policy: str = "evolve"
    possible: bool = True
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """What becomes of the job for this change alone."""
        return self.policy if self.possible else "fail"

    def as_dict(self) -> dict[str, Any]:
        """Return the change for JSON; ``from_dict`` reads it."""
        names = ("kind", "column", "message", "hint", "old", "new", "example", "line", "policy", "possible", "data")
        return {name: getattr(self, name) for name in names} | {"outcome": self.outcome}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Change:
        """Read a change that ``as_dict`` wrote."""
        return cls(**{name: value for name, value in told.items() if name != "outcome"})


def evolved(contract: Contract, changes: Iterable[Change]) -> Contract:
    """Return the contract's next version, to which all the changes have been made; the same where they make none."""
    columns = {column.name: column for column in contract.columns}
    order: list[str] = list(columns)
    for change in changes:
        if change.kind == "reordered":
            order = _in_order(order, change)
        elif change.kind == "new_column":
            columns[change.column] = ContractColumn.from_dict(change.data["column"])
            order.append(change.column)
        elif change.column in columns:
            columns[change.column] = _changed(columns[change.column], change)
    return contract.with_columns(tuple(columns[name] for name in order))


def _in_order(order: list[str], change: Change) -> list[str]:
    """Put the columns that a file has in its order; only where a person agreed to it."""
    wanted = [name for name in change.data.get("order", ()) if name in order] if change.policy == "ask" else []
    places = iter(wanted)
    return [next(places) if name in wanted else name for name in order]


def _changed(column: ContractColumn, change: Change) -> ContractColumn:
    match change.kind:
        case "widened" | "changed_kind" | "first_values":
            kind = kind_of(change.data["type"])
            return replace(column, kind=kind, rule=change.data.get("rule", ""))
        case "notation":
            return replace(column, rule=joined(column.rule, change.data["rule"]))
        case "renamed":
            return replace(column, aliases=(*column.aliases, change.data["alias"]))
        case "new_nulls" | "missing_column":
            return replace(column, nullable=True)
        case _:
            return column


def typed(kind: pa.DataType) -> dict[str, Any]:
    """Return a type as a change's data keep it."""
    return {"type": named(kind)}


def shown(kind: pa.DataType) -> str:
    """Return a type as a sentence names it."""
    text = str(kind).replace("[day]", "")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def quoted(text: str | None) -> str:
    """Return a cell as a sentence shows it."""
    if text is None:
        return "an empty cell"
    return f'"{text}"' if len(text) <= SHOWN else f'"{text[:SHOWN]}..."'
