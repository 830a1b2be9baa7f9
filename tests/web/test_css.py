"""The compiled styles are those of the sources and templates."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TAILWIND = ROOT / "node_modules" / ".bin" / "tailwindcss"


@pytest.mark.skipif(not TAILWIND.exists(), reason="needs Tailwind: npm ci")
def test_the_compiled_styles_are_fresh(tmp_path):
    made = tmp_path / "app.css"
    command = [str(TAILWIND), "-i", "static/src/app.css", "-o", str(made), "--minify"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert made.read_text() == (ROOT / "static" / "css" / "app.css").read_text(), "run `make css`"


def test_no_template_has_an_inline_style_or_script():
    import re

    inline = re.compile(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|<style", re.IGNORECASE)
    found = [str(path) for path in (ROOT / "templates").rglob("*.html") if inline.search(path.read_text())]
    assert found == []


def test_no_template_or_script_names_an_absolute_address_of_the_app():
    import re

    fixed = re.compile(r"""["'`(]/(app|admin|static)/""")
    sources = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]
    found = [path.name for path in sources if fixed.search(path.read_text().replace('?? "/app/"', ""))]
    assert found == []
