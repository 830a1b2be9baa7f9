"""The encoding of a text: byte order marks first, then exact evidence, Western 8-bit code pages last."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.conversion.errors import UndecidedEncoding, UnknownFormat
from ingestion.conversion.values import Decision

if TYPE_CHECKING:
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Options

_MARKS = (
    ("utf-32-le", codecs.BOM_UTF32_LE),
    ("utf-32-be", codecs.BOM_UTF32_BE),
    ("utf-8", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
)
_BY_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))
_C1 = bytes(range(0x80, 0xA0))
_UNDEFINED_1252 = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec, the length of the byte order mark, and why."""

    codec: str
    mark: int
    decision: Decision


def decide_encoding(payload: Payload, head: bytes, tail: bytes, options: Options) -> Encoding:
    """Return the encoding; raises ``UnknownFormat`` for bytes that are no text."""
    mark, named = next(((len(m), name) for name, m in _MARKS if head.startswith(m)), (0, ""))
    if options.encoding:
        codec = _known(options.encoding, payload)
        if codec in _BY_MARK:  # these names leave the order of the bytes, or the mark itself, open
            codec = named if named.startswith(codec) else _BY_MARK[codec]
        return Encoding(codec, mark, _told(options.encoding, "the caller said so", by="given"))
    if named:
        return Encoding(named, mark, _told(named, "its byte order mark"))
    if wide := _wide(head):
        return Encoding(wide, 0, _told(wide, "every other byte of its letters is zero", 0.95))
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > len(head) * 0.002:
        raise UnknownFormat(
            "The content is none of the formats DataBridge reads.",
            hint="Send CSV, JSON, Excel or Parquet, also gzipped or zipped.",
            place=payload.place(),
        )
    return Encoding(*_narrow(payload, head, tail))


def _narrow(payload: Payload, head: bytes, tail: bytes) -> tuple[str, int, Decision]:
    if _is_utf8(payload):
        why = "all bytes are ASCII" if head.isascii() and tail.isascii() else "all bytes are valid UTF-8"
        return "utf-8", 0, _told("utf-8", why)
    sample = head + tail
    high = [byte for byte in sample if byte >= 0x80]
    if any(byte in _UNDEFINED_1252 for byte in high):
        return "latin-1", 0, _told("latin-1", "it has bytes that cp1252 does not define", 0.5, "cp1252")
    has_c1 = any(byte in _C1 for byte in high)
    evidence = "it has quotes, dashes or a euro sign of cp1252" if has_c1 else "its letters are Western European"
    return "cp1252", 0, _told("cp1252", evidence, 0.8, "latin-1")


def _is_utf8(payload: Payload) -> bool:
    """Tell whether the whole file is UTF-8, looking at a block at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with payload.open() as file:
        try:
            while block := file.read(1 << 22):
                if not block.isascii() or decoder.getstate()[0]:
                    decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _wide(head: bytes) -> str:
    sample = head[:4096]
    if len(sample) < 4:
        return ""
    even, odd = sample[0::2].count(0) / len(sample[0::2]), sample[1::2].count(0) / max(1, len(sample[1::2]))
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    return ""


def _known(name: str, payload: Payload) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise UndecidedEncoding(
            f"There is no encoding {name!r}.", hint="Use a name such as utf-8 or cp1252.", place=payload.place()
        ) from error


def _told(
    value: str, evidence: str, confidence: float = 1.0, runner_up: str | None = None, by: str = "detected"
) -> Decision:
    return Decision(name="encoding", value=value, confidence=confidence, evidence=evidence, by=by, runner_up=runner_up)
