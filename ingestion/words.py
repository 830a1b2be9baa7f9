"""Numbers in sentences."""

from __future__ import annotations


def counted(number: float, thing: str) -> str:
    """Return ``1 row`` or ``2,000 rows``; the thing's plural must be regular."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def seconds(number: float) -> str:
    """Return a duration as people say it: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 4 min``."""
    whole = round(number)
    if whole < 10:
        return f"{number:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
