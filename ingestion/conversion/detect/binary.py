"""Formats that are known by their first bytes: workbooks and columnar files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from ingestion.conversion.errors import BrokenFile, PasswordProtected
from ingestion.conversion.values import Detection

if TYPE_CHECKING:
    from ingestion.conversion.unpack import Payload

_COLUMNAR = (
    (b"PAR1", "parquet"),
    (b"ARROW1\x00\x00", "arrow"),
    (b"FEA1", "feather"),
    (b"ORC", "orc"),
    (b"Obj\x01", "avro"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_BOOK_STREAMS = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))


def probe_binary(payload: Payload, head: bytes) -> Detection | None:
    """Return the format of a workbook or a Parquet file; raises ``PasswordProtected`` or ``BrokenFile``."""
    columnar = _columnar(payload, head)
    if columnar:
        return Detection(format=columnar)
    if head.startswith(b"PK\x03\x04"):
        return Detection(format=_zipped_workbook(payload))
    if head.startswith(_OLE):
        return _ole(payload)
    return None


def _columnar(payload: Payload, head: bytes) -> str | None:
    """Return the columnar format of the first bytes; an Arrow stream begins with a message that must parse."""
    if head.startswith(b"PARE"):
        raise PasswordProtected(
            "The Parquet file is encrypted.", hint="Send it without encryption.", place=payload.place()
        )
    found = next((name for magic, name in _COLUMNAR if head.startswith(magic)), None)
    if found is None and (head.startswith(b"\xff\xff\xff\xff") or head[3:5] == b"\x00\x10" or head[2:4] == b"\0\0"):
        return "arrow-stream" if _opens_as_stream(head) else None
    return found


def _opens_as_stream(head: bytes) -> bool:
    import pyarrow as pa

    try:
        message = pa.ipc.read_message(pa.py_buffer(head))
    except (pa.ArrowException, OSError, EOFError):
        return False
    return message.type == "schema"


def _zipped_workbook(payload: Payload) -> str:
    try:
        with zipfile.ZipFile(payload.path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise BrokenFile("The workbook is cut off or damaged.", hint="Send it again.", place=payload.place()) from error
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "xl/workbook.xml" in names:
        return "xlsx"
    return "ods"


def _ole(payload: Payload) -> Detection:
    """Tell an old workbook from an encrypted new one by the names of the streams in the OLE directory."""
    content = payload.path.read_bytes()
    if _ENCRYPTED_STREAM in content:
        raise PasswordProtected(
            "The workbook is protected by a password.",
            hint="Save it without a password and send it again.",
            place=payload.place(),
        )
    if any(name in content for name in _BOOK_STREAMS):
        return Detection(format="xls")
    raise BrokenFile(
        "The file is an OLE document without a workbook.", hint="Export it as .xlsx.", place=payload.place()
    )
