"""Small bar charts as numbers for an SVG; the template draws them, so that no inline style is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 240, 48
_SMALLEST = 2.0  # something is seen of everything that is not nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bar's meaning: when, how much, how much of it is bad, and the words for it."""

    label: str
    value: float
    bad: float = 0
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar's place, in the SVG's own units, from the left and from above."""

    x: float
    width: float
    y: float
    height: float
    bad_y: float
    bad_height: float
    words: str
    none: bool


def bars(points: Sequence[Point]) -> list[Bar]:
    """Lay bars out side by side; the highest one fills the chart."""
    if not points:
        return []
    step = WIDTH / len(points)
    most = max(point.value for point in points)
    return [_bar(point, number * step, step, most) for number, point in enumerate(points)]


def _bar(point: Point, x: float, step: float, most: float) -> Bar:
    height = _height(point.value, most)
    bad = min(_height(point.bad, most), height)
    return Bar(
        x=round(x + step * 0.1, 2),
        width=round(step * 0.8, 2),
        y=round(HEIGHT - (height or 1), 2),
        height=round(height or 1, 2),
        bad_y=round(HEIGHT - bad, 2),
        bad_height=round(bad, 2),
        words=f"{point.label}: {point.words}",
        none=not height,
    )


def _height(value: float, most: float) -> float:
    return max(_SMALLEST, value / most * HEIGHT) if value > 0 and most > 0 else 0.0
