"""Documentation: a candidate's docstrings, its signature, and the examples in its docstrings."""

from __future__ import annotations

import ast
import doctest
import re
from dataclasses import dataclass
from typing import Any

from harness.lanes.toolgen.executed_code import first_line
from harness.lanes.toolgen.signature import Signature, signature_of
from harness.sandbox.codec import CodecError, encode

MAX_EXAMPLES = 5
MIN_WORDS = 2  # of a function's docstring
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class DocExample:
    """An example call in a docstring, with the documented value.

    Attributes:
        key: `codec.encode` of the keyword arguments.
        promised: `codec.encode` of the documented value.
    """

    key: bytes
    promised: bytes


@dataclass(frozen=True, slots=True)
class Documentation:
    """A candidate's documentation, read without running the candidate.

    Attributes:
        module: Whether the module has a docstring with a word.
        function: Whether the entry function has a docstring of at least `MIN_WORDS` words.
        signature: Whether names, order, presence of defaults, annotations and return type match the specification.
        defined: Whether the entry function is defined by a plain `def` at the top level of the module.
        examples: The example calls that can be checked in a box.
        line: First line of that definition, with its decorators; 0 without one.
    """

    module: bool
    function: bool
    signature: bool
    defined: bool
    examples: tuple[DocExample, ...]
    line: int = 0


def read_documentation(tree: ast.Module, wanted: Signature) -> Documentation:
    """Read docstrings, signature and examples from a syntax tree."""
    function = _entry(tree, wanted.name)
    module_text = ast.get_docstring(tree) or ""
    function_text = (ast.get_docstring(function) or "") if function is not None else ""
    examples: list[DocExample] = []
    for text in (function_text, module_text):
        examples += examples_in(text, wanted)
    return Documentation(
        module=_words(module_text) >= 1,
        function=_words(function_text) >= MIN_WORDS,
        signature=function is not None and isinstance(function, ast.FunctionDef) and signature_of(function) == wanted,
        defined=function is not None,
        examples=tuple(examples[:MAX_EXAMPLES]),
        line=first_line(function) if function is not None else 0,
    )


def _words(text: str) -> int:
    """The number of different words in a docstring, without its examples."""
    words: set[str] = set()
    in_example = False
    for line in text.splitlines():
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        words.update(() if in_example else map(str.casefold, _WORD.findall(line)))
    return len(words)


def _entry(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    found = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return found[-1] if found else None


def examples_in(text: str, wanted: Signature) -> list[DocExample]:
    """The doctest examples of the form `>>> entry(literals)`, followed by a literal.

    The candidate is not run here. Literals are parsed, names that earlier lines bound to a literal are replaced, and
    the call is later asked in a box like any other question. Other statements are ignored.
    """
    if ">>>" not in text:
        return []
    try:
        parsed = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return []
    bound: dict[str, Any] = {}
    found: list[DocExample] = []
    for example in parsed:
        try:
            statement = ast.parse(example.source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if len(statement) != 1:
            continue
        one = statement[0]
        if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
            value = _literal(one.value, bound)
            if value is not None:
                bound[one.targets[0].id] = value[0]
        elif isinstance(one, ast.Expr) and example.exc_msg is None:
            found += _promise(one.value, example.want, wanted, bound)
    return found


def _promise(node: ast.expr, want: str, wanted: Signature, bound: dict[str, Any]) -> list[DocExample]:
    promised: tuple[Any] | None
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq) and want == "True\n":
        promised, node = _literal(node.comparators[0], bound), node.left
    else:
        try:
            promised = _literal(ast.parse(want.strip(), mode="eval").body, {}) if want.strip() else (None,)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    if promised is None or not isinstance(node, ast.Call):
        return []
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if called != wanted.name:
        return []
    names = [parameter.name for parameter in wanted.parameters]
    kwargs: dict[str, Any] = {}
    for name, argument in [*zip(names, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]:
        value = _literal(argument, bound)
        if value is None or name is None:
            return []
        kwargs[name] = value[0]
    if len(node.args) > len(names) or wanted.misfit(kwargs):
        return []
    try:
        return [DocExample(encode(kwargs), encode(promised[0]))]
    except CodecError:
        return []


def _literal(node: ast.expr, bound: dict[str, Any]) -> tuple[Any] | None:
    """The literal's value in a 1-tuple, since the value may be None; None if the node is not a literal."""
    if isinstance(node, ast.Name) and node.id in bound:
        return (bound[node.id],)
    try:
        return (ast.literal_eval(node),)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
