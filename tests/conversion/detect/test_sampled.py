"""Large files are sampled for UTF-8 only; a byte anywhere else that is none is found while reading, and none is lost."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.detect import encoding
from ingestion.conversion.errors import UndecidedEncoding

ROWS = 60_000


@pytest.fixture(autouse=True)
def sampled(monkeypatch):
    """Take a file of a megabyte for a large one."""
    monkeypatch.setattr(encoding, "SAMPLED_FROM_BYTES", 1 << 19)


def _csv(at: int, name: bytes) -> bytes:
    return b"id,name\n" + b"".join(b"%d,%s\n" % (n, name if n == at else b"some name") for n in range(ROWS))


def _json(at: int, name: bytes) -> bytes:
    return b"".join(b'{"id":%d,"name":"%s"}\n' % (n, name if n == at else b"some name") for n in range(ROWS))


@pytest.mark.parametrize("made", [_csv, _json])
@pytest.mark.parametrize("at", [ROWS * 7 // 10, ROWS - 1])
def test_a_letter_of_another_encoding_outside_the_samples_is_read_as_such(tmp_path, made, at):
    (tmp_path / "file").write_bytes(made(at, "Müller & Söhne, Straße".encode("cp1252").replace(b",", b"")))
    report = convert(tmp_path / "file", tmp_path / "out.parquet")
    names = pq.read_table(tmp_path / "out.parquet")["name"].to_pylist()
    assert len(names) == report.rows.loaded == ROWS
    assert names[at] == "Müller & Söhne Straße"
    assert next(decision.value for decision in report.detection.decisions if decision.name == "encoding") != "utf-8"


@pytest.mark.parametrize("made", [_csv, _json])
def test_utf8_outside_the_samples_stays_utf8(tmp_path, made):
    (tmp_path / "file").write_bytes(made(ROWS * 7 // 10, "Müller €".encode()))
    report = convert(tmp_path / "file", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["name"][ROWS * 7 // 10].as_py() == "Müller €"
    told = next(decision for decision in report.detection.decisions if decision.name == "encoding")
    assert (told.value, "checked when it is read" in told.evidence) == ("utf-8", True)


def test_an_encoding_that_the_caller_names_is_not_changed(tmp_path):
    (tmp_path / "file.csv").write_bytes(_csv(ROWS * 7 // 10, b"M\xfcller"))
    with pytest.raises(UndecidedEncoding):
        convert(tmp_path / "file.csv", tmp_path / "out.parquet", options=Options(encoding="utf-8"))
    assert not (tmp_path / "out.parquet").exists()
