"""A contract: the columns that a dataset's files are agreed to have, and what happens when one has others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.checks.rules import rules_of
from ingestion.conversion.contract.kinds import Kind, kind_of, named
from ingestion.conversion.contract.policies import DEFAULT, SHARES, policies_of
from ingestion.conversion.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

LINEAGE = ("_job_id", "_source_row", "_loaded_at")
_COLUMN = {"name", "type", "rule", "nullable", "key", "aliases", "seen"}
_CONTRACT = {"columns", "preset", "policies", "rules", "reject_limits", "lineage", "version"}


@dataclass(frozen=True)
class ContractColumn:
    """One agreed column.

    ``rule`` is how its texts are written (``date DD.MM.YYYY``), several joined by `` or ``, empty for any way of its
    type. ``aliases`` are other names under which files bring it. ``seen`` are hashes of a few of its first values, by
    which it is known again under another name.
    """

    name: str
    kind: pa.DataType
    rule: str = ""
    nullable: bool = True
    key: bool = False
    aliases: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    @property
    def type(self) -> Kind:
        """The type as JSON has it."""
        return named(self.kind)

    def as_dict(self) -> dict[str, Any]:
        """Return the column for JSON; what is empty is left out."""
        told: dict[str, Any] = {"name": self.name, "type": self.type, "rule": self.rule}
        told |= {"nullable": self.nullable, "key": self.key}
        told |= {"aliases": list(self.aliases)} if self.aliases else {}
        return told | ({"seen": list(self.seen)} if self.seen else {})

    @classmethod
    def from_dict(cls, told: Any) -> ContractColumn:
        """Read a column; raises ``ContractInvalid``."""
        if not isinstance(told, dict) or not isinstance(told.get("name"), str) or not told["name"]:
            raise ContractInvalid("A column of the contract has no name.", hint='Write {"name": "amount", ...}.')
        name = told["name"]
        if unknown := set(told) - _COLUMN:
            raise ContractInvalid(
                f'Column "{name}" has {", ".join(sorted(unknown))}, which no column has.',
                hint=f"There are {', '.join(sorted(_COLUMN))}.",
            )
        if "type" not in told:
            raise ContractInvalid(f'Column "{name}" has no type.', hint='Write "type": "string", for example.')
        texts = {one: told.get(one, ()) for one in ("aliases", "seen")}
        if not all(isinstance(found, list | tuple) and all(map(_is_text, found)) for found in texts.values()):
            raise ContractInvalid(f'The aliases of column "{name}" are no list of names.', hint='Write ["Betrag"].')
        flags = {one: told.get(one, one == "nullable") for one in ("nullable", "key")}
        if not all(isinstance(flag, bool) for flag in flags.values()):
            raise ContractInvalid(f'nullable and key of column "{name}" are true or false.', hint="Without quotes.")
        if not _is_text(told.get("rule", "")):
            raise ContractInvalid(f'The rule of column "{name}" is no text.', hint='Write "date DD.MM.YYYY", or "".')
        return cls(
            name=name,
            kind=kind_of(told["type"]),
            rule=told.get("rule", ""),
            aliases=tuple(texts["aliases"]),
            seen=tuple(texts["seen"]),
            **flags,
        )


@dataclass(frozen=True)
class RejectLimits:
    """How many rows of a file may be set aside: a number, a share of all rows; either alone is enough to stop it."""

    count: int | None = None
    share: float | None = SHARES[DEFAULT]

    def allow(self, rejected: int, rows: int) -> bool:
        """Tell whether so many of a file's rows may be set aside."""
        over_count = self.count is not None and rejected > self.count
        return not rejected or not (over_count or (self.share is not None and rejected > self.share * rows))

    @classmethod
    def from_dict(cls, told: Any, preset: str) -> RejectLimits:
        """Read limits, the preset's where nothing is told; raises ``ContractInvalid``."""
        if told is None:
            return cls(None, SHARES[preset])
        count, share = (told.get("count"), told.get("share")) if isinstance(told, dict) else (-1, None)
        fine_count = count is None or (isinstance(count, int) and not isinstance(count, bool) and count >= 0)
        fine_share = share is None or (isinstance(share, int | float) and 0 <= share <= 1)
        if not (fine_count and fine_share):
            raise ContractInvalid(
                "The reject_limits are not limits.",
                hint='Write {"count": 100, "share": 0.01}: a number of rows, a share from 0 to 1, null for no limit.',
            )
        return cls(count, None if share is None else float(share))


