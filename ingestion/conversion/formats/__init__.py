"""The formats: one line each, from what detection calls it to the function that opens its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.formats.avro import open_avro
from ingestion.conversion.formats.columnar import open_columnar
from ingestion.conversion.formats.delimited import open_delimited
from ingestion.conversion.formats.jsontext.table import open_json
from ingestion.conversion.formats.workbook import open_workbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Detection, Options

FORMATS: dict[str, Callable[[Payload, Detection, Options], Table]] = {
    "csv": open_delimited,
    "json": open_json,
    "ndjson": open_json,
    "xlsx": open_workbook,
    "xlsb": open_workbook,
    "xls": open_workbook,
    "ods": open_workbook,
    "xml-spreadsheet": open_workbook,
    "html": open_workbook,
    "mhtml": open_workbook,
    "parquet": open_columnar,
    "arrow": open_columnar,
    "arrow-stream": open_columnar,
    "feather": open_columnar,
    "orc": open_columnar,
    "avro": open_avro,
}
