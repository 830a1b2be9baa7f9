"""The whole way of one file: unpack, detect, read, type, write; nothing is at ``dest`` before all of it is."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from ingestion.conversion.detect import detect
from ingestion.conversion.errors import (
    AccountingBroken,
    ContractBroken,
    FileMissing,
    NoRows,
    OutputFailed,
    UndecidedEncoding,
    translated,
    unwritable,
)
from ingestion.conversion.formats import FORMATS
from ingestion.conversion.formats.base import PlanWidened
from ingestion.conversion.unpack import Workdir, open_payload
from ingestion.conversion.unused import told_unused, unused
from ingestion.conversion.values import MAX_LISTED, Decision, Detection, Options, Progress, Report
from ingestion.conversion.written import how_written
from ingestion.errors import Place
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ingestion.conversion.checks.gate import Gate
    from ingestion.conversion.checks.plan import Checks
    from ingestion.conversion.checks.replay import ReplayGate
    from ingestion.conversion.contract.gate import ContractGate
    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.unpack import Payload

MAX_PASSES = 50
UNORDERED = frozenset({"json", "ndjson", "avro"})  # the names of a record come in any order


class _Stopped(BaseException):
    """What ``on_progress`` raised, on its way to the caller past every handler of the conversion."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason


def convert(  # noqa: PLR0913  (a keyword for each thing that may be asked for)
    src: Path,
    dest: Path,
    *,
    filename: str | None = None,
    options: Options | None = None,
    metadata: Mapping[str, str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    gates: Sequence[Gate] = (),
    checks: Checks | None = None,
    rejects: Path | None = None,
) -> Report:
    """Convert one file to Parquet and return what was decided and counted.

    A contract among the ``options`` is the first gate; ``SchemaChanged`` and ``ApprovalNeeded`` tell that it keeps the
    file out. Then every batch goes through the ``gates``, and through those of the ``checks``. What is set aside is in
    the report, up to a number, and all of it in a Parquet file at ``rejects``, where that is given. ``metadata`` goes
    into the footer. ``on_progress`` hears where it stands and may raise to stop; then, as after any
    ``ConversionError``, nothing is at ``dest`` but what was there before. Every failure of the conversion itself is a
    ``ConversionError``.
    """

    def tell(progress: Progress) -> None:
        try:
            (on_progress or (lambda _: None))(progress)
        except BaseException as reason:
            raise _Stopped(reason) from reason

    try:
        with translated(filename or src.name):
            order = _Order(filename or src.name, options or Options(), metadata or {}, tuple(gates), checks, rejects)
            return _convert(src, dest, order, tell)
    except _Stopped as stopped:
        raise stopped.reason from None
    except ContractBroken as broken:
        broken.place = replace(broken.place or Place(), file=filename or src.name)
        raise


@slotted(frozen=True)
class _Order:
    """What is asked for beside the two paths."""

    name: str
    options: Options
    metadata: Mapping[str, str]
    gates: tuple[Gate, ...]
    checks: Checks | None
    rejects: Path | None

    def table(self, payload: Payload, detection: Detection) -> Table:
        """Open the payload's table, behind its gates where there are any."""
        table = FORMATS[detection.format](payload, detection, self.options)
        gates = (*self.gates, *(self.checks.gates() if self.checks else ()))
        if self.options.contract is not None:
            from ingestion.conversion.checks.replay import ReplayGate
            from ingestion.conversion.contract.gate import ContractGate

            ordered = detection.format not in UNORDERED
            agreed = ContractGate(self.options.contract, table, ordered=ordered)
            gates = (ReplayGate(self.options.contract) if self.options.replay else agreed, *gates)
        if not gates:
            return table
        from ingestion.conversion.checks.gate import GatedTable

        return GatedTable(table, gates, self.rejects)


def _convert(src: Path, dest: Path, order: _Order, tell: Callable[[Progress], None]) -> Report:
    started, name = time.monotonic(), order.name
    _refuse_early(src, dest, name)
    dest = dest.resolve()  # a link stays a link to the file that is written
    partial = dest.with_name(f".{os.urandom(16).hex()}.part")
    with Workdir() as workdir:
        payload = open_payload(src, name=name, options=order.options, workdir=workdir)
        tell(Progress(stage="detect", bytes_done=0, bytes_total=payload.size, rows=0))
        if order.checks is not None or payload.totals:
            payload, checks = _checks(order).opened(src, payload, workdir.folder())
            order = replace(order, checks=checks)
        try:
            detection, table = _load(payload, order, partial, dest, tell)
            tell(Progress(stage="validate", bytes_done=payload.size, bytes_total=payload.size, rows=table.rows.loaded))
            with _writing(dest):
                _check(table, partial, name)
                _keep_own(table, order)
                profile = order.checks.told(partial) if order.checks else ()
                bytes_out = partial.stat().st_size
                partial.replace(dest)
        finally:
            partial.unlink(missing_ok=True)
    columns, agreement = table.columns(), _agreement(table)
    return Report(
        file=name,
        detection=_with_given(detection, (*table.decisions, *how_written(columns)), order.options),
        columns=columns,
        rows=table.rows,
        warnings=(
            *told_unused(order.options, detection.format),
            *payload.notices,
            *detection.notices,
            *table.warnings,
        ),
        seconds=time.monotonic() - started,
        bytes_in=src.stat().st_size,
        bytes_out=bytes_out,
        rejects=tuple(islice(table.rejects, MAX_LISTED)),
        profile=tuple(profile),
        contract=agreement.result if agreement else None,
        changes=agreement.changes if agreement else (),
    )


def _checks(order: _Order) -> Checks:
    """Return what is asked for; totals that lie beside the file hold without being asked for."""
    if order.checks is not None:
        return order.checks
    from ingestion.conversion.checks.plan import Checks

    return Checks()


def _agreement(table: Table) -> ContractGate | ReplayGate | None:
    """Return the gate that held the contract against the table."""
    if not (gates := getattr(table, "gates", ())):
        return None
    from ingestion.conversion.checks.replay import ReplayGate
    from ingestion.conversion.contract.gate import ContractGate

    return next((gate for gate in gates if isinstance(gate, ContractGate | ReplayGate)), None)


def _with_given(detection: Detection, settled: Iterable[Decision], options: Options) -> Detection:
    """Add to the decisions what only reading settled, and what the caller said about values."""
    told = list(settled)
    if options.null_values and "null_values" not in unused(options, detection.format):
        texts = ", ".join(f'"{text}"' for text in options.null_values)
        told.append(
            Decision(
                name="empty cells", value=f"also {texts}", confidence=1.0, evidence="the caller said so", by="given"
            )
        )
    return replace(detection, decisions=(*detection.decisions, *told))


def _keep_own(table: Table, order: _Order) -> None:
    """Write what a table without gates has set aside itself to the file of rejects."""
    if table.rejects and order.rejects and not hasattr(table, "collected"):
        from ingestion.conversion.checks.rejects import Rejects

        collected = Rejects(table.origin, order.rejects)
        collected.take(table.rejects, table.rows.rejected)
        collected.close()


def _refuse_early(src: Path, dest: Path, name: str) -> None:
    """Refuse what cannot end well before anything is read."""
    place = Place(file=name)
    if src.is_dir():
        raise FileMissing("It is a folder, not a file.", hint="Name one file in it.", place=place)
    if not src.exists():
        raise FileMissing("There is no such file.", hint="Check the path.", place=place)
    if not src.is_file():
        raise FileMissing("It is a device or a pipe, not a file.", hint="Save it to a file first.", place=place)
    if dest.exists() and dest.samefile(src):
        raise OutputFailed("The destination is the file itself.", hint="Name another destination.", place=place)
    if dest.exists() and not dest.is_file():
        kind = "a folder" if dest.is_dir() else "a device or a pipe"
        raise OutputFailed(f"The destination {dest} is {kind}.", hint="Name a file to write.")
    if not dest.parent.is_dir():
        raise OutputFailed(f"There is no folder {dest.parent}.", hint="Create it first.")
    if not os.access(dest.parent, os.W_OK):
        raise OutputFailed(f"The folder {dest.parent} may not be written.", hint="Check its permissions.")


def _load(
    payload: Payload, order: _Order, partial: Path, dest: Path, tell: Callable[[Progress], None]
) -> tuple[Detection, Table]:
    """Detect, read and write; do so again where a byte deep in the file shows that it is not in UTF-8."""

    def load(detection: Detection) -> Table:
        tell(Progress(stage="type", bytes_done=0, bytes_total=payload.size, rows=0))
        table = order.table(payload, detection)
        with _writing(dest):
            _write(table, partial, order.metadata, payload.size, tell)
        return table

    if order.options.replay:
        known = Detection(format="replay")
        return known, load(known)
    detection = detect(payload, order.options)
    try:
        return detection, load(detection)
    except UndecidedEncoding:
        again = detect(payload, order.options, every_byte=True)
        if again.settings == detection.settings:
            raise
        return again, load(again)


@contextmanager
def _writing(dest: Path) -> Iterator[None]:
    """Tell errors of the system as those of the file that is written."""
    try:
        yield
    except OSError as error:
        raise unwritable(error, dest.name) from error


def _write(
    table: Table, partial: Path, metadata: Mapping[str, str], total: int, tell: Callable[[Progress], None]
) -> None:
    """Write all batches; start again when a later part of the file widened a type.

    Reading and writing take turns, and each is told of before it begins, so that a listener can tell them apart.
    """
    from ingestion.conversion.writer import Writer

    facts = dict(metadata)
    for _ in range(MAX_PASSES):
        try:
            with Writer(partial, table, facts, bytes_in=total) as writer:
                tell(Progress(stage="read", bytes_done=0, bytes_total=total, rows=0))
                for batch in table.batches():
                    tell(Progress(stage="write", bytes_done=table.progress, bytes_total=total, rows=writer.rows))
                    writer.write(batch)
                    tell(Progress(stage="read", bytes_done=table.progress, bytes_total=total, rows=writer.rows))
                tell(Progress(stage="write", bytes_done=table.progress, bytes_total=total, rows=writer.rows))
                if (agreement := _agreement(table)) is not None:
                    facts["contract_version"] = str(agreement.result.version)
        except PlanWidened:
            continue
        return
    raise AccountingBroken("The types of the columns do not settle.", hint="Report this file as a fault.")


def _check(table: Table, partial: Path, name: str) -> None:
    """Compare what was read with what the Parquet file says it holds."""
    from ingestion.conversion.parquet import row_count

    if not table.columns():
        raise NoRows("There is no table in the file.", hint="Check the export.", place=Place(file=name))
    written = row_count(partial)
    if not table.rows.balanced or written != table.rows.loaded:
        raise AccountingBroken(
            f"{table.rows.read} rows were read and {written} written.",
            hint="Nothing was published; report this file as a fault.",
            place=Place(file=name),
        )
