"""The words of a conversion: options in, decisions and counts out."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ingestion.conversion.errors import OptionInvalid
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from ingestion.conversion.contract.changes import Change
    from ingestion.conversion.contract.model import Contract

MAX_LISTED = 10_000
"""How many rejects a report lists; the file of rejects has all."""
WIDTHS = re.compile(r"[1-9][0-9]{0,5}(?:,[1-9][0-9]{0,5})*")


@slotted(frozen=True, kw_only=True)
class Options:
    """What the caller fixes; everything left at its default is detected from the content.

    ``widths`` are those of a text's columns, in characters, such as ``10,35,12``, where no sign parts them.
    ``contract`` is what the file is read towards, where its dataset has one.
    ``replay`` says that the file holds rows that were set aside before, as ``formats.replayed`` writes them.
    Raises ``OptionInvalid`` for what cannot be meant.
    """

    null_values: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    widths: str | None = None
    header_row: int | None = None
    skip_rows: int = 0
    table: int | None = None
    sheet: str | None = None
    member: str | None = None
    contract: Contract | None = None
    replay: bool = False

    def __post_init__(self) -> None:
        """Refuse early, with the cure."""
        if self.header_row is not None and self.header_row < 0:
            raise OptionInvalid("The option header_row counts from 1; 0 means none.", hint="Give the header's record.")
        if self.delimiter is not None and (not self.delimiter or set(self.delimiter) & set('\r\n"')):
            raise OptionInvalid(
                "The option delimiter must be one or more characters, and no quote or line end.",
                hint="Leave it out to have it detected.",
            )
        if self.widths is not None and not WIDTHS.fullmatch(self.widths):
            raise OptionInvalid(
                "The option widths must be the columns' numbers of characters, separated by commas.",
                hint="Give something like 10,35,12.",
            )
        if self.widths is not None and self.delimiter is not None:
            raise OptionInvalid(
                "There cannot be both widths and a delimiter.", hint="Leave one of the two options out."
            )
        if self.widths is not None and self.quote is not None:
            raise OptionInvalid(
                "There cannot be both widths and a quote, for columns at fixed places are cut through quotes.",
                hint="Leave one of the two options out.",
            )

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Return where the columns of the given widths begin and end."""
        ends = list(accumulate(int(width) for width in self.widths.split(","))) if self.widths else []
        return tuple(zip([0, *ends], ends, strict=False))


@slotted(frozen=True, kw_only=True)
class Decision:
    """One thing that detection settled: what, how sure (0 to 1), why, and what came second."""

    name: str
    value: str
    confidence: float
    evidence: str
    by: str = "detected"
    runner_up: str | None = None


