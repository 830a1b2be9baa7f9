"""The words of a conversion: options in, decisions and counts out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller fixes; everything left at its default is detected from the content."""

    null_values: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One thing that detection settled: what, how sure (0 to 1), why, and what came second."""

    name: str
    value: str
    confidence: float
    evidence: str
    by: str = "detected"
    runner_up: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What a file is: its format (``csv``, ``json``, ``ndjson``, ``xlsx`` ...) and every decision behind it.

    ``settings`` carries what the format's reader needs (encoding, delimiter, header row ...);
    its keys are the names of the decisions.
    """

    format: str
    decisions: tuple[Decision, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One output column: its Arrow type and the one rule by which text became value.

    ``rule`` is a stable text such as ``int64``, ``decimal(15,2) comma, group '.', sign behind`` or
    ``date DD.MM.YYYY``; ``note`` says why a wider type was needed, where it was.
    """

    name: str
    type: pa.DataType
    rule: str
    nulls: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A warning a person should see: a stable code, a sentence, and the place where there is one."""

    code: str
    message: str
    column: str | None = None
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One reason for which a row was set aside: where it stands, what it held, and what was wrong.

    ``line`` counts from 1 (of a sheet: its row), ``raw`` is the whole row as JSON text.
    """

    code: str
    reason: str
    sheet: str | None = None
    cell: str | None = None
    line: int | None = None
    column: str | None = None
    raw: str = ""


@dataclass(slots=True, kw_only=True)
class RowCount:
    """The accounting of one conversion: ``read == loaded + rejected + sum(skipped.values())`` always."""

    read: int = 0
    loaded: int = 0
    rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether every row read is accounted for."""
        return self.read == self.loaded + self.rejected + sum(self.skipped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a conversion stands: its stage, bytes of the input, rows so far."""

    stage: str
    bytes_done: int
    bytes_total: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one conversion did; ``as_dict`` is the JSON that ``--report`` prints and a job keeps."""

    detection: Detection
    columns: tuple[Column, ...]
    rows: RowCount
    warnings: tuple[Notice, ...]
    seconds: float
    bytes_in: int
    bytes_out: int
    rejects: tuple[Reject, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return {
            "detection": {
                "format": self.detection.format,
                "decisions": [asdict(decision) for decision in self.detection.decisions],
            },
            "columns": [{**_plain(column), "type": str(column.type)} for column in self.columns],
            "rows": asdict(self.rows),
            "warnings": [asdict(warning) for warning in self.warnings],
            "rejects": [asdict(reject) for reject in self.rejects],
            "seconds": round(self.seconds, 3),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }


def _plain(column: Column) -> dict[str, Any]:
    return {"name": column.name, "rule": column.rule, "nulls": column.nulls, "note": column.note}
