"""The files that are measured, made once under ``bench/data`` by generators with fixed seeds."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent / "data"
WIDE_COLUMNS, WIDE_ROWS = 200, 20_000
XLSX_ROWS, XLS_ROWS = 200_000, 60_000  # an .xls sheet ends at 65,536 rows
TINY_FILES = 10_000


def tpch(path: Path) -> None:
    """Generate a TPC-H table at scale 1."""
    tool = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([tool, "csv", "-s", "1", f"--tables={path.stem}", f"--output-dir={path.parent}"], check=True)


def tpch_large(path: Path) -> None:
    """Generate lineitem at scale 7, more than 5 GB."""
    tool = Path(sys.executable).with_name("tpchgen-cli")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run([tool, "csv", "-s", "7", "--tables=lineitem", f"--output-dir={folder}"], check=True)
        (Path(folder) / "lineitem.csv").rename(path)


def orders_as_json(path: Path) -> None:
    """Write the orders as NDJSON or as one array."""
    import duckdb

    made("orders.csv")
    array = "true" if path.suffix == ".json" else "false"
    duckdb.execute(f"COPY (FROM '{HERE / 'orders.csv'}') TO '{path}' (FORMAT json, ARRAY {array})")


def _rows(count: int) -> Iterator[list[object]]:
    rng = random.Random(7)
    for n in range(count):
        amount = rng.randrange(1, 10_000_000) / 100
        yield [n, f"{n:018d}", f"customer {n % 977}", amount, rng.randrange(500), "EUR", n % 2 == 0, rng.random()]


NAMES = ["id", "material", "name", "amount", "quantity", "currency", "open", "share"]


def xlsx(path: Path) -> None:
    """Write a workbook of texts, amounts and truth values."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(NAMES)
    for row in _rows(XLSX_ROWS):
        sheet.append(row)
    book.save(path)


def xls(path: Path) -> None:
    """Write the same as a workbook of 1997."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("data")
    for at, row in enumerate([NAMES, *_rows(XLS_ROWS)]):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    book.save(str(path))


def sap_wide(path: Path) -> None:
    """Write a list of 200 columns as SAP exports it: leading zeros, comma amounts with the minus behind."""
    rng = random.Random(11)

    def amount() -> str:
        text = f"{rng.randrange(0, 10_000_000) / 100:,.2f}".translate(str.maketrans(",.", ".,"))
        return text + "-" * (rng.random() < 0.1)

    makers: list[Callable[[], str]] = [
        lambda: f"{rng.randrange(10**9):018d}",
        amount,
        lambda: f"{rng.randrange(1, 29):02d}.{rng.randrange(1, 13):02d}.{rng.randrange(2019, 2027)}",
        lambda: rng.choice(["EUR", "USD", "CHF"]),
        lambda: str(rng.randrange(1, 100_000)),
    ]
    with path.open("w", encoding="cp1252", newline="") as file:
        file.write(";".join(f"FELD{n:03d}" for n in range(WIDE_COLUMNS)) + "\r\n")
        for _ in range(WIDE_ROWS):
            file.write(";".join(makers[n % len(makers)]() for n in range(WIDE_COLUMNS)) + "\r\n")


def tiny(path: Path) -> None:
    """Write thousands of small files."""
    path.mkdir()
    for n in range(TINY_FILES):
        lines = "".join(f"{n * 10 + at},{at}.50,2026-10-{at + 1:02d},item {at}\n" for at in range(10))
        (path / f"{n:05d}.csv").write_text("id,price,day,text\n" + lines)


MAKERS: dict[str, Callable[[Path], None]] = {
    "lineitem.csv": tpch,
    "lineitem_5gb.csv": tpch_large,
    "orders.csv": tpch,
    "orders.ndjson": orders_as_json,
    "orders.json": orders_as_json,
    "table.xlsx": xlsx,
    "table.xls": xls,
    "sap_wide.csv": sap_wide,
    "tiny": tiny,
}


def made(name: str) -> Path:
    """Return a measured file's path; makes it when it is not there."""
    HERE.mkdir(exist_ok=True)
    path = HERE / name
    if not path.exists():
        MAKERS[name](path)
    return path
