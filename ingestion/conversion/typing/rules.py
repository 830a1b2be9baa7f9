"""The rules of a text column, from narrow to wide: each accepts only text that it can render back.

A rule's ``pattern`` admits exactly the texts that its type renders, so that parsing loses nothing; the
calendar and the range are checked by the cast.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.dates import DATE_FORMS, ISO_FORM, CompactDateRule, DateForm, DateRule
from ingestion.conversion.typing.plain import BoolRule, IntegerRule
from ingestion.conversion.typing.times import TimeRule, TimestampRule

if TYPE_CHECKING:
    from ingestion.conversion.typing.base import Rule

_GROUPS = {".": ("", ",", "'", " ", "\u00a0", "\u202f"), ",": ("", ".", "'", " ", "\u00a0", "\u202f")}


@cache
def text_rules() -> tuple[Rule, ...]:
    """Return all rules for a text column, from narrow to wide, without any evidence: to be copied, not used."""
    rules: list[Rule] = [BoolRule("true", "false"), BoolRule("True", "False"), BoolRule("TRUE", "FALSE")]
    rules += [CompactDateRule(), IntegerRule()]
    rules += [
        DecimalRule(point, group, sign)
        for point, allowed in _GROUPS.items()
        for group in allowed
        for sign in ("front", "behind", "parentheses")
    ]
    rules += [DateRule(form) for form in DATE_FORMS]
    return (*rules, TimeRule(), *_timestamp_rules(DATE_FORMS))


@cache
def iso_rules() -> tuple[Rule, ...]:
    """Return the rules for texts that were quoted at the source (JSON): ISO dates and timestamps only."""
    return (DateRule(ISO_FORM), *_timestamp_rules((ISO_FORM,)))


def _timestamp_rules(forms: tuple[DateForm, ...]) -> list[Rule]:
    return [
        TimestampRule(form, between, seconds, zoned)
        for form in forms
        for between in ("T", " ")
        for seconds in (True, False)
        for zoned in (False, True)
    ]
