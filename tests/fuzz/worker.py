"""Converts the files that it is told, one a line, and says of each how it ended. A process of its own, so that it may die."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import pyarrow.parquet as pq

from ingestion.conversion import convert
from ingestion.conversion.errors import AccountingBroken, ConversionError, Unforeseen

MEMORY_BYTES = 4 << 30
RESIDENT_KIB = 2 << 20


def main() -> None:
    """Answer each line with one line of JSON: ``code``, and ``wrong`` where something must not be so."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        tempfile.tempdir = str(folder / "tmp")
        for line in sys.stdin:
            answer = tried(Path(json.loads(line)), folder)
            answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def tried(source: Path, folder: Path) -> dict:
    """Convert one file and check what must hold whatever the file is."""
    dest = folder / "out.parquet"
    dest.unlink(missing_ok=True)
    try:
        report = convert(source, dest, filename="file")
    except Unforeseen as error:
        return {"code": error.code, "wrong": "".join(traceback.format_exception(error.__cause__))}
    except AccountingBroken as error:
        return {"code": error.code, "wrong": str(error)}
    except ConversionError as error:
        return {"code": error.code, "wrong": _wrong_error(error, folder)}
    except BaseException:  # noqa: BLE001  (that one comes out at all is the finding)
        return {"code": "ESCAPED", "wrong": traceback.format_exc()}
    try:
        return {"code": f"ok {report.detection.format}", "wrong": _wrong_success(report, dest, folder)}
    except Exception:  # noqa: BLE001  (it is told)
        return {"code": "ok", "wrong": traceback.format_exc()}


def _wrong_error(error: ConversionError, folder: Path) -> str:
    left = [path.name for path in (*folder.iterdir(), *(folder / "tmp").iterdir()) if path.name != "tmp"]
    if left:
        return f"{error.code} left {left}"
    told = str(error)
    if not error.hint or error.code == ConversionError.code:
        return f"no next step: {told}"
    if error.place is None or error.place.file != "file":
        return f"no place: {told}"
    if "\n" in told or not told.isprintable() or "/tmp/" in told:
        return f"not for a person: {told!r}"
    return ""


def _wrong_success(report, dest: Path, folder: Path) -> str:
    if list((folder / "tmp").iterdir()) or [path.name for path in folder.iterdir() if path.name[0] == "."]:
        return "files were left behind"
    told = report.as_dict()
    json.dumps(told)
    if not all(line.isprintable() for line in told["explanation"]):
        return "the explanation cannot be shown"
    rows = report.rows
    table = pq.read_table(dest)
    table.validate(full=True)
    if not rows.balanced or table.num_rows != rows.loaded:
        return f"{rows} but {table.num_rows} rows were written"
    if (
        table.column_names != [column.name for column in report.columns]
        or len(set(table.column_names)) != table.num_columns
    ):
        return f"columns {table.column_names[:20]}"
    nulls = [column.null_count for column in table.columns]
    if nulls != [column.nulls for column in report.columns] and "_rescued" not in table.column_names:
        return f"nulls {nulls[:20]} are told as {[column.nulls for column in report.columns][:20]}"
    return ""


if __name__ == "__main__":
    main()
