"""What a file is, found from its content and never from its name; every decision with its evidence."""

from __future__ import annotations

import re
from itertools import islice
from typing import IO, TYPE_CHECKING

from ingestion.conversion.decoding import decoded_beginning, decoded_sample
from ingestion.conversion.detect.beginning import BLANK, begins_as_json
from ingestion.conversion.detect.binary import probe_binary
from ingestion.conversion.errors import EmptyFile, LineTooLong, UndecidedEncoding
from ingestion.conversion.values import Decision, Detection
from ingestion.slotted import replace

if TYPE_CHECKING:
    from ingestion.conversion.detect.encoding import Encoding
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Options

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 16 * 1024
LINES_AT_LEAST = 2
MAX_LINES_BYTES = 16 * 1024 * 1024
LONGEST_CHARACTER = 4
_MARKS_AND_BLANKS = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # those of the wide encodings too
_NO_TEXT = re.compile("[\udc80-\udcff]")


def detect(payload: Payload, options: Options, *, every_byte: bool = False) -> Detection:
    """Return format and settings of a payload; raises ``UnknownFormat`` and other ``ConversionError``s.

    ``every_byte``: look for bytes that are no UTF-8 in the whole of a large file before anything is read.
    """
    with payload.open() as file:
        head = _head(file, payload)
        file.seek(max(0, payload.size - TAIL_BYTES))
        tail = file.read(TAIL_BYTES)
    found = probe_binary(payload, head)
    if found:
        return _with(payload, found)
    if _is_blank(head):
        whole = "The file holds" if len(head) >= payload.size else f"Its first {len(head) >> 20} MiB hold"
        raise EmptyFile(f"{whole} nothing but blanks.", hint="Export it again.", place=payload.place())
    from ingestion.conversion.detect.encoding import decide_encoding

    encoding = decide_encoding(payload, head, tail, options, every_byte=every_byte)
    text = decoded_beginning(head[encoding.mark :], encoding.codec)
    _refuse_undecodable(text, payload, encoding)
    found = _json(payload, text, encoding) or _delimited(payload, text, encoding, options)
    return replace(_with(payload, found), notices=encoding.notices)


def _delimited(payload: Payload, text: str, encoding: Encoding, options: Options) -> Detection:
    """Return the dialect of a delimited text."""
    from ingestion.conversion.detect.text import decide_dialect

    return decide_dialect(payload, text, _tail(payload, encoding), encoding, options)


def _json(payload: Payload, text: str, encoding: Encoding) -> Detection | None:
    """Return the layout of a JSON text; None when it begins as something else."""
    whole = len(text.encode(encoding.codec, errors="replace")) + encoding.mark >= payload.size
    if not begins_as_json(text.lstrip(BLANK), whole=whole):
        return None
    from ingestion.conversion.detect.jsonlike import read_layout

    return read_layout(payload, text, encoding, whole=whole)


def _refuse_undecodable(text: str, payload: Payload, encoding: Encoding) -> None:
    """Refuse a text whose mark, or whose sender, promised another encoding; the end may be a cut character."""
    found = _NO_TEXT.search(text, 0, len(text) - LONGEST_CHARACTER if payload.size > HEAD_BYTES else len(text))
    if found:
        before = text[: found.start()]
        raise UndecidedEncoding(
            f"The byte at position {encoding.mark + len(before.encode()):,} is no text in {encoding.codec}.",
            hint="Name the right encoding with the option encoding.",
            place=payload.place(line=1 + len(re.findall("\r\n?|\n", before))),
        )


def _tail(payload: Payload, encoding: Encoding) -> str:
    """Return the end of a file larger than the sample, from a line's beginning; else an empty text."""
    if payload.size <= HEAD_BYTES:
        return ""
    with payload.open() as file:
        file.seek((payload.size - TAIL_BYTES) // 4 * 4)
        sample = file.read()
    text = decoded_sample(sample, encoding.codec)
    end = re.search("\r\n?|\n", text)
    return text[end.end() :] if end else text


def _head(file: IO[bytes], payload: Payload) -> bytes:
    """Return the file's beginning, of which something is no blank.

    Of a table with very long lines it is the first two, so that no column is missed.
    """
    head = file.read(HEAD_BYTES)
    if head.lstrip(_MARKS_AND_BLANKS).startswith((b"{", b"[", b"<")):
        return head  # JSON and markup may well stand on a single line
    while (_lines(head) < LINES_AT_LEAST or _is_blank(head)) and (more := file.read(HEAD_BYTES)):
        head += more
        if len(head) > MAX_LINES_BYTES:
            if _is_blank(head):
                break
            raise LineTooLong(
                f"Its first {LINES_AT_LEAST} lines are longer than {MAX_LINES_BYTES >> 20} MiB.",
                hint="Check the line ends of the export.",
                place=payload.place(line=1),
            )
    return head


def _is_blank(head: bytes) -> bool:
    return not head.strip(b"\xef\xbb\xbf \t\r\n\x00")


def _lines(head: bytes) -> int:
    """Count the line ends, blank lines left out, as far as it takes to know that there are enough."""
    return sum(1 for _ in islice(re.finditer(b"[\r\n]+", head), LINES_AT_LEAST))


def _with(payload: Payload, found: Detection) -> Detection:
    """Put the container's decisions first."""
    what = Decision(name="format", value=found.format, confidence=1.0, evidence="its content parses as such")
    return Detection(
        format=found.format, decisions=(*payload.decisions, what, *found.decisions), settings=found.settings
    )
