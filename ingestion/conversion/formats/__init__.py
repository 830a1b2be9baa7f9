"""The formats: one line each, from what detection calls it to the function that opens its table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Detection, Options


def _late(module: str, name: str) -> Callable[[Payload, Detection, Options], Table]:
    """Return a function of one of this package's modules, which is imported when it is first called."""

    def opened(payload: Payload, detection: Detection, options: Options) -> Table:
        table: Table = getattr(import_module(f"{__name__}.{module}"), name)(payload, detection, options)
        return table

    return opened


_open_workbook = _late("workbook", "open_workbook")
_open_columnar = _late("columnar", "open_columnar")
_open_json = _late("jsontext.table", "open_json")

FORMATS: dict[str, Callable[[Payload, Detection, Options], Table]] = {
    "csv": _late("delimited", "open_delimited"),
    "json": _open_json,
    "ndjson": _open_json,
    "xlsx": _open_workbook,
    "xlsb": _open_workbook,
    "xls": _open_workbook,
    "ods": _open_workbook,
    "xml-spreadsheet": _open_workbook,
    "html": _open_workbook,
    "mhtml": _open_workbook,
    "parquet": _open_columnar,
    "arrow": _open_columnar,
    "arrow-stream": _open_columnar,
    "feather": _open_columnar,
    "orc": _open_columnar,
    "avro": _late("avro", "open_avro"),
    "replay": _late("replayed", "open_replayed"),
}
