"""A short, repeatable part of ``make fuzz``."""

from __future__ import annotations

import subprocess
import sys

from tests.fuzz.seeds import ROOT


def test_files_spoiled_in_a_known_way_are_converted_or_refused_by_the_catalogue(tmp_path):
    arguments = ["--files", "400", "--seconds", "100", "--seed", "7", "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *arguments], capture_output=True, check=False, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400 files with seed 7; 0 findings" in done.stdout
    assert "ok csv" in done.stdout
