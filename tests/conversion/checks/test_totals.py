"""Control totals: what they are given as, what they catch, and that nothing is published where they do not hold."""

import gzip
import hashlib
import io
import itertools
import json
import random
import tarfile
import zipfile
from decimal import Decimal

import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.errors import RuleColumnMissing, RuleInvalid, TotalsMismatch
from ingestion.conversion.checks.plan import Checks
from ingestion.errors import DataBridgeError

ROWS = [[f"{n:05d}", f"{n * 7 % 1000 / 4:.2f}", ("EUR", "USD")[n % 2], f"text {n}"] for n in range(60)]
HEAD = "id,amount,currency,note\n"
SUM = str(sum(Decimal(row[1]) for row in ROWS))


def text_of(rows):
    return HEAD + "".join(",".join(row) + "\n" for row in rows)


def load(tmp_path, body, totals, name="a.csv", **options):
    path, out = tmp_path / name, tmp_path / "out.parquet"
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    out.unlink(missing_ok=True)
    return convert(path, out, options=Options(**options), checks=Checks.of({}, totals=totals))


def refused(tmp_path, body, totals, **more):
    with pytest.raises(DataBridgeError) as caught:
        load(tmp_path, body, totals, **more)
    assert not (tmp_path / "out.parquet").exists()
    return caught.value


def damages(rows):
    """Every row dropped, doubled, cut off at each place that matters, and changed for the next one, and one cell of it."""
    for at in range(len(rows)):
        yield "drop", rows[:at] + rows[at + 1 :]
        yield "double", [*rows[: at + 1], rows[at], *rows[at + 1 :]]
        for cells in (1, 2, 3):
            yield "truncate", [*rows[:at], rows[at][:cells], *rows[at + 1 :]]
        yield "truncate", [*rows[:at], [*rows[at][:3], rows[at][3][:-1]], *rows[at + 1 :]]
        yield "end", rows[:at]
        other = (at + 1) % len(rows)
        swapped = list(rows)
        swapped[at], swapped[other] = swapped[other], swapped[at]
        yield "swap", swapped
        cells = [list(row) for row in rows]
        cells[at][3], cells[other][3] = cells[other][3], cells[at][3]
        yield "swap cells", cells


def test_with_a_hash_every_damage_to_any_row_is_caught(tmp_path):
    whole = text_of(ROWS)
    totals = {"rows": len(ROWS), "sums": {"amount": SUM}, "sha256": hashlib.sha256(whole.encode()).hexdigest()}
    assert load(tmp_path, whole, totals).rows.loaded == len(ROWS)
    codes = {refused(tmp_path, text_of(rows), totals).code for _, rows in damages(ROWS)}
    assert codes == {"CONTROL_TOTALS_MISMATCH"}


def test_numbers_alone_catch_what_changes_them_and_say_that_they_are_not_all(tmp_path):
    totals = {"rows": len(ROWS), "sums": {"amount": SUM}}
    report = load(tmp_path, text_of(ROWS), totals)
    assert [notice.code for notice in report.warnings] == ["TOTALS_IN_PART"]
    rest = [kind for kind, rows in damages(ROWS) if not _is_caught(tmp_path, rows, totals)]
    assert set(rest) <= {"swap", "swap cells", "truncate"}
    changed = [["x", "0.01", "EUR", "y"] if n == 7 else row for n, row in enumerate(ROWS)]
    assert 'The sum of "amount" is' in str(refused(tmp_path, text_of(changed), totals))


def _is_caught(tmp_path, rows, totals):
    try:
        load(tmp_path, text_of(rows), totals)
    except TotalsMismatch:
        return True
    return False


