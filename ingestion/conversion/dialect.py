"""How a text table is laid out: what detection hands to the readers of delimited and fixed-width text."""

from __future__ import annotations

from ingestion.slotted import slotted

Skipped = tuple[str, tuple[int, ...]]
"""A kind of line that is not data, and the numbers of its lines."""


@slotted(frozen=True, kw_only=True)
class Dialect:
    """Everything a reader must know to cut text into cells. Lines and records count from 1.

    ``delimiter`` may have several characters; ``None`` means one column, or fixed width, cut at ``widths``
    (character offsets, end exclusive). ``newline`` is ``None`` when record ends are mixed.
    The table's first data record begins ``start`` bytes into the UTF-8 text behind the byte order mark, on line
    ``first_line``. ``above`` says what stands before it, the header left out: ``header_records`` records from the
    record ``header_record``. It ends at ``stop`` where another table follows; ``below`` says what is there.
    ``footer`` names the kinds of the last records when they are no data, in file order, such as total lines.
    ``aligned`` lists have cells padded to the ``widths`` of their columns; the padding is trimmed. ``page_lines`` are
    the outlines of the lines above the rows, which each page of such a list repeats. Where the widths are ``given``,
    lines in words are rows too.
    ``comment`` begins lines between the records that are no data. ``framed`` records begin and end with a delimiter.
    """

    encoding: str
    bom_bytes: int = 0
    delimiter: str | None = ","
    widths: tuple[tuple[int, int], ...] = ()
    quote: str | None = '"'
    escape: str | None = None
    newline: str | None = "\n"
    comment: str | None = None
    skip_initial_space: bool = False
    framed: bool = False
    aligned: bool = False
    given: bool = False
    page_lines: frozenset[str] = frozenset()
    header_record: int | None = 1
    header_records: int = 1
    names: tuple[str, ...] = ()
    start: int = 0
    first_line: int = 1
    stop: int | None = None
    above: tuple[Skipped, ...] = ()
    below: tuple[Skipped, ...] = ()
    footer: tuple[str, ...] = ()
