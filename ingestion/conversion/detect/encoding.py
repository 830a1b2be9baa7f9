"""The encoding of a text: byte order marks first, then exact evidence, then the code page that reads its words best."""

from __future__ import annotations

import codecs
import math
from typing import TYPE_CHECKING

from ingestion.conversion.decoding import EBCDIC, decoded_beginning
from ingestion.conversion.detect.beginning import BLANK, begins_as_json
from ingestion.conversion.errors import UndecidedEncoding, UnknownFormat
from ingestion.conversion.values import Decision, Notice
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.codepages import Reading
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Options

SURE_MARGIN = 5.0
MOSTLY = 0.6
STRAY_CONTROLS = 0.002
CONTROLS_IN_UTF8 = 0.1
AROUND_BYTES = 128 << 10
SAMPLED_FROM_BYTES = 16 << 20
_MARKS = (
    ("utf-32-le", codecs.BOM_UTF32_LE),
    ("utf-32-be", codecs.BOM_UTF32_BE),
    ("utf-8", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
)
_TORN_MARK = codecs.BOM_UTF8[:2]
_BY_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_INNER = bytes(range(0x80, 0xC0))  # what UTF-8 writes behind the first byte of a character
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x01\x1e\x1f"))  # the last three part cells and records
_ISO_2022_JP = (b"\x1b$B", b"\x1b$@")
_EBCDIC_EVERYDAY = bytes([0x40, *range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA), *range(0xC1, 0xCA),
                          *range(0xD1, 0xDA), *range(0xE2, 0xEA), *range(0xF0, 0xFA)])  # fmt: skip
_EBCDIC_ENDS = b"\x15\x25"


@slotted(frozen=True)
class Encoding:
    """A Python codec, the length of the byte order mark, why, and a warning where it was a judgement."""

    codec: str
    mark: int
    decision: Decision
    notices: tuple[Notice, ...] = ()


def decide_encoding(
    payload: Payload, head: bytes, tail: bytes, options: Options, *, every_byte: bool = False
) -> Encoding:
    """Return the encoding; raises ``UnknownFormat`` for bytes that are no text.

    A large file is only sampled for UTF-8, as its readers check each byte, unless ``every_byte`` is to be looked at.
    """
    mark, named = next(((len(m), name) for name, m in _MARKS if head.startswith(m)), (0, ""))
    if options.encoding:
        codec = _known(options.encoding, payload)
        if codec in _BY_MARK:  # these names leave the order of the bytes, or the mark itself, open
            codec = named if named.startswith(codec) else _BY_MARK[codec]
        kept = mark if named == codec else 0  # in another encoding the mark's bytes are text
        return Encoding(codec, kept, _told(options.encoding, "the caller said so", by="given"))
    if named:
        return Encoding(named, mark, _told(named, "its byte order mark"))
    if wide := _wide(head):
        return Encoding(wide, 0, _told(wide, "bytes of its letters are zero, at regular places", 0.95))
    if any(sign in head for sign in _ISO_2022_JP):
        return Encoding("iso2022_jp", 0, _told("iso2022_jp", "its escape sequences", 0.99))
    if ebcdic := _ebcdic(head):
        return ebcdic
    if head.startswith(_TORN_MARK) and _is_utf8(head[len(_TORN_MARK) : -4]):
        raise UndecidedEncoding(
            "It begins with two of the three bytes of UTF-8's mark.",
            hint="Send the file as it was written, or name its encoding with the option encoding.",
            place=payload.place(line=1),
        )
    if not _is_text(head) and not _is_json(head):
        raise UnknownFormat(
            "The content is none of the formats DataBridge reads.",
            hint="Send CSV, JSON, Excel or Parquet, also gzipped or zipped.",
            place=payload.place(),
        )
    return _narrow(payload, head, tail, every_byte=every_byte)


