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
            "def run(words, limit=3): ...",
            "run(words, limit) has other parameter names than run(text, limit): rename words to text",
        ),
        (
            "def run(a: str, *, b: int = 2): ...",
            "run(a, *, b) has other parameter names than run(text, limit): rename a to text, b to limit",
        ),
        ("def run(text): ...", "run(text) has other parameter names than run(text, limit): add limit"),
        (
            "def run(text, limit, mode): ...",
            "run(text, limit, mode) has other parameter names than run(text, limit): remove mode",
        ),
        ("def run(*args): ...", "run(*args) has other parameter names than run(text, limit): add text, limit"),
        (
            "def run(text, /, limit): ...",
            "run(text, /, limit) takes text by position, but is called by keyword: remove the `/`",
        ),
        ("async def run(text, limit): ...", ASYNC),
        ("async def run(text, limit):\n    yield 1", ASYNC),
        ("def run(text, limit):\n    yield text", GENERATOR),
        ("def run(text, limit):\n    return [(yield from text)]", GENERATOR),
        (
            "async def run(t, limit): ...",
            f"{ASYNC}; run(t, limit) has other parameter names than run(text, limit): rename t to text",
        ),
    ],
)
def test_the_sentence_says_what_to_change(source, sentence):
    assert find_mismatch(ast.parse(source), WANTED) == sentence


@pytest.mark.parametrize(
    "source",
    [
        "def run(text, limit=3): ...",
        "def run(limit, text): ...",
        "def run(text, limit, mode=1): ...",
        "def run(**names): ...",
        "def run(text, limit):\n    def parts():\n        yield text\n    return list(parts())",
        "def run(text, limit):\n    return list(one for one in text)",
        "@adapt\ndef run(words): ...",
        "def run(words): ...\ndef run(text, limit): ...",
        "def run(words): ...\nrun = adapt(run)",
        "def run(words): ...\nfrom adapted import run",
        "if True:\n    def run(words): ...",
        "class run:\n    def __init__(self, words): ...",
        "run = lambda words: words",
        "def other(words): ...",
    ],
)
def test_a_definition_that_matches_or_may_be_changed_says_nothing(source):
    assert find_mismatch(ast.parse(source), WANTED) == ""


def test_a_return_type_is_not_invented():
    mismatch = find_mismatch(ast.parse("def run(text):\n    yield text"), signature("def run(text)"))
    assert mismatch == "run is a generator function (yield in line 2): return the whole value instead"


def test_long_names_are_clipped():
    assert len(find_mismatch(ast.parse(f"def run({'x' * 9999}, limit): ..."), WANTED)) < 300


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