def test_a_json_file_and_an_archive_are_held_against_their_hash_too(tmp_path):
    body = json.dumps([{"id": row[0], "amount": float(row[1])} for row in ROWS])
    totals = {"rows": len(ROWS), "sums": {"amount": SUM}, "sha256": hashlib.sha256(body.encode()).hexdigest()}
    assert load(tmp_path, body, totals, name="a.json").rows.loaded == len(ROWS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", body)
    assert load(tmp_path, (tmp_path / "a.zip").read_bytes(), totals, name="b.zip").rows.loaded == len(ROWS)
    assert "SHA-256" in str(refused(tmp_path, body.replace("00007", "00008"), totals, name="a.json"))


TRAILERS = [
    (f"T;{len(ROWS)};{SUM}", True),
    (f"{len(ROWS)}\t{SUM}", True),
    (f"END,{len(ROWS)}", {"rows": 2}),
    (f"T,{len(ROWS)},x,{SUM}", {"rows": 2, "sums": {"amount": 4}}),
]


@pytest.mark.parametrize(("line", "told"), TRAILERS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n", "\x1a"])
def test_a_trailer_tells_totals_and_is_no_row(tmp_path, line, told, end):
    report = load(tmp_path, text_of(ROWS) + line + end, {"trailer": told})
    assert (report.rows.loaded, report.rows.skipped) == (len(ROWS), {})
    shorter = text_of(ROWS[:-1]) + line + end
    assert "59 rows, the control totals say 60" in str(refused(tmp_path, shorter, {"trailer": told}))


def test_a_trailer_in_utf_16_and_one_with_the_hash_of_all_before_it(tmp_path):
    body = text_of(ROWS).encode("utf-16") + f"T;{len(ROWS)}\r\n".encode("utf-16-le")
    assert load(tmp_path, body, {"trailer": True}).rows.loaded == len(ROWS)
    digest = hashlib.sha256(text_of(ROWS).encode()).hexdigest()
    swapped = [ROWS[1], ROWS[0], *ROWS[2:]]
    line = f"T;{len(ROWS)};{digest}\n"
    assert load(tmp_path, text_of(ROWS) + line, {"trailer": True}).rows.loaded == len(ROWS)
    assert "SHA-256" in str(refused(tmp_path, text_of(swapped) + line, {"trailer": True}))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:3]])
def test_a_missing_trailer_stops_the_load(tmp_path, rows):
    assert refused(tmp_path, text_of(rows), {"trailer": {"rows": 2}}).code == "CONTROL_TOTALS_MISMATCH"


def test_a_number_of_the_trailer_that_is_no_sum_stops_the_load(tmp_path):
    error = refused(tmp_path, text_of(ROWS) + f"T;{len(ROWS)};1.23\n", {"trailer": True})
    assert "No column has the sum 1.23" in str(error)


SIDE_FILES = [
    json.dumps({"rows": len(ROWS), "sums": {"amount": SUM}}),
    f"rows={len(ROWS)}\namount={SUM}\n",
    f"count;{len(ROWS)}\r\nsum(amount);{SUM}\r\n",
    f"{hashlib.sha256(text_of(ROWS).encode()).hexdigest()}  orders.csv\n",
]


@pytest.mark.parametrize("text", SIDE_FILES)
def test_a_file_beside_the_data_tells_totals(tmp_path, text):
    assert load(tmp_path, text_of(ROWS), text).rows.loaded == len(ROWS)
    assert refused(tmp_path, text_of(ROWS[:-1]), text).code == "CONTROL_TOTALS_MISMATCH"


