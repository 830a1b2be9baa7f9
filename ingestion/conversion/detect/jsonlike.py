"""JSON in its shapes: an array, one object, an envelope around an array, or a value a line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ingestion.conversion.values import Decision, Detection

if TYPE_CHECKING:
    from ingestion.conversion.detect.encoding import Encoding

_ARRAY = re.compile(r"\s*\[\s*(?:[\]\[{\"\d-]|true|false|null)")
_OBJECT = re.compile(r"\s*\{\s*[\"}]")


def probe_json(text: str, encoding: Encoding) -> Detection | None:
    """Return the JSON shape that the text begins as, or None when it begins as something else."""
    if _ARRAY.match(text) or text.strip() in {"[", "{"}:
        shape, why = "json", "it begins with an array"
    elif _OBJECT.match(text):
        lines = [line for line in text.splitlines() if line.strip()]
        several = len(lines) > 1 and _whole(lines[0])
        shape = "ndjson" if several else "json"
        why = "its first line is a whole object and more follow" if several else "it begins with an object"
    else:
        return None
    decision = Decision(name="shape", value=shape, confidence=0.95, evidence=why)
    return Detection(
        format=shape,
        decisions=(encoding.decision, decision),
        settings={"encoding": encoding.codec, "mark": encoding.mark},
    )


def _whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