def _is_json(head: bytes) -> bool:
    """Tell whether what is full of control signs begins as JSON, whose reader names the first of them."""
    return (
        head.isascii() and head.lstrip()[:1] in {b"[", b"{"} and begins_as_json(head.decode().lstrip(BLANK), whole=True)
    )


def _narrow(payload: Payload, head: bytes, tail: bytes, *, every_byte: bool) -> Encoding:
    """Return UTF-8 where all bytes are; else the code page that reads the words beyond ASCII best."""
    sampled = not every_byte and payload.size > SAMPLED_FROM_BYTES and _seems_utf8(payload, head, tail)
    wrong = None if sampled else _first_not_utf8(payload)
    if wrong is None:
        what = "ASCII" if head.isascii() and tail.isascii() else "valid UTF-8"
        why = f"all bytes are {what}"
        if sampled:
            why = f"its beginning, middle and end are {what}, and every byte is checked when it is read"
        return Encoding("utf-8", 0, _told("utf-8", why))
    sample = head + b"\n" + tail
    if wrong >= len(head):
        with payload.open() as file:
            file.seek(max(0, wrong - AROUND_BYTES // 2))
            sample += b"\n" + file.read(AROUND_BYTES).partition(b"\n")[2].rpartition(b"\n")[0]
    return by_words(sample, at_utf8=wrong)


def by_words(sample: bytes, *, at_utf8: int = 0) -> Encoding:
    """Return the code page in which the words beyond ASCII are likeliest, with a warning where others come close."""
    from ingestion.conversion.detect.codepages import readings, words_beyond_ascii  # most files never need its tables

    words = words_beyond_ascii(sample)
    if len(words) > 1 and sum(map(_is_utf8, words)) > MOSTLY * len(words):
        # Read as anything else, all the right words would be wrong; so the wrong byte ends the conversion.
        return Encoding(
            "utf-8", 0, _told("utf-8", f"most of its words beyond ASCII are, though byte {at_utf8:,} is not", 0.6)
        )
    found = readings(words)
    best = found[0]
    second = found[1] if len(found) > 1 else None
    margin = best.score - second.score if second else 99.0
    confidence = round(min(0.99, 1 / (1 + math.exp(-margin))), 2)
    evidence = (
        f"byte {at_utf8:,} is no UTF-8, and {_counted(words)} most likely {best.language}, such as {_example(best)}"
    )
    evidence += f"; {_named(best.same)} the same" if best.same else ""
    decision = _told(best.codec, evidence, confidence, second.codec if second else None)
    if second is None or (margin >= SURE_MARGIN and not best.is_strange):
        return Encoding(best.codec, 0, decision)
    one, two = next(
        (one, two) for one, two in zip(best.text.split("\n"), second.text.split("\n"), strict=True) if one != two
    )
    notice = Notice(
        code="ENCODING_UNCERTAIN",
        message=f"The encoding is a judgement: {best.codec} reads {_quoted(one)}, {second.codec} would read "
        f"{_quoted(two)}. If that is right, convert again with --encoding {second.codec}.",
    )
    return Encoding(best.codec, 0, decision, (notice,))


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _counted(words: Sequence[bytes]) -> str:
    return "its one word beyond ASCII is" if len(words) == 1 else f"its {len(words)} words beyond ASCII are"


def _named(codecs_: Sequence[str]) -> str:
    """Return the first names of a list and how many more there are, with the verb."""
    if len(codecs_) == 1:
        return f"{codecs_[0]} reads"
    more = len(codecs_) - 2
    return f"{codecs_[0]}, {codecs_[1]} and {more} more read" if more else f"{codecs_[0]} and {codecs_[1]} read"


def _example(reading: Reading) -> str:
    return _quoted(max(reading.text.split("\n")[:20], key=lambda word: (len(word) <= 20, len(word))))


def _quoted(word: str) -> str:
    return f"“{word[:30]}”"


def _seems_utf8(payload: Payload, head: bytes, tail: bytes) -> bool:
    """Tell whether beginning, middle and end of a file are UTF-8, characters cut at their ends left out."""
    with payload.open() as file:
        file.seek(payload.size // 2)
        middle = file.read(AROUND_BYTES)
    try:
        for sample in (head, middle.lstrip(_INNER), tail.lstrip(_INNER)):
            codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _first_not_utf8(payload: Payload) -> int | None:
    """Return the position of the first byte that is no UTF-8, looking at a block at a time; None when all are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    with payload.open() as file:
        while True:
            block = file.read(1 << 22)
            held = len(decoder.getstate()[0])
            try:
                if held or not block.isascii():
                    decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return done - held + error.start
            if not block:
                return None
            done += len(block)


def _is_text(head: bytes) -> bool:
    """Tell text by its control signs: it has hardly any, or is UTF-8 with a few, which then belong to its cells."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls <= len(head) * STRAY_CONTROLS:
        return True
    return controls <= len(head) * CONTROLS_IN_UTF8 and "\ufffd" not in head.decode(errors="replace")[:-1]


def _wide(head: bytes) -> str:
    """Return the byte order of UTF-16 without a mark: its zeros stand on one side of ASCII signs only.

    A single zero is a stray sign of another text, and so are some whose line ends are single bytes.
    """
    sample = head[:4096]
    if sample.count(0) < 2:
        return ""
    if b"\n" in sample and b"\n\x00" not in sample and b"\x00\n" not in sample:
        return ""
    if len(sample) >= 8 and len(sample) % 4 == 0:
        quarters = [sample[at::4] for at in range(4)]
        zero = [not any(quarter) for quarter in quarters]
        if zero[0] != zero[3] and quarters[2 if zero[3] else 1].count(0) > 0.9 * len(quarters[0]):
            return "utf-32-le" if zero[3] else "utf-32-be"
    even, odd = sample[0::2].count(0) / len(sample[0::2]), sample[1::2].count(0) / max(1, len(sample[1::2]))
    if odd > 0.1 and even < 0.02 * odd:
        return "utf-16-le"
    if even > 0.1 and odd < 0.02 * even:
        return "utf-16-be"
    return ""


def _ebcdic(head: bytes) -> Encoding | None:
    """Return EBCDIC where its letters, digits and blanks prevail and its line ends stand, but none of ASCII's."""
    if b"\n" in head or b" " in head or not any(sign in head for sign in _EBCDIC_ENDS):
        return None
    everyday = len(head) - len(head.translate(None, _EBCDIC_EVERYDAY))
    if everyday < 0.6 * len(head):
        return None
    texts = {codec: decoded_beginning(head, codec) for codec in EBCDIC}
    other = next((codec for codec, text in texts.items() if text != texts[EBCDIC[0]]), None)
    decision = _told(EBCDIC[0], "letters, digits and blanks of EBCDIC prevail", 0.8 if other else 0.95, other)
    notice = Notice(
        code="ENCODING_UNCERTAIN",
        message=f"It is EBCDIC, read as {EBCDIC[0]}; {other} would read some of its signs otherwise. "
        f"If they look wrong, convert again with --encoding {other} or another of {', '.join(EBCDIC[1:])}.",
    )
    return Encoding(EBCDIC[0], 0, decision, (notice,) if other else ())


def _known(name: str, payload: Payload) -> str:
    """Return Python's name of a text encoding."""
    try:
        found = codecs.lookup(name)
    except LookupError:
        found = None
    if found is None or not found._is_text_encoding:  # noqa: SLF001  (the only place where Python tells)
        raise UndecidedEncoding(
            f"There is no encoding {name!r}.", hint="Use a name such as utf-8 or cp1252.", place=payload.place()
        )
    return found.name


def _told(
    value: str, evidence: str, confidence: float = 1.0, runner_up: str | None = None, by: str = "detected"
) -> Decision:
    return Decision(name="encoding", value=value, confidence=confidence, evidence=evidence, by=by, runner_up=runner_up)
