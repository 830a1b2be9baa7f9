"""axe-core in the browser: what it finds against WCAG 2.2 AA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

in_this_process = pytest.mark.skipif(
    os.environ.get("DATABRIDGE_TEST_DOOR") == "lambda", reason="needs the app in the tests' own process"
)
SCRIPT = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page) -> list[str]:
    """Return each rule that the page breaks as it is now, with the first element that breaks it.

    Looked at is the page's end, where the bar of a form's button covers nothing that can be scrolled to.
    """
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    if not page.evaluate("!!window.axe"):
        page.evaluate(SCRIPT.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found["violations"]]


def wrong(page, name: str, *, widths=(1440, 390)) -> list[str]:
    """Return what is wrong with the page as it is now, light and dark: what is too wide, and what axe finds on the
    widest and the narrowest window.
    """
    page.wait_for_load_state()
    seen = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            if (over := page.evaluate("document.documentElement.scrollWidth")) > width:
                seen.append(f"{name}, {scheme}, {width}: {over} wide")
            if width in {widths[0], widths[-1]}:
                seen += [f"{name}, {scheme}, {width}: {text}" for text in violations(page)]
    page.set_viewport_size({"width": widths[0], "height": 900})
    return seen
