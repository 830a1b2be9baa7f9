"""``manage.py totals FILE``: what a sender says of a file, so that whoever loads it sees every damage on the way."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.core.management.base import BaseCommand

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.sums import Sum
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Tells the control totals of one file."""

    help = "Print a file's control totals as JSON: its rows, the sums of its numbers, and its SHA-256."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own way to say none)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the file."""
        parser.add_argument("src", type=Path, help="the file that is to be sent")
        parser.add_argument("--sheet", help="the workbook's sheet")
        parser.add_argument("--member", help="the archive's member")

    def handle(self, *_: Any, src: Path, sheet: str | None, member: str | None, **__: Any) -> None:
        """Print one line of JSON."""
        try:
            told = totals_of(src, Options(sheet=sheet, member=member))
        except DataBridgeError as error:
            self.stderr.write(f"error: {error.code}: {error}")
            sys.exit(1)
        self.stdout.write(json.dumps(told))


def totals_of(src: Path, options: Options) -> dict[str, Any]:
    """Return a file's control totals; the sums are those of whole numbers and amounts. Raises ``ConversionError``."""
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        out = Path(folder) / "out.parquet"
        report = convert(src, out, options=options)
        with pq.ParquetFile(out) as file:
            sums = {field.name: Sum(field) for field in file.schema_arrow if _is_number(field.type)}
            for batch in file.iter_batches(columns=list(sums)) if sums else ():
                for name, total in sums.items():
                    total.add(batch.column(name))
    with src.open("rb") as body:
        digest = hashlib.file_digest(body, "sha256").hexdigest()
    rows = report.rows.loaded + report.rows.rejected
    return {"rows": rows, "sums": {name: f"{total.value:f}" for name, total in sums.items()}, "sha256": digest}


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))
