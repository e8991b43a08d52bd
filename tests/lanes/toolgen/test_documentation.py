from __future__ import annotations

import ast

import pytest

from harness.core.status import Status
from harness.lanes.toolgen.documentation import DocExample, examples_in, read_documentation
from harness.lanes.toolgen.signature import signature_of
from harness.sandbox.codec import encode
from tests.lanes.toolgen.conftest import UNIQUE, UNIQUE_ORACLE


def signature(text: str):
    return signature_of(ast.parse(f"{text}: ...").body[0])


WANTED = signature("def run(text: str, n: int = 1) -> list[str]")


def promised(text: str) -> list[tuple[dict, object]]:
    return [(one.key, one.promised) for one in examples_in(text, WANTED)]


def test_the_quarters():
    tree = ast.parse('"""Module."""\n\n\ndef run(text: str, n: int = 2) -> "list[str]":\n    """Do it."""\n')
    found = read_documentation(tree, WANTED)
    assert (found.module, found.function, found.signature, found.examples) == (True, True, True, ())


@pytest.mark.parametrize(
    "definition",
    [
        "def run(text, n=1):",
        "def run(text: str, n: int) -> list[str]:",
        "def run(n: int = 1, text: str = '') -> list[str]:",
        "def run(text: str, m: int = 1) -> list[str]:",
        "def run(text: str, n: int = 1) -> list:",
        "async def run(text: str, n: int = 1) -> list[str]:",
        "def walk(text: str, n: int = 1) -> list[str]:",
    ],
)
def test_another_signature_does_not_count(definition):
    assert not read_documentation(ast.parse(f"{definition}\n    pass\n"), WANTED).signature


def test_blank_docstrings_do_not_count():
    found = read_documentation(ast.parse('"""  """\ndef run(text: str, n: int = 1) -> list[str]:\n    " "\n'), WANTED)
    assert not found.module
    assert not found.function


@pytest.mark.parametrize(
    ("text", "kwargs", "value"),
    [
        (">>> run('a')\n['a']\n", {"text": "a"}, ["a"]),
        (">>> run('a', 2)\n['a', 'a']\n", {"text": "a", "n": 2}, ["a", "a"]),
        (">>> run(text='a', n=0)\n[]\n", {"text": "a", "n": 0}, []),
        (">>> mod.run('a') == ['a']\nTrue\n", {"text": "a"}, ["a"]),
        (">>> t = 'b'\n>>> run(t)\n['b']\n", {"text": "b"}, ["b"]),
        (">>> run(\n...     'a',\n... )\n['a']\n", {"text": "a"}, ["a"]),
        (">>> run('none')\n", {"text": "none"}, None),
    ],
)
def test_examples_become_questions(text, kwargs, value):
    assert examples_in(text, WANTED) == [DocExample(encode(kwargs), encode(value))]


@pytest.mark.parametrize(
    "text",
    [
        "no example\n",
        ">>> run(open('x'))\n['a']\n",
        ">>> other('a')\n['a']\n",
        ">>> run('a')\nsomething unreadable\n",
        ">>> run('a')\nTraceback (most recent call last):\nValueError: no\n",
        ">>> run('a', 1, 2)\n[]\n",
        ">>> run('a', m=1)\n[]\n",
        ">>> run({1: 2j})\n[]\n",
        ">>> x = (\n",
        ">>>run('a')\n",
    ],
)
def test_what_cannot_be_checked_is_no_example(text):
    assert examples_in(text, WANTED) == []


DOCUMENTED = """
def unique(items: list[int]) -> list[int]:
    '''Return the distinct items.

    >>> unique([1, 1])
    [1]
    '''
    return sorted(dict.fromkeys(items), key=lambda one: 0)
"""
WRAP = """
import functools
def wrap(inner):
    @functools.wraps(inner)
    def outer(items): return {call}
    return outer
@wrap"""


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("", "", 0.75),
        ("import functools\n@functools.singledispatch", "", 0.75),
        (WRAP.format(call="inner(items)"), "", 0.75),
        (WRAP.format(call="list(dict.fromkeys(items))"), "", 0.0),
        (WRAP.format(call="list(dict.fromkeys(items)) if items[1:] else inner(items)"), "", 0.0),
        ("@lambda inner: lambda items: list(dict.fromkeys(items))", "", 0.0),
        ("", "import functools\nunique = functools.wraps(unique)(lambda items: list(dict.fromkeys(items)))", 0.0),
        ("", "class Call:\n    def __call__(self, items): return list(dict.fromkeys(items))\nunique = Call()", 0.0),
    ],
)
def test_only_documentation_of_code_that_ran_counts(bench, judge, before, after, value):
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(f"{before}{DOCUMENTED}{after}\n")
    assert evaluation.status is Status.OK
    assert {one.name: one.value for one in evaluation.score.components}["documentation"] == value
