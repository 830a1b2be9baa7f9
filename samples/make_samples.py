"""Writes the sample files byte by byte, so that their odd encodings survive every editor.

Run it after changing a sample: ``python samples/make_samples.py``. Its texts are what the tests compare with.
"""

# ruff: noqa: E501  (the files' own lines)
from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path

import openpyxl
import xlwt

HERE = Path(__file__).resolve().parent

SAP_MOVEMENTS = """Materialnummer;Bezeichnung;Werk;Menge;Betrag;Währung;Buchungsdatum;Belegnummer
000000000000012345;Schraube M8 verzinkt;1000;1.250,000;1.234,56-;EUR;31.10.2026;4900001234
000000000000012346;Gehäuse Größe 2;1000;12,000;98,40;EUR;31.10.2026;4900001235
000000000000000007;Öldichtung;1100;3,500;0,99-;EUR;01.11.2026;4900001236
000000000000098765;Müllbehälter;1100;1,000;12.500,00;EUR;02.11.2026;4900001237
"""
SAP_LEDGER = """Company Code\tDocument\tPosting Date\tAccount\tAmount\tText
1000\t1900000017\t20261001\t0000400000\t1200.50\tMiete Oktober
1000\t1900000018\t20261002\t0000473000\t-80.00\tPorto „Eilbrief“
1010\t1900000019\t20261005\t0000400000\t17.25\tBüromaterial
1010\t1900000020\t20261007\t0000800000\t-99999999.99\tErlöse
"""
DYNAMICS = '''"JournalBatchNumber","AccountNumber","TransDate","CountryRegion","DebitAmount","Description"
"00042","110130","10/31/2026","NA","1,250.00","Rent, Windhoek"
"00042","110140","11/13/2026","DE","75.50","Toner ""XL"""
"00043","401100","11/02/2026","US","","Reversal"
'''
TITLED = """Offene Posten Debitoren
Stand: 31.10.2026; Mandant 100

Debitor;Name;Fällig am;Betrag
0000100001;Müller GmbH;15.11.2026;1.500,00
0000100002;Bäckerei Süß;30.11.2026;249,90
0000100003;Société Générale d’Exportation;01.12.2026;12.000,00-
Summe;;;10.250,10-
"""
NETSUITE = """Internal ID,Document Number,Date,Amount (USD),Memo
1001,INV-000012,1/31/2026,1250.00,Phone +1 555 0100
1002,INV-000013,2/1/2026,-19.90,"line one
line two"
1003,INV-000014,12/24/2026,0.05,
"""
INFOR = """item|whse|on_hand|lot|cost
A-001|MAIN|1200|00000917|12.3400
A-002|MAIN|0|12E5|0.5000
A-003|EAST|-15|00000918|7.0000
"""
IDOCS = [
    {
        "docnum": 4900001234567890123,
        "status": "53",
        "created": "2026-10-31T10:15:00Z",
        "amount": 12.50,
        "partner": None,
    },
    {
        "docnum": 4900001234567890124,
        "status": "03",
        "created": "2026-10-31T10:16:30Z",
        "amount": 7,
        "partner": "0000100002",
    },
    {"docnum": None, "status": "53", "created": "2026-10-31T10:17:45Z", "amount": 0.99, "partner": "NA"},
]
ODATA = """{"@odata.context":"$metadata#PurchaseOrders","value":[
{"PurchaseOrder":"0045000001","Item":10,"NetAmount":1250.00,"Currency":"EUR","Blocked":false,"OrderDate":"2026-10-01"},
{"PurchaseOrder":"0045000001","Item":20,"NetAmount":9.95,"Currency":"EUR","Blocked":true,"OrderDate":"2026-10-02"},
{"PurchaseOrder":"0045000002","Item":10,"NetAmount":100000000000000000.01,"Currency":"JPY","Blocked":false,"OrderDate":"2026-10-03"}
]}
"""
NESTED = """[
 {"order":"SO-1","customer":{"id":"00017","name":"Ångström AB"},"lines":[{"sku":"007","qty":2,"price":10.10},{"sku":"8","qty":1,"price":5}]},
 {"order":"SO-2","customer":{"id":"00018","name":"Ltd. & Sons"},"lines":[]},
 {"order":"SO-3","customer":null,"lines":[{"sku":"009","qty":3,"price":0.333}]}
]
"""
STOCK = """sku;plant;qty;valuation
000123;1000;5;1,50
000124;1000;17;22,75
000125;2000;0;0,10
"""


def workbook(path: Path) -> None:
    """Write an .xlsx with texts that look like numbers, exact amounts, dates and a title above the header."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Trial balance"
    for row in (
        ["Trial balance October 2026"],
        [],
        ["Account", "Country", "Balance", "Entries", "Closed on", "Final"],
        ["0010", "NA", 1234.56, 12, dt.date(2026, 10, 31), True],
        ["0020", "DE", -0.1, 3, dt.date(2026, 10, 30), False],
        ["0030", None, 1000000, 0, dt.date(2026, 10, 31), True],
    ):
        sheet.append(row)
    book.save(path)


def old_workbook(path: Path) -> None:
    """Write an .xls as older exports are."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Kreditoren")
    day = xlwt.easyxf(num_format_str="DD.MM.YYYY")
    rows = [
        ("Kreditor", "Name", "Saldo", "Letzte Zahlung"),
        ("0000200001", "Krüger & Co", 250.75, dt.date(2026, 9, 30)),
    ]
    rows += [("0000200002", "Façade SARL", -17, dt.date(2026, 10, 15))]
    for index, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(index, column, value, *([day] if isinstance(value, dt.date) else []))
    book.save(str(path))


def main() -> None:
    """Write all files into the samples folder."""
    crlf = {"newline": "\r\n"}
    (HERE / "sap_movements.csv").write_text(SAP_MOVEMENTS, encoding="cp1252", **crlf)
    (HERE / "sap_ledger_utf16.txt").write_bytes(b"\xff\xfe" + SAP_LEDGER.replace("\n", "\r\n").encode("utf-16-le"))
    (HERE / "dynamics_journal.csv").write_text("\ufeff" + DYNAMICS, encoding="utf-8", **crlf)
    (HERE / "sap_open_items.csv").write_text(TITLED, encoding="cp1252", **crlf)
    (HERE / "netsuite_invoices.csv").write_text(NETSUITE, encoding="utf-8", newline="\n")
    (HERE / "infor_inventory.txt").write_text(INFOR, encoding="utf-8", newline="\n")
    lines = "".join(json.dumps(idoc) + "\n" for idoc in IDOCS).replace('"amount": 12.5,', '"amount": 12.50,')
    (HERE / "sap_idocs.ndjson").write_text(lines, encoding="utf-8", newline="\n")
    (HERE / "odata_purchase_orders.json").write_text(ODATA, encoding="utf-8", newline="\n")
    (HERE / "nested_orders.json").write_text(NESTED, encoding="utf-8", newline="\n")
    (HERE / "stock.csv.gz").write_bytes(gzip.compress(STOCK.encode(), mtime=0))
    workbook(HERE / "trial_balance.xlsx")
    old_workbook(HERE / "kreditoren.xls")


if __name__ == "__main__":
    main()