def test_rows_set_aside_count_and_their_amounts_too(tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "out.parquet"
    path.write_text(text_of(ROWS))
    rules = [{"kind": "in_list", "column": "currency", "values": ["EUR"]}]
    checks = Checks.of({"rules": rules}, totals={"rows": len(ROWS), "sums": {"amount": SUM}})
    assert convert(path, out, checks=checks).rows.rejected == 30


WRONG = [5, {}, {"rows": -1}, {"sums": {"a": "x"}}, {"sha256": "abc"}, {"trailer": 3}, {"more": 1}, "what is this"]


@pytest.mark.parametrize("told", WRONG)
def test_totals_that_cannot_be_meant_are_refused(told):
    with pytest.raises(RuleInvalid):
        Checks.of({}, totals=told)


def test_a_sum_of_a_column_that_is_not_there_or_is_no_number_stops_the_load(tmp_path):
    with pytest.raises(RuleColumnMissing):
        load(tmp_path, text_of(ROWS), {"sums": {"total": 1}})
    assert "is no plain number" in str(refused(tmp_path, text_of(ROWS), {"sums": {"note": 1}}))


def test_sums_are_exact_where_floats_would_not_be(tmp_path):
    draw = random.Random(3)
    numbers = [f"{draw.randrange(10**15)}.{draw.randrange(100):02d}" for _ in range(500)]
    body = "a,b\n" + "".join(f"{one},{9 * 10**18}\n" for one in numbers)
    total = sum(map(Decimal, numbers))
    sums = {"a": str(total), "b": str(500 * 9 * 10**18)}
    assert load(tmp_path, body, {"sums": sums}).rows.loaded == 500
    for off in itertools.islice(("0.01", "-0.01"), 2):
        assert refused(tmp_path, body, {"sums": {"a": str(total + Decimal(off))}})


def packed(data, **beside):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("out/orders.csv", data)
        for name, text in beside.items():
            archive.writestr(f"out/{name}", text)
    return body.getvalue()


DIGEST = hashlib.sha256(text_of(ROWS).encode()).hexdigest()
BESIDE = [
    {"orders.totals.json": json.dumps({"rows": len(ROWS), "sums": {"amount": SUM}})},
    {"orders.csv.sha256": f"{DIGEST}  orders.csv\n"},
    {"orders.sha256": f"{'0' * 64}  others.csv\n{DIGEST}  ./orders.csv\n"},
    {"orders.sha256": f"{DIGEST}  orders.csv\n{'0' * 64}  reorders.csv\n{'1' * 64} *old/orders.csv\n"},
    {"orders.csv.sha256": f"SHA256 (orders.csv) = {DIGEST}\n"},
    {"orders.csv.sha256": f"# by openssl\nSHA2-256(orders.csv)= {DIGEST.upper()}\n"},
    {"ORDERS.CTL": f"rows={len(ROWS)}\namount;{SUM}\n"},
    {"orders.totals": f"rows={len(ROWS)}", "orders.csv.sha256": DIGEST},
]


@pytest.mark.parametrize("beside", BESIDE, ids=[f"{at} {' and '.join(files)}" for at, files in enumerate(BESIDE)])
def test_totals_beside_the_data_in_its_archive_are_held_against_it(tmp_path, beside):
    report = load(tmp_path, packed(text_of(ROWS), **beside), None, name="a.zip")
    assert report.rows.loaded == len(ROWS)
    told = [one.message for one in report.warnings if one.code == "TOTALS_BESIDE"]
    assert len(told) == len(beside)
    assert "MEMBERS_LEFT_OUT" not in {one.code for one in report.warnings}
    for damaged in (ROWS[:-1], [*ROWS, ROWS[-1]]):
        error = refused(tmp_path, packed(text_of(damaged), **beside), None, name="a.zip")
        assert isinstance(error, TotalsMismatch)


def test_other_control_files_are_left_alone_and_totals_that_cannot_be_read_stop_the_load(tmp_path):
    script = "LOAD DATA INFILE 'orders.csv' INTO TABLE orders"
    report = load(tmp_path, packed(text_of(ROWS), **{"orders.ctl": script}), None, name="a.zip")
    assert "CONTROL_FILE_NOT_READ" in {one.code for one in report.warnings}
    other = {"others.totals.json": "{}", "orders.md": "rows=1"}
    assert load(tmp_path, packed(text_of(ROWS), **other), None, name="a.zip").rows.loaded == len(ROWS)
    error = refused(tmp_path, packed(text_of(ROWS), **{"orders.totals.json": "{"}), None, name="a.zip")
    assert isinstance(error, RuleInvalid)
    assert "out/orders.totals.json" in error.what


def archive_of(members):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def sum_of(content):
    return hashlib.sha256(content).hexdigest()


SOUND = text_of(ROWS).encode()
PACKED = gzip.compress(SOUND)
INNER = archive_of({"orders.csv": SOUND})
NESTED = {
    "the packed file": ("orders.csv.gz", PACKED, "orders.csv.gz.sha256", f"{sum_of(PACKED)}  orders.csv.gz"),
    "what is packed": ("orders.csv.gz", PACKED, "orders.csv.sha256", f"{sum_of(SOUND)}  orders.csv"),
    "the inner archive": ("inner.zip", INNER, "inner.zip.sha256", sum_of(INNER)),
    "one of two listed": ("orders.csv.gz", PACKED, "orders.sha256", f"{sum_of(PACKED)} orders.csv.gz\n{'0' * 64} x.gz"),
}


@pytest.mark.parametrize(("name", "content", "beside", "told"), NESTED.values(), ids=NESTED)
def test_a_hash_of_any_layer_is_held_against_that_layer(tmp_path, name, content, beside, told):
    report = load(tmp_path, archive_of({name: content, beside: told}), None, name="a.zip")
    assert [one.code for one in report.warnings] == ["TOTALS_BESIDE"]
    wrong = told.replace(told[:64], "5" * 64)
    assert isinstance(refused(tmp_path, archive_of({name: content, beside: wrong}), None, name="a.zip"), TotalsMismatch)


def test_the_hash_of_an_archive_and_of_the_file_in_it_both_have_to_hold(tmp_path):
    for inner, outer in itertools.product((True, False), repeat=2):
        packed_in = archive_of({"orders.csv": SOUND, "orders.csv.sha256": sum_of(SOUND) if inner else "5" * 64})
        body = archive_of({"in.zip": packed_in, "in.zip.sha256": sum_of(packed_in) if outer else "5" * 64})
        if inner and outer:
            assert load(tmp_path, body, None, name="a.zip").rows.loaded == len(ROWS)
        else:
            assert isinstance(refused(tmp_path, body, None, name="a.zip"), TotalsMismatch)


@pytest.mark.parametrize("right", [True, False])
def test_members_of_a_tar_whose_names_begin_with_a_dot_are_found(tmp_path, right):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, content in (
            ("./orders.csv", SOUND),
            ("./orders.csv.sha256", (DIGEST if right else "5" * 64).encode()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    if right:
        assert [one.code for one in load(tmp_path, body.getvalue(), None, name="a.tar").warnings] == ["TOTALS_BESIDE"]
    else:
        assert isinstance(refused(tmp_path, body.getvalue(), None, name="a.tar"), TotalsMismatch)


def test_other_numbers_of_a_control_file_are_told_of_and_not_compared(tmp_path):
    told = f"DATE=20261031\nnote=12\nrows={len(ROWS)}\n"
    report = load(tmp_path, packed(text_of(ROWS), **{"orders.ctl": told}), None, name="a.zip")
    left_out = [one.message for one in report.warnings if one.code == "CONTROL_FILE_NOT_READ"]
    assert [name in message for name, message in zip(("DATE", "note"), left_out, strict=True)] == [True, True]
    damaged = packed(text_of(ROWS[1:]), **{"orders.ctl": told})
    assert isinstance(refused(tmp_path, damaged, None, name="a.zip"), TotalsMismatch)


def test_totals_beside_hold_without_being_asked_for_and_are_told_of_where_the_caller_gives_others(tmp_path):
    body = packed(text_of(ROWS), **{"orders.csv.sha256": "5" * 64})
    (tmp_path / "a.zip").write_bytes(body)
    with pytest.raises(TotalsMismatch):
        convert(tmp_path / "a.zip", tmp_path / "out.parquet")
    report = load(tmp_path, body, {"rows": len(ROWS)}, name="a.zip")
    assert "not held against" in next(one.message for one in report.warnings if one.code == "TOTALS_BESIDE")


def test_two_files_beside_that_tell_different_totals_stop_the_load(tmp_path):
    body = packed(text_of(ROWS), **{"orders.totals": "rows=1", "orders.ctl": f"rows={len(ROWS)}"})
    assert isinstance(refused(tmp_path, body, None, name="a.zip"), RuleInvalid)


def test_hashes_of_other_files_alone_are_left_out(tmp_path):
    body = packed(text_of(ROWS), **{"orders.sha256": f"{'0' * 64}  a.csv\n{'1' * 64}  b.csv\n"})
    assert "CONTROL_FILE_NOT_READ" in {one.code for one in load(tmp_path, body, None, name="a.zip").warnings}
