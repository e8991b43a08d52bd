from __future__ import annotations

import ast

import pytest

from harness.core.status import Status
from harness.lanes.toolgen.calling_mismatch import find_mismatch
from harness.lanes.toolgen.signature import Signature, signature_of


def signature(line: str) -> Signature:
    [function] = ast.parse(f"{line}: ...").body
    assert isinstance(function, ast.FunctionDef)
    return signature_of(function)


WANTED = signature("def run(text: str, limit: int = 3) -> list[str]")
ASYNC = "run is an async def, so a call returns no value: write def instead"
GENERATOR = "run is a generator function (yield in line 2): return a value of type list[str] instead"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "def run(words, limit=3): return 1",
            "run(words, limit) has other parameter names than run(text, limit): rename words to text",
        ),
        (
            "def run(a: str, *, b: int = 2): return 1",
            "run(a, *, b) has other parameter names than run(text, limit): rename a to text, b to limit",
        ),
        ("def run(text): return 1", "run(text) has other parameter names than run(text, limit): add limit"),
        (
            "def run(text, limit, mode): return 1",
            "run(text, limit, mode) has other parameter names than run(text, limit): remove mode",
        ),
        ("def run(*args): return 1", "run(*args) has other parameter names than run(text, limit): add text, limit"),
        (
            "def run(text, /, limit): return 1",
            "run(text, /, limit) takes text by position, but is called by keyword: remove the `/`",
        ),
        ("async def run(text, limit): return 1", ASYNC),
        ("async def run(text, limit):\n    yield 1", ASYNC),
        ("def run(text, limit):\n    yield text", GENERATOR),
        ("def run(text, limit):\n    return [(yield from text)]", GENERATOR),
        ("def run(text, limit):\n    print(text)\n    return", "run returns no value: it has no `return` with one"),
        (
            "def run(text, limit):\n    def one():\n        return 1",
            "run returns no value: it has no `return` with one",
        ),
        ("def Run(text, limit): return 1", "the file defines Run, not run: rename it"),
        ("def a(): return 1\ndef b(): return 1", "the file defines a, b, not run"),
        ("class Tool:\n    def run(self, text): return 1", "run is a method of class Tool: define it at the top level"),
        (
            "def main():\n    def run(text): return 1",
            "run is defined inside of another function: define it at the top level",
        ),
        (
            "async def run(t, limit): return 1",
            f"{ASYNC}; run(t, limit) has other parameter names than run(text, limit): rename t to text",
        ),
    ],
)
def test_the_sentence_says_what_to_change(source, sentence):
    assert find_mismatch(ast.parse(source), WANTED) == sentence


@pytest.mark.parametrize(
    "source",
    [
        "def run(text, limit=3): return 1",
        "def run(limit, text): return 1",
        "def run(text, limit, mode=1): return 1",
        "def run(**names): return 1",
        "def run(text, limit):\n    def parts():\n        yield text\n    return list(parts())",
        "def run(text, limit):\n    return list(one for one in text)",
        "@adapt\ndef run(words): return 1",
        "def run(words): return 1\ndef run(text, limit): return 1",
        "def run(words): return 1\nrun = adapt(run)",
        "def run(words): return 1\nfrom adapted import run",
        "if True:\n    def run(words): return 1",
        "class run:\n    def __init__(self, words): return 1",
        "run = lambda words: words",
        "if True:\n    def other(words): ...\n    run = other",
        "globals()['run'] = print",
        "from adapted import *",
        "def run(text, limit):\n    raise ValueError(text)",
        "x = 1",
    ],
)
def test_a_definition_that_matches_or_may_be_changed_says_nothing(source):
    assert find_mismatch(ast.parse(source), WANTED) == ""


def test_a_return_type_is_not_invented():
    mismatch = find_mismatch(ast.parse("def run(text):\n    yield text"), signature("def run(text)"))
    assert mismatch == "run is a generator function (yield in line 2): return the whole value instead"


def test_long_names_are_clipped():
    assert len(find_mismatch(ast.parse(f"def run({'x' * 9999}, limit): return 1"), WANTED)) < 300


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "def clamp(n, lo, hi):\n    return 0\n",
            "clamp(n, lo, hi) has other parameter names than clamp(x, lo, hi): rename n to x; ",
        ),
        ("async def clamp(x, lo, hi):\n    return 0\n", "clamp is an async def, "),
        ("def clamp(x, lo, hi):\n    yield 0\n", "clamp is a generator function (yield in line 2): return a value of"),
    ],
)
def test_the_reason_of_a_wrong_candidate_begins_with_the_mismatch(judge, source, sentence):
    for attempts in (1, 2):
        evaluation = judge(source, attempts=attempts)
        assert evaluation.status is Status.WRONG
        assert evaluation.evidence.why.startswith(sentence)
        assert "; clamp(" in evaluation.evidence.why
        assert evaluation.evidence.counterexample is not None


def test_the_reason_of_a_file_without_the_function_begins_with_what_is_there(judge):
    evaluation = judge("def Clamp(x, lo, hi):\n    return x\n", attempts=1)
    assert evaluation.status is Status.CRASH
    assert evaluation.evidence.why.startswith("the file defines Clamp, not clamp: rename it; ")
