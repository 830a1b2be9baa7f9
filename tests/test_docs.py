"""The documents say what the code does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_every_error_code_is_documented_and_belongs_to_one_meaning():
    from databridge.management.commands.document_errors import _all, document
    from ingestion.errors import DataBridgeError

    assert (ROOT / "docs" / "errors.md").read_text() == document()
    shared = {code for code, count in Counter(kind.code for kind in _all(DataBridgeError)).items() if count > 1}
    assert shared == set()


def test_the_explanations_of_the_samples_are_what_a_terminal_shows(tmp_path):
    """Run each command of the page as it stands there, its standard output being a terminal."""
    blocks = re.findall(
        r"```\n\$ (\S+) (manage\.py convert .*)\n([^`]*)```", (ROOT / "docs" / "conversion.md").read_text()
    )
    assert len(blocks) == 3
    for _, command, shown in blocks:
        ours, theirs = os.openpty()
        arguments = command.replace("out.parquet", str(tmp_path / "out.parquet")).split()
        with subprocess.Popen([sys.executable, *arguments], stdout=theirs, stderr=subprocess.PIPE, cwd=ROOT) as running:
            os.close(theirs)
            assert read_all(ours).replace("\r\n", "\n") == shown
            assert len(running.stderr.read().splitlines()) == 1
        assert running.returncode == 0


def read_all(terminal):
    found = b""
    try:
        while piece := os.read(terminal, 65536):
            found += piece
    except OSError:  # how Linux tells that nobody writes any more
        os.close(terminal)
    return found.decode()


def test_every_warning_is_described():
    from ingestion.conversion.reasons import NEXT_STEPS

    text = (ROOT / "docs" / "conversion.md").read_text()
    for code, step in NEXT_STEPS.items():
        assert f"| `{code}` | {step}" in text


def test_every_sample_is_described():
    text = (ROOT / "samples" / "README.md").read_text()
    for entry in json.loads((ROOT / "samples" / "samples.json").read_text()):
        assert f"`{entry['file']}`" in text


def test_the_sample_files_are_what_their_maker_writes(tmp_path, monkeypatch):
    from samples import make_samples

    monkeypatch.setattr(make_samples, "HERE", tmp_path)
    make_samples.main()
    for made in tmp_path.iterdir():
        if made.suffix not in {".xlsx", ".xls"}:  # those carry the time at which they were written
            assert made.read_bytes() == (ROOT / "samples" / made.name).read_bytes(), made.name


def test_the_api_description_is_current():
    from io import StringIO

    from django.core.management import call_command

    described = StringIO()
    call_command("spectacular", stdout=described)
    assert described.getvalue() == (ROOT / "docs" / "openapi.yaml").read_text()


@pytest.mark.parametrize("path", ["/ingest", "/upload", "/jobs", "/jobs/{job_id}"])
def test_the_endpoints_of_the_product_are_described(path):
    assert f"\n  {path}:\n" in (ROOT / "docs" / "openapi.yaml").read_text()
