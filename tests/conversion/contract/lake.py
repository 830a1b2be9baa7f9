"""A small lake on disk: files of three formats loaded towards one contract, and all of it read as one table."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ingestion.conversion import Options, convert
from ingestion.conversion.contract.model import NEW, Contract
from ingestion.conversion.contract.policies import SHARES, policies_of
from ingestion.conversion.contract.rewrite import is_settled, rewrite
from ingestion.conversion.errors import ApprovalNeeded, SchemaChanged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestion.conversion import Report
    from ingestion.conversion.contract.changes import Change

FORMATS = ("csv", "json", "xlsx")
Rows = "Sequence[Mapping[str, Any]]"


def written(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """Write rows as the format that the file's name says."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([names, *[[_text(cell) for cell in row] for row in rows]])
    elif path.suffix == ".json":
        records = ", ".join(
            "{"
            + ", ".join(f"{json.dumps(name)}: {_literal(cell)}" for name, cell in zip(names, row, strict=True))
            + "}"
            for row in rows
        )
        path.write_text(f"[{records}]", encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for row in [names, *rows]:
            book.active.append([float(cell) if isinstance(cell, Decimal) else cell for cell in row])
        book.save(path)
    return path


def _text(cell: Any) -> Any:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _literal(cell: Any) -> str:
    if cell is None or isinstance(cell, bool | int | Decimal):
        return "null" if cell is None else str(_text(cell))
    return json.dumps(str(cell))


def preset(contract: Contract, name: str) -> Contract:
    """Return a contract with another preset."""
    limits = replace(contract.reject_limits, share=SHARES[name])
    return replace(contract, preset=name, policies=policies_of(name), reject_limits=limits)


@dataclass
class Lake:
    """A dataset in a folder, and its contract."""

    folder: Path
    contract: Contract = NEW
    parts: list[Path] = field(default_factory=list)
    changes: tuple[Change, ...] = ()
    report: Report | None = None

    def load(self, path: Path) -> str:
        """Load a file; return ``same``, ``evolved``, ``ask`` or ``fail``."""
        part = self.folder / f"part{len(self.parts)}.parquet"
        try:
            self.report = convert(path, part, options=Options(contract=self.contract))
        except (SchemaChanged, ApprovalNeeded) as refused:
            assert not part.exists()
            self.changes = refused.changes
            return "ask" if isinstance(refused, ApprovalNeeded) else "fail"
        self.changes = self.report.changes
        agreed = self.report.contract
        assert agreed is not None
        outcome = "same" if agreed.version == self.contract.version else "evolved"
        self.contract = agreed
        self.parts.append(part)
        self.settle()
        return outcome

    def settle(self) -> None:
        """Bring all files to the contract's types."""
        for part in self.parts:
            if not is_settled(pq.read_schema(part), self.contract):
                rewrite(part, part.with_suffix(".new"), self.contract)
                part.with_suffix(".new").replace(part)

    def arrow(self) -> pa.Table:
        """Return all rows, as a PyArrow dataset reads them with the contract's schema."""
        return ds.dataset([str(part) for part in self.parts], schema=self.contract.schema()).to_table()

    def duckdb(self) -> pa.Table:
        """Return all rows, as DuckDB reads them."""
        names = ", ".join(f"'{part}'" for part in self.parts)
        columns = ", ".join(f'"{column.name}"' for column in self.contract.columns)
        query = f"SELECT {columns} FROM read_parquet([{names}], union_by_name=true)"
        with duckdb.connect() as connection:
            return connection.sql(query).to_arrow_table()


def plain(cell: Any) -> Any:
    """Return a value so that the same value of another type is equal to it: amounts as numbers, the rest as text."""
    if cell is None:
        return None
    text = str(_text(cell)).removesuffix(" 00:00:00")
    try:
        return Decimal(text).normalize()
    except InvalidOperation:
        return text
