"""Cells broken in a file that a contract agrees on: rejects at their places, and after a replay the clean load's rows."""

import csv
import datetime as dt
import io
import json
import random
from dataclasses import replace
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.corrections import as_csv, corrections_of
from ingestion.conversion.checks.plan import Checks
from ingestion.conversion.contract.model import NEW, Contract
from ingestion.conversion.formats.replayed import write_rows

ROWS, BROKEN = 12_000, 37
NAMES = ["id", "customer", "amount", "day", "note", "open"]


def text_row(number):
    """A row as an ERP writes it: comma decimals, dotted dates, notes with quotes and line ends."""
    note = f'Zeile eins\r\nund "zwei"; Größe {number}' if number % 9 == 0 else f"Notiz {number}"
    amount = f"{(number * 37) % 10_000_000 / 100:.2f}".replace(".", ",")
    day = f"{1 + number % 28:02d}.{1 + number % 12:02d}.2026"
    return [f"{number:08d}", f"K{number % 500:04d}", amount, day, note, ("true", "false")[number % 2]]


def as_text(rows):
    body = io.StringIO()
    writer = csv.writer(body, delimiter=";", lineterminator="\r\n")
    writer.writerow(NAMES)
    writer.writerows(rows)
    return body.getvalue().encode("cp1252")


def as_json(rows):
    return json.dumps([json_record(row) for row in rows], indent=1, ensure_ascii=False).encode()


def json_record(row):
    amount, truth = row[2].replace(",", "."), row[5]
    return {
        "id": row[0],
        "customer": row[1],
        "amount": json.loads(amount) if amount.replace(".", "").isdecimal() else amount,
        "day": "-".join(reversed(row[3].split("."))),
        "note": row[4],
        "open": {"true": True, "false": False}.get(truth, truth),
    }


def as_book(rows):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    sheet.append(NAMES)
    for row in rows:
        record = json_record(row)
        try:
            record["day"] = dt.date.fromisoformat(record["day"])
        except ValueError:
            record["day"] = row[3]
        record["note"] = record["note"].replace("\r\n", "\n")
        sheet.append(list(record.values()))
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


WRITERS = {"csv": as_text, "json": as_json, "xlsx": as_book}
WRONG = {"amount": "n/a", "day": "bald", "open": "maybe"}


@pytest.mark.parametrize("kind", WRITERS)
def test_broken_cells_are_set_aside_and_once_corrected_the_dataset_is_the_clean_one(tmp_path, kind):
    rows = [text_row(number) for number in range(ROWS)]
    clean = tmp_path / f"clean.{kind}"
    clean.write_bytes(WRITERS[kind](rows))
    born = convert(clean, tmp_path / "clean.parquet", options=Options(contract=NEW))
    contract = Contract.from_dict(born.contract.as_dict() | {"lineage": ["_source_row"], "version": 1})

    draw = random.Random(7)
    places = {row: draw.choice(list(WRONG)) for row in sorted(draw.sample(range(ROWS), BROKEN))}
    damaged = [list(row) for row in rows]
    for row, column in places.items():
        damaged[row][NAMES.index(column)] = WRONG[column]
    path, first, table = tmp_path / f"broken.{kind}", tmp_path / "first.parquet", tmp_path / "rejects.parquet"
    path.write_bytes(WRITERS[kind](damaged))
    report = load(path, first, table, contract)
    assert (report.rows.loaded, report.rows.rejected) == (ROWS - BROKEN, BROKEN)
    assert [(one.source_row - 1, one.column, one.value) for one in report.rejects] == [
        (row, column, WRONG[column]) for row, column in places.items()
    ]
    assert [place(one, path) for one in report.rejects] == [where(kind, damaged, row) for row in places]

    rejects = pq.read_table(table).to_pylist()
    fixed = corrections_of("".join(as_csv(rejects, list(json.loads(rejects[0]["raw"])))).encode())
    for cells, (row, column) in zip(fixed.values(), places.items(), strict=True):
        assert cells[column] == WRONG[column]
        cells[column] = cell_text(kind, rows[row], column)
    replay, second = tmp_path / "replay", tmp_path / "second.parquet"
    told = [{**one, "cells": fixed[one["row"]]} for one in rejects]
    write_rows(replay, list(fixed[1]), iter(told))
    again = load(replay, second, tmp_path / "again.parquet", contract, replay=True, rows=[row + 1 for row in places])
    assert (again.rows.loaded, again.rows.rejected) == (BROKEN, 0)

    whole = pq.read_table([first, second]).sort_by("_source_row")
    assert whole["_source_row"].to_pylist() == list(range(1, ROWS + 1))
    assert whole.drop_columns("_source_row").equals(pq.read_table(tmp_path / "clean.parquet"))


def load(path, out, rejects, contract, *, replay=False, rows=None):
    checks = replace(Checks.of(contract.as_dict()), source_rows=rows)
    return convert(path, out, options=Options(contract=contract, replay=replay), checks=checks, rejects=rejects)


def cell_text(kind, row, column):
    """The text of a cell as this kind of file has it."""
    if kind == "csv":
        return row[NAMES.index(column)]
    value = json_record(row)[column]
    return str(value).lower() if isinstance(value, bool) else str(value)


def place(reject, path: Path):
    """Where a reject says it stands; the bytes there are those of its row."""
    if path.suffix == ".csv":
        return reject.line, path.read_bytes()[reject.offset :][:8].decode()
    if path.suffix == ".json":
        return reject.line, json.JSONDecoder().raw_decode(path.read_bytes()[reject.offset :].decode())[0]["id"]
    return reject.line, reject.cell


def where(kind, rows, row):
    """Where a row stands, found by writing what is before it."""
    before = WRITERS[kind](rows[:row]) if kind != "xlsx" else b""
    if kind == "csv":
        return before.count(b"\n") + 1, rows[row][0]
    if kind == "json":
        return 2 + row * (len(NAMES) + 2), rows[row][0]
    column = next(name for name, wrong in WRONG.items() if rows[row][NAMES.index(name)] == wrong)
    return row + 2, f"{'ABCDEF'[NAMES.index(column)]}{row + 2}"
