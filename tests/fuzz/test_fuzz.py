"""A short, repeatable part of ``make fuzz``."""

from __future__ import annotations

import json
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


def test_what_was_found_once_is_not_found_again():
    """Convert them in a process of their own, for one of them ended it."""
    found = sorted((ROOT / "tests" / "fuzz" / "found").iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.worker"],
        input="".join(f"{json.dumps(str(path))}\n" for path in found),
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {path.name: answer["code"] for path, answer in zip(found, answers, strict=True)} == {
        "nameless_member.zip": "BROKEN_FILE",
        "no_score.csv": "ok csv",
        "nulls_against_the_schema.arrow": "ok arrow",
        "rows_without_columns.stream": "NO_ROWS",
        "torn_histogram.parquet": "BROKEN_FILE",
    }
    assert [answer["wrong"] for answer in answers] == [""] * len(found)
