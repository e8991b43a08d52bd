"""Sources that do not parse."""

from __future__ import annotations

import ast

import pytest

from harness.repair.syntax_edits import MAX_VARIANTS, parsing_variants, syntax_error

SOURCE = '''\
"""A module."""


def total(items: list[int], start: int = 0) -> int:
    """The total, "as is"."""
    found = {"sum": start}
    for item in items:
        if item > (start + 1) * 2:
            found["sum"] += max(item, 0)
    return found["sum"]
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for item in items:", "for item in items"), ("if item > (start + 1) * 2:", "if item > (start + 1 * 2:"),
        ("max(item, 0)", "max(item, 0"), ('found["sum"]\n', 'found["sum]\n'), ('{"sum": start}', '{"sum": start'),
        ('"""A module."""', '"""A module.""'), ('"as is"."""', '"as is".""'), ("-> int:", "-> int"),
        ('{"sum": start}', '{"sum" start}'), ("max(item, 0)", "max(item 0)"), ("return", "retrun"),
        ("for item", "fro item"), ("    return found", "     return found"), ("max(item, 0)", "max(item, 0))"),
    ],
)  # fmt: skip
def test_one_slip_is_corrected(old, new):
    broken = SOURCE.replace(old, new, 1)
    assert syntax_error(broken) is not None
    found = [ast.dump(ast.parse(one.source)) for one in parsing_variants(broken)]
    assert ast.dump(ast.parse(SOURCE)) in found


def test_two_slips_are_corrected_one_after_the_other():
    broken = SOURCE.replace("items:", "items", 1).replace("* 2:", "* 2")
    assert any(ast.dump(ast.parse(SOURCE)) == ast.dump(ast.parse(one.source)) for one in parsing_variants(broken))


def test_code_in_prose_is_the_code_inside_the_fence():
    (found,) = parsing_variants(f"Sure, here it is:\n```python\n{SOURCE}```\nAnything else?\n")
    assert found.source == SOURCE


def test_a_source_that_parses_has_no_variants():
    assert parsing_variants(SOURCE) == []


@pytest.mark.parametrize("source", ["(" * 5000, "x = (\n" * 3000, '"""' * 3333 + "x", "a b " * 100_000, "\x00",
                                    "\ud800", "é = 'ü\n" * 50, "if x\n" * 500])  # fmt: skip
def test_hopeless_sources_end(source):
    assert len(parsing_variants(source)) <= MAX_VARIANTS
