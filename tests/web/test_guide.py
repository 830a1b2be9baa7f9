"""The user guide names things as the pages name them, and shows pictures that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "user-guide.md"
# Bold at the beginning of a line or a list's entry is a heading; everywhere else it is what a page says.
NAMES = re.compile(r"(^(?:- )?)?(?:\*\*([^*]+)\*\*|\*([^*\n]+)\*)", re.MULTILINE)


def test_whatever_the_guide_says_to_press_is_on_a_page():
    places = (("templates", "*.html"), ("static/js", "*.js"), ("ingestion", "*.py"), ("accounts", "*.py"))
    pages = "\n".join(path.read_text() for folder, kind in places for path in (ROOT / folder).rglob(kind)).lower()
    found = NAMES.finditer(GUIDE.read_text())
    names = [" ".join((name[2] or name[3]).split()) for name in found if name[1] is None]
    assert len(names) > 20
    assert [name for name in names if name.lower() not in pages] == []


def test_every_picture_of_the_guide_is_there():
    pictures = re.findall(r"\]\((images/[^)]+)\)", GUIDE.read_text())
    assert len(pictures) > 10
    assert [name for name in pictures if not (GUIDE.parent / name).exists()] == []
