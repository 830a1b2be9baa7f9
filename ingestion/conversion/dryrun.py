"""A conversion of a file's beginning that writes nothing: what was understood, and rows before and after."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from ingestion.conversion.convert import convert
from ingestion.conversion.detect import detect
from ingestion.conversion.formats.delimited import first_cells
from ingestion.conversion.heads import whole_part
from ingestion.conversion.pythonic import values
from ingestion.conversion.shown import shown
from ingestion.conversion.typing.render import UnknownRule, render
from ingestion.conversion.unpack import Workdir, open_payload
from ingestion.conversion.values import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.values import Report

ROWS = 20
COLUMNS = 100
CELL_CHARACTERS = 200


def dry_run(head: bytes | Path, *, filename: str, is_whole: bool, options: Options | None = None) -> dict[str, Any]:
    """Convert the first bytes of a file, or a whole one that lies somewhere, and return what would become of it.

    Raises ``ConversionError``.

    The answer is the report of the conversion with ``is_whole`` and ``rows_shown``: for each row a list of cells, each
    the text in the file, the text of the value it becomes (None for null), and whether these differ. Of a wide table
    the first ``COLUMNS`` columns are shown.
    """
    chosen = options or Options()
    with tempfile.TemporaryDirectory(prefix="dry-run-") as folder:
        source, output = Path(folder) / "head", Path(folder) / "out.parquet"
        if isinstance(head, Path):
            source = head
        else:
            source.write_bytes(head if is_whole else whole_part(head))
        report = convert(source, output, filename=filename, options=chosen)
        typed = _typed(output)
        raw = _raw(source, filename, chosen, report, typed)
    rows = [
        [_cell(was, value) for was, value in zip(texts, values, strict=True)]
        for texts, values in zip(raw, typed, strict=True)
    ]
    return {**report.as_dict(), "is_whole": is_whole, "rows_shown": rows}


def _typed(output: Path) -> list[list[Any]]:
    """Return the first rows of the Parquet as values."""
    with pq.ParquetFile(output) as file:
        names = file.schema_arrow.names[:COLUMNS]
        batch = next(file.iter_batches(batch_size=ROWS, columns=names), None) if names else None
    return [list(row) for row in zip(*(values(column) for column in batch.columns), strict=True)] if batch else []


def _raw(
    source: Path, filename: str, options: Options, report: Report, typed: Sequence[Sequence[Any]]
) -> list[list[str | None]]:
    """Return the first rows as they stand in the file.

    Delimited text is cut again, without being typed. Of other formats the text follows from the value by its
    column's rule; what the format stores typed is left as it is.
    """
    width = min(len(report.columns), COLUMNS)
    if report.detection.format != "csv":
        rules = [column.rule for column in report.columns[:width]]
        return [[_as_written(rule, value) for rule, value in zip(rules, row, strict=True)] for row in typed]
    with Workdir() as workdir:
        payload = open_payload(source, name=filename, options=options, workdir=workdir)
        cells = first_cells(payload, detect(payload, options), len(typed))
    return [[*row[:width], *[None] * (width - len(row))] for row in cells]


def _as_written(rule: str, value: Any) -> str | None:
    if isinstance(value, bool | dict | list):
        return shown(value)
    try:
        return render(rule, value)
    except UnknownRule:
        return shown(value)


def _cell(was: str | None, value: Any) -> list[Any]:
    """Return a cell before and after, and whether anybody could tell them apart."""
    becomes = shown(value)
    changed = becomes != (was or None if becomes is None else was)
    return [_short(was or ""), None if becomes is None else _short(becomes), changed]


def _short(text: str) -> str:
    return text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…"
