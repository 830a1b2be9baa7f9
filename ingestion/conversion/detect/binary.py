"""Formats that are known by their first bytes and inner structure: workbooks, columnar files, tables in markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.errors import BrokenFile, PasswordProtected, UnknownFormat
from ingestion.conversion.values import Decision, Detection

if TYPE_CHECKING:
    import zipfile

    from ingestion.conversion.unpack import Payload

_COLUMNAR = (
    (b"PAR1", "parquet"),
    (b"ARROW1\x00\x00", "arrow"),
    (b"FEA1", "feather"),
    (b"ORC", "orc"),
    (b"Obj\x01", "avro"),
)
_ENCRYPTED = b"PARE"
_NEAR = 16
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_OTHERS = {
    "WordDocument": "a Word document",
    "PowerPoint Document": "a presentation",
    "__properties_version1.0": "a mail",
}
_BARE_BIFF = re.compile(
    rb"\x09[\x00\x02\x04\x08][\x04-\x10]\x00..\x10\x00|\x09\x08[\x08\x10]\x00\x00[\x05\x06]", re.DOTALL
)
_EXCHANGES = {
    "SYLK": re.compile(rb"ID;P.{,65536}?[\r\n]C;(?:[YX]\d+;){1,2}K", re.DOTALL),
    "DIF": re.compile(rb'TABLE\r?\n0,1\r?\n"[^"]*"\r?\nVECTORS\r?\n'),
}
_OTHERS = (
    (b"%PDF-1.", "a PDF document"),
    (b"%PDF-2.", "a PDF document"),
    (b"%!PS-Adobe-", "a PostScript document"),
    (b"{\\rtf1", "a text of a word processor (RTF)"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF87a", "a picture (GIF)"),
    (b"GIF89a", "a picture (GIF)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SPREADSHEET_ML = "urn:schemas-microsoft-com:office:spreadsheet"
_HTML = re.compile(
    r"(?:\s|<!--.*?-->|<\?xml[^>]*\?>)*<(?:!doctype\s+html|html|head|body|meta|title|style|table|center|div|font|tr|p|br|form|b|h[1-6])\b",
    re.IGNORECASE | re.DOTALL,
)
_MIME = re.compile(r"\s*(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?(?:MIME-Version|Content-Type):", re.IGNORECASE)
_XML = re.compile(r"\s*<\?xml\s")


def probe_binary(payload: Payload, head: bytes) -> Detection | None:
    """Return the format of a file that is no plain text; None for text.

    Raises ``PasswordProtected``, ``BrokenFile``, or ``UnknownFormat`` for a document without tables.
    """
    columnar = _columnar(payload, head)
    if columnar:
        return _found(columnar, "its first bytes")
    if head.startswith(b"PK\x03\x04"):
        return _zipped_workbook(payload)
    if head.startswith(_OLE_MARK):
        return _ole(payload)
    if _BARE_BIFF.match(head):
        return _found("xls", "it begins with a BIFF record, without an OLE container")
    _refuse_others(payload, head)
    return _markup(payload, head)


def _refuse_others(payload: Payload, head: bytes) -> None:
    """Name what is no table at all, whatever its name ends in."""
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    what = next((told for mark, told in _OTHERS if bare.startswith(mark)), "")
    what = what or next((f"in the exchange format {kind}" for kind, mark in _EXCHANGES.items() if mark.match(head)), "")
    if what:
        raise UnknownFormat(f"The file is {what}.", hint="Export the table as .xlsx or CSV.", place=payload.place())


def _found(name: str, evidence: str) -> Detection:
    decision = Decision(name="structure", value=name, confidence=1.0, evidence=evidence)
    return Detection(format=name, decisions=(decision,))


def _columnar(payload: Payload, head: bytes) -> str | None:
    """Return the columnar format of the first bytes; an Arrow stream begins with a message that must parse."""
    if _begins(payload, head, _ENCRYPTED):
        raise PasswordProtected(
            "The Parquet file is encrypted.", hint="Send it without encryption.", place=payload.place()
        )
    found = next((name for magic, name in _COLUMNAR if _begins(payload, head, magic)), None)
    maybe_stream = head.startswith(b"\xff\xff\xff\xff") or head[2:4] == b"\x00\x00"
    if found is None and maybe_stream and not head.startswith(b"\xff\xfe\x00\x00"):
        return "arrow-stream" if _opens_as_stream(head) else None
    return found


def _begins(payload: Payload, head: bytes, magic: bytes) -> bool:
    """Tell whether a file begins with a mark, and not with a name such as ``ORCAMENTO`` or ``PARENT_ID``.

    The formats repeat their mark in the last bytes; of a file that is cut off, the next bytes are none of a text.
    """
    if not head.startswith(magic):
        return False
    if _CONTROL.search(magic) or len(head) == len(magic) or _CONTROL.search(head[len(magic) : len(magic) + _NEAR]):
        return True
    with payload.open() as file:
        file.seek(max(len(magic), payload.size - len(magic) - 1))
        return magic in file.read()


def _opens_as_stream(head: bytes) -> bool:
    import pyarrow as pa

    try:
        message = pa.ipc.read_message(pa.py_buffer(head))
    except (pa.ArrowException, OSError, EOFError):
        return False
    return message.type == "schema"


# ---- workbooks ----


def _zipped_workbook(payload: Payload) -> Detection:
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(payload.path) as archive:
            names = {name.replace("\\", "/").lstrip("/").lower() for name in archive.namelist()}
            mime = archive.read("mimetype")[:200].decode("latin-1") if "mimetype" in archive.namelist() else ""
            types = _content_types(archive)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BrokenFile("The workbook is cut off or damaged.", hint="Send it again.", place=payload.place()) from error
    # The parts decide before the types: SheetJS declares the type of binary workbooks in every .xlsx.
    if any(name.endswith("/workbook.bin") for name in names):
        return _found("xlsb", "a zip with the parts of a binary workbook")
    if "spreadsheetml" in types or any(name.endswith("/workbook.xml") for name in names):
        return _found("xlsx", "a zip with the parts of a workbook")
    if "sheet.binary" in types:
        return _found("xlsb", "a zip that declares a binary workbook")
    if "spreadsheet" in mime or (not mime and "content.xml" in names):
        return _found("ods", "a zip with the mark of an OpenDocument spreadsheet")
    what = next(
        (word for word in ("wordprocessing", "presentation", "drawing", "text", "graphics") if word in types + mime), ""
    )
    raise UnknownFormat(
        f"The file is an office document{f' ({what})' if what else ''}, but no workbook.",
        hint="Export the table as .xlsx or CSV.",
        place=payload.place(),
    )


def _content_types(archive: zipfile.ZipFile) -> str:
    """Return the list of part types of an Open Packaging file, for a look."""
    name = next((name for name in archive.namelist() if name.lower().lstrip("/\\") == "[content_types].xml"), None)
    if name is None or archive.getinfo(name).file_size > 1 << 24:
        return ""
    return archive.read(name).replace(b"\x00", b"").decode("latin-1").lower()


def _ole(payload: Payload) -> Detection:
    """Tell an old workbook from an encrypted new one by the streams of the OLE file."""
    import olefile

    try:
        with olefile.OleFileIO(str(payload.path)) as ole:
            streams = {"/".join(entry) for entry in ole.listdir()}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise BrokenFile(
            "The OLE container is cut off or damaged.", hint="Save it again.", place=payload.place()
        ) from error
    if "EncryptedPackage" in streams or "EncryptionInfo" in streams:
        raise PasswordProtected(
            "The workbook is protected by a password.",
            hint="Save it without a password and send it again.",
            place=payload.place(),
        )
    if {stream.lower() for stream in streams} & {"workbook", "book"}:
        return _found("xls", "an OLE file with a workbook stream")
    what = next((told for stream, told in _OLE_OTHERS.items() if stream in streams), "an OLE document")
    raise UnknownFormat(
        f"The file is {what} without a workbook.", hint="Export the table as .xlsx or CSV.", place=payload.place()
    )


# ---- markup ----


def _markup(payload: Payload, head: bytes) -> Detection | None:
    """Return the kind of table that markup holds, whatever comes before its first tag; None for other text."""
    text = _as_text(head)
    start = text[: 1 << 16]
    if _XML.match(start):
        if _SPREADSHEET_ML in start and re.search(r"<(?:\w+:)?Workbook\b", start):
            return _found("xml-spreadsheet", "XML with the name space of XML Spreadsheet 2003")
        if "office:spreadsheet" in text or "opendocument.spreadsheet" in start:
            return _found("ods", "the XML of an OpenDocument spreadsheet")
        if not _HTML.match(start):
            raise UnknownFormat(
                "The file is XML, but neither XML Spreadsheet 2003 nor OpenDocument nor HTML.",
                hint="Export the table as CSV, JSON or .xlsx.",
                place=payload.place(),
            )
    if _SPREADSHEET_ML in start and re.match(r"\s*<(?:\w+:)?Workbook\b", start):
        return _found("xml-spreadsheet", "the name space of XML Spreadsheet 2003")
    if _HTML.match(start):
        return _found("html", "it begins with tags of HTML")
    if _MIME.match(start) and re.search(r"multipart/related|text/html", start, re.IGNORECASE):
        return _found("mhtml", "it has the head of a web archive")
    return None


def _as_text(head: bytes) -> str:
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(codec, "ignore")
    if head[:4] in {b"<\x00?\x00", b"<\x00h\x00", b"<\x00H\x00", b"<\x00t\x00", b"<\x00!\x00"}:
        return head.decode("utf-16-le", "ignore")
    return head.decode("latin-1")