@slotted(frozen=True, kw_only=True)
class Detection:
    """What a file is: its format (``csv``, ``json``, ``ndjson``, ``xlsx`` ...) and every decision behind it.

    ``settings`` carries what the format's reader needs (encoding, delimiter, header row ...);
    its keys are the names of the decisions. ``notices`` warn of decisions that were a judgement.
    """

    format: str
    decisions: tuple[Decision, ...] = ()
    notices: tuple[Notice, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@slotted(frozen=True, kw_only=True)
class Widening:
    """A cell that made a column's type wider: the rule that held for all cells before it, and where it stands.

    ``rule`` is empty where no rule held any cell. ``line`` counts lines of text, ``record`` JSON records, each
    from 1; ``path`` leads to a value inside a JSON record.
    """

    rule: str
    text: str
    line: int | None = None
    record: int | None = None
    path: str = ""

    @property
    def where(self) -> str:
        """Name the line and, for JSON, the record."""
        line = "a line" if self.line is None else f"line {self.line:,}"
        return line if self.record is None else f"record {self.record:,} ({line})"

    def __str__(self) -> str:
        """Render on one line, with as much of the cell as helps."""
        path = f"{self.path}: " if self.path else ""
        return f"{path}{self.rule or 'no rule'} until {self.where}, which holds {shortened(self.text)!r}"


def shortened(text: str, length: int = 40) -> str:
    """Return a text that fits into a sentence."""
    return text if len(text) <= length else f"{text[:length]}..."


@slotted(frozen=True, kw_only=True)
class Column:
    """One output column: its Arrow type and the one rule by which text became value.

    ``rule`` is a stable text such as ``int64``, ``decimal(15,2) comma, group '.', sign behind`` or
    ``date DD.MM.YYYY``. ``example`` is one of its cells as it was written, ``example_value`` what it became;
    ``widened`` are the cells that a narrower rule could not hold, in file order; ``note`` says what else decided.
    """

    name: str
    type: pa.DataType
    rule: str
    nulls: int = 0
    note: str = ""
    example: str = ""
    example_value: str = ""
    widened: tuple[Widening, ...] = ()


@slotted(frozen=True, kw_only=True)
class Notice:
    """A warning a person should see: a stable code, a sentence, and the place where there is one."""

    code: str
    message: str
    column: str | None = None
    lines: tuple[int, ...] = ()


@slotted(frozen=True, kw_only=True)
class Origin:
    """Where a row stands in the input, and how it is written there.

    ``line`` counts from 1: a text's line on which the row begins, a sheet's row, a columnar file's record. ``offset``
    is the row's first byte in the file or in the archive's member, where it can be told. ``cells`` holds the text of
    every cell by the column's name, None for a cell that is not there or empty. ``addresses`` are a sheet's, by name.
    """

    file: str | None = None
    member: str | None = None
    sheet: str | None = None
    line: int | None = None
    offset: int | None = None
    cells: Mapping[str, str | None] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


@slotted(frozen=True, kw_only=True)
class Reject:
    """One reason for which a row was set aside: where it stands, what it held, what was wrong, and the next step.

    ``line`` counts from 1 (of a sheet: its row); it and ``offset`` are those of the row (see ``Origin``). ``value`` is
    the cell's text, ``raw`` the whole row as JSON text. ``rule`` is the rule that the cell breaks. ``row`` numbers the
    rows set aside, from 1: a row with several wrong cells has several rejects. ``source_row`` numbers the file's rows
    of data, from 1.
    """

    code: str
    reason: str
    file: str | None = None
    member: str | None = None
    sheet: str | None = None
    cell: str | None = None
    line: int | None = None
    offset: int | None = None
    column: str | None = None
    value: str | None = None
    raw: str = ""
    rule: str = ""
    hint: str = ""
    row: int = 0
    source_row: int | None = None


@slotted(kw_only=True)
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


@slotted(frozen=True, kw_only=True)
class Progress:
    """Where a conversion stands: its stage, bytes of the input, rows so far."""

    stage: str
    bytes_done: int
    bytes_total: int
    rows: int


@slotted(frozen=True, kw_only=True)
class Report:
    """What one conversion did; ``as_dict`` is the JSON that ``--report`` prints and a job keeps."""

    file: str = ""
    detection: Detection
    columns: tuple[Column, ...]
    rows: RowCount
    warnings: tuple[Notice, ...]
    seconds: float
    bytes_in: int
    bytes_out: int
    rejects: tuple[Reject, ...] = ()
    profile: tuple[Mapping[str, Any], ...] = ()
    contract: Contract | None = None
    changes: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data, with its explanation in sentences first."""
        from dataclasses import asdict

        from ingestion.conversion.explain import explain

        return {
            "explanation": explain(self),
            "detection": {
                "format": self.detection.format,
                "decisions": [asdict(decision) for decision in self.detection.decisions],
            },
            "columns": [_plain(column) for column in self.columns],
            "rows": asdict(self.rows),
            "warnings": [asdict(warning) for warning in self.warnings],
            "rejects": [asdict(reject) for reject in self.rejects],
            **({"profile": [dict(column) for column in self.profile]} if self.profile else {}),
            "contract": self.contract.as_dict() if self.contract else None,
            "changes": [change.as_dict() for change in self.changes],
            "seconds": round(self.seconds, 3),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }


def _plain(column: Column) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": column.name,
        "type": str(column.type),
        "rule": column.rule,
        "nulls": column.nulls,
        "note": column.note,
        "example": shortened(column.example),
        "example_value": shortened(column.example_value),
        "widened": [{**asdict(one), "text": shortened(one.text)} for one in column.widened],
    }
