"""Every kind of rule, in each severity, on types of all kinds: which rows break it, and what is said of them."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from ingestion.conversion.checks import unique
from ingestion.conversion.checks.errors import RejectsOverLimit, RuleBroken, RuleColumnMissing, RuleInvalid
from ingestion.conversion.checks.plan import Checks
from ingestion.conversion.checks.rules import rules_of

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


class Customers:
    """Another dataset: the customers 1 to 3."""

    def rows(self, dataset, columns):
        assert dataset == "customers"
        yield pa.record_batch({columns[0]: pa.array([1, 2])})
        yield pa.record_batch({columns[0]: pa.array([3, 3])})


def load(tmp_path, table, *rules, **contract):
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    checks = Checks.of({"rules": list(rules), **contract}, at=NOW, references=Customers())
    return convert(path, tmp_path / "out.parquet", checks=checks, rejects=tmp_path / "rejects.parquet")


def broken(tmp_path, column, **rule):
    """Return the rows, from 0, of a column's values that break a rule."""
    given = {"column": "a"} if "columns" not in rule else {}
    table = pa.table({"n": range(len(column)), "a": column})
    report = load(tmp_path, table, {**given, **rule})
    assert report.rows.balanced
    kept = pq.read_table(tmp_path / "out.parquet")["n"].to_pylist()
    gone = [one.line - 1 for one in report.rejects]
    assert sorted(kept + gone) == list(range(len(column)))
    return gone


DAYS = pa.array([dt.date(2026, 1, 1), dt.date(2026, 11, 25), None, dt.date(2026, 12, 1)])
STAMPS = pa.array(["2026-01-01 00:00", "2026-11-25 23:59", "2026-11-26 00:00"]).cast(pa.timestamp("us"))


@pytest.mark.parametrize(
    ("column", "rule", "rows"),
    [
        (pa.array(["a", None, ""]), {"kind": "not_null"}, [1]),
        (pa.array([1.0, float("nan"), None]), {"kind": "not_null"}, [1, 2]),
        (pa.array(["EUR", "eur", None, "USD"]), {"kind": "in_list", "values": ["EUR", "USD"]}, [1]),
        (pa.array([1, 2, 3]), {"kind": "in_list", "values": [1, 3]}, [1]),
        (pa.array([Decimal("1.50"), Decimal("2.00")]), {"kind": "in_list", "values": ["1.5", 3]}, [1]),
        (pa.array([True, False]), {"kind": "in_list", "values": [True]}, [1]),
        (pa.array([1, 5, None, 10]), {"kind": "range", "min": 2, "max": 9}, [0, 3]),
        (pa.array([1, 2]), {"kind": "range", "min": "1.5"}, [0]),
        (pa.array([1, 2]), {"kind": "range", "max": 10**30}, []),
        (pa.array([1, None]), {"kind": "range", "min": 10**30}, [0]),
        (pa.array([Decimal("0.10"), Decimal("0.11")]), {"kind": "range", "max": "0.105"}, [1]),
        (pa.array([Decimal("-0.10"), Decimal("99.99")]), {"kind": "range", "min": 0, "max": "1e6"}, [0]),
        (pa.array([Decimal("9" * 36 + ".99"), Decimal("1.00")]), {"kind": "range", "max": "9" * 36 + ".98"}, [0]),
        (
            pa.array([Decimal("-" + "9" * 36 + ".99"), Decimal("1.00")]),
            {"kind": "range", "min": "-" + "9" * 36 + ".98"},
            [0],
        ),
        (pa.array([0.1, 0.5]), {"kind": "range", "max": 0.25}, [1]),
        (pa.array(["1.5", "x", None, "-3"]), {"kind": "range", "min": 0, "max": 2}, [1, 3]),
        (DAYS, {"kind": "range", "min": "2026-11-01", "max": "2026-11-30"}, [0, 3]),
        (pa.array(["abc", "ü", "", "😀😀😀😀"]), {"kind": "length", "min": 1, "max": 3}, [2, 3]),
        (pa.array(["üü", "ü"]), {"kind": "length", "min": 2}, [1]),
        (pa.array([100, 7]), {"kind": "length", "max": 2}, [0]),
        (pa.array(["A1", "A", "xA1", "A1\n"]), {"kind": "regex", "pattern": "A[0-9]"}, [1, 2, 3]),
        (pa.array(["a", "b|c", "ab"]), {"kind": "regex", "pattern": "a|b"}, [1, 2]),
        (DAYS, {"kind": "date_window", "from": "2026-01-02", "to": "today"}, [0, 3]),
        (DAYS, {"kind": "date_window", "from": "today - 30d", "to": "today+6d"}, [0]),
        (STAMPS, {"kind": "date_window", "to": "2026-11-25"}, [2]),
        (pa.array(["2026-11-25", "2026-02-30", "soon"]), {"kind": "date_window", "to": "2026-12-31"}, [1, 2]),
        (pa.array([1, 4, None, 2]), {"kind": "foreign_key", "dataset": "customers"}, [1]),
        (pa.array(["1", "04"]), {"kind": "foreign_key", "dataset": "customers"}, [1]),
    ],
)
def test_a_rule_sets_aside_exactly_the_rows_that_break_it(tmp_path, column, rule, rows):
    assert broken(tmp_path, column, **rule) == rows


