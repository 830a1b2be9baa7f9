"""The encoding is found from the words; a judgement that could be wrong is never silent."""

from __future__ import annotations

import random

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.decoding import TextDecoder
from ingestion.conversion.errors import ConversionError, UndecidedEncoding, UnknownFormat
from ingestion.conversion.formats import blocks

WORDS = {
    "German": ("Müller Söhne Größe Straße Köln Düsseldorf Jürgen Schäfer Weiß Käse Öl Übertrag", "cp1252 cp850"),
    "French": ("société André qualité Besançon hôtel Hélène déjà payé élève près Orléans reçu", "cp1252 cp850"),
    "Spanish": ("Compañía Muñoz Málaga descripción número José García teléfono año código", "cp1252 cp850"),
    "Portuguese": ("São João descrição endereço Gonçalves informações município não até preço", "cp1252 cp850"),
    "Danish": ("København Århus Sørensen Jørgen Ærø Grønland beløb Åge køb Møller", "cp1252 cp850"),
    "Polish": ("Łódź Gdańsk spółka Wrocław faktura główna Kraków Zieliński ilość Święty", "cp1250 iso8859-2"),
    "Czech": ("Dvořák částka Plzeň Černý účet příjem Jiří společnost Brně množství", "cp1250 cp852"),
    "Hungarian": ("Győr összeg számla Kovács végösszeg Németh költség Bt fizetendő ügyfél", "cp1250 cp852"),
    "Turkish": ("İstanbul Şişli fatura müşteri Çankaya ürün açıklama Eskişehir tutarı ödeme", "cp1254"),
    "Russian": ("Москва Иванов сумма счёт покупатель склад ООО количество Петров Казань", "cp1251 koi8-r cp866"),
    "Greek": ("Αθήνα τιμολόγιο Παπαδόπουλος ποσό πελάτης Θεσσαλονίκη είδος αποθήκη", "cp1253"),
    "Hebrew": ("חשבונית לקוח סכום ירושלים כמות ספק מחיר תאריך", "cp1255"),
    "Arabic": ("فاتورة العميل المبلغ الرياض الكمية شركة السعر التاريخ", "cp1256"),
    "Japanese": ("株式会社 東京都 請求書 田中 大阪 商品コード 数量 トヨタ 売上高 得意先", "cp932 euc_jp"),
    "Korean": ("주식회사 서울 거래처 수량 금액 김민수 부산 품목 창고 합계", "cp949"),
    "Simplified Chinese": ("有限公司 上海 客户 数量 金额 北京 物料 订单 王伟 仓库", "gb18030"),
    "Traditional Chinese": ("有限公司 台北 客戶 數量 金額 高雄 物料 訂單 陳志明 倉庫", "cp950"),
}
ALL = [(language, codec) for language, (_, codecs) in WORDS.items() for codec in codecs.split()]


def export(words, rows, seed=1):
    """Return an export whose names are some of the words."""
    random.seed(seed)
    lines = [f"{n:010d};{random.choice(words)};{n},50;31.10.2026" for n in range(1, rows + 1)]
    return "KUNNR;NAME1;BETRAG;DATUM\r\n" + "".join(line + "\r\n" for line in lines)


def converted(folder, content, **options):
    source = folder / "export.csv"
    source.write_bytes(content)
    report = convert(source, folder / "out.parquet", options=Options(**options))
    return pq.read_table(folder / "out.parquet"), report


def decision(report):
    return next(one for one in report.detection.decisions if one.name == "encoding")


@pytest.mark.parametrize(("language", "codec"), ALL)
def test_an_export_with_names_is_read_right_without_a_word_of_doubt(language, codec, tmp_path):
    text = export(WORDS[language][0].split(), 40)
    table, report = converted(tmp_path, text.encode(codec))
    assert table.column("NAME1").to_pylist() == [line.split(";")[1] for line in text.split("\r\n")[1:-1]]
    assert "ENCODING_UNCERTAIN" not in {notice.code for notice in report.warnings}
    assert decision(report).confidence == 0.99
    assert decision(report).runner_up


@pytest.mark.parametrize(("language", "codec"), ALL)
def test_a_single_word_is_read_right_or_the_report_names_both_readings(language, codec, tmp_path):
    for word in WORDS[language][0].split():
        content = export([word], 1).encode(codec)
        if content.isascii():
            continue
        table, report = converted(tmp_path, content)
        told = [notice for notice in report.warnings if notice.code == "ENCODING_UNCERTAIN"]
        found = table.column("NAME1")[0].as_py()
        assert found == word or told, (word, found, decision(report))
        if told:
            assert decision(report).value in told[0].message
            assert f"--encoding {decision(report).runner_up}" in told[0].message


