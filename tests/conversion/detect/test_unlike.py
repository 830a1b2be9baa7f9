"""A program, a log, a letter or an e-mail is told from a list of one column, which is loaded without a warning."""

from __future__ import annotations

import pytest

from ingestion.conversion import Options, convert

NO_TABLES = {
    "python": "import os\n\ndef main():\n    print('x')\n    return 1\n\nmain()\n",
    "c": "int main(void) {\n  int x = 1;\n  return x;\n}\n",
    "sql": "SELECT a, b FROM t WHERE x = 1;\nUPDATE t SET y = 2;\n",
    "log": "2026-01-02 10:11:12 INFO started\n2026-01-02 10:11:13 WARN foo bar\n2026-01-02 10:11:14 ERROR bang\n",
    "web log": '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.0" 200\n' * 3,
    "system log": "Jan  2 10:11:12 host cron[1]: began\nJan  2 10:11:13 host cron[1]: ended\n",
    "letter": "Dear Ms Smith,\n\nplease find attached the invoice of last month. We hope\nthat you are well.\n\nAnna\n",
    "e-mail": "From: a@b.example\nTo: d@e.example\nSubject: Invoice\n\nHello,\nhere is the file.\n",
    "message": "Error: connection refused\n",
    "sentence": "The export failed. Please contact your administrator.\n",
}
LISTS = {
    "keys": "code\nA1\nB2\nC3\n",
    "numbers": "Material number\n4711\n4712\n",
    "customers": "Customer name\nMüller GmbH & Co. KG\nSchmidt und Söhne\n",
    "remarks": "Bemerkung\nBitte vor der Lieferung anrufen.\nWare beim Nachbarn abgeben, wenn niemand da ist.\nkeine\n",
    "addresses": "url\nhttps://a.example/z\nhttps://a.example/a\n",
    "accounts": "Aktiva\n  Anlagevermögen\n    Sachanlagen\n  Umlaufvermögen\n    Vorräte\n",
    "log below its name": "Logzeile\n2026-01-02 10:11:12 INFO started\n2026-01-02 10:11:13 WARN foo bar\n",
    "last empty column": "id;\n1;\n2;\n",
    "name alone": "total amount\n",
    "measured": "2026-01-01 10:00:00 21.5 17\n2026-01-01 10:00:01 21.6 18\n",
    "moments": "2026-01-01 10:00:00\n2026-01-01 10:00:01\n",
    "two columns of texts": "Konto,Bezeichnung\nKasse,Bargeld im Haus\nBank,Guthaben bei der Sparkasse\n",
}


def loaded(tmp_path, text, **options):
    source = tmp_path / "file.txt"
    source.write_text(text)
    return convert(source, tmp_path / "out.parquet", options=Options(**options))


def told(report):
    return [warning for warning in report.warnings if warning.code == "UNLIKE_TABLE"]


@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_told_and_loaded_with_little_confidence(tmp_path, kind):
    report = loaded(tmp_path, NO_TABLES[kind])
    assert [warning.lines for warning in told(report)] == [(1,)]
    sure = {decision.name: decision.confidence for decision in report.detection.decisions}
    assert sure["delimiter"] <= 0.2


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_is_loaded_without_noise(tmp_path, kind):
    assert not told(loaded(tmp_path, LISTS[kind]))


def test_who_says_how_it_is_laid_out_hears_nothing(tmp_path):
    assert not told(loaded(tmp_path, NO_TABLES["log"], delimiter=" "))
    assert not told(loaded(tmp_path, NO_TABLES["letter"], header_row=0))
