"""Keys that rows elsewhere have: found again whatever the types on both sides are, in bounded memory."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from ingestion.conversion.checks import references
from ingestion.conversion.checks.references import KeySet
from ingestion.conversion.checks.rules import rules_of
from ingestion.conversion.checks.run import RulesGate

DAY = dt.date(2026, 1, 31)
moment = dt.datetime.fromisoformat


def batch(*columns, rule=""):
    fields = [pa.field(f"c{at}", cells.type, metadata={b"rule": rule}) for at, cells in enumerate(columns)]
    return pa.RecordBatch.from_arrays(list(columns), schema=pa.schema(fields))


def unknown(kept, asked):
    return KeySet(iter([batch(kept)]), [asked.type]).unknown([asked]).tolist()


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        (pa.array([1, 2]), pa.array([Decimal("7.5"), Decimal("2.0")]), [True, False]),
        (pa.array([1, 2]), pa.array(["A7", "2"]), [True, False]),
        (pa.array(["A7", "2"]), pa.array([7, 2]), [True, False]),
        (pa.array([Decimal("2.50"), Decimal("2.00")]), pa.array([2, 3]), [False, True]),
        (pa.array([1.5, 2.0]), pa.array([1, 2]), [True, False]),
        (pa.array([DAY]), pa.array([moment("2026-01-31"), moment("2026-01-31 01:00")]), [False, True]),
        (pa.array([1, None]), pa.array([0, 1]), [True, False]),
        (pa.array([DAY, None]), pa.array([dt.date(1970, 1, 1), DAY]), [True, False]),
        (pa.array([True, None]), pa.array([False, True]), [True, False]),
        (pa.array([None], pa.int64()), pa.array([0]), [True]),
        (pa.array(["a", None]), pa.array(["", "a", None]), [True, False, True]),
        (pa.array([2]), pa.array([None, None]), [True, True]),
    ],
)
def test_a_key_is_found_by_its_value(kept, asked, expected):
    assert unknown(kept, asked) == expected


def test_objects_of_several_types_are_one_set_and_texts_are_as_they_were_written():
    objects = [
        batch(pa.array([1, 2])),
        batch(pa.array(["A7"])),
        batch(pa.array([Decimal("1234.50")]), rule="decimal(18,2) comma, group '.'"),
    ]
    keys = KeySet(iter(objects), [pa.string()])
    assert keys.unknown([pa.array(["2", "A7", "1.234,50", "1234.50", "7"])]).tolist() == [False] * 3 + [True] * 2


def test_more_keys_than_are_held_lie_on_disk(monkeypatch):
    monkeypatch.setattr(references, "HELD_KEYS", 1000)
    numbers = np.random.default_rng(7).permutation(20_000)
    for texts in (False, True):
        every = pa.array(numbers).cast(pa.string()) if texts else pa.array(numbers)
        keys = KeySet((batch(every.slice(at, 300)) for at in range(0, 10_000, 300)), [every.type])
        (prints,) = keys._sets.values()
        assert len(prints._runs) > 5
        assert all(isinstance(first, np.memmap) for first, _ in prints._runs[:-1])
        assert np.flatnonzero(keys.unknown([every])).tolist() == list(range(10_200, 20_000))


def test_the_same_few_keys_again_and_again_are_held(monkeypatch):
    monkeypatch.setattr(references, "HELD_KEYS", 1000)
    keys = KeySet((batch(pa.array(range(300))) for _ in range(50)), [pa.int64()])
    (prints,) = keys._sets.values()
    assert [len(first) for first, _ in prints._runs] == [300]


class Loaded:
    def rows(self, columns):
        yield batch(pa.array([1, 2]))


def test_a_key_loaded_earlier_is_seen_after_the_columns_type_has_widened():
    rules = rules_of([{"kind": "unique", "column": "id", "scope": "dataset"}])
    gate = RulesGate(rules, loaded=Loaded())
    gate.schema(pa.schema([("id", pa.int64())]))
    gate.schema(pa.schema([("id", pa.decimal128(18, 2))]))
    (check,) = gate._checks
    assert check.find([pa.array([Decimal("7.50"), Decimal("2.00")], pa.decimal128(18, 2))]).tolist() == [1]
