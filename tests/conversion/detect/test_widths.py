"""Cuts that are passed over: they could be neither the best nor the next best."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ingestion.conversion.detect import cuts, widths

SAMPLES = sorted(
    path for path in Path("samples").rglob("*") if path.suffix in {".csv", ".txt", ".tsv", ".dat"} and path.is_file()
)
SIGNS = [";", ",", "\t", "|", ":", " ", "#", "*", "~", "||"]
CELLS = [
    "",
    " ",
    "1",
    "-2,50",
    "a b",
    '"a;b"',
    "'c,d'",
    'x"y',
    "it's",
    "10:30",
    "#x",
    '"p""q"',
    '" r',
    "---",
    '"a\nb"',
    "\\",
]


def told(text: str, quote: str | None) -> list[object]:
    """Return what is made of the ways to cut a text: the first, and the next of several columns."""
    found = cuts.best_cuts(text, delimiter=None, quote=quote)
    best = found[0]
    second = next((cut for cut in found if cut.dialect.delimiter != best.dialect.delimiter and cut.width > 1), None)
    return [(cut.dialect, cut.score, [row.cells for row in cut.rows]) for cut in (best, second) if cut]


def made(rng: random.Random) -> str:
    sign, width = rng.choice(SIGNS), rng.randrange(1, 5)
    lines = ["# title", "", "-----"][: rng.randrange(4)] if rng.random() < 0.3 else []
    lines += [sign.join(rng.choice(CELLS) for _ in range(width)) for _ in range(rng.randrange(1, 12))]
    return rng.choice(["\n", "\r\n", "\r"]).join(lines) + rng.choice(["", "\n"])


def assert_alike(monkeypatch: pytest.MonkeyPatch, text: str, quote: str | None) -> None:
    found = told(text, quote)
    with monkeypatch.context() as patched:
        patched.setattr(widths.Outlook, "bound", lambda *_: widths.UNKNOWN)
        assert found == told(text, quote), repr(text)


@pytest.mark.parametrize("quote", [None, "", '"', "|"])
def test_what_is_passed_over_would_not_have_been_chosen(monkeypatch, quote):
    rng = random.Random(5)
    for _ in range(1_000):
        assert_alike(monkeypatch, made(rng), quote)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_nor_in_a_sample(monkeypatch, path):
    assert_alike(monkeypatch, path.read_bytes().decode("latin-1"), None)


def test_a_bound_is_no_lower_than_the_score(monkeypatch):
    rng = random.Random(6)
    for _ in range(500):
        text = made(rng)
        outlook = widths.Outlook(text, None)
        for cut in (cuts.cut_by(text, cuts.Dialect(encoding="", delimiter=sign, quote='"')) for sign in SIGNS):
            score, width = outlook.bound(cut.dialect.delimiter or "")
            assert (score, width) == widths.UNKNOWN or (cut.score <= score and cut.width == width), repr(text)


def test_what_is_hopeless_at_the_beginning_would_not_have_been_chosen(monkeypatch):
    rng = random.Random(7)
    cells = ["", "1", "-2.50", "a b", "10:30", "#x", "word", "x, y", '"p""q"', '"a;b"', '"c d, e"', "'f'"]
    passed_over = 0
    for _ in range(100):
        sign, odd = rng.choice(SIGNS[:5]), rng.random() < 0.3
        some = [cell for cell in rng.sample(cells, 6) if sign not in cell or cell.startswith('"')]
        lines = [sign.join(rng.choice(some) for _ in range(8 + (odd and n == 50))) for n in range(60)]
        text = rng.choice(["", "some title\n\n"]) + "\n".join(lines)
        quick = cuts.best_cuts(text, delimiter=None, quote=None)
        with monkeypatch.context() as patched:
            patched.setattr(cuts, "_hopeless", lambda *_: None)
            slow = cuts.best_cuts(text, delimiter=None, quote=None)
        assert (quick[0].dialect, quick[0].score) == (slow[0].dialect, slow[0].score), repr(text)
        passed_over += any(len(one.rows) < len(other.rows) for one, other in zip(quick, slow, strict=False))
    assert passed_over


@pytest.mark.parametrize("quote", [None, "|"])
def test_a_long_run_of_blanks_is_passed_once(quote):
    text = "n;name\n1;x\n2;" + " " * 300_000
    assert widths.Outlook(f"{text}y\n", quote).bound(";") == widths.Outlook(text, quote).bound(";")
    assert widths.Outlook(f'{text}"y"\n', quote).bound(";") == widths.UNKNOWN
