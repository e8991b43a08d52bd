"""Edits by source span: exact, one node at a time, and inside what may be edited."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.toolgen.proposals.edit import SourceText
from harness.lanes.toolgen.proposals.operators import OPERATORS, edits

ROOT = Path(__file__).resolve().parents[4]
CANDIDATES = [
    sorted(folder.glob("*.py"))[0] for folder in sorted(ROOT.glob("candidates/*")) if any(folder.glob("*.py"))
]
SAMPLE = '''\
"""A module."""
import re  # kept

LIMIT = 3


def first(items: list[int], limit: int = 3) -> list[int]:
    """Its docstring < stays."""
    # a comment with < and +
    found = []
    total = 0
    for index in range(len(items)):  # a loop
        if items[index] < limit and not (  # < not here
            index  >=  LIMIT
        ):
            found.append(items[index])
            continue
        total += -items[index] * 2
    for item in items:
        total = max(total, item)
    found = found[1:limit] if total else found
    return found
'''


def results(source: str, operator: str) -> list[str]:
    return [edit.apply(source) for edit in edits(source) if edit.operator == operator]


@pytest.mark.parametrize("path", CANDIDATES, ids=lambda path: path.stem)
def test_every_edit_parses_and_differs(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    made = list(edits(source))
    assert len(made) > 200
    for edit in made[:: max(1, len(made) // 60)]:
        edited = edit.apply(source)
        assert edited != source
        ast.parse(edited)


def test_every_operator_of_the_registry_is_used() -> None:
    assert {edit.operator for edit in edits(SAMPLE)} == set(OPERATORS)


@pytest.mark.parametrize(
    ("operator", "old", "new"),
    [
        ("loop", "if n > 1:", "while n > 1:"),
        ("loop", "while i < n:", "if i < n:"),
        ("loop", "in rows:", "in sorted(rows):"),
        ("argument", "(i, n)", "(n, i)"),
        ("argument", "rows.copy(n)", "rows.copy()"),
        ("argument", "[(9, 'IX'), (5, 'V')]", "[(5, 'V'), (9, 'IX')]"),
        ("constant", '"-".join', '"_".join'),
        ("call", "(i, n)", "(int(i), n)"),
        ("operand", "[[0] * n] * n", "[[0] * n for _ in range(n)]"),
        ("operand", "rows + [n] + table", "table + [n] + rows"),
        ("operand", "best = 0", "best = rows[0]"),
        ("slice", "rows[n:]", "rows[-n:]"),
        ("slice", "rows[n]", "rows[n - i]"),
        ("part", "len(rows)", "len(rows[0])"),
        ("part", "enumerate(rows)", "enumerate(rows[::-1])"),
        ("bound", "table[0] = n", "table[0] = max(table[0], n)"),
        ("bound", "best = rows[n]", "best = best + rows[n]"),
        ("insert", "    f(rows, n)", "    return f(rows, n)"),
        ("insert", "    f(rows, n)", "    table.extend(f(rows, n))"),
        ("insert", "        best = rows[n]\n", "        best = rows[n]\n        i += 1\n"),
        ("insert", "        best = rows[n]\n", "        best = rows[n]\n        n //= 2\n"),
        ("insert", "        best = rows[n]\n", "        best = rows[n]\n        n = best\n"),
    ],
)
def test_what_was_left_out_is_put_back(operator, old, new):
    source = """\
def f(rows, n):
    best = 0
    i = 0
    table = [[0] * n] * n
    table.append((i, n))
    pairs = [(9, 'IX'), (5, 'V')]
    while i < n:
        best = rows[n]
    for row in rows:
        f(rows, n)
    if n > 1:
        table[0] = n
    rows.copy(n)
    "-".join(rows)
    rows = rows + [n] + table
    return len(rows), enumerate(rows), rows[n:]
