"""Control totals: what the sender says the file holds; a file that does not is never published.

They come from the caller, from a file beside the data, or in the data's own last line (a trailer).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestion.conversion.checks.errors import RuleInvalid, TotalsMismatch
from ingestion.conversion.checks.rules import as_number
from ingestion.conversion.values import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestion.conversion.unpack import Payload

TAIL_BYTES = 1 << 16
_NAMES = {"rows", "sums", "sha256", "trailer", "beside"}
_ENDING = re.compile(r"\.[A-Za-z0-9_.-]{1,30}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,12})?")
_NAME_ENDS = re.compile(r"\s*[=:;,\t]\s*")
_CELL_ENDS = re.compile(r"[;,|\t]|\s{2,}")
HINT = "Send the file again from its system; if it is right, correct the totals."


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a file is said to hold; None and empty for what nobody has said.

    ``rows`` are those of data, without header, titles and trailer, set-aside ones included; ``sums`` are those of
    columns over all these rows. ``sha256`` is that of the file as it was sent, or of the archive's member.
    ``trailer`` says that the text's last line tells totals: where in it (``{"rows": 2, "sums": {"amount": 3}}``, cells
    counted from 1), or just that (an empty mapping). ``loose`` are a trailer's numbers that name no column.
    ``hashes`` are those that further files beside the data tell. Sums that are told ``loosely`` may be other numbers.
    ``beside_ending`` is that of a file beside the data at its source, which has to be fetched first.
    """

    rows: int | None = None
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    sha256: str | None = None
    trailer: Mapping[str, Any] | None = None
    loose: tuple[Decimal, ...] = ()
    line: str = ""
    beside_ending: str = ""
    hashes: tuple[str, ...] = ()
    loosely: frozenset[str] = frozenset()

    @classmethod
    def of(cls, given: Any) -> Totals:
        """Read the option ``control_totals``: an object, or the text of a file beside the data.

        Raises ``RuleInvalid``.
        """
        if isinstance(given, str):
            given = _from_text(given)
        if not isinstance(given, dict) or not given or given.keys() - _NAMES:
            raise _invalid("control_totals take rows, sums, sha256, trailer or beside.")
        if "beside" in given:
            return cls(beside_ending=_beside(given))
        rows, sums, digest, trailer = (given.get(name) for name in ("rows", "sums", "sha256", "trailer"))
        if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 0):
            raise _invalid(f"control_totals cannot have {rows!r} rows.")
        numbers = {}
        if sums is not None and not isinstance(sums, dict):
            raise _invalid("The sums of control_totals are no object.")
        for name, text in (sums or {}).items():
            number = as_number(text)
            if number is None:
                raise _invalid(f'The sum of "{name}" cannot be {text!r}.')
            numbers[name] = number
        if digest is not None and not (isinstance(digest, str) and _SHA256.fullmatch(digest.strip().lower())):
            raise _invalid("The sha256 of control_totals is not 64 hexadecimal digits.")
        return cls(
            rows=rows,
            sums=numbers,
            sha256=None if digest is None else digest.strip().lower(),
            trailer=_trailer(trailer),
        )

    @classmethod
    def beside(cls, payload: Payload) -> tuple[Totals | None, tuple[Notice, ...]]:
        """Return the totals that lie beside a file in its archive, all of them together; None where there are none.

        A ``.ctl`` that tells no totals is another kind of control file, and left alone with a notice, as are hashes of
        other files. Raises ``RuleInvalid`` for the other kinds, or where two tell different totals.
        """
        found, notices = cls(), []
        for one in payload.totals:
            loosely = one.name.lower().endswith(".ctl")
            try:
                text = of_file(one.text, one.of)
                told = cls.of(text) if text.strip() or not one.text.strip() else None
            except RuleInvalid as error:
                if not loosely:
                    raise RuleInvalid(f"{one.name}: {error.what}", hint=error.hint) from None
                told = None
            if told is None:
                message = f'"{one.name}" tells no totals of the file; it is left out.'
                notices.append(Notice(code="CONTROL_FILE_NOT_READ", message=message))
                continue
            found = _both(found, replace(told, loosely=frozenset(told.sums if loosely else ())), one.name)
            notices.append(Notice(code="TOTALS_BESIDE", message=f'The file is held against "{one.name}" beside it.'))
        return (found if found != cls() else None), tuple(notices)

    @property
    def is_whole(self) -> bool:
        """Whether they tell of every byte, and not of numbers only."""
        return self.sha256 is not None


