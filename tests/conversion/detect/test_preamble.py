"""A table below hundreds of lines of titles or comments is found, and every line above it is counted and listed."""

from __future__ import annotations

import pytest

from ingestion.conversion import Options, convert

ROWS = [f"A{n};{n};{n}3,50\n" for n in range(1_000)]
ABOVE = {
    "comment lines": lambda n: f"# comment {n}, with some; signs\n",
    "title lines": lambda n: f"Report on page {n}: open items\n",
}


def converted(tmp_path, text, **options):
    source = tmp_path / "list.csv"
    source.write_text(text)
    report = convert(source, tmp_path / "out.parquet", options=Options(**options))
    return report, [column.name for column in report.columns]


@pytest.mark.parametrize("rows", [3, 30, 1_000])
@pytest.mark.parametrize("above", [120, 198, 300, 2_000])
@pytest.mark.parametrize("kind", ABOVE)
def test_the_table_below_is_loaded_whole(tmp_path, kind, above, rows):
    text = "".join(map(ABOVE[kind], range(above))) + "art;menge;preis\n" + "".join(ROWS[:rows])
    report, names = converted(tmp_path, text)
    assert names == ["art", "menge", "preis"]
    assert (report.rows.read, report.rows.loaded, report.rows.skipped) == (above + rows, rows, {kind: above})
    assert [warning.lines[:2] for warning in report.warnings if warning.code == "ROWS_SKIPPED"] == [(1, 2)]
    assert report.columns[0].example == "A0"


@pytest.mark.parametrize("told", [{"header_row": 301}, {"skip_rows": 300}, {"delimiter": ";"}])
def test_what_the_caller_says_of_a_far_header_holds(tmp_path, told):
    text = "".join(map(ABOVE["title lines"], range(300))) + "art;menge;preis\n" + "".join(ROWS)
    report, names = converted(tmp_path, text, **told)
    assert names == ["art", "menge", "preis"]
    assert report.rows.loaded == len(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "name\n" + "".join(f"Firma {n}\n" for n in range(500)) + "Smith, Anna\nMeyer, Bert\nJones, Carl\n",
        "code\n" + "".join(f"K{n}\n" for n in range(300)),
        "id;name;note\n" + "".join(f"{n};A\n" for n in range(300)) + "".join(f"{n};A;B\n" for n in range(300)),
    ],
    ids=["names", "codes", "short rows"],
)
def test_rows_of_the_table_itself_are_no_titles(tmp_path, text):
    report, _ = converted(tmp_path, text)
    assert report.rows.loaded == text.count("\n") - 1
    assert not report.rows.skipped
