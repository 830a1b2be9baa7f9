"""What each tool is asked to do: turn one file, or a folder of files, into Parquet with zstd.

The peers get the decimal columns' types where they take them, because they would read amounts as floats.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_LINEITEM = ["l_extendedprice", "l_discount", "l_tax"]
MONEY = {"lineitem.csv": _LINEITEM, "lineitem_5gb.csv": _LINEITEM, "orders.csv": ["o_totalprice"]}
# Material numbers would lose their zeros; amounts and dates are more than the peers read, and stay text there.
KEYS = [f"FELD{n:03d}" for n in range(0, 200, 5)]

LINEITEM: list[dict[str, Any]] = [
    *({"name": f"l_{name}", "type": "int64"} for name in ("orderkey", "partkey", "suppkey", "linenumber", "quantity")),
    *({"name": f"l_{name}", "type": "decimal128(18, 2)"} for name in ("extendedprice", "discount", "tax")),
    *({"name": f"l_{name}", "type": "string"} for name in ("returnflag", "linestatus")),
    *({"name": f"l_{name}", "type": "date32[day]"} for name in ("shipdate", "commitdate", "receiptdate")),
    *({"name": f"l_{name}", "type": "string"} for name in ("shipinstruct", "shipmode", "comment")),
]
RULES: list[dict[str, Any]] = [
    {"kind": "not_null", "columns": ["l_orderkey", "l_partkey", "l_suppkey", "l_shipdate"]},
    {"kind": "unique", "columns": ["l_orderkey", "l_linenumber"]},
    {"kind": "in_list", "column": "l_shipmode", "values": ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"]},
    {"kind": "range", "column": "l_discount", "min": 0, "max": "0.10"},
    {"kind": "length", "column": "l_comment", "min": 1, "max": 44},
    {"kind": "regex", "column": "l_returnflag", "pattern": "[ANR]"},
    {"kind": "date_window", "column": "l_shipdate", "from": "1992-01-01", "to": "1998-12-31"},
    {"kind": "row_count", "min": 1000000},
    {"kind": "column_sum", "column": "l_extendedprice", "min": 1},
    {"kind": "freshness", "column": "l_receiptdate", "max_age": "36500d"},
]


def ours(src: Path, dest: Path) -> None:
    """DataBridge, everything detected and proven."""
    from ingestion.conversion import convert

    convert(src, dest)


def ours_checked(src: Path, dest: Path) -> None:
    """DataBridge towards a contract, with ten rules, limits and a profile, as a dataset's later loads are made."""
    from ingestion.conversion import Options, convert
    from ingestion.conversion.checks.plan import Checks
    from ingestion.conversion.contract.model import Contract

    told = {"columns": LINEITEM, "rules": RULES, "reject_limits": {"share": 0.01}}
    convert(src, dest, options=Options(contract=Contract.from_dict(told)), checks=Checks.of(told))


def duckdb(src: Path, dest: Path) -> None:
    """DuckDB; delimiter and types by its own sniffer."""
    import duckdb

    types = ", ".join(f"'{name}': 'DECIMAL(15,2)'" for name in MONEY.get(src.name, []))
    options = f", types = {{{types}}}" if types else ""
    if src.name == "sap_wide.csv":
        keys = ", ".join(f"'{name}': 'VARCHAR'" for name in KEYS)
        options += f", encoding = 'latin-1', types = {{{keys}}}"
    read = "read_csv" if src.suffix == ".csv" else "read_json"
    duckdb.execute(f"COPY (FROM {read}('{src}'{options})) TO '{dest}' (FORMAT parquet, COMPRESSION zstd)")


def polars(src: Path, dest: Path) -> None:
    """Polars, streaming where it can."""
    import polars as pl

    frame: Any
    if src.suffix == ".ndjson":
        frame = pl.scan_ndjson(src)
    elif src.suffix == ".json":
        frame = pl.read_json(src).lazy()
    elif src.name == "sap_wide.csv":
        types = dict.fromkeys(KEYS, pl.String)
        frame = pl.read_csv(src, separator=";", encoding="windows-1252", schema_overrides=types).lazy()
    else:
        types = dict.fromkeys(MONEY.get(src.name, []), pl.Decimal(15, 2))
        frame = pl.scan_csv(src, try_parse_dates=True, schema_overrides=types)
    frame.sink_parquet(dest, compression="zstd")


def pyarrow(src: Path, dest: Path) -> None:
    """PyArrow."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet as pq

    if src.suffix == ".ndjson":
        table = pa.json.read_json(src)
    else:
        types = dict.fromkeys(MONEY.get(src.name, []), pa.decimal128(15, 2))
        wide = src.name == "sap_wide.csv"
        table = pa.csv.read_csv(
            src,
            pa.csv.ReadOptions(encoding="cp1252" if wide else "utf8"),
            pa.csv.ParseOptions(delimiter=";" if wide else ","),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(KEYS, pa.string()) if wide else types),
        )
    pq.write_table(table, dest, compression="zstd")


def pandas(src: Path, dest: Path) -> None:
    """Use pandas with Arrow-backed columns."""
    import pandas as pd

    if src.suffix in {".xlsx", ".xls"}:
        frame = pd.read_excel(src, engine="calamine")
    elif src.suffix == ".ndjson":
        frame = pd.read_json(src, lines=True)
    elif src.suffix == ".json":
        frame = pd.read_json(src)
    elif src.name == "sap_wide.csv":
        frame = pd.read_csv(src, sep=";", encoding="cp1252", dtype=dict.fromkeys(KEYS, "string"))
    else:
        frame = pd.read_csv(src, dtype_backend="pyarrow")
    frame.to_parquet(dest, compression="zstd")


def fastexcel(src: Path, dest: Path) -> None:
    """Use fastexcel straight to Arrow."""
    import fastexcel
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch = fastexcel.read_excel(src).load_sheet(0).to_arrow()
    pq.write_table(pa.Table.from_batches([batch]), dest, compression="zstd")


CASES: dict[str, list[str]] = {
    "lineitem.csv": ["ours", "ours_checked", "duckdb", "polars", "pyarrow", "pandas"],
    "orders.csv": ["ours", "duckdb", "polars", "pyarrow", "pandas"],
    "orders.ndjson": ["ours", "duckdb", "polars", "pyarrow", "pandas"],
    "orders.json": ["ours", "duckdb", "polars", "pandas"],
    "table.xlsx": ["ours", "fastexcel", "pandas"],
    "table.xls": ["ours", "fastexcel", "pandas"],
    "sap_wide.csv": ["ours", "duckdb", "polars", "pyarrow", "pandas"],
    "tiny": ["ours", "duckdb", "polars", "pyarrow", "pandas"],
}
ON_REQUEST: dict[str, list[str]] = {"lineitem_5gb.csv": ["ours", "duckdb", "polars"]}
TOOLS = {tool.__name__: tool for tool in (ours, ours_checked, duckdb, polars, pyarrow, pandas, fastexcel)}
