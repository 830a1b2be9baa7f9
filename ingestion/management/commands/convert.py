"""``manage.py convert SRC DEST``: the conversion core alone, without server or AWS."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.management.base import BaseCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Converts one file to Parquet."""

    help = "Convert one file to typed Parquet. Exit 1 with one line on stderr, and nothing at DEST, when it fails."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own way to say none)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the file, the destination and what the caller fixes."""
        parser.add_argument("src", type=Path, help="the file to convert")
        parser.add_argument("dest", type=Path, help="the Parquet file to write")
        parser.add_argument("--report", help="where to write the JSON report; - for standard output")
        parser.add_argument("--null-values", default="", help="texts that mean null, separated by commas")
        parser.add_argument("--sheet", help="the workbook's sheet")
        parser.add_argument("--member", help="the archive's member")
        parser.add_argument("--encoding", help="the text's encoding")
        parser.add_argument("--delimiter", help="what separates cells; \\t for a tab")
        parser.add_argument("--quote", help="what encloses cells; empty for nothing")
        parser.add_argument("--header-row", type=int, help="the number of the header's record, from 1; 0 for none")
        parser.add_argument("--skip-rows", type=int, default=0, help="how many lines at the beginning are no data")
        parser.add_argument("--table", type=int, help="the number of the table, from 1, where a text holds several")

    def handle(self, *_: Any, **given: Any) -> None:
        """Convert; print one line of summary."""
        from ingestion.conversion import Options, convert
        from ingestion.errors import DataBridgeError

        options = Options(
            null_values=tuple(text for text in given["null_values"].split(",") if text),
            sheet=given["sheet"],
            member=given["member"],
            encoding=given["encoding"],
            delimiter=given["delimiter"].replace("\\t", "\t") if given["delimiter"] else None,
            quote=given["quote"],
            header_row=given["header_row"],
            skip_rows=given["skip_rows"],
            table=given["table"],
        )
        try:
            report = convert(given["src"], given["dest"], options=options)
        except DataBridgeError as error:
            self._fail(f"error: {error.code}: {error}")
        except KeyboardInterrupt:
            self._fail("error: INTERRUPTED: The conversion was stopped. Nothing was written.")
        told = report.as_dict()
        if given["report"] == "-":
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        elif given["report"]:
            Path(given["report"]).write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
        rows = report.rows
        summary = (
            f"{given['src'].name}: {report.detection.format}, {len(report.columns)} columns, {rows.loaded} of "
            f"{rows.read} rows loaded, {sum(rows.skipped.values())} skipped, {rows.rejected} rejected, "
            f"{len(report.warnings)} warnings, {report.seconds:.2f} s"
        )
        (self.stderr if given["report"] == "-" else self.stdout).write(summary)

    def _fail(self, line: str) -> NoReturn:
        self.stderr.write(line)
        sys.exit(1)
