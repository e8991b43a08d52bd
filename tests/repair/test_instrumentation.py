"""Instrumented sources, and the suspicion of lines."""

from __future__ import annotations

import math

import pytest

from harness.repair.instrumentation import instrument, ochiai

SOURCE = '''\
"""A module."""
from __future__ import annotations
import math
LIMIT = 3


def choose(n: int) -> int:
    """A docstring stays first."""
    global LIMIT
    if n > LIMIT:
        return (n -
                1)
    elif n == LIMIT:
        return choose(n + 1)
    for item in range(n):
        n += item
    else:
        n += 100
    try:
        return [n, math.pi][0]
    finally:
        LIMIT = 3
'''


def call(source: str, **arguments):
    return _load(source)(**arguments)


def _load(source: str, **options):
    traced = instrument(source, "choose", **options)
    space: dict = {}
    exec(compile(traced.source, "candidate.py", "exec", dont_inherit=True), space)
    return space[traced.entry]


def test_a_call_returns_its_answer_and_its_lines():
    assert call(SOURCE, n=5) == [["value", 4], [10, 11]]
    assert call(SOURCE, n=3) == [["value", 3], [10, 11, 13, 14]]
    assert call(SOURCE, n=2) == [["value", 103], [10, 13, 15, 16, 18, 19, 20, 22]]


def test_the_lines_of_a_call_do_not_stay_for_the_next():
    entry = _load(SOURCE)
    first = entry(n=5)
    entry(n=2)
    assert entry(n=5) == first


def test_an_exception_is_an_answer_with_lines():
    source = "def choose(n):\n    x = n\n    return x.missing\n"
    assert call(source, n=1) == [["raised", "AttributeError"], [2, 3]]


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n        n += 1",
        "while True:\n        try:\n            n += 1\n        except Exception:\n            pass",
        "return choose(n) if False else [n for _ in iter(int, 1) if helper()]",
    ],
)
def test_an_endless_loop_still_gives_its_lines(body):
    source = f"def helper():\n    return 0\n\n\ndef choose(n):\n    {body}\n"
    (kind, answer), lines = _load(source, fuel=500)(n=1)
    assert (kind, answer) == ("endless", None)
    assert 6 in lines


def test_statements_of_the_module_are_in_every_test():
    traced = instrument(SOURCE, "choose")
    assert {3, 4} <= traced.top
    assert 10 not in traced.top
    assert traced.spans[11] == 12
    assert traced.spans[10] == 10


def test_names_of_the_candidate_are_not_taken():
    source = "crucible_traced = 7\ncrucible_traced_ = 8\n\n\ndef choose(n):\n    return crucible_traced + n\n"
    assert call(source, n=1)[0] == ["value", 8]


def test_an_iterator_is_drained_before_the_lines_are_read():
    source = "def choose(n):\n    for item in range(n):\n        yield item\n"
    assert _load(source, drains=True)(n=2) == [["value", [0, 1]], [2, 3]]


@pytest.mark.parametrize("source", ["", "x = 1", "class A:\n    y = 2\n    def f(self):\n        return 1\n",
                                    "match 1:\n    case 1:\n        x = 2\n", "async def f():\n    await g()\n",
                                    "def f(): return 1\nf2 = lambda: 0; x = 3\n"])  # fmt: skip
def test_any_module_can_be_instrumented(source):
    compile(instrument(source, "choose").source, "candidate.py", "exec")


def test_suspicion_is_that_of_ochiai():
    found = ochiai([(False, frozenset({1, 2})), (True, frozenset({1, 3})), (True, frozenset({1}))])
    assert found == {1: pytest.approx(1 / math.sqrt(3)), 2: 1.0}
    assert ochiai([(True, frozenset({1}))]) == {}
    assert ochiai([]) == {}
