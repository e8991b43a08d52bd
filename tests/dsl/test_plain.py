"""Plain classes behave like frozen, slotted dataclasses."""

import copy
import pickle

import pytest

from harness.dsl.plain import build, changed, contents, field, mutable, names, plain


@plain
class Point:
    """A point."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        """Both."""
        return self.x + self.y


@mutable
class Bag:
    """Things."""

    things: list[int] = field(default_factory=list)
    one: int = 0


@plain
class Other:
    """As `Point`, and none."""

    x: int
    y: int


def test_plain_values_compare_by_fields() -> None:
    point = Point(1)
    assert (point.x, point.y, point.sum, names(Point), contents(point)) == (1, 2, 3, ("x", "y"), {"x": 1, "y": 2})
    assert point == Point(x=1, y=2)
    assert point != Point(2)
    assert point != Other(1, 2)
    assert hash(point) == hash(Point(1, 2))
    assert repr(point) == "Point(x=1, y=2)"
    assert changed(point, y=5) == Point(1, 5) == build(Point, [1, 5])
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point
    match point:
        case Point(x, y=2):
            assert x == 1
        case _:
            pytest.fail("it matches")


def test_plain_values_cannot_change() -> None:
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: delattr(point, "x"), lambda: setattr(point, "z", 2)):
        with pytest.raises(AttributeError):
            change()
    assert point == Point(1)


def test_mutable_values_do_not_share_defaults() -> None:
    one, other = Bag(), Bag()
    one.things.append(1)
    one.one = 3
    assert (one, other) == (Bag([1], 3), Bag())
    with pytest.raises(TypeError):
        hash(one)
    with pytest.raises(AttributeError):
        one.two = 2  # type: ignore[attr-defined]


def test_wrong_calls_are_errors() -> None:
    for call in (Point, lambda: Point(1, 2, 3), lambda: Point(1, z=3), lambda: Point(1, x=1)):  # type: ignore[call-arg,misc]
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError, match="shorter"):
        build(Point, [1])
