"""moto's DynamoDB transactions, made atomic and of constant cost.

moto checks and writes a transaction without a lock, and keeps a copy of every table that it names to be able to
undo it: with some thousand jobs each transaction takes seconds. Here only the items it names are kept.
The private parts of moto used here are why its version is pinned and why tests undo a transaction.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table


def install() -> None:
    """Replace moto's way of undoing a transaction, once in a process."""
    write = DynamoDBBackend.transact_write_items

    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        before = [_kept(self, operation) for item in transact_items for operation in item.values()]
        try:
            write(self, transact_items)
        except BaseException:
            for table, hash_key, range_key, item in before:
                _put_back(table, hash_key, range_key, item)
            raise

    DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign]
    # what moto keeps of whole tables to undo a transaction
    Table.__deepcopy__ = lambda self, _memo: self  # type: ignore[attr-defined]


_Kept = tuple[Table | None, DynamoType | None, DynamoType | None, Item | None]


def _kept(backend: DynamoDBBackend, operation: dict[str, Any]) -> _Kept:
    table = backend.tables.get(operation.get("TableName", ""))
    given = operation.get("Key") or operation.get("Item") or {}
    if table is None or table.hash_key_attr not in given:
        return None, None, None, None  # moto refuses it
    hash_key = DynamoType(given[table.hash_key_attr])
    range_key = DynamoType(given[table.range_key_attr]) if table.range_key_attr else None
    return table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))


def _put_back(table: Table | None, hash_key: Any, range_key: Any, item: Item | None) -> None:
    if table is None:
        return
    if item is None:
        if table.get_item(hash_key, range_key) is not None:
            table.delete_item(hash_key, range_key)
    elif range_key is None:
        table.items[hash_key] = item  # type: ignore[assignment]
    else:
        table.items[hash_key][range_key] = item
