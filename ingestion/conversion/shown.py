"""A value as people read it, where a page has to show it: nothing is rounded, nested values are JSON."""

from __future__ import annotations

import json
from typing import Any


def shown(value: Any) -> str | None:
    """Return the text for a value as ``pyarrow``'s ``as_py`` gives it; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=shown)
    return str(value)