"""
    assert source.count(old) == 1
    assert source.replace(old, new) in results(source, operator)


def test_a_function_that_ends_without_a_return_gets_one():
    assert "def f(a):\n    b = a\n    return b\n" in results("def f(a):\n    b = a\n", "insert")


def test_two_indices_change_places():
    source = "def first(rows, i, j):\n    return rows[i][j] + rows[0][1:] + rows[i][i]\n"
    made = {edit.apply(source).splitlines()[1] for edit in edits(source) if edit.operator == "slice"}
    assert [line for line in made if "rows[j][i]" in line] == ["    return rows[j][i] + rows[0][1:] + rows[i][i]"]
    assert not [line for line in made if "rows[1:][0]" in line]


@pytest.mark.parametrize(
    ("operator", "old", "new"),
    [
        ("comparison", "items[index] < limit", "items[index] <= limit"),
        ("comparison", "index  >=  LIMIT", "index  ==  LIMIT"),
        ("arithmetic", "total += -items", "total -= -items"),
        ("arithmetic", "-items[index] * 2", "items[index] * 2"),
        ("constant", "total = 0", "total = 1"),
        ("constant", "limit: int = 3", "limit: int = 4"),
        ("boolean", "limit and not", "limit or not"),
        ("negation", "if total else", "if not (total) else"),
        ("variable", "item)", "limit)"),
        ("argument", "max(total, item)", "max(item, total)"),
        ("argument", "max(total, item)", "max(total)"),
        ("slice", "found[1:limit]", "found[1:limit - 1]"),
        ("slice", "items[index] <", "items[index + 1] <"),
        ("call", "found.append", "found.extend"),
        ("call", "max(total", "min(total"),
        ("loop", "range(len(items))", "range(1, len(items))"),
        ("loop", "in items:", "in items[1:]:"),
        ("branch", "continue", "break"),
        ("return", "return found", "return total"),
        ("delete", "            found.append(items[index])\n", ""),
        ("delete", "        total = max(total, item)\n", "        pass\n"),
        ("duplicate", "    total = 0\n", "    total = 0\n    total = 0\n"),
        ("exchange", "    found = []\n    total = 0\n", "    total = 0\n    found = []\n"),
        ("move", "        total += -items[index] * 2\n", "    total += -items[index] * 2\n"),
        ("move", "    return found\n", None),
        ("term", "max(total, item)", "max(total, item + 1)"),
        ("term", "max(total, item)", "max(total, item) - index"),
        ("operand", "-items[index] * 2", "(2)"),
        ("operand", "total = 0", "total = limit"),
        ("operand", "found = []", "found = [[]]"),
        ("bound", "total = max(total, item)", "total = min(total, max(total, item))"),
        ("guard", "if total else", "if (total) or not limit else"),
        ("part", "in items:", "in items[limit:]:"),
        ("part", "return found", "return found[1:]"),
        ("insert", "    return found\n", "    found.append(total)\n    return found\n"),
    ],
)
def test_one_edit_replaces_exactly_one_span(operator: str, old: str, new: str | None) -> None:
    found = results(SAMPLE, operator)
    if new is None:
        assert found  # the operator has edits; this one is none of them
        assert SAMPLE.replace(old, "        return found\n") not in found
    else:
        assert SAMPLE.replace(old, new, 1) in found


def test_comments_docstrings_annotations_and_imports_stay() -> None:
    for edit in edits(SAMPLE):
        edited = edit.apply(SAMPLE)
        assert '"""A module."""\nimport re  # kept\n\nLIMIT = 3\n' in edited
        assert '"""Its docstring < stays."""\n    # a comment with < and +\n' in edited
        assert "def first(items: list[int], limit: int = " in edited


def test_an_if_gives_way_to_its_body() -> None:
    source = "def f(a):\n    if a:\n        b = 1\n        return b\n    return 2\n"
    assert "def f(a):\n    b = 1\n    return b\n    return 2\n" in results(source, "branch")


def test_a_statement_moves_into_the_block_before_it() -> None:
    source = "def f(a):\n    for x in a:\n        y = x\n    return y\n"
    assert "def f(a):\n    for x in a:\n        y = x\n        return y\n" in results(source, "move")


def test_a_typo_finds_its_name_whichever_side_it_is_on() -> None:
    read = "def f(a):\n    result = a\n    return resutl\n"
    written = "def f(a):\n    resutl = 0\n    for x in a:\n        result += x\n    return result\n"
    assert "def f(a):\n    result = a\n    return result\n" in results(read, "variable")
    assert written.replace("resutl", "result") in results(written, "variable")


def test_only_named_lines_are_edited() -> None:
    number = SAMPLE[: SAMPLE.index("total = 0")].count("\n") + 1
    found = list(edits(SAMPLE, {number}))
    assert found
    assert {edit.line for edit in found} == {number}
    assert [edit for edit in edits(SAMPLE) if edit.line == number] == found
    assert list(edits(SAMPLE, ())) == []


def test_evolve_blocks_bound_the_edits() -> None:
    marked = SAMPLE.replace("    total = 0\n", "    # EVOLVE-BLOCK-START\n    total = 0\n    # EVOLVE-BLOCK-END\n")
    line = marked[: marked.index("total = 0")].count("\n") + 1
    found = list(edits(marked))
    assert found
    assert {edit.line for edit in found} == {line}
    for edit in found:
        edited = edit.apply(marked)
        assert "# EVOLVE-BLOCK-START" in edited
        assert edited.replace(edited[edited.index("# EVOLVE-BLOCK-START") : edited.index("-BLOCK-END")], "") == (
            marked.replace(marked[marked.index("# EVOLVE-BLOCK-START") : marked.index("-BLOCK-END")], "")
        )
    assert list(edits(f"# EVOLVE-BLOCK-END\n{SAMPLE}")) == []
    assert list(edits(f"# EVOLVE-BLOCK-START\n{SAMPLE}")), "a block without an end goes to the end of the file"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_offsets_hold_with_any_newline_and_any_alphabet(newline: str) -> None:
    source = newline.join(["def f(a):", '    b = "é€" + "ü"; c = a < 1', "    return a - b"])
    assert source.replace("a < 1", "a <= 1") in results(source, "comparison")
    assert source.replace("a - b", "a + b") in results(source, "arithmetic")


@given(st.text(max_size=30), st.text(max_size=6))
def test_a_span_is_what_ast_says_it_is(content: str, pad: str) -> None:
    source = f"def f(a):\n    b = {content!r} + {pad!r}; return a < b\n"
    text = SourceText(source)
    for node in text.nodes:
        if isinstance(node, ast.Constant | ast.Name | ast.Compare):
            assert text.code(node) == ast.get_source_segment(source, node)


@pytest.mark.parametrize("source", ["def f(:\n", "x = '\0'"])
def test_what_is_not_python_raises(source: str) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        edits(source)


def test_expressions_in_an_f_string_are_edited_where_their_positions_are_known():
    source = 'def shown(first, back):\n    return f"é{first}[{first - back:>3}]" f"{back}"\n'
    found = {edit.apply(source) for edit in edits(source)}
    assert source.replace("first - back", "first + back") in found
    assert source.replace('"{back}"', '"{first}"') in found
