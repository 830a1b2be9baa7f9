"""The examples of ``docs/detection.md`` are run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert

PAGE = (Path(__file__).parents[3] / "docs" / "detection.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"```\n\$ (printf .*)\n\$ manage\.py convert export\.csv out\.parquet --report -(.*)\n([^`]*)```", PAGE
)


def test_the_page_has_examples():
    assert len(EXAMPLES) == PAGE.count("$ manage.py convert") == 4


@pytest.mark.parametrize(("made", "given", "shown"), EXAMPLES)
def test_an_example_shows_what_the_report_and_the_table_say(made, given, shown, tmp_path):
    subprocess.run(["bash", "-c", made], cwd=tmp_path, check=True)
    words = shlex.split(given)
    options = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    report = convert(tmp_path / "export.csv", tmp_path / "out.parquet", options=Options(**options))
    table = pq.read_table(tmp_path / "out.parquet")
    told = json.dumps(report.as_dict(), ensure_ascii=False) + str(
        [str(v) for row in table.to_pylist() for v in row.values()]
    )
    for line in shown.splitlines():
        assert line in told
