"""The whole way of one file: unpack, detect, read, type, write; nothing is at ``dest`` before all of it is."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.conversion.detect import detect
from ingestion.conversion.errors import AccountingBroken, FileMissing, NoRows, OutputFailed
from ingestion.conversion.formats import FORMATS
from ingestion.conversion.formats.base import PlanWidened
from ingestion.conversion.unpack import open_payload
from ingestion.conversion.values import Options, Progress, Report
from ingestion.conversion.writer import Writer
from ingestion.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestion.conversion.formats.base import Table

MAX_PASSES = 50


def convert(
    src: Path,
    dest: Path,
    *,
    filename: str | None = None,
    options: Options | None = None,
    metadata: Mapping[str, str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Convert one file to Parquet and return what was decided and counted.

    ``metadata`` goes into the footer. ``on_progress`` hears where it stands and may raise to stop; then,
    as after any ``ConversionError``, nothing is at ``dest``.
    """
    started = time.monotonic()
    options = options or Options()
    name = filename or src.name
    if not src.is_file():
        raise FileMissing("There is no such file.", hint="Check the path.", place=Place(file=name))
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        payload = open_payload(src, name=name, options=options, workdir=Path(folder))
        tell = on_progress or (lambda _: None)
        tell(Progress(stage="detect", bytes_done=0, bytes_total=payload.size, rows=0))
        detection = detect(payload, options)
        table = FORMATS[detection.format](payload, detection, options)
        partial = dest.with_name(f".{dest.name}.part")
        try:
            _write(table, partial, metadata or {}, payload.size, tell)
            _check(table, partial, name)
            bytes_out = partial.stat().st_size
            partial.replace(dest)
        except OSError as error:
            raise OutputFailed(f"{dest} cannot be written.", hint="Check the folder and its space.") from error
        finally:
            partial.unlink(missing_ok=True)
    return Report(
        detection=replace(detection, decisions=(*detection.decisions, *getattr(table, "decisions", ()))),
        columns=table.columns(),
        rows=table.rows,
        warnings=tuple(table.warnings),
        seconds=time.monotonic() - started,
        bytes_in=src.stat().st_size,
        bytes_out=bytes_out,
        rejects=tuple(getattr(table, "rejects", ())),
    )


def _write(
    table: Table, partial: Path, metadata: Mapping[str, str], total: int, tell: Callable[[Progress], None]
) -> None:
    """Write all batches; start again when a later part of the file widened a type."""
    for _ in range(MAX_PASSES):
        try:
            with Writer(partial, table, metadata) as writer:
                for batch in table.batches():
                    writer.write(batch)
                    tell(Progress(stage="write", bytes_done=table.progress, bytes_total=total, rows=writer.rows))
        except PlanWidened:
            continue
        return
    raise AccountingBroken("The types of the columns do not settle.", hint="Report this file as a fault.")


def _check(table: Table, partial: Path, name: str) -> None:
    """Compare what was read with what the Parquet file says it holds."""
    import pyarrow.parquet as pq

    written = pq.read_metadata(partial).num_rows
    if not table.rows.balanced or written != table.rows.loaded:
        raise AccountingBroken(
            f"{table.rows.read} rows were read and {written} written.",
            hint="Nothing was published; report this file as a fault.",
            place=Place(file=name),
        )
    if not table.schema().names:
        raise NoRows("There is no table in the file.", hint="Check the export.", place=Place(file=name))
