"""Numbers, sizes, spans and moments as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion.templatetags import show
from ingestion.web.charts import HEIGHT, Point, bars


@pytest.mark.parametrize(
    ("number", "text"), [(None, "–"), (0, "0"), (999, "999"), (1234567, "1,234,567"), (-4000, "-4,000")]
)
def test_numbers_are_grouped(number, text):
    assert show.grouped(number) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (52_428_800, "52.4 MB"), (999_999, "1.0 MB"),
     (5 * 10**14, "500 TB"), (7 * 10**15, "7000 TB")],
)  # fmt: skip
def test_sizes_have_a_unit(count, text):
    assert show.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "< 0.1 s"), (0.35, "0.3 s"), (9.97, "10 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"),
     (7800, "2 h 10 min"), (400_000, "4 days")],
)  # fmt: skip
def test_spans_are_said_as_people_say_them(seconds, text):
    assert show.span(seconds) == text


@pytest.mark.parametrize(("part", "text"), [(None, "–"), (0, "0 %"), (1, "100 %"), (0.9999, "99.9 %"), (0.5, "50.0 %")])
def test_all_is_said_only_of_all(part, text):
    assert show.share(part) == text


def test_a_moment_can_be_read_without_a_script_and_by_one():
    told = show.when(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert told == '<time datetime="2026-01-02T03:04:05Z" data-when="date">2 Jan 2026, 03:04 UTC</time>'
    assert show.when(None) == "–"


def test_the_highest_bar_fills_the_chart_and_the_smallest_is_seen():
    high, low, none = bars([Point(label="a", value=1000), Point(label="b", value=1, bad=1), Point(label="c", value=0)])
    assert (high.height, high.y) == (HEIGHT, 0)
    assert low.height == low.bad_height == 2
    assert none.none


def test_a_chart_of_nothing_has_no_bars():
    assert bars([]) == []


def test_what_cannot_be_seen_is_made_visible_and_nothing_else_changes():
    assert show.plain("a\u202eb\x00\u200b\ufeff") == "a⟨U+202E⟩b⟨U+0000⟩⟨U+200B⟩⟨U+FEFF⟩"
    kept = "a\tb\nc\r\u200e\u200f\u200d🧾 שלום"
    assert show.plain(kept) == kept
    assert show.plain(3) == 3
