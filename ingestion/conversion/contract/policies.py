"""What a dataset does about each kind of change: three ready-made answers, and any mixture of them.

``evolve`` loads the file and makes the next version of the contract, ``ask`` lets the job wait for an Admin, ``fail``
ends it. Nothing is published unless every change of a file may pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = {
    "new_column": "a column that the contract does not have",
    "missing_column": "a column of the contract that the file does not have",
    "widened": "values of the same kind that need a wider type: amounts for whole numbers, more digits, a time of day",
    "narrowed": "values that would fit a narrower type than agreed, such as an amount without fractions",
    "changed_kind": "values of another kind, such as a text where there were dates",
    "notation": "the same kind written in another way, such as 31.01.2026 for 2026-01-31",
    "renamed": "a column missing and a new one in its place, with values of the same kind",
    "reordered": "the same columns in another order",
    "new_nulls": "empty cells in a column that had none",
}
OUTCOMES = ("evolve", "ask", "fail")
DEFAULT = "balanced"
PRESETS: dict[str, dict[str, str]] = {
    "strict": {**dict.fromkeys(KINDS, "fail"), "narrowed": "evolve"},
    "balanced": {
        **dict.fromkeys(KINDS, "evolve"),
        "missing_column": "ask",
        "changed_kind": "ask",
        "renamed": "ask",
    },
    "open": dict.fromkeys(KINDS, "evolve"),
}
SHARES = {"strict": 0.0, "balanced": 0.01, "open": 0.05}


def policies_of(preset: str, told: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a policy for every kind of change: the preset's, but for what is told; raises ``ContractInvalid``."""
    if preset not in PRESETS:
        raise ContractInvalid(f"There is no preset {preset!r}.", hint=f"Choose one of {', '.join(PRESETS)}.")
    for kind, outcome in (told or {}).items():
        if kind not in KINDS:
            raise ContractInvalid(f"There is no kind of change {kind!r}.", hint=f"There are {', '.join(KINDS)}.")
        if outcome not in OUTCOMES:
            raise ContractInvalid(
                f"The policy for {kind} cannot be {str(outcome)[:40]!r}.", hint=f"Choose one of {', '.join(OUTCOMES)}."
            )
    return {**PRESETS[preset], **(told or {})}