KEYS = [
    pa.array([1, 2, 2, 3, 3, 3]),
    pa.array([5, 1, 4, 1, None, None, 5]),
    pa.array([1, 2, 3, 1]),
    pa.array(["b", "a", "c", "a", "b"]),
    pa.array([Decimal("1.0"), Decimal("3.0"), Decimal("2.0"), Decimal("1.0")]),
    pa.array([0.0, -0.0, 1.5]),
    pa.array(["x" * 100, "x" * 101, "x" * 100]),
]


@pytest.mark.parametrize("column", KEYS, ids=str)
def test_of_rows_with_one_key_the_first_stays(tmp_path, column):
    seen, expected = set(), []
    for row, key in enumerate(column.to_pylist()):
        if key is not None and key in seen:
            expected.append(row)
        seen.add(key)
    assert broken(tmp_path, column, kind="unique") == expected


def test_a_key_of_several_columns_is_found_twice_across_batches_and_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(unique, "HELD_BYTES", 1 << 16)
    size = 300_000
    one, two = [n * 7919 % size for n in range(size)], ["k" if n % 2 else None for n in range(size)]
    one[250_001], one[299_999] = one[1], one[3]
    table = pa.table({"one": one, "two": two})
    report = load(tmp_path, table, {"kind": "unique", "columns": ["one", "two"]})
    assert [reject.line for reject in report.rejects] == [250_002, 300_000]
    assert "with the same two" in report.rejects[0].reason


def test_ascending_keys_that_later_do_not_ascend_are_still_compared_with_all(tmp_path):
    keys = [*range(200_000), 5, 199_999, 300_000]
    assert broken(tmp_path, pa.array(keys), kind="unique") == [200_000, 200_001]


def test_a_broken_rule_may_only_warn_or_stop_the_load(tmp_path):
    table = pa.table({"a": [1, 2, 3, 4]})
    rule = {"kind": "range", "column": "a", "max": 2}
    report = load(tmp_path, table, {**rule, "severity": "warn"})
    (warning,) = report.warnings
    assert (report.rows.loaded, warning.column, warning.lines) == (4, "a", (3, 4))
    assert warning.message == '2 rows break the rule range of "a": at most 2, the first on line 3; they are loaded.'
    (tmp_path / "out.parquet").unlink()
    with pytest.raises(RuleBroken, match='line 3, column "a": Column "a" holds "3", which is not at most 2'):
        load(tmp_path, table, {**rule, "severity": "fail"})
    assert not (tmp_path / "out.parquet").exists()


WHOLE = [
    ({"kind": "row_count", "min": 5}, "4 rows are to be loaded, against the rule row_count: at least 5."),
    ({"kind": "row_count", "max": 3}, "4 rows are to be loaded"),
    ({"kind": "column_sum", "column": "a", "equals": "10.01"}, 'The sum of "a" is 10.00, against'),
    ({"kind": "column_sum", "column": "t", "min": 0}, "it is text, and 'x' is no plain number"),
    ({"kind": "freshness", "column": "d", "max_age": "3d"}, 'The newest value of "d" is 2026-11-20'),
]


@pytest.mark.parametrize(("rule", "words"), WHOLE)
def test_a_rule_for_the_whole_file_stops_it_or_warns(tmp_path, rule, words):
    days = [dt.date(2026, 11, 20)] * 4
    table = pa.table({"a": [Decimal("2.50")] * 4, "t": ["1", "2", "x", "4"], "d": days})
    with pytest.raises(RuleBroken) as caught:
        load(tmp_path, table, rule)
    assert words in str(caught.value)
    report = load(tmp_path, table, {**rule, "severity": "warn"})
    assert words in report.warnings[0].message
    assert report.rows.loaded == 4


