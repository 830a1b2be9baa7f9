"""A seeded maker of exports as ERP systems write them: the true values of every cell beside the text they are written in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

NAMES = {
    "German": ["Müller GmbH", "Bäckerei Süß", "Öl & Gas AG", "Schraube M8; verzinkt", "Groß KG", "Weiß, Anna", "Jäger"],
    "French": ["Société Générale", "Crème brûlée", "Façonnage Noël", "Hôtel de l’Été", "Dupont SA"],
    "Polish": ["Żółć", "Łódź Sp. z o.o.", "Świętokrzyskie", "Gdańsk", "Kraków"],
    "Japanese": ["山田商店", "佐藤工業", "株式会社タナカ", "部品A"],
    "English": ["Acme Corp.", "Smith & Sons", "Bolt M8, zinc", "O'Brien Ltd", '"Best" Ltd', "Miller"],
}
HEADERS = {
    "German": ["Belegnr", "Material", "Bezeichnung", "Land", "Menge", "Betrag in HW", "Buch.dat.", "Rabatt", "Referenz"],
    "French": ["N° pièce", "Article", "Désignation", "Pays", "Quantité", "Montant", "Date", "Remise", "Référence"],
    "Polish": ["Numer", "Materiał", "Nazwa", "Kraj", "Ilość", "Kwota", "Data", "Rabat", "Referencja"],
    "Japanese": ["伝票番号", "品目", "名称", "国", "数量", "金額", "日付", "割引", "参照"],
    "English": ["Document", "Item", "Description", "Country", "Quantity", "Amount", "Posting Date", "Discount", "Reference"],
}  # fmt: skip
MINUS = {"front": "-{}", "behind": "{}-", "parentheses": "({})"}


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a system writes: language and encoding, what parts cells and records, amounts, and dates."""

    language: str
    encoding: str
    sep: str
    point: str
    group: str = ""
    minus: str = "front"
    date: str
    end: str = "\r\n"
    quote_all: bool = False


STYLES = {
    "SAP, German": Style(
        language="German", encoding="cp1252", sep=";", point=",", group=".", minus="behind", date="%d.%m.%Y"
    ),
    "SAP, American, for Excel": Style(
        language="English", encoding="utf-16", sep="\t", point=".", group=",", minus="behind", date="%m/%d/%Y"
    ),
    "SAP, dates of eight digits": Style(
        language="German", encoding="cp1252", sep="\t", point=",", group=".", minus="behind", date="%Y%m%d"
    ),
    "Dynamics": Style(
        language="English", encoding="utf-8-sig", sep=",", point=".", date="%Y-%m-%d", quote_all=True
    ),
    "NetSuite": Style(
        language="English", encoding="utf-8", sep=",", point=".", group=",", minus="parentheses", date="%m/%d/%Y", end="\n"
    ),
    "Infor on DOS": Style(language="German", encoding="cp850", sep="|", point=",", date="%d-%m-%Y"),
    "Swiss": Style(language="German", encoding="utf-8", sep=";", point=".", group="'", date="%d.%m.%Y", end="\n"),
    "French, no-break space": Style(
        language="French", encoding="cp1252", sep=";", point=",", group="\xa0", date="%d/%m/%Y"
    ),
    "French, narrow space": Style(
        language="French", encoding="utf-8", sep=";", point=",", group="\u202f", date="%d/%m/%Y", end="\n"
    ),
    "Polish": Style(language="Polish", encoding="cp1250", sep=";", point=",", group=" ", date="%Y-%m-%d"),
    "Polish on DOS": Style(language="Polish", encoding="cp852", sep=";", point=",", date="%Y-%m-%d"),
    "Japanese": Style(language="Japanese", encoding="shift_jis", sep=",", point=".", group=",", date="%Y/%m/%d"),
    "a tilde": Style(language="English", encoding="ascii", sep="~", point=".", minus="behind", date="%Y%m%d", end="\n"),
    "two bars": Style(language="English", encoding="utf-8", sep="||", point=".", date="%Y-%m-%d", end="\n"),
}  # fmt: skip


@dataclass(kw_only=True)
class Export:
    """A table: its columns' names, the values of each, and their texts; an empty text is null."""

    style: Style
    names: list[str]
    values: list[list[Any]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)

    def rows(self) -> list[list[str]]:
        """Return the texts row by row."""
        return [list(row) for row in zip(*self.texts, strict=True)]

    def encoded(self, lines: list[str]) -> bytes:
        """Return lines as the style ends and encodes them."""
        return "".join(line + self.style.end for line in lines).encode(self.style.encoding)

    def line(self, cells: list[str]) -> str:
        """Return one record of delimited text."""
        special = (self.style.sep, '"', "\n")
        quoted = [
            '"' + cell.replace('"', '""') + '"' if self.style.quote_all or any(s in cell for s in special) else cell
            for cell in cells
        ]
        return self.style.sep.join(quoted)

    def delimited(self) -> bytes:
        """Return the export as delimited text with a header."""
        return self.encoded([self.line(self.names), *map(self.line, self.rows())])


def export(style: Style, rows: int, seed: int, *, bars: bool = True) -> Export:
    """Make an export of so many rows; ``bars``: texts may hold what parts or draws columns."""
    rng = Random(f"{seed} {rows}")
    made = Export(style=style, names=HEADERS[style.language])

    def add(values: list[Any], write: Any = str) -> None:
        made.values.append(values)
        made.texts.append(["" if value is None else write(value) for value in values])

    names = [name for name in NAMES[style.language] if bars or "|" not in name]
    start = dt.date(2024, 1, 13)  # its day proves the order of day and month
    days = [start, *(dt.date(2024, 1, 1) + dt.timedelta(rng.randrange(1000)) for _ in range(rows - 1))]
    add([f"{rng.randrange(10**6):010d}" for _ in range(rows)])
    add([f"{rng.randrange(10**5):018d}" if n % 3 else f"MAT-0{n}" for n in range(rows)])
    add([rng.choice(names) for _ in range(rows)])
    add([rng.choice(["DE", "NA", "US", "CH"]) for _ in range(rows)])
    add([Decimal(rng.randrange(10**9)) / 1000 + Decimal("1000.001") for _ in range(rows)], _amount(style, 3))
    add([Decimal(rng.randrange(-(10**9), 10**10)) / 100 for _ in range(rows)], _amount(style, 2))
    add(days, lambda day: day.strftime(style.date))
    add([None if rng.random() < 0.3 else Decimal(rng.randrange(10**5)) / 100 for _ in range(rows)], _amount(style, 2))
    add([4_900_000_000 + rng.randrange(10**8) for _ in range(rows)])
    return made


def _amount(style: Style, scale: int) -> Any:
    def write(value: Decimal) -> str:
        whole, _, fraction = f"{abs(value):,.{scale}f}".partition(".")
        text = whole.replace(",", style.group) + style.point + fraction
        return MINUS[style.minus].format(text) if value < 0 else text

    return write


def printed(made: Export, between: str = "  ", frame: str = "") -> tuple[list[str], str]:
    """Return header and rows as lines of padded columns, numbers to the right; and a rule of their width."""
    widths = [max(map(len, [name, *texts])) for name, texts in zip(made.names, made.texts, strict=True)]
    right = [not isinstance(next((v for v in values if v is not None), ""), str) for values in made.values]
    lines = [
        frame
        + between.join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        + frame
        for cells in (made.names, *made.rows())
    ]
    return lines, "-" * len(lines[0])