def test_a_sign_of_a_maker_does_not_hide_a_double_byte_code_page_and_is_told_with_its_place(tmp_path):
    content = export(WORDS["Traditional Chinese"][0].split(), 200).encode("cp950") + b"9;\xfa\x40;9,50;31.10.2026\r\n"
    with pytest.raises(UndecidedEncoding, match="cp950") as failed:
        converted(tmp_path, content)
    assert f"{content.index(bytes([0xFA, 0x40])):,}" in str(failed.value)


@pytest.mark.parametrize("made", ["n;name\r\n1;東\r\n", '{"n":1,"name":"東"}\n'])
@pytest.mark.parametrize(("encoding", "torn"), [("utf-16-le", b"x"), ("gb18030", b"\x90\x30"), ("cp932", b"\x93")])
@pytest.mark.parametrize("size", [1 << 14, (1 << 14) - 1, 100])
def test_a_character_that_the_end_of_the_file_tears_is_told_with_its_place(
    tmp_path, monkeypatch, made, encoding, torn, size
):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1 << 14)
    text = made.encode(encoding)
    size -= size % len(" ".encode(encoding))
    blank = " ".encode(encoding) * size
    content = (text + blank)[:size]
    with pytest.raises(UndecidedEncoding, match=f" {size:,} ") as failed:
        converted(tmp_path, content + torn, encoding=encoding)
    assert failed.value.code == "ENCODING_ERROR"


def test_one_byte_of_another_encoding_does_not_turn_all_words_into_wrong_ones(tmp_path):
    content = export(WORDS["German"][0].split(), 30).encode("utf-8")
    with pytest.raises(UndecidedEncoding, match="utf-8") as failed:
        converted(tmp_path, content + "31;Größe;9,50;31.10.2026\r\n".encode("cp1252"))
    assert f"{len(content) + 5:,}" in str(failed.value)


def test_the_option_decides_where_two_encodings_read_well(tmp_path):
    content = "KUNNR;NAME1\r\n0001;Señor\r\n".encode("cp1252")
    table, report = converted(tmp_path, content)
    assert table.column("NAME1").to_pylist() == ["Señor"]
    assert any("“Señor”" in notice.message and "“Seńor”" in notice.message for notice in report.warnings)
    table, report = converted(tmp_path, content, encoding="cp1250")
    assert table.column("NAME1").to_pylist() == ["Seńor"]
    assert decision(report).by == "given"
    assert not report.warnings


def test_the_first_letter_beyond_ascii_may_stand_far_behind_the_sample(tmp_path):
    lines = [f"{n:07d};Plain name {n};12,50" for n in range(60_000)]
    lines[31_000] = "0031000;Größe Müller;12,50"
    table, report = converted(tmp_path, ("ID;NAME;SUM\n" + "\n".join(lines) + "\n").encode("cp1252"))
    assert table.column("NAME")[31_000].as_py() == "Größe Müller"
    assert decision(report).value == "cp1252"


def test_utf16_without_a_mark_is_known_by_its_zeros(tmp_path):
    text = export(WORDS["Russian"][0].split(), 3)
    for codec in ("utf-16-le", "utf-16-be"):
        table, report = converted(tmp_path, text.encode(codec))
        assert table.num_rows == 3
        assert decision(report).value == codec


def test_ebcdic_with_next_line_signs_is_read(tmp_path):
    text = "KUNNR;NAME1;BETRAG\n0000001;SMITH;1.50\n0000002;JONES;2.50\n"
    content = text.encode("cp037").replace(b"\x25", b"\x15")
    table, report = converted(tmp_path, content)
    assert table.column("NAME1").to_pylist() == ["SMITH", "JONES"]
    assert decision(report).value == "cp037"


def test_iso_2022_jp_is_known_by_its_escapes(tmp_path):
    text = export(WORDS["Japanese"][0].split(), 5)
    table, report = converted(tmp_path, text.encode("iso2022_jp"))
    assert table.column("NAME1").to_pylist() == [line.split(";")[1] for line in text.split("\r\n")[1:-1]]
    assert decision(report).value == "iso2022_jp"


