"""How the texts of a file's columns are read towards a contract: by its rules first, then by others of its kind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ingestion.conversion.typing.column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.contract.model import Contract


def text_columns(contract: Contract | None, names: Sequence[str]) -> list[TextColumn]:
    """Return the columns of a text with their rules; a column that the contract does not have may become anything."""
    if contract is None:
        return [TextColumn(name) for name in names]
    from ingestion.conversion.contract.matching import matched
    from ingestion.conversion.contract.notation import agrees, rules_of

    agreed = {place: name for name, place in matched(contract, list(names)).found.items()}
    columns = []
    for place, name in enumerate(names):
        column = contract.column(agreed[place]) if place in agreed else None
        if column is None:
            columns.append(TextColumn(name))
        else:
            columns.append(TextColumn(name, partial(rules_of, column.kind), agrees(column.rule)))
    return columns