@dataclass(frozen=True)
class Contract:
    """What the files of a dataset are agreed to hold; a change of it is a new version."""

    columns: tuple[ContractColumn, ...]
    preset: str = DEFAULT
    policies: Mapping[str, str] = field(default_factory=lambda: policies_of(DEFAULT))
    rules: tuple[Mapping[str, Any], ...] = ()
    reject_limits: RejectLimits = field(default_factory=RejectLimits)
    lineage: tuple[str, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant: a name, or an alias, that stands for two columns."""
        taken: set[str] = set()
        for name in (name for column in self.columns for name in (column.name, *column.aliases)):
            if name in taken:
                raise ContractInvalid(
                    f'The name "{name}" stands for two columns.', hint="Give each column names of its own."
                )
            taken.add(name)

    def refuse_same_spelling(self, but: Contract) -> None:
        """Refuse two columns whose names differ by capitals only, but for those that another contract has already."""
        known = {column.name for column in but.columns}
        spelled: dict[str, str] = {}
        for name in sorted((column.name for column in self.columns), key=lambda name: name not in known):
            if (other := spelled.setdefault(name.casefold(), name)) != name and name not in known:
                raise ContractInvalid(
                    f'The columns "{other}" and "{name}" differ by capitals only, one name to DuckDB and Athena.',
                    hint="Give one of them another name, and its own as an alias.",
                )

    @cached_property
    def _by_name(self) -> dict[str, ContractColumn]:
        return {name: column for column in self.columns for name in (column.name, *column.aliases)}

    def column(self, name: str) -> ContractColumn | None:
        """Return the column of this name or alias."""
        return self._by_name.get(name)

    def schema(self) -> pa.Schema:
        """Return the schema with which all of the dataset can be read as one table."""
        return pa.schema([pa.field(column.name, column.kind) for column in self.columns])

    def as_dict(self) -> dict[str, Any]:
        """Return the contract for JSON."""
        return {
            "columns": [column.as_dict() for column in self.columns],
            "preset": self.preset,
            "policies": dict(self.policies),
            "rules": [dict(rule) for rule in self.rules],
            "reject_limits": {"count": self.reject_limits.count, "share": self.reject_limits.share},
            "lineage": list(self.lineage),
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, told: Any) -> Contract:
        """Read a contract; raises ``ContractInvalid``, which names what is wrong."""
        if not isinstance(told, dict):
            raise ContractInvalid("The contract is no JSON object.", hint='Write {"columns": [...]}.')
        if unknown := set(told) - _CONTRACT:
            raise ContractInvalid(
                f"The contract has {', '.join(sorted(map(str, unknown)))}, which no contract has.",
                hint=f"There are {', '.join(sorted(_CONTRACT))}.",
            )
        if not isinstance(told.get("columns"), list):
            raise ContractInvalid("The contract has no columns.", hint='Write {"columns": [{"name": ...}]}.')
        preset, lineage = told.get("preset", DEFAULT), told.get("lineage", [])
        rules, version, policies = told.get("rules", []), told.get("version", 1), told.get("policies", {})
        if not isinstance(preset, str) or not isinstance(policies, dict):
            raise ContractInvalid("The preset is a name, and the policies an object.", hint='Write "balanced".')
        if not isinstance(lineage, list) or not set(map(str, lineage)) <= set(LINEAGE):
            raise ContractInvalid("The lineage names columns that there are not.", hint=f"{', '.join(LINEAGE)}.")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ContractInvalid("The version is a whole number from 1.", hint="Leave it out for a new contract.")
        rules_of(rules)
        agreed = policies_of(preset, policies)
        return cls(
            columns=tuple(map(ContractColumn.from_dict, told["columns"])),
            preset=preset,
            policies=agreed,
            rules=tuple(rules),
            reject_limits=RejectLimits.from_dict(told.get("reject_limits"), preset),
            lineage=tuple(name for name in LINEAGE if name in lineage),
            version=version,
        )

    def with_columns(self, columns: tuple[ContractColumn, ...]) -> Contract:
        """Return the next version, with other columns; this one where they are the same."""
        return self if columns == self.columns else replace(self, columns=columns, version=self.version + 1)


NEW = Contract((), version=0)  # a dataset's contract before its first file


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
