"""Classes of named values: what data classes promise, without their code."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys

import pytest

from ingestion.slotted import field, named, replace, slotted


@slotted(frozen=True)
class Point:
    """Two numbers, the second of which may be left out."""

    x: int
    y: int = 2


@slotted(kw_only=True)
class Basket:
    """A list of its own for each."""

    name: str
    things: list[object] = field(default_factory=list)


@slotted(frozen=True, kw_only=True)
class Even:
    """A number that is checked."""

    n: int

    def __post_init__(self) -> None:
        """Refuse what is odd."""
        if self.n % 2:
            raise ValueError(self.n)


def test_fields_are_given_by_place_or_name_and_equal_values_are_equal():
    assert Point(1) == Point(x=1, y=2) != Point(1, 3)
    assert {Point(1): "a"}[Point(1, 2)] == "a"
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert named(Point(1)) == {"x": 1, "y": 2}
    assert Point(1) != (1, 2)


@pytest.mark.parametrize("wrong", [{}, {"y": 1}, {"x": 1, "z": 1}])
def test_fields_that_lack_or_that_there_are_not_are_refused(wrong):
    with pytest.raises(TypeError, match="Point"):
        Point(**wrong)


def test_arguments_too_many_twice_or_by_place_where_names_are_asked_for_are_refused():
    for call in (lambda: Point(1, 2, 3), lambda: Point(1, x=1), lambda: Basket("a")):
        with pytest.raises(TypeError):
            call()


def test_what_has_defaults_for_all_fields_may_be_made_of_nothing():
    @slotted(kw_only=True)
    class Count:
        read: int = 0
        skipped: dict[str, int] = field(default_factory=dict)

    assert (Count().read, Count().skipped) == (0, {})


def test_frozen_values_do_not_change_and_others_do():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Point(1).x
    basket = Basket(name="a")
    basket.name = "b"
    assert basket.name == "b"
    with pytest.raises(TypeError, match="unhashable"):
        hash(basket)
    with pytest.raises(AttributeError):
        basket.weight = 1


def test_each_value_gets_a_default_of_its_own():
    one, two = Basket(name="a"), Basket(name="a")
    one.things.append(1)
    assert two.things == []


def test_what_is_checked_at_the_beginning_is_checked_in_a_copy_too():
    assert replace(Even(n=2), n=4) == Even(n=4)
    with pytest.raises(ValueError, match="3"):
        replace(Even(n=2), n=3)


def test_copies_and_pickles_are_equal():
    assert copy.copy(Point(1)) == copy.deepcopy(Point(1)) == pickle.loads(pickle.dumps(Point(1))) == Point(1)
    basket = Basket(name="a", things=[Point(1)])
    assert copy.deepcopy(basket) == basket


def test_the_functions_of_dataclasses_take_them_for_their_own():
    assert dataclasses.is_dataclass(Point)
    assert [one.name for one in dataclasses.fields(Basket)] == ["name", "things"]
    assert dataclasses.asdict(Basket(name="a", things=[Point(1)])) == {"name": "a", "things": [{"x": 1, "y": 2}]}
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)


def test_the_conversion_starts_without_the_code_of_data_classes():
    program = "import sys, ingestion.conversion; sys.exit('dataclasses' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
