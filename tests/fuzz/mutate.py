"""Ways to spoil a file: blindly by bytes, and with knowledge of lines, JSON, containers and encodings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import warnings
import zipfile
import zlib
from random import Random

CELLS = [
    b"", b'""', b'"', b'"""', b"'", b"\\", b"007", b"-0", b"12E5", b"NA", b"1.234,56-", b"(1.00)", b"9999-99-99", b"31.02.2026",
    b"9" * 40, b"1" * 400, b"\x00", b"\xff", b"\xe2\x80\xa8", b"\r", b"\n", b"\r\n", b"\t", b";", b",", b"|", b"||", b" ", b"\xc2\xa0",
    b"\xef\xbb\xbf", b"true", b"TRUE", b"00000000", b"20261031", b"0x1F", b"1e309", b"#", b"sep=;\n", b"----", b"Summe", b"x" * 70000,
]  # fmt: skip
TOKENS = [
    b"null", b"true", b"-0", b"1e400", b"0.1e-7", b"1" * 50, b"NaN", b'"\\ud83d"', b'"\\u0000"', b"{}", b"[]", b"[[]]", b'{"":1}', b'{"a":1,"a":2}',
    b"[" * 2000, b"]" * 3, b"{", b"}", b",", b":", b'"', b"/*x*/", b"'x'", b"\xff", b'"2026-10-31"', b'"2026-10-31T10:00:00Z"', b"01", b".5",
]  # fmt: skip
NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
ENCODINGS = [
    "utf-16",
    "utf-16-le",
    "utf-32",
    "utf-8-sig",
    "cp1252",
    "latin-1",
    "cp437",
    "gb18030",
    "shift_jis",
    "cp037",
]
LARGE = 1 << 20