def test_a_sum_counts_only_the_rows_that_are_loaded_and_a_fresh_file_passes(tmp_path):
    table = pa.table({"a": [1, 2, 100], "d": [NOW - dt.timedelta(hours=11), None, None]})
    rules = [
        {"kind": "range", "column": "a", "max": 10},
        {"kind": "column_sum", "column": "a", "equals": 3},
        {"kind": "row_count", "min": 2, "max": 2},
        {"kind": "freshness", "column": "d", "max_age": "12h"},
    ]
    assert load(tmp_path, table, *rules).rows.rejected == 1


def test_a_row_that_breaks_several_rules_is_one_row_with_several_reasons(tmp_path):
    table = pa.table({"a": [1, None, 3], "b": ["x", "yy", "z"]})
    report = load(tmp_path, table, {"kind": "not_null", "column": "a"}, {"kind": "length", "column": "b", "max": 1})
    assert report.rows.rejected == 1
    assert [(one.row, one.column, one.value) for one in report.rejects] == [(1, "a", None), (1, "b", "yy")]


LIMITS = [({"count": 1}, False), ({"count": 2}, True), ({"share": 0.1}, False), ({"share": 0.5}, True), ({}, True)]


@pytest.mark.parametrize(("limits", "passes"), LIMITS)
def test_more_rejects_than_allowed_stop_the_load_but_are_still_told(tmp_path, limits, passes):
    table = pa.table({"a": [1, None, 3, None]})
    if passes:
        assert load(tmp_path, table, {"kind": "not_null", "column": "a"}, reject_limits=limits).rows.rejected == 2
    else:
        with pytest.raises(RejectsOverLimit, match="2 of 4 rows"):
            load(tmp_path, table, {"kind": "not_null", "column": "a"}, reject_limits=limits)
        assert not (tmp_path / "out.parquet").exists()
    assert pq.read_table(tmp_path / "rejects.parquet").num_rows == 2


def test_a_file_of_which_nothing_is_left_is_not_loaded(tmp_path):
    with pytest.raises(RejectsOverLimit, match="Each of the 2 rows"):
        load(tmp_path, pa.table({"a": ["", ""]}), {"kind": "length", "column": "a", "min": 1})


WRONG = [
    ("rules", "rules must be a list"),
    ([{"kind": "nice"}], "Rule 1: it has no known kind"),
    ([{"kind": "range", "column": "a"}], "Rule 1: range needs max or min"),
    ([{"kind": "range", "column": "a", "min": "x"}], "range cannot have the min 'x'"),
    ([{"kind": "range", "columns": ["a", "b"], "min": 1}], "range takes one column"),
    ([{"kind": "row_count", "column": "a", "min": 1}], "row_count takes no column"),
    ([{"kind": "not_null", "column": "a"}, {"kind": "unique"}], "Rule 2: unique takes columns"),
    ([{"kind": "regex", "column": "a", "pattern": "("}], "regex cannot have the pattern '\\('"),
    ([{"kind": "row_count", "min": 1, "severity": "reject"}], "row_count cannot have the severity 'reject'"),
    ([{"kind": "not_null", "column": "a", "level": 1}], "not_null has no parameter 'level'"),
    ([{"kind": "foreign_key", "columns": ["a", "b"], "dataset": "d", "to_columns": ["x"]}], "as many to_columns"),
    ([{"kind": "freshness", "column": "a", "max_age": "soon"}], "freshness cannot have the max_age"),
    ([{"kind": "date_window", "column": "a", "from": "01.02.2026"}], "date_window cannot have the from"),
]


@pytest.mark.parametrize(("rules", "words"), WRONG)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_number(rules, words):
    with pytest.raises(RuleInvalid, match=words):
        rules_of(rules)


def test_a_rule_for_a_column_that_is_not_there_stops_the_load(tmp_path):
    with pytest.raises(RuleColumnMissing, match='"b", which the file does not have'):
        load(tmp_path, pa.table({"a": [1]}), {"kind": "not_null", "column": "b"})


def test_a_rule_reads_back_as_it_was_given():
    given = [{"kind": "range", "column": "a", "min": 1, "severity": "warn"}, {"kind": "row_count", "min": 1}]
    told = [rule.as_dict() for rule in rules_of(given)]
    assert told == [given[0], {**given[1], "severity": "fail"}]