def test_bytes_that_the_text_does_not_give_back_are_told_with_their_line(tmp_path):
    content = "KUNNR;NAME1\r\n0001;東京\r\n0002;".encode("cp932") + b"\x87\x90\r\n"  # NEC's copy of the sign ≒
    table, report = converted(tmp_path, content, encoding="cp932")
    assert table.column("NAME1").to_pylist() == ["東京", "≒"]
    told = next(notice for notice in report.warnings if notice.code == "NOT_REVERSIBLE")
    assert told.lines == (3,)


@pytest.mark.parametrize("codec", ["cp932", "cp950", "iso2022_jp", "utf-16-le", "cp1252", "gb18030"])
def test_text_that_gives_its_bytes_back_is_not_complained_of(codec):
    text = "a;日本\n" * 50 if codec not in {"cp1252", "cp950"} else "a;b\n" * 50
    data = text.encode(codec)
    decoder = TextDecoder(codec)
    got = "".join(decoder.decode(data[at : at + 7]) for at in range(0, len(data), 7)) + decoder.decode(b"", final=True)
    assert got == text
    assert decoder.changed_line is None


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13"])
def test_a_name_that_is_no_text_encoding_is_refused(name, tmp_path):
    with pytest.raises(UndecidedEncoding, match="no encoding"):
        converted(tmp_path, b"a;b\n1;2\n", encoding=name)


def test_a_wrong_option_says_where_it_fails(tmp_path):
    with pytest.raises(ConversionError, match="position 13"):
        converted(tmp_path, "KUNNR;NAME\n1;ü\n".encode("cp1252"), encoding="utf-8")


# ---- control signs ----


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"a|b|c\nval1|val\x002|val3\n", [("val1", "val\x002", "val3")]),
        (b"abc,def\nab\x00c,def\n", [("ab\x00c", "def")]),
        (b'1,abc,"\\b:\b \\t:\t \\v:\v"\n', [(1, "abc", "\\b:\b \\t:\t \\v:\v")]),
    ],
    ids=["a NUL", "a NUL that looks like UTF-16", "backspace and vertical tab"],
)
def test_a_stray_control_sign_belongs_to_its_cell(tmp_path, content, cells):
    (tmp_path / "a.csv").write_bytes(content)
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert decision(report).value == "utf-8"
    assert [tuple(row.values()) for row in pq.read_table(tmp_path / "out.parquet").to_pylist()] == cells


@pytest.mark.parametrize("content", [b"123\x00", b'"\\\x00', b"a\x00b"])
def test_a_few_bytes_with_a_nul_are_no_text(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UnknownFormat):
        convert(tmp_path / "a.json", tmp_path / "out.parquet")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_still_told(tmp_path, codec):
    (tmp_path / "a.csv").write_bytes("名前;金額\n山田商店;1,50\n佐藤;2,75\n".encode(codec))
    assert decision(convert(tmp_path / "a.csv", tmp_path / "out.parquet")).value == codec


# ---- signs between digits ----


@pytest.mark.parametrize(("sign", "codec"), [("\xa0", "cp1252"), ("\xa0", "cp1251"), ("’", "cp1252")])
def test_a_sign_that_groups_digits_is_no_letter_of_another_code_page(tmp_path, sign, codec):
    """French amounts outnumber French words; each of them would be a likely word of a Cyrillic DOS page."""
    name = "Сумма" if codec == "cp1251" else "Désignation"
    rows = "".join(f"{name} {n % 7};{n % 900 + 1}{sign}{n * 37 % 1000:03d},50\r\n" for n in range(400))
    (tmp_path / "a.csv").write_bytes(f"{name};Montant\r\n{rows}".encode(codec))
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert decision(report).value == codec
    assert report.columns[0].name == name


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["première;où\n1;2\n", "名前;金額\n山田商店;1,50\n佐藤;2,75\n", "a,b\n"])
def test_utf32_without_a_mark_is_told(tmp_path, codec, text):
    (tmp_path / "a.csv").write_bytes(text.encode(codec))

    assert decision(convert(tmp_path / "a.csv", tmp_path / "out.parquet")).value == codec


@pytest.mark.parametrize(
    "words",
    [
        "première,deuxième,troisième",
        "Désignation;Règlement;Référence\nsystème;problème;matière",
        "même;extrême;succès",
        "informações;operação;condições",
    ],
)
def test_french_and_portuguese_are_not_taken_for_letters_of_central_europe(tmp_path, words):
    (tmp_path / "a.csv").write_bytes((words + "\n").encode("cp1252"))

    assert decision(convert(tmp_path / "a.csv", tmp_path / "out.parquet")).value == "cp1252"
