"""A dataset's rules as data: what each kind takes, what is wrong with one that cannot be meant, and its sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ingestion.conversion.checks.errors import RuleInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SEVERITIES = ("warn", "reject", "fail")
WHOLE = frozenset({"row_count", "column_sum", "freshness"})
"""Kinds that hold for the file as a whole: there is no row to set aside."""
MAX_RULES = 200
_AGO = re.compile(r"today(?:\s*([+-])\s*(\d{1,5})\s*d)?")
_AGE = re.compile(r"(\d{1,5})\s*([dh])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``given`` holds the parameters of its kind, checked; see ``PARAMETERS``."""

    kind: str
    columns: tuple[str, ...] = ()
    severity: str = "reject"
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the rule as a reject names it, such as ``range of "amount": from 0 to 100``."""
        of = " of " + ", ".join(f'"{column}"' for column in self.columns) if self.columns else ""
        told = _SENTENCES[self.kind](self.given)
        return f"{self.kind}{of}{f': {told}' if told else ''}"

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as the contract's JSON holds it."""
        columns: dict[str, Any] = {}
        if len(self.columns) == 1:
            columns = {"column": self.columns[0]}
        elif self.columns:
            columns = {"columns": list(self.columns)}
        return {"kind": self.kind, **columns, **self.given, "severity": self.severity}


def rules_of(given: Any) -> tuple[Rule, ...]:
    """Read the ``rules`` of a contract; raises ``RuleInvalid`` that names the rule by its number."""
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MAX_RULES:
        raise RuleInvalid(f"rules must be a list of at most {MAX_RULES} rules.", hint="See docs/rejects.md.")
    return tuple(_rule(number, one) for number, one in enumerate(given, 1))


def _rule(number: int, given: Any) -> Rule:
    def wrong(what: str, hint: str) -> RuleInvalid:
        return RuleInvalid(f"Rule {number}: {what}", hint=hint)

    if not isinstance(given, dict) or given.get("kind") not in PARAMETERS:
        raise wrong("it has no known kind.", f"Known are {', '.join(PARAMETERS)}.")
    kind = given["kind"]
    severity = given.get("severity", "fail" if kind in WHOLE else "reject")
    if severity not in SEVERITIES or (severity == "reject" and kind in WHOLE):
        allowed = [one for one in SEVERITIES if not (one == "reject" and kind in WHOLE)]
        raise wrong(f"{kind} cannot have the severity {severity!r}.", f"Give one of {', '.join(allowed)}.")
    columns = _columns(given)
    if columns is None or (kind != "row_count") != bool(columns) or (len(columns) > 1 and kind not in _SEVERAL):
        needs = "no column" if kind == "row_count" else "columns" if kind in _SEVERAL else "one column"
        raise wrong(f"{kind} takes {needs}.", 'Name it as "column", or several as "columns".')
    known, needed = PARAMETERS[kind], _NEEDED[kind]
    values = {name: value for name, value in given.items() if name not in _COMMON and value is not None}
    if unknown := sorted(values.keys() - known.keys()):
        raise wrong(f"{kind} has no parameter {unknown[0]!r}.", f"It takes {', '.join(known) or 'none'}.")
    if needed and not values.keys() & needed:
        raise wrong(f"{kind} needs {' or '.join(sorted(needed))}.", "Add it.")
    for name, value in values.items():
        if not known[name](value):
            raise wrong(f"{kind} cannot have the {name} {value!r}.", _FORMS[known[name].__name__])
    rule = Rule(kind=kind, columns=columns, severity=severity, given=values)
    if kind == "foreign_key" and len(values.get("to_columns", columns)) != len(columns):
        raise wrong("foreign_key needs as many to_columns as columns.", "Name them in the same order.")
    return rule


def _columns(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    named = given.get("columns", [given["column"]] if given.get("column") is not None else [])
    sound = isinstance(named, list) and all(isinstance(name, str) and name for name in named)
    return tuple(named) if sound and len(set(named)) == len(named) else None


# ---- the parameters ----


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _is_number(value: Any) -> bool:
    return as_number(value) is not None


def _is_bound(value: Any) -> bool:
    return _is_number(value) or _is_day(value)


def _is_values(value: Any) -> bool:
    kinds = (str, int, float, bool)
    return isinstance(value, list) and bool(value) and all(isinstance(one, kinds) for one in value)


def _is_pattern(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    import pyarrow as pa

    from ingestion.conversion import functions as pc

    try:
        pc.match_substring_regex(pa.array([""]), full(value))
    except pa.ArrowInvalid:
        return False
    return True


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and (_AGO.fullmatch(value.strip()) is not None or _is_day(value))


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_age(value: Any) -> bool:
    return isinstance(value, str) and _AGE.fullmatch(value.strip()) is not None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


SCOPES = ("file", "dataset")


def _is_scope(value: Any) -> bool:
    return value in SCOPES


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_name, value))


