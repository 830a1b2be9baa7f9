"""``manage.py convert SRC DEST``: the conversion core alone, without server or AWS."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.management.base import BaseCommand

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.errors import RuleInvalid
from ingestion.conversion.contract.model import NEW, Contract
from ingestion.conversion.errors import ContractInvalid, Interrupted, OutputFailed, unwritable
from ingestion.conversion.explain import explain
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ingestion.conversion import Report
    from ingestion.conversion.checks.plan import Checks


class Command(BaseCommand):
    """Converts one file to Parquet."""

    help = "Convert one file to typed Parquet. Exit 1 with one line on stderr, and nothing at DEST, when it fails."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own way to say none)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the file, the destination and what the caller fixes."""
        parser.add_argument("src", type=Path, help="the file to convert")
        parser.add_argument("dest", type=Path, help="the Parquet file to write")
        parser.add_argument(
            "--report",
            help="where to write the JSON report; - for standard output, in sentences where that is a terminal",
        )
        parser.add_argument(
            "--contract",
            help="a JSON file with the contract to hold the file against; new to begin one, which the report has",
        )
        parser.add_argument("--totals", help="a file of control totals: rows, sums and SHA-256 that SRC must have")
        parser.add_argument("--rejects", type=Path, help="where to write the rows set aside, as CSV to be corrected")
        parser.add_argument("--null-values", default="", help="texts that mean null, separated by commas")
        parser.add_argument("--sheet", help="the workbook's sheet")
        parser.add_argument("--member", help="the archive's member")
        parser.add_argument("--encoding", help="the text's encoding")
        parser.add_argument("--delimiter", help="what separates cells; \\t for a tab")
        parser.add_argument("--quote", help="what encloses cells; empty for nothing")
        parser.add_argument("--widths", help="the columns' numbers of characters, such as 10,35,12")
        parser.add_argument("--header-row", type=int, help="the number of the header's record, from 1; 0 for none")
        parser.add_argument("--skip-rows", type=int, default=0, help="how many lines at the beginning are no data")
        parser.add_argument("--table", type=int, help="the number of the table, from 1, where a text holds several")

    def handle(self, *_: Any, **given: Any) -> None:
        """Convert; print one line of summary."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stop)
        try:
            _refuse_report(given["report"])
            options = Options(
                null_values=tuple(text for text in given["null_values"].split(",") if text),
                sheet=given["sheet"],
                member=given["member"],
                encoding=given["encoding"],
                delimiter=given["delimiter"].replace("\\t", "\t") if given["delimiter"] is not None else None,
                quote=given["quote"],
                widths=given["widths"],
                header_row=given["header_row"],
                skip_rows=given["skip_rows"],
                table=given["table"],
                contract=_contract(given["contract"]),
            )
            with tempfile.TemporaryDirectory(prefix="convert-") as folder:
                aside = Path(folder) / "rejects.parquet"
                try:
                    report = convert(
                        given["src"], given["dest"], options=options, checks=_checks(options, given), rejects=aside
                    )
                finally:
                    _write_rejects(aside, given["rejects"])
            self._tell(report, given["report"], given["dest"])
        except DataBridgeError as error:
            self._fail(error)
        except KeyboardInterrupt:
            self._fail(Interrupted("The conversion was stopped.", hint="Nothing was written."))
        self._summarise(report, given)

    def _tell(self, report: Report, where: str | None, dest: Path) -> None:
        """Write the report to standard output or to a file; without its report, a conversion is not done."""
        if where is None:
            return
        if where == "-" and self.stdout.isatty():
            self._say("\n".join(explain(report)))
            return
        told = json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
        told = told.encode("utf-8", errors="backslashreplace").decode()
        if where == "-":
            self._say(told)
            return
        try:
            Path(where).write_text(told + "\n", encoding="utf-8")
        except OSError as error:
            dest.unlink(missing_ok=True)
            raise unwritable(error, f"The report {where}") from error

    def _summarise(self, report: Report, given: dict[str, Any]) -> None:
        rows = report.rows
        summary = (
            f"{given['src'].name}: {report.detection.format}, {len(report.columns)} columns, {rows.loaded} of "
            f"{rows.read} rows loaded, {sum(rows.skipped.values())} skipped, {rows.rejected} rejected, "
            f"{len(report.warnings)} warnings, {report.seconds:.2f} s"
        )
        if given["report"] == "-":
            self.stderr.write(summary)
        else:
            self._say(summary)

    def _say(self, text: str) -> None:
        """Write to standard output, even where it takes ASCII only, or where nobody reads to the end."""
        try:
            self.stdout.write(text.encode(sys.stdout.encoding, errors="backslashreplace").decode(sys.stdout.encoding))
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _fail(self, error: DataBridgeError) -> NoReturn:
        self.stderr.write(f"error: {error.code}: {error}")
        sys.exit(1)


def _refuse_report(where: str | None) -> None:
    """Refuse a report that could not be written once the conversion is done."""
    if where in {None, "-"}:
        return
    path = Path(where)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputFailed(f"The report {path} cannot be written.", hint="Name a file in a folder that exists.")


def _checks(options: Options, given: dict[str, Any]) -> Checks | None:
    """Return the checks of the contract, and the control totals; None where there are neither."""
    if options.contract is None and given["totals"] is None:
        return None
    from ingestion.conversion.checks.plan import Checks

    totals = None
    if given["totals"] is not None:
        try:
            totals = Path(given["totals"]).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise RuleInvalid(f"The totals {given['totals']} cannot be read.", hint="Check the path.") from error
    return Checks.of(options.contract.as_dict() if options.contract else {}, totals=totals)


def _write_rejects(table: Path, where: Path | None) -> None:
    """Write the rows set aside, of a conversion that failed too, as a table that can be corrected."""
    if where is None or not table.exists():
        return
    import pyarrow.parquet as pq

    from ingestion.conversion.checks.corrections import as_csv

    rejects = pq.read_table(table).to_pylist()
    names = dict.fromkeys(name for one in rejects for name in json.loads(one["raw"] or "{}"))
    try:
        where.write_text("".join(as_csv(rejects, list(names))), encoding="utf-8", newline="")
    except OSError as error:
        raise unwritable(error, f"The file of rejects {where}") from error


def _contract(told: str | None) -> Contract | None:
    """Read a contract from its file, or from a report that holds one; raises ``ContractInvalid``."""
    if told is None:
        return None
    if told == "new":
        return NEW
    try:
        found = json.loads(Path(told).read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractInvalid(f"The contract {told} cannot be read.", hint="Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise ContractInvalid(f"The contract {told} is no JSON.", hint='Write {"columns": [...]}.') from error
    if isinstance(found, dict) and isinstance(found.get("contract"), dict):
        found = found["contract"]
    contract = Contract.from_dict(found)
    contract.refuse_same_spelling(but=NEW)
    return contract


def _stop(*_: object) -> NoReturn:
    """Let SIGTERM stop the conversion as Ctrl-C does: what was begun is removed, and a second one waits for it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
