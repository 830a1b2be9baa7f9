"""What every sample must become, written by hand from its text: exact types and exact values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D  # noqa: N817  (short, because it stands in every row)

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.conversion.contract.kinds import roomy

NULL = None
_orders = pa.struct([("id", pa.string()), ("name", pa.string())])
_lines = pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int64()), ("price", pa.decimal128(5, 3))]))

# For each file its columns with their types, and its rows.
EXPECTED = {
    "sap_movements.csv": (
        [
            ("Materialnummer", pa.string()), ("Bezeichnung", pa.string()), ("Werk", pa.int64()),
            ("Menge", pa.decimal128(7, 3)), ("Betrag", pa.decimal128(7, 2)), ("Währung", pa.string()),
            ("Buchungsdatum", pa.date32()), ("Belegnummer", pa.int64()),
        ],
        [
            ("000000000000012345", "Schraube M8 verzinkt", 1000, D("1250.000"), D("-1234.56"), "EUR", date(2026, 10, 31), 4900001234),
            ("000000000000012346", "Gehäuse Größe 2", 1000, D("12.000"), D("98.40"), "EUR", date(2026, 10, 31), 4900001235),
            ("000000000000000007", "Öldichtung", 1100, D("3.500"), D("-0.99"), "EUR", date(2026, 11, 1), 4900001236),
            ("000000000000098765", "Müllbehälter", 1100, D("1.000"), D("12500.00"), "EUR", date(2026, 11, 2), 4900001237),
        ],
    ),
    "sap_ledger_utf16.txt": (
        [
            ("Company Code", pa.int64()), ("Document", pa.int64()), ("Posting Date", pa.date32()),
            ("Account", pa.string()), ("Amount", pa.decimal128(10, 2)), ("Text", pa.string()),
        ],
        [
            (1000, 1900000017, date(2026, 10, 1), "0000400000", D("1200.50"), "Miete Oktober"),
            (1000, 1900000018, date(2026, 10, 2), "0000473000", D("-80.00"), "Porto „Eilbrief“"),
            (1010, 1900000019, date(2026, 10, 5), "0000400000", D("17.25"), "Büromaterial"),
            (1010, 1900000020, date(2026, 10, 7), "0000800000", D("-99999999.99"), "Erlöse"),
        ],
    ),
    "dynamics_journal.csv": (
        [
            ("JournalBatchNumber", pa.string()), ("AccountNumber", pa.int64()), ("TransDate", pa.date32()),
            ("CountryRegion", pa.string()), ("DebitAmount", pa.decimal128(6, 2)), ("Description", pa.string()),
        ],
        [
            ("00042", 110130, date(2026, 10, 31), "NA", D("1250.00"), "Rent, Windhoek"),
            ("00042", 110140, date(2026, 11, 13), "DE", D("75.50"), 'Toner "XL"'),
            ("00043", 401100, date(2026, 11, 2), "US", NULL, "Reversal"),
        ],
    ),
    "sap_open_items.csv": (
        [("Debitor", pa.string()), ("Name", pa.string()), ("Fällig am", pa.date32()), ("Betrag", pa.decimal128(7, 2))],
        [
            ("0000100001", "Müller GmbH", date(2026, 11, 15), D("1500.00")),
            ("0000100002", "Bäckerei Süß", date(2026, 11, 30), D("249.90")),
            ("0000100003", "Société Générale d’Exportation", date(2026, 12, 1), D("-12000.00")),
        ],
    ),
    "netsuite_invoices.csv": (
        [
            ("Internal ID", pa.int64()), ("Document Number", pa.string()), ("Date", pa.date32()),
            ("Amount (USD)", pa.decimal128(6, 2)), ("Memo", pa.string()),
        ],
        [
            (1001, "INV-000012", date(2026, 1, 31), D("1250.00"), "Phone +1 555 0100"),
            (1002, "INV-000013", date(2026, 2, 1), D("-19.90"), "line one\nline two"),
            (1003, "INV-000014", date(2026, 12, 24), D("0.05"), NULL),
        ],
    ),
    "infor_inventory.txt": (
        [
            ("item", pa.string()), ("whse", pa.string()), ("on_hand", pa.int64()),
            ("lot", pa.string()), ("cost", pa.decimal128(6, 4)),
        ],
        [
            ("A-001", "MAIN", 1200, "00000917", D("12.3400")),
            ("A-002", "MAIN", 0, "12E5", D("0.5000")),
            ("A-003", "EAST", -15, "00000918", D("7.0000")),
        ],
    ),
    "sap_idocs.ndjson": (
        [
            ("docnum", pa.int64()), ("status", pa.string()), ("created", pa.timestamp("us", "UTC")),
            ("amount", pa.decimal128(4, 2)), ("partner", pa.string()),
        ],
        [
            (4900001234567890123, "53", datetime(2026, 10, 31, 10, 15, tzinfo=UTC), D("12.50"), NULL),
            (4900001234567890124, "03", datetime(2026, 10, 31, 10, 16, 30, tzinfo=UTC), D("7.00"), "0000100002"),
            (NULL, "53", datetime(2026, 10, 31, 10, 17, 45, tzinfo=UTC), D("0.99"), "NA"),
        ],
    ),
    "odata_purchase_orders.json": (
        [
            ("PurchaseOrder", pa.string()), ("Item", pa.int64()), ("NetAmount", pa.decimal128(20, 2)),
            ("Currency", pa.string()), ("Blocked", pa.bool_()), ("OrderDate", pa.date32()),
        ],
        [
            ("0045000001", 10, D("1250.00"), "EUR", False, date(2026, 10, 1)),
            ("0045000001", 20, D("9.95"), "EUR", True, date(2026, 10, 2)),
            ("0045000002", 10, D("100000000000000000.01"), "JPY", False, date(2026, 10, 3)),
        ],
    ),
    "nested_orders.json": (
        [("order", pa.string()), ("customer", _orders), ("lines", _lines)],
        [
            (
                "SO-1",
                {"id": "00017", "name": "Ångström AB"},
                [{"sku": "007", "qty": 2, "price": D("10.100")}, {"sku": "8", "qty": 1, "price": D("5.000")}],
            ),
            ("SO-2", {"id": "00018", "name": "Ltd. & Sons"}, []),
            ("SO-3", NULL, [{"sku": "009", "qty": 3, "price": D("0.333")}]),
        ],
    ),
    "stock.csv.gz": (
        [("sku", pa.string()), ("plant", pa.int64()), ("qty", pa.int64()), ("valuation", pa.decimal128(4, 2))],
        [("000123", 1000, 5, D("1.50")), ("000124", 1000, 17, D("22.75")), ("000125", 2000, 0, D("0.10"))],
    ),
    "trial_balance.xlsx": (
        [
            ("Account", pa.string()), ("Country", pa.string()), ("Balance", pa.decimal128(9, 2)),
            ("Entries", pa.int64()), ("Closed on", pa.date32()), ("Final", pa.bool_()),
        ],
        [
            ("0010", "NA", D("1234.56"), 12, date(2026, 10, 31), True),
            ("0020", "DE", D("-0.10"), 3, date(2026, 10, 30), False),
            ("0030", NULL, D("1000000.00"), 0, date(2026, 10, 31), True),
        ],
    ),
    "kreditoren.xls": (
        [("Kreditor", pa.string()), ("Name", pa.string()), ("Saldo", pa.decimal128(5, 2)), ("Letzte Zahlung", pa.date32())],
        [
            ("0000200001", "Krüger & Co", D("250.75"), date(2026, 9, 30)),
            ("0000200002", "Façade SARL", D("-17.00"), date(2026, 10, 15)),
        ],
    ),
}  # fmt: skip


def assert_exact(sample: str, parquet, *, kept: bool = False) -> None:
    """Read the Parquet back with pandas and compare types and every value.

    ``kept``: by a dataset, whose contract gives amounts room for larger ones.
    """
    fields, rows = EXPECTED[sample]
    fields = [(name, roomy(kind)) for name, kind in fields] if kept else fields
    schema = pq.read_schema(parquet)
    assert [(field.name, field.type) for field in schema] == fields
    frame = pd.read_parquet(parquet, dtype_backend="pyarrow")
    assert list(frame.columns) == [name for name, _ in fields]
    read = [tuple(row) for row in zip(*(frame[name].array._pa_array.to_pylist() for name in frame), strict=True)]
    assert read == rows