def _both(found: Totals, told: Totals, name: str) -> Totals:
    """Return two totals as one; raises ``RuleInvalid`` where no file can have both."""
    unlike = [told.sums[one] for one in told.sums.keys() & found.sums.keys() if told.sums[one] != found.sums[one]]
    if unlike or (None not in {found.rows, told.rows} and found.rows != told.rows):
        raise RuleInvalid(f"{name} tells other totals than another file beside the data.", hint="Correct one of them.")
    surely = (found.sums.keys() - found.loosely) | (told.sums.keys() - told.loosely)
    return Totals(
        rows=told.rows if told.rows is not None else found.rows,
        sums={**found.sums, **told.sums},
        sha256=told.sha256 or found.sha256,
        hashes=(*found.hashes, *((found.sha256,) if found.sha256 and told.sha256 else ())),
        trailer=told.trailer if told.trailer is not None else found.trailer,
        loosely=(found.loosely | told.loosely) - surely,
    )


def of_file(text: str, name: str) -> str:
    """Return a text without the hashes of other files, where it lists those of several.

    A file is listed by its name, packed or not, with as much of its path as is known.
    """
    lines = text.splitlines()
    listed = {at: found for at, line in enumerate(lines) if (found := _hashed(line)) is not None}
    if len(listed) < 2:
        return text
    own = _parts(name)
    packed = [*own[:-1], own[-1].rpartition(".")[0]]
    exactly = {at for at, (_, of) in listed.items() if _parts(of) == own}
    mine = exactly or {
        at for at, (_, of) in listed.items() if any(_ends_alike(_parts(of), one) for one in (own, packed))
    }
    return "\n".join(line for at, line in enumerate(lines) if at not in listed or at in mine)


def _hashed(line: str) -> tuple[str, str] | None:
    """Return a line's SHA-256 and the file's name, as ``sha256sum`` writes them, or BSD and OpenSSL; else None."""
    if found := re.fullmatch(r"\\?([0-9a-fA-F]{64})(?:\s+\*?(.*))?", line.strip()):
        return found[1].lower(), found[2] or ""
    if found := re.fullmatch(r"SHA(?:2-)?256 ?\((.*)\) ?= ?([0-9a-fA-F]{64})", line.strip(), re.IGNORECASE):
        return found[2].lower(), found[1]
    return None


def _parts(path: str) -> list[str]:
    return [part for part in path.strip().lower().replace("\\", "/").split("/") if part not in {"", "."}] or [""]


def _ends_alike(one: list[str], other: list[str]) -> bool:
    shared = min(len(one), len(other))
    return one[-shared:] == other[-shared:] and one != [""]


def _beside(given: Mapping[str, Any]) -> str:
    ending = given["beside"]
    if len(given) > 1 or not isinstance(ending, str) or not _ENDING.fullmatch(ending):
        raise _invalid('The totals beside a file are told by its ending alone: {"beside": ".sha256"}.')
    return ending


def _trailer(given: Any) -> Mapping[str, Any] | None:
    if given is None or given is False:
        return None
    if given is True:
        return {}
    places = [given.get("rows"), *(given.get("sums") or {}).values()] if isinstance(given, dict) else [0]
    known = isinstance(given, dict) and not given.keys() - {"rows", "sums"}
    if not known or not all(place is None or (isinstance(place, int) and place > 0) for place in places):
        raise _invalid('The trailer is true, or tells cells by number: {"rows": 2, "sums": {"amount": 3}}.')
    return dict(given)


def _invalid(what: str) -> RuleInvalid:
    hint = 'For example {"rows": 1200, "sums": {"amount": "10450.75"}, "sha256": "..."}; see docs/rejects.md.'
    return RuleInvalid(what, hint=hint)