_FORMS = {
    "_is_count": "Give a whole number from 0.",
    "_is_number": 'Give a number, or its exact text such as "1234.56".',
    "_is_bound": 'Give a number, its exact text, or a date such as "2026-01-31".',
    "_is_values": "Give a list of texts, numbers or truth values.",
    "_is_pattern": "Give a regular expression in RE2's syntax, without look-around.",
    "_is_moment": 'Give a date such as "2026-01-31", or "today", "today-30d", "today+1d".',
    "_is_age": 'Give days or hours such as "3d" or "36h".',
    "_is_name": "Give a name.",
    "_is_names": "Give a list of names.",
    "_is_scope": 'Give "file", or "dataset" for the rows of all its loads.',
}

PARAMETERS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "not_null": {},
    "unique": {"scope": _is_scope},
    "in_list": {"values": _is_values},
    "range": {"min": _is_bound, "max": _is_bound},
    "length": {"min": _is_count, "max": _is_count},
    "regex": {"pattern": _is_pattern},
    "date_window": {"from": _is_moment, "to": _is_moment},
    "row_count": {"min": _is_count, "max": _is_count},
    "column_sum": {"equals": _is_number, "min": _is_number, "max": _is_number},
    "foreign_key": {"dataset": _is_name, "to_columns": _is_names},
    "freshness": {"max_age": _is_age},
}
"""What each kind takes beside its columns and its severity, and how each parameter is checked."""


def kinds() -> list[dict[str, Any]]:
    """Describe every kind for a form: its name, whether it takes no column or several, and its parameters.

    Each parameter has a ``form``: ``lines`` for a list, ``count`` for a whole number, ``choice`` for one of its
    ``options``, else ``text``.
    """
    forms = {"_is_values": "lines", "_is_names": "lines", "_is_count": "count", "_is_scope": "choice"}
    return [
        {
            "name": kind,
            "none": kind == "row_count",
            "several": kind in _SEVERAL,
            "whole": kind in WHOLE,
            "fields": [
                {"name": name, "form": forms.get(check.__name__, "text"), "options": SCOPES}
                for name, check in parameters.items()
            ],
        }
        for kind, parameters in PARAMETERS.items()
    ]


_NEEDED: dict[str, frozenset[str]] = {
    kind: frozenset({"dataset"} if kind == "foreign_key" else () if kind == "unique" else parameters)
    for kind, parameters in PARAMETERS.items()
}
_SEVERAL = frozenset({"not_null", "unique", "foreign_key"})
_COMMON = frozenset({"kind", "column", "columns", "severity"})


def _between(given: Mapping[str, Any]) -> str:
    if "min" in given and "max" in given:
        bounds = f"from {given['min']} to {given['max']}"
    elif "min" in given:
        bounds = f"at least {given['min']}"
    else:
        bounds = f"at most {given['max']}" if "max" in given else ""
    return " and ".join(filter(None, [f"exactly {given['equals']}" if "equals" in given else "", bounds]))


def _window(given: Mapping[str, Any]) -> str:
    if "from" in given and "to" in given:
        return f"from {given['from']} to {given['to']}"
    return f"on or after {given['from']}" if "from" in given else f"on or before {given['to']}"


def _listed(values: Sequence[Any]) -> str:
    told = ", ".join(str(value) for value in values[:10])
    return f"{told} and {len(values) - 10} more" if len(values) > 10 else told


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "not_null": lambda _: "",
    "unique": lambda given: "in the whole dataset" if given.get("scope") == "dataset" else "within one file",
    "in_list": lambda given: _listed(given["values"]),
    "range": _between,
    "length": lambda given: f"{_between(given)} characters",
    "regex": lambda given: str(given["pattern"]),
    "date_window": _window,
    "row_count": _between,
    "column_sum": _between,
    "foreign_key": lambda given: f"in {given['dataset']}",
    "freshness": lambda given: f"not older than {given['max_age']}",
}


# ---- their values ----


def full(pattern: str) -> str:
    """Return a pattern that matches whole texts only, over several lines too."""
    return f"(?s)\\A(?:{pattern})\\z"


def as_number(value: Any) -> Decimal | None:
    """Return a number that is given as such or as its exact text; None for anything else, and for no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def as_day(value: str, today: date) -> date:
    """Return the day that ``2026-01-31`` or ``today-30d`` means."""
    found = _AGO.fullmatch(value.strip())
    if found is None:
        return date.fromisoformat(value)
    days = int(found[2] or 0)
    return today + timedelta(days=-days if found[1] == "-" else days)


def as_age(value: str) -> timedelta:
    """Return how long ``3d`` or ``36h`` is."""
    found = _AGE.fullmatch(value.strip())
    if found is None:
        raise ValueError(value)
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
