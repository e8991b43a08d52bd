"""Bounded parse: what would keep the parser busy for long is refused before it is parsed."""

from __future__ import annotations

import ast

import pytest

from harness.core.bounded_parse import MAX_CHARACTERS, parse
from harness.lanes.kernel.kernel_metadata import read_kernel_file
from harness.providers.completion import code_of
from harness.repair.syntax_edits import syntax_error

FIELDS = 'f"' + "{a}" * 80_000 + '"'
LINES = "a\n" * MAX_CHARACTERS
LATE = "x = [\n" + "{'a': 1},\n" * 4_000 + "]\n" + "# x\n" * 60_000


@pytest.mark.parametrize("text", [FIELDS, LINES, LATE], ids=["fields", "lines", "late"])
def test_what_takes_long_is_refused(text: str) -> None:
    with pytest.raises(SyntaxError, match=r"at most|too many braces"):
        parse(text)


def test_what_people_write_is_parsed() -> None:
    table = "TUNED = [\n" + '    {"device": "H100", "shape": {"M": 1}},\n' * 1_000 + "]\n"
    assert isinstance(parse(table), ast.Module)
    with pytest.raises(SyntaxError):
        parse("def f(:")


def test_no_trusted_process_parses_it() -> None:
    assert "too many braces" in read_kernel_file(FIELDS).problem
    assert code_of(f"# ```\n{FIELDS}") == f"# ```\n{FIELDS}"
    assert "too many braces" in str(syntax_error(FIELDS))