def _from_text(text: str) -> dict[str, Any]:
    """Read a file beside the data: JSON, lines of names and numbers, or what ``sha256sum`` writes."""
    text = text.strip().removeprefix("\ufeff")
    if text.startswith("{"):
        try:
            found = json.loads(text, parse_float=str)
        except ValueError:
            raise _invalid("The file of totals is no JSON.") from None
        return found if isinstance(found, dict) else {}
    told: dict[str, Any] = {"sums": {}}
    for line in filter(str.strip, text.splitlines()):
        if line.lstrip().startswith("#"):
            continue
        if hashed := _hashed(line):
            told["sha256"] = hashed[0]
            continue
        name, value = (part.strip(' "') for part in (*_NAME_ENDS.split(line.strip(), maxsplit=1), "")[:2])
        if name.lower() in {"rows", "row_count", "count", "records"} and value.isdigit():
            told["rows"] = int(value)
        elif name.lower() == "sha256":
            told["sha256"] = value
        elif _NUMBER.fullmatch(value):
            told["sums"][re.sub(r"^sum[ _(.]", "", name, flags=re.IGNORECASE).rstrip(")")] = value
        else:
            raise _invalid(f"The file of totals has a line that tells no total: {line[:60]!r}.")
    return {name: value for name, value in told.items() if value}


# ---- the file's bytes, and its last line ----


def compare_bytes(totals: Totals, src: Path, payload: Payload, kept: Payload) -> None:
    """Compare the hash of the file as it was sent, of its member, or of all before the trailer.

    Raises ``TotalsMismatch``.
    """
    if totals.sha256 is None:
        return
    found = []
    for path in dict.fromkeys((src, *payload.layers, payload.path, kept.path)):
        with path.open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    for said in (*totals.hashes, totals.sha256):
        if said not in found:
            raise TotalsMismatch(
                f"The file's SHA-256 is {found[-1]}; the control totals say {said}.", hint=HINT, place=payload.place()
            )


def without_trailer(totals: Totals, payload: Payload, folder: Path) -> tuple[Payload, Totals]:
    """Cut the last line off a text, and add what it says to the totals; raises ``TotalsMismatch``."""
    if totals.trailer is None:
        return payload, totals
    with payload.open() as file:
        head = file.read(4)
        file.seek(max(0, payload.size - TAIL_BYTES))
        tail = file.read()
    wide = 2 if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else 1
    codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head[:2], "latin-1")
    start, line = _last_line(tail[len(tail) % wide :].decode(codec))
    if not line.strip():
        raise TotalsMismatch("It has no last line that could tell totals.", hint=HINT, place=payload.place())
    kept = payload.size - len(tail) + len(tail) % wide + start * wide
    path = folder / "without-trailer"
    shutil.copyfile(payload.path, path)
    with path.open("r+b") as file:
        file.truncate(kept)
    return replace(payload, path=path, size=kept), _told(totals, line, payload)


def _last_line(text: str) -> tuple[int, str]:
    """Return where the last line that is not blank begins, and the line."""
    bare = text.rstrip("\r\n \t\x1a\0")
    start = max(bare.rfind("\n"), bare.rfind("\r")) + 1
    return start, bare[start:]


def _told(totals: Totals, line: str, payload: Payload) -> Totals:
    cells = [cell.strip().strip('"') for cell in _CELL_ENDS.split(line)]
    places = totals.trailer or {}
    digest = next((cell.lower() for cell in cells if _SHA256.fullmatch(cell.lower())), None)

    def at(place: int) -> Decimal:
        cell = cells[place - 1] if place <= len(cells) else ""
        number = as_number(cell) if _NUMBER.fullmatch(cell) else None
        if number is None:
            raise TotalsMismatch(
                f"The last line has no number in its cell {place}: {line[:80]!r}.",
                hint="The trailer is missing or cut off; send the file again.",
                place=payload.place(),
            )
        return number

    if places:
        rows = int(at(places["rows"])) if places.get("rows") else totals.rows
        sums = {**totals.sums, **{name: at(place) for name, place in (places.get("sums") or {}).items()}}
        return replace(totals, rows=rows, sums=sums, line=line)
    numbers = [Decimal(cell) for cell in cells if _NUMBER.fullmatch(cell)]
    count = next((number for number in numbers if number == number.to_integral_value() and number >= 0), None)
    if count is None:
        raise TotalsMismatch(
            f"The last line tells no number of rows: {line[:80]!r}.",
            hint="The trailer is missing or cut off; send the file again.",
            place=payload.place(),
        )
    numbers.remove(count)
    return replace(totals, rows=int(count), loose=tuple(numbers), sha256=digest or totals.sha256, line=line)
