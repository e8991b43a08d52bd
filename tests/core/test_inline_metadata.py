"""The block a file carries: read as PEP 723 reads it, whatever is in it, in time that grows with its length alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.inline_metadata import MAX_LENGTH, _blocks, read_description

# The reference expression, for one type.
PEP_723 = re.compile(r"(?m)^# /// made[ \t]*$\s(?P<content>(^#(| .*)$\s)+)^# ///[ \t]*$")
LINES = ["# /// made", "# /// made ", "# ///", "# ///\t", "# /// other", "#", "# a = 1", "#a", "", " # ///", "x = 1"]


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_blocks_are_those_of_the_reference_expression(lines):
    source = "\n".join(lines)
    expected = [match["content"].rstrip("\n").split("\n") for match in PEP_723.finditer(source)]
    assert _blocks(source, "# /// made") == expected


def test_a_block_may_have_the_line_ends_of_another_system():
    assert read_description("# /// made\r\n# a = 1\r\n#\r\n# ///\r\n", "made") == ({"a": 1}, "")


def test_no_block_is_no_problem_and_another_kind_is_no_block():
    assert read_description("# /// script\n# a = 1\n# ///\n", "made") == ({}, "")


@pytest.mark.parametrize(
    "content",
    [
        f"a = 1{'0' * 5000}",  # int() refuses
        "a = 0001-01-01T00:00:00+23:59",
        "a = 2026-99-99",
        f"a = {'[' * 4000}{']' * 4000}",
        ".".join("a" * 4000) + " = 1",
        "a = ",
        "x" * (MAX_LENGTH + 1),
    ],
)
def test_nothing_in_a_block_raises(content):
    table, problem = read_description(f"# /// made\n# {content}\n# ///\n", "made")
    assert bool(table) != bool(problem)


def test_what_looks_like_many_blocks_is_read_line_by_line():
    """The reference expression needs minutes for this half megabyte."""
    flood = "# /// made\n" * 20_000 + "# a\n" * 80_000
    assert read_description(flood, "made")[1] == "0 well-formed made blocks where one is expected"
