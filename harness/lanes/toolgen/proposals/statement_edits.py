"""Edits of statements: deleted, duplicated, exchanged, moved out of a block or into one; other returned values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from harness.lanes.toolgen.proposals.edit import SourceText, Span

Change = tuple[Span, str]
_BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.AsyncFor)
_FIXED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)


def delete(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """The statement goes; the last one of a block becomes `pass`."""
    node = body[index]
    if isinstance(node, (ast.Pass, *_FIXED)):
        return
    lines = source.line_span(node)
    if lines is None or len(body) == 1:
        yield source.span(node), "pass"
    else:
        yield lines, ""


def duplicate(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """The statement is there twice."""
    node = body[index]
    lines = source.line_span(node)
    if lines is not None and isinstance(node, ast.Expr | ast.Assign | ast.AugAssign):
        text = _complete(source.text[lines[0] : lines[1]])
        yield (lines[0], lines[0]), text


def exchange(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """The statement and the next one change places."""
    if index + 1 >= len(body) or isinstance(body[index], _FIXED) or isinstance(body[index + 1], _FIXED):
        return
    first, second = source.line_span(body[index]), source.line_span(body[index + 1])
    if first is None or second is None or first[1] > second[0]:
        return
    text = source.text
    moved = _complete(text[second[0] : second[1]]) + text[first[1] : second[0]] + text[first[0] : first[1]]
    yield (first[0], second[1]), moved


def move(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """The last statement of a block moves behind it, or a statement behind a block becomes its last one."""
    node = body[index]
    lines = source.line_span(node)
    if lines is None or isinstance(node, _FIXED):
        return
    block = source.parents.get(id(node))
    if isinstance(block, _BLOCKS) and index + 1 == len(body) > 1 and node.end_lineno == block.end_lineno:
        yield lines, _indented(source, lines, source.indent(node), source.indent(block))
    before = body[index - 1] if index else None
    if isinstance(before, _BLOCKS) and source.line_span(before) is not None:
        inner = [*before.body, *getattr(before, "orelse", ())][-1]
        if source.line_span(inner) is not None:
            yield lines, _indented(source, lines, source.indent(node), source.indent(inner))


def unwrap(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """`if c: x` becomes `x`; with an `else`, its branch alone; a condition of a loop's body is skipped or forced."""
    node = body[index]
    lines = source.line_span(node)
    if lines is None or not isinstance(node, ast.If):
        return
    for branch in (node.body, node.orelse):
        if not branch or (branch is node.orelse and isinstance(branch[0], ast.If)):
            continue
        first, last = source.line_span(branch[0]), source.line_span(branch[-1])
        if first is not None and last is not None:
            span = first[0], last[1]
            yield lines, _indented(source, span, source.indent(branch[0]), source.indent(node))


def repeat(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """`if` without `else` becomes `while`, and the reverse."""
    node = body[index]
    if isinstance(node, ast.If | ast.While) and not node.orelse and not source.code(node).startswith("elif"):
        start, (old, new) = source.span(node)[0], ("if", "while") if isinstance(node, ast.If) else ("while", "if")
        yield (start, start + len(old)), new


def change_exit(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """`break` becomes `continue` and the reverse."""
    node = body[index]
    if isinstance(node, ast.Break | ast.Continue):
        yield source.span(node), "continue" if isinstance(node, ast.Break) else "break"


def change_return(source: SourceText, node: ast.Return, names: Sequence[str]) -> Iterator[Change]:
    """Another value is returned: a local variable, an empty container, None, the negation of a condition."""
    if node.value is None:
        for name in names:
            yield source.span(node), f"return {name}"
        return
    span = source.span(node.value)
    code = source.code(node.value)
    for other in (*names, "None", "[]", "{}", "0"):
        if other != code:
            yield span, other
    if isinstance(node.value, ast.Compare | ast.BoolOp):
        yield span, f"not ({code})"


def _indented(source: SourceText, lines: Span, old: str, new: str) -> str:
    """Lines with another indentation; a line that does not have the old one (in a long string) stays as it is."""
    text = _complete(source.text[lines[0] : lines[1]])
    return "".join(new + line.removeprefix(old) if line.startswith(old) else line for line in text.splitlines(True))


def _complete(text: str) -> str:
    """Text that ends with a newline, also where the file does not."""
    return text if text.endswith(("\n", "\r")) else f"{text}\n"
