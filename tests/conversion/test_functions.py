"""Arrow's functions by name: the same as those of ``pyarrow.compute``, without importing it."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingestion.conversion import functions

TEXTS = pa.array(["a1", None, "b22"])
NUMBERS = pa.array([3, None, -1])


@pytest.mark.parametrize(
    ("name", "given", "named"),
    [
        ("utf8_length", (TEXTS,), {}),
        ("match_substring_regex", (TEXTS, "[0-9]{2}"), {}),
        ("replace_substring_regex", (TEXTS, "[0-9]", "x"), {}),
        ("utf8_trim", (TEXTS, "a"), {}),
        ("all", (pc.is_valid(TEXTS),), {"min_count": 0}),
        ("sum", (NUMBERS,), {"min_count": 3}),
        ("min_max", (NUMBERS,), {}),
        ("is_in", (NUMBERS,), {"value_set": pa.array([3])}),
        ("if_else", (pc.is_valid(NUMBERS), NUMBERS, pa.scalar(0)), {}),
        ("and_", (pc.is_valid(NUMBERS), pc.is_valid(TEXTS)), {}),
        ("binary_join_element_wise", (TEXTS, TEXTS, ","), {"null_handling": "skip"}),
        ("filter", (NUMBERS, pc.is_valid(NUMBERS)), {}),
        ("take", (NUMBERS, pa.array([2, 0])), {}),
        ("index", (NUMBERS, -1), {}),
        ("fill_null", (NUMBERS, 0), {}),
        ("fill_null", (NUMBERS, pa.scalar(0)), {}),
        ("fill_null", (NUMBERS, pa.scalar(0, pa.int8())), {}),
        ("cast", (NUMBERS, pa.string()), {}),
        ("cast", (pa.array([1.5]), pa.int64()), {"safe": False}),
    ],
)
def test_a_function_gives_what_pyarrow_compute_gives(name, given, named):
    found, wanted = getattr(functions, name)(*given, **named), getattr(pc, name)(*given, **named)
    assert found.equals(wanted)
    assert found.type == wanted.type


def test_what_would_change_a_value_is_not_cast():
    with pytest.raises(pa.ArrowInvalid):
        functions.cast(pa.array([1.5]), pa.int64())


def test_arguments_that_a_function_does_not_take_are_refused():
    with pytest.raises(TypeError):
        functions.utf8_length(TEXTS, 1)
    with pytest.raises(AttributeError):
        _ = functions.no_such_function


PLAIN = {
    "csv": "id,amount,day\n1,1.50,2026-10-31\n2,2.50,2026-10-30\n",
    "json": '[{"id": 1, "amount": 1.50, "none": null, "open": true, "of": {"text": "x"}}, {"id": "2"}]',
    "ndjson": "".join(
        f'{{"id":{id_},"amount":{id_}.50,"day":"2026-10-31","text":{text},"open":true,"any":{any_}}}\n'
        for id_ in range(15_000)
        for text, any_ in (('"plain"', "1"), ("null", '"\\n"'), ('"\\u00e9"', "null"))
    ),
}


@pytest.mark.parametrize("kind", list(PLAIN))
def test_a_plain_file_needs_neither_all_functions_nor_the_clients_of_object_stores(tmp_path, kind):
    source = tmp_path / f"in.{kind}"
    source.write_text(PLAIN[kind])
    heavy = ["pandas", "pyarrow.compute", "pyarrow.fs", "zipfile", "tarfile", "tempfile", "bz2", "lzma"]
    program = (
        "import sys; from pathlib import Path; from ingestion.conversion import convert;"
        "convert(Path(sys.argv[1]), Path(sys.argv[2]));"
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(source), str(tmp_path / "out.parquet")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""
