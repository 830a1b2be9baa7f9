"""Which column of a file is which column of the contract: by name, by alias, by spelling, and by a guess."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.contract.kinds import common

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingestion.conversion.contract.model import Contract, ContractColumn

SEEN = 8
WIDE = 500  # a contract of more columns keeps no values
LIKE = 0.6
TECHNICAL = "_rescued"


@dataclass(slots=True)
class Matching:
    """The file's place of each contract column, what is new, what is missing, and which of these look renamed."""

    found: dict[str, int] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    missing: list[ContractColumn] = field(default_factory=list)
    renamed: dict[str, int] = field(default_factory=dict)


def matched(contract: Contract, names: list[str]) -> Matching:
    """Match by name or alias, then by spelling: capitals and spaces around a name make no other column."""
    result = Matching()
    taken: set[int] = set()
    agreed = [contract.column(name) for name in names]
    own = [place for place, column in enumerate(agreed) if column and column.name == names[place]]
    for place in [*own, *range(len(names))]:  # a column's own name goes before its aliases
        column = agreed[place]
        if column is not None and column.name not in result.found:
            result.found[column.name] = place
            taken.add(place)
    spelled = _unique({place: _plain(name) for place, name in enumerate(names) if place not in taken})
    wanted = _unique({c.name: _plain(c.name) for c in contract.columns if c.name not in result.found})
    for name, text in wanted.items():
        for place in [place for place, other in spelled.items() if other == text]:
            result.found[name] = place
            taken.add(place)
    for place, name in enumerate(names):
        if place not in taken and (column := _second(contract, name, names, result)):
            result.found[column.name] = place
            taken.add(place)
    result.new = [place for place in range(len(names)) if place not in taken]
    result.missing = [column for column in contract.columns if column.name not in result.found]
    return result


def _second(contract: Contract, name: str, names: list[str], result: Matching) -> ContractColumn | None:
    """Return the column that ``own_name`` made of a name before, which is also an alias of another column found."""
    if contract.column(name) is None:
        return None
    number = 2
    while column := contract.column(f"{name}_{number}"):
        if column.name not in result.found and column.name not in names:
            return column
        number += 1
    return None


def own_name(name: str, taken: set[str], reserved: Collection[str] = ()) -> str:
    """Return a name that no other column has, and add it to those taken, which are in small letters.

    To DuckDB and Athena, names that differ by capitals only are one name: they would read one column twice.
    ``reserved`` are further names, in small letters, that no column may get that is not called so.
    """
    found, number = name, 2
    while found.casefold() in taken or (number > 2 and found.casefold() in reserved):
        found, number = f"{name}_{number}", number + 1
    taken.add(found.casefold())
    return found


def guessed(contract: Contract, schema: pa.Schema, result: Matching) -> dict[str, int]:
    """Return missing columns that a new one may be, which stands in their place and holds values of their kind."""
    places = {}
    for column in [one for one in result.missing if one.name != TECHNICAL]:
        place = _in_place_of(contract, column, len(schema), result)
        if place is None or schema.field(place).name == TECHNICAL or contract.column(schema.field(place).name):
            continue
        kind = schema.field(place).type
        if not pa.types.is_null(kind) and not pa.types.is_null(column.kind) and common(column.kind, kind) is not None:
            places[column.name] = place
    return places


def take_renamed(result: Matching, places: dict[str, int]) -> None:
    """Match missing columns with new ones."""
    result.renamed |= places
    result.new = [place for place in result.new if place not in places.values()]
    result.missing = [column for column in result.missing if column.name not in places]


def _in_place_of(contract: Contract, column: ContractColumn, width: int, result: Matching) -> int | None:
    """Return the place of the file's column between the same neighbours; where no neighbour is left, the same place."""
    order = [one.name for one in contract.columns]
    at = order.index(column.name)
    before = next((result.found[name] for name in reversed(order[:at]) if name in result.found), None)
    after = next((result.found[name] for name in order[at + 1 :] if name in result.found), None)
    low = -1 if before is None else before
    high = width if after is None else after
    between = [place for place in range(low + 1, high) if place in result.new]
    gone = [one for one in result.missing if one.name in order and _stands_between(order, one.name, at, result)]
    if len(between) == len(gone):
        return between[[one.name for one in gone].index(column.name)] if column in gone else None
    return at if at in between else None


def _stands_between(order: list[str], name: str, at: int, result: Matching) -> bool:
    """Tell whether no found column stands between two places of the contract."""
    low, high = sorted((at, order.index(name)))
    return not any(one in result.found for one in order[low : high + 1])


def is_like(one: str, two: str) -> bool:
    """Tell whether two names are alike."""
    return SequenceMatcher(None, _plain(one), _plain(two)).ratio() >= LIKE


def overlap(column: ContractColumn, cells: pa.Array) -> bool:
    """Tell whether some cells hold a text that the column held from the first."""
    return bool(set(column.seen) & set(hashes(cells, len(cells))))


def hashes(cells: pa.Array, most: int = SEEN) -> tuple[str, ...]:
    """Return short hashes of a few different texts of a column; none for what is no text."""
    if not pa.types.is_string(cells.type):
        return ()
    texts = pc.unique(pc.drop_null(cells)).slice(0, most).to_pylist()
    return tuple(f"{zlib.crc32(text.encode()):08x}" for text in texts if text)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _unique(names: dict[Any, str]) -> dict[Any, str]:
    every = list(names.values())
    return {key: text for key, text in names.items() if every.count(text) == 1}
