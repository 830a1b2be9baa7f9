"""Whether a text begins as JSON: told before any of the code that reads it is needed."""

from __future__ import annotations

import re

BLANK = " \t\r\n"
# An object's first name, be it in the wrong quotes or in none: templates, GUIDs and RTF begin with a brace too.
_OBJECT = re.compile(r"""\{\s*+(?:["'}/#,\[]|[\w$-]+\s*+:|\Z)""")
_ALONE = re.compile(r"\[|\{(?![0-9A-Fa-f]{8}-|\\rtf)")
_ARRAY = re.compile(r"\[\s*(?:[]\[{\"]|(?:-?[0-9.eE+-]+|true|false|null|NaN)\s*[],]|$)|\[[ \t]*[\r\n]")
_COMMENTED = re.compile(r"(?>(?://|#)[^\r\n]*+[\r\n]\s*+|/\*(?s:.*?)\*/\s*+)++(?=\{\s*[\"}]|\[\s*[\[{])")
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SCALAR = re.compile(rf'(?:{_NUMBER}|true|false|null|"(?:[^"\\\n\r]|\\.)*")\s*')
# One cell that torn JSON has and no table: a string without its end or with a word behind it, a bracket never opened.
_TORN = re.compile(
    r"""(?:"[^",;|\t]*|"[^",;|\t]*"(?!true|false|null)[^\W\d][^",;|\t\s]*|[^][{}"',;|\t]{0,40}[]}])\s*"""
)


def begins_as_json(body: str, *, whole: bool) -> bool:
    """Tell whether a text, given without blanks before it, is JSON as far as it shows; ``whole``: nothing follows."""
    if _OBJECT.match(body) or _ARRAY.match(body) or _COMMENTED.match(body):
        return True
    one_line = whole and "\n" not in body.rstrip(BLANK) and "\r" not in body.rstrip(BLANK)
    return one_line and (bool(_ALONE.match(body)) or any(form.fullmatch(body) for form in (_SCALAR, _TORN)))