def mutated(data: bytes, others: list[bytes], rng: Random) -> bytes:
    """Return the file after one to four changes, half of them inside its container if it has one."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        change = rng.choice(_for(data))
        data = change(data, rng) if change is not _spliced else _spliced(data, rng.choice(others), rng)
    return data


def _for(data: bytes) -> list:
    blind = [_flipped, _cut_off, _cut_out, _doubled, _number, _spliced]
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return [*blind, *[_inside] * 8]
    head = data[:4096].lstrip()
    if head.startswith((b"{", b"[")):
        return [*blind, *[_token] * 6, _encoded, _line, _packed]
    if head.startswith((b"PAR1", b"ARROW1", b"ORC", b"Obj", b"\xd0\xcf", b"\xff\xff\xff\xff")):
        return [*blind, _flipped, _flipped, _number, _number, _packed]
    return [*blind, *[_cell] * 5, *[_line] * 4, _encoded, _packed]


def _place(data: bytes, rng: Random) -> int:
    """Return a place, more often one near an end, where headers and footers are."""
    size = max(1, len(data))
    near = min(size, 400)
    return rng.choice([rng.randrange(size), rng.randrange(near), size - 1 - rng.randrange(near)])


def _flipped(data: bytes, rng: Random) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        if found:
            found[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(found)


def _number(data: bytes, rng: Random) -> bytes:
    """Overwrite a place with a number at the edge of its size."""
    size, at = rng.choice([1, 2, 4, 8]), _place(data, rng)
    value = (rng.choice(NUMBERS) & (256**size - 1)).to_bytes(size, rng.choice(["little", "big"]))
    return data[:at] + value + data[at + size :]


def _cut_off(data: bytes, rng: Random) -> bytes:
    return data[: _place(data, rng)]


def _cut_out(data: bytes, rng: Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice([1, 2, 16, 500]) :]


def _doubled(data: bytes, rng: Random) -> bytes:
    at, size = _place(data, rng), rng.choice([1, 8, 100, 5000])
    return data[: at + size] + data[at : at + size] * rng.choice([1, 1, 50]) + data[at + size :]


def _spliced(data: bytes, other: bytes, rng: Random) -> bytes:
    return (data[: _place(data, rng)] + other[_place(other, rng) :])[: 8 * LARGE]


def _cell(data: bytes, rng: Random) -> bytes:
    """Replace, insert before, or append to what stands between two delimiters."""
    at = _place(data, rng)
    end = re.compile(rb"[;,|\t\r\n]|\Z").search(data, at)
    stop = end.start() if end else len(data)
    return data[:at] + rng.choice(CELLS) + data[rng.choice([at, stop]) :]


def _line(data: bytes, rng: Random) -> bytes:
    """Repeat, drop, swap, shorten or break lines, or change how they end."""
    lines = data.splitlines(keepends=True)
    if not lines or len(data) > 8 * LARGE:
        return data
    at = rng.choice([rng.randrange(len(lines)), 0, len(lines) - 1])
    match rng.randrange(8):
        case 0:
            lines.insert(at, lines[at])
        case 1:
            del lines[at]
        case 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        case 4:
            lines[at] = lines[at].rstrip(b"\r\n") + rng.choice([b"\r", b"\n\n", b"\r\n", b"", b"\r\r\n"])
        case 5:
            lines.insert(
                at, rng.choice([b"\n", b"Title\n", b"# comment\n", b"------\n", b";;;;\n", b"a,b\n", lines[0]])
            )
        case 6:
            return data.replace(b"\r\n", b"\n").replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\r"]))
        case _:
            lines[at] = lines[at].replace(
                rng.choice([b";", b",", b'"', b" "]), rng.choice([b";", b",", b"", b'"', b"\t"])
            )
    return b"".join(lines)


def _token(data: bytes, rng: Random) -> bytes:
    """Replace or insert something at a border of JSON."""
    borders = [found.start() for found in re.finditer(rb"[\[\]{},:\"]", data[:LARGE])]
    if not borders:
        return data
    at = rng.choice(borders)
    return data[:at] + rng.choice(TOKENS) + data[rng.choice([at, at + 1]) :]


def _encoded(data: bytes, rng: Random) -> bytes:
    return data.decode("utf-8", errors="replace").encode(rng.choice(ENCODINGS), errors="replace")


def _packed(data: bytes, rng: Random) -> bytes:
    return rng.choice([gzip.compress, bz2.compress, lzma.compress, _zipped])(data)


def _zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
    return file.getvalue()


def _inside(data: bytes, rng: Random) -> bytes:
    """Change what a container holds and pack it again, so that the change gets past the checksums."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.compress(mutated(zlib.decompressobj(31).decompress(data, 8 * LARGE), [b"", data], rng))
        if data.startswith(b"BZh"):
            return bz2.compress(mutated(bz2.BZ2Decompressor().decompress(data, 8 * LARGE), [b"", data], rng))
        if data.startswith(b"\xfd7zXZ"):
            return lzma.compress(mutated(lzma.LZMADecompressor().decompress(data, 8 * LARGE), [b"", data], rng))
        return _rezipped(data, rng)
    except (
        OSError,
        ValueError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ):
        return data


def _rezipped(data: bytes, rng: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()[:200]]
    if not members:
        return data
    at = rng.randrange(len(members))
    name, content = members[at]
    match rng.randrange(6):
        case 0:
            del members[at]
        case 1:
            members[at] = (rng.choice(["../x", "/etc/passwd", "a" * 300, "\ud7ff\n", name.upper()]), content)
        case 2:
            members.append((name, content))
        case _:
            members[at] = (
                name,
                _markup(content, rng) if content[:1] == b"<" else mutated(content, [b"", content], rng),
            )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as archive:
        warnings.simplefilter("ignore")  # of names that stand twice, which is meant here
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def _markup(data: bytes, rng: Random) -> bytes:
    """Change an attribute's value or a text between tags; leave the tags well formed most of the time."""
    places = list(re.finditer(rb'"[^"<>]*"|>[^<>]*<', data[:LARGE]))
    if not places or rng.randrange(5) == 0:
        return _flipped(data, rng)
    found = rng.choice(places)
    word = rng.choice(
        [
            b"",
            b"-1",
            b"0",
            b"99999999999",
            b"XFD1048577",
            b"A0",
            b"ZZZZ9",
            b"1e309",
            b"NaN",
            b"#N/A",
            b"&#0;",
            b"&x;",
            b"e",
            b"s",
            b"t",
            b"\xff",
        ]
    )
    return data[: found.start() + 1] + word + data[found.end() - 1 :]
