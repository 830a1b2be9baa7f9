"""How a text table is laid out: what detection hands to the readers of delimited and fixed-width text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Everything a reader must know to cut text into cells. Lines and records count from 1.

    ``delimiter`` may have several characters; ``None`` means fixed width, cut at ``widths``
    (character offsets, end exclusive). ``newline`` is ``None`` when record ends are mixed.
    ``first_record`` is the first data record; everything before it (title lines, the header)
    is skipped and counted. ``skip`` names the kinds of later lines that are not data; the last
    ``footer_records`` records are totals or remarks.
    """

    encoding: str
    bom_bytes: int = 0
    delimiter: str | None = ","
    widths: tuple[tuple[int, int], ...] = ()
    quote: str | None = '"'
    double_quote: bool = True
    escape: str | None = None
    newline: str | None = "\n"
    comment: str | None = None
    skip_initial_space: bool = False
    header_record: int | None = 1
    names: tuple[str, ...] = ()
    first_record: int = 2
    skip: tuple[str, ...] = ()
    footer_records: int = 0
