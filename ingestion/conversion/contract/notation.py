"""How a column's texts are agreed to be written, and which rules of the typing write them so.

A contract keeps of a rule what a later file must share with it: decimal and group sign, date form, the two words of
a truth value. Digits, fractions of a second and the hours of an offset may differ from file to file.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.dates import CompactDateRule, DateRule
from ingestion.conversion.typing.plain import BoolRule, IntegerRule
from ingestion.conversion.typing.render import NORMALISATIONS
from ingestion.conversion.typing.rules import text_rules
from ingestion.conversion.typing.times import TimeRule, TimestampRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.typing.base import Rule

OR = " or "
JSON_TEXT = "JSON text"
_SIGNS = r"(point|comma)(, group (?:'[^']+'|\"'\"))?(, minus (?:behind|parentheses))?"
_DECIMAL = re.compile(rf"decimal {_SIGNS}")
_TYPED_DECIMAL = re.compile(rf"decimal\(\d+,(?P<scale>\d+)\) {_SIGNS}")
_STAMP = re.compile(r"(timestamp [DMY./-]+[T ]HH:MM(?::SS)?)(?:\.f+)?( offset)?(?: \S+)?")
_TIME = re.compile(r"time HH:MM:SS(?:\.f+)?")
_AS_IT_IS = re.compile(r"date [DMY./-]+|bool \w+/\w+")


def written(rule: str) -> str:
    """Return what a contract keeps of a rule; empty where the source has types of its own, or text."""
    if rule.startswith(f"{JSON_TEXT} of "):
        return JSON_TEXT
    for words in NORMALISATIONS:
        rule = rule.replace(f", {words}", "")
    if found := _TYPED_DECIMAL.fullmatch(rule):
        says_nothing = found["scale"] == "0" and not found[3]  # whole amounts show no decimal sign
        return "" if says_nothing else f"decimal {found[2]}{found[3] or ''}{found[4] or ''}"
    if found := _STAMP.fullmatch(rule):
        return found[1] + (found[2] or "")
    if _TIME.fullmatch(rule):
        return "time HH:MM:SS"
    return rule if _AS_IT_IS.fullmatch(rule) else ""


def notation(rule: Rule) -> str:
    """Return the same of a rule of the typing."""
    if isinstance(rule, DecimalRule):
        group = f", group {rule.group!r}" if rule.group else ""
        sign = "" if rule.sign == "front" else f", minus {rule.sign}"
        return f"decimal {'comma' if rule.point == ',' else 'point'}{group}{sign}"
    if isinstance(rule, TimestampRule):
        clock = "HH:MM:SS" if rule.seconds else "HH:MM"
        return f"timestamp {rule.form.name}{rule.between}{clock}" + (" offset" if rule.zoned else "")
    return written(rule.name)


def rules_of(kind: pa.DataType) -> tuple[Rule, ...]:
    """Return the rules that read texts as a type, or as a wider one of its kind; all where no values were seen yet."""
    return _rules_of(_family(kind))


@cache
def _rules_of(family: str) -> tuple[Rule, ...]:
    if family == "null":
        return text_rules()
    kinds: dict[str, tuple[type, ...]] = {
        "bool": (BoolRule,),
        "number": (IntegerRule, DecimalRule),
        "moment": (CompactDateRule, DateRule, TimestampRule),
        "time": (TimeRule,),
    }
    return tuple(rule for rule in text_rules() if isinstance(rule, kinds.get(family, ())))


def _family(kind: pa.DataType) -> str:
    if pa.types.is_null(kind):
        return "null"
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "moment"
    return "time" if pa.types.is_time(kind) else ""


def agrees(rule: str) -> Callable[[Rule], bool] | None:
    """Return the test whether the typing's rule reads as agreed; None where any way is."""
    ways = [way for way in rule.split(OR) if way]
    return partial(_is_agreed, ways) if ways else None


def _is_agreed(ways: list[str], rule: Rule) -> bool:
    return any(_is_one(way, rule) for way in ways)


def _is_one(way: str, rule: Rule) -> bool:
    """Tell whether a rule reads nothing in another way than agreed; it may read more, such as group signs."""
    if isinstance(rule, DecimalRule) and (found := _DECIMAL.fullmatch(way)):
        if (found[1] == "comma") != (rule.point == ","):
            return False
        group = f", group {rule.group!r}" if rule.group else ""
        fits_group = not group or group == found[2] or (found[2] is None and not rule.ambiguous)
        sign = "" if rule.sign == "front" else f", minus {rule.sign}"
        return fits_group and (not sign or not found[3] or sign == found[3])
    if isinstance(rule, IntegerRule):
        return way == "integer" or bool(_DECIMAL.fullmatch(way))
    return notation(rule) == way


def same(agreed: str, found: str) -> bool:
    """Tell whether a file's way of writing is the agreed one, or says nothing against it."""
    if not agreed or not found:
        return True
    return any(_goes_with(way, found) for way in agreed.split(OR))


def _goes_with(way: str, found: str) -> bool:
    one, two = _DECIMAL.fullmatch(way), _DECIMAL.fullmatch(found)
    if one and two:
        extras = zip(one.groups()[1:], two.groups()[1:], strict=True)
        return one[1] == two[1] and all(not agreed or not other or agreed == other for agreed, other in extras)
    return way == found


def joined(agreed: str, found: str) -> str:
    """Return the agreed ways of writing and one more."""
    return OR.join(dict.fromkeys([*filter(None, agreed.split(OR)), found]))


def retyped(rule: str, kind: pa.DataType) -> str:
    """Return a file's rule for values that are stored with the contract's digits: zeros fill what its texts lack."""
    found = _TYPED_DECIMAL.match(rule)
    if not found or not pa.types.is_decimal128(kind):
        return rule
    typed = rule.replace(rule[: rule.index(")") + 1], f"decimal({kind.precision},{kind.scale})", 1)
    filled = f", {NORMALISATIONS[0]}"
    if int(found["scale"]) == kind.scale or filled in typed:
        return typed
    bare = typed[: found.end() + len(typed) - len(rule)]
    return bare + filled + typed[len(bare) :]
