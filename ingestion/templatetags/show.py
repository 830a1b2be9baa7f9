"""How pages write numbers, sizes, spans and moments: alike everywhere, and readable without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

register = template.Library()

NOTHING = "–"
WORDS = {
    "PENDING": "Pending",
    "RUNNING": "Running",
    "SUCCESS": "Success",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
}
# Signs that are not seen but change what is: controls (tab and line ends apart), blanks without width, and what turns
# the direction of the text that follows (Unicode UAX 9, 2.1 to 2.5); the plain marks of direction are left alone.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_UNITS = ("B", "KB", "MB", "GB", "TB")


@register.filter
def grouped(number: Any) -> str:
    """Write a whole number in groups of three digits: ``1,234,567``; a dash for none."""
    return NOTHING if number in {None, ""} else f"{int(number):,}"


@register.filter
def plain(text: Any) -> Any:
    """Return a text of somebody else's with what cannot be seen made visible: U+202E becomes ``⟨U+202E⟩``."""
    if not isinstance(text, str):
        return text
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


@register.filter
def size(count: Any) -> str:
    """Write a number of bytes as people say it: ``512 B``, ``1.4 MB``; a dash for none."""
    if count in {None, ""}:
        return NOTHING
    amount = float(count)
    for unit in _UNITS:
        if amount < 999.5 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


@register.filter
def span(seconds: Any) -> str:
    """Write a time span: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``4 days``; a dash for none."""
    if seconds in {None, ""}:
        return NOTHING
    exact = float(seconds)
    if exact < 9.95:
        return "< 0.1 s" if exact < 0.05 else f"{exact:.1f} s"
    minutes, rest = divmod(round(exact), 60)
    hours = minutes // 60
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def share(part: Any) -> str:
    """Write a part of one as per cent, and all of it only where it is all: 0.9996 is ``99.9 %``."""
    if part is None:
        return NOTHING
    cent = float(part) * 100
    return f"{cent:.0f} %" if cent in {0, 100} else f"{min(cent, 99.9):.1f} %"


@register.filter
def word(status: str) -> str:
    """Return a job's status as a word for people."""
    return WORDS.get(status, status)


@register.simple_tag
def when(moment: datetime | None, form: str = "date") -> SafeString | str:
    """Write a moment in UTC; the page's script rewrites it in the reader's time zone.

    ``form`` is ``date`` (date and time), ``clock`` (the time alone) or ``ago`` (how long ago).
    """
    if not moment:
        return NOTHING
    text = f"{moment:%H:%M:%S}" if form == "clock" else f"{moment:%-d %b %Y, %H:%M} UTC"
    return format_html('<time datetime="{}" data-when="{}">{}</time>', f"{moment:%Y-%m-%dT%H:%M:%S}Z", form, text)


@register.inclusion_tag("web/_status.html")
def status(name: str, *, live: bool = False) -> dict[str, Any]:
    """Show a job's status as a chip: icon, word and colour. ``live`` announces its changes to screen readers."""
    return {"name": name, "word": WORDS.get(name, name), "live": live}


@register.filter
def took(job: Any) -> float | None:
    """Return the seconds of a job's last attempt, None while it has not ended."""
    if not (job.started_at and job.finished_at):
        return None
    return max(0.0, float((job.finished_at - job.started_at).total_seconds()))


@register.filter
def dashed(name: str) -> str:
    """Return a name as an attribute's has it: ``new-column``."""
    return name.replace("_", "-")


@register.filter
def get(mapping: Any, key: str) -> Any:
    """Return what a mapping holds under a name that is a variable."""
    return mapping.get(key)
