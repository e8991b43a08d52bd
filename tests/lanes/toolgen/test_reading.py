"""Reading a candidate: what is found, in linear time, in a process that may end."""

from __future__ import annotations

import ast
import json
import marshal
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from harness.core.status import Status
from harness.lanes.toolgen import reading as readings
from harness.lanes.toolgen.executed_code import Executed, keep_executed, line_counts
from harness.lanes.toolgen.reader import Reader
from harness.lanes.toolgen.reading import MAX_VIOLATIONS, Reading, executed_style, read, rules_of
from harness.lanes.toolgen.source import Source
from harness.lanes.toolgen.style import detect
from harness.lanes.toolgen.tool_spec import Tool, read_tool
from harness.sandbox.answer import Answer

TOOL = """
tool_id: first
signature: "def first(words: list[str]) -> str"
test_cases: [{input: {words: [a]}, expected_output: a}]
"""
GOOD = '''"""Words."""
# /// candidate
# style = "loop"
# ///
from dataclasses import dataclass

def first(words: list[str]) -> str:
    """The first word.

    >>> first(["a"])
    'a'
    """
    return words[0]
'''


@pytest.fixture(scope="module")
def tool(tmp_path_factory) -> Tool:
    folder = tmp_path_factory.mktemp("tool")
    (folder / "tool.yaml").write_text(TOOL)
    return read_tool(folder)


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


def test_the_code_is_compiled_for_the_boxes(tool, reader):
    """What the text alone does not show is left to the box, which says what is wrong."""
    read_there = reader.read_now(Source(GOOD.encode(), ""), tool)
    names: dict[str, Any] = {"__name__": "candidate"}
    code = marshal.loads(read_there.code)
    exec(code, names)
    assert (names["first"](["b"]), code.co_filename) == ("b", "candidate.py")
    for text in (f"{GOOD}\nreturn 1\n", f"import os\n{GOOD}os.system('x')\n", "def first(:"):
        assert read(text.encode(), rules_of(tool)).code == b""


def found(text: str, tool: Tool) -> list[str]:
    return [one.api for one in read(text.encode(), rules_of(tool)).violations]


def test_code_that_is_much_longer_than_its_text_is_compiled_in_the_box(tool):
    """Constants are folded: the reader, the judge and each box would hold 12 MB of code for 60 kB of text."""
    text = GOOD + "".join(f'a{n} = "{n:04}" * 1024\n' for n in range(3000))
    assert readings.read(text.encode(), rules_of(tool)).code == b""


def test_a_reading_survives_the_way_between_processes(reader, tool):
    here = read(GOOD.encode(), rules_of(tool))
    assert here.documentation.line == 7
    assert here.imports == ("dataclasses",)
    assert here.metadata.style == "loop"
    assert reader.read_now(Source(GOOD.encode(), ""), tool) == here
    broken = read(b"def first(:\n", rules_of(tool))
    assert (broken.status, broken.parsed) == (Status.CRASH, False)
    assert Reading.from_wire(broken.to_wire()) == broken


def test_a_candidate_that_ends_the_reader_is_forbidden_and_the_next_one_is_read(reader, tool, monkeypatch):
    monkeypatch.setattr(readings, "detect", lambda *_: bytearray(1 << 40))
    ended = reader.read_now(Source(GOOD.encode(), ""), tool)
    assert ended.status is Status.FORBIDDEN
    assert "reading it" in ended.why
    monkeypatch.undo()
    assert reader.read_now(Source(GOOD.encode(), ""), tool).status is Status.OK


def test_a_reader_that_is_killed_from_outside_is_not_the_candidates_fault(reader, tool, monkeypatch):
    assert reader.read_now(Source(GOOD.encode(), ""), tool).status is Status.OK
    os.kill(reader._worker.pid, signal.SIGKILL)
    assert reader.read_now(Source(GOOD.encode(), ""), tool).status is Status.OK
    reader.close()
    monkeypatch.setattr(readings, "detect", lambda *_: os.kill(os.getpid(), signal.SIGKILL))  # each time: not endless
    assert reader.read_now(Source(GOOD.encode(), ""), tool).status is Status.FORBIDDEN


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import glob, os\nfrom logging import config\nimport logging.config\n", ["glob", "logging.config"]),
        ("def f():\n    from subprocess import run\n", ["subprocess", "subprocess"]),
        ("try:\n    import numpy\nexcept ImportError:\n    pass\n", []),
        ("from . import x\nimport collections.abc, os.path, asyncio.tasks\n", []),
        ("import glob\nimport pkgutil\nimport sqlite3\n", ["glob", "pkgutil", "sqlite3"]),
        ("import configparser, plistlib\nfrom email.mime.text import MIMEText\nfrom xml.dom import minidom\n", []),
        ("import zoneinfo, dis, xml.sax\n", ["dis", "zoneinfo"]),
        ("if __name__ == '__main__':\n    import doctest\n    doctest.testmod()\n", []),
        ("if __name__ == '__main__':\n    import subprocess\n", ["subprocess"]),
        ("if __name__ == '__main__':\n    pass\nelse:\n    import doctest\n", ["doctest"]),
        ("if __name__ != '__main__':\n    import doctest\n", ["doctest"]),
    ],
)
def test_imports_are_a_positive_list(tool, text, modules):
    assert sorted(set(found(text, tool))) == sorted(set(modules))


def test_a_tool_adds_modules_and_an_empty_list_allows_all(tmp_path):
    for constraints, wanted in (("{allow_imports: [sqlite3]}", ["glob"]), ("{forbidden_apis: []}", [])):
        (tmp_path / "tool.yaml").write_text(f"{TOOL}constraints: {constraints}\n")
        assert found("import sqlite3\nimport glob\n", read_tool(tmp_path)) == wanted


def test_what_a_box_has_to_load_is_found(tool):
    text = (
        "import os\nfrom concurrent import futures\nimport datetime\ndatetime.datetime.strptime\n'a'.encode('Latin2')"
    )
    imports = read(text.encode(), rules_of(tool)).imports
    assert set(imports) == {"os", "concurrent", "concurrent.futures", "datetime", "_strptime", "encodings.iso8859_2"}
    text = "from email.mime import text, multipart\nif __name__ == '__main__':\n    import timeit\n"
    imports = read(text.encode(), rules_of(tool)).imports
    assert set(imports) == {"email.mime", "email.mime.text", "email.mime.multipart"}


def test_names_with_too_many_meanings_are_refused(tool):
    assert found("import os as a\n" + "".join(f"a = a.b{n}\n" for n in range(12)), tool)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"def f{n}():\n f{n + 1}()\n" for n in range(1500)) + "def f1500(): 0\n",
        "".join(f"def f{n}(eval):\n  x{n} = eval\n" for n in range(1500)),
    ],
)
def test_long_texts_are_read(tool, text):
    """These were quadratic in time or memory; without an assertion of time, they fail by the limits of the reader."""
    text += "def first(words): f0() if not words else eval\n"
    assert read(text.encode(), rules_of(tool)).status is Status.OK


def test_an_empty_docstring_documents_nothing(tool):
    text = '"""."""\ndef first(words: list[str]) -> str:\n    """...\n\n    >>> first(["a b"])\n    \'a b\'\n    """\n'
    shown = read(text.encode(), rules_of(tool)).documentation
    assert (shown.module, shown.function, len(shown.examples)) == (False, False, 1)


DECOY = """
def first(words):
    seen = {}
    for word in words:
        seen.setdefault(word, 1)
    return words[0]
    node = seen
    while node:
        node = node[words]
"""


def style_of(counts, small=(), large=()):
    return detect(keep_executed(ast.parse(DECOY), Executed(counts, dict(small), dict(large))), "first")


def test_code_that_was_not_executed_has_no_style():
    assert detect(ast.parse(DECOY), "first") == "trie"
    counts = {3: 1, 4: 5, 5: 4, 6: 1}
    assert style_of(counts) == "plain"
    assert style_of(counts | {7: 1, 8: 4, 9: 3}) == "trie"
    assert style_of({4: 500, 5: 499, 6: 1, 8: 1, 9: 1}) == "plain"


def test_a_structure_that_does_not_grow_with_its_input_has_no_style():
    counts = {3: 1, 4: 5, 5: 4, 7: 1, 8: 4, 9: 3}
    assert style_of(counts, small=counts, large=counts | {4: 40, 5: 39}) == "plain"
    assert style_of(counts, small=counts, large=counts | {8: 40, 9: 39}) == "trie"


INNER = """
def first(words):
    sorted(words[i:] for i in range(3))
    first
    return words[0]
"""


def test_what_is_called_no_oftener_for_more_is_no_recursion():
    tree, counts = ast.parse(INNER), {-2: 6, 2: 6, 3: 24, 4: 6, 5: 6}
    one, more = {-2: 1, 2: 1, 3: 4, 4: 1, 5: 1}, {-2: 8, 2: 8, 3: 32, 4: 8, 5: 8}

    def style_of_inner(small, large):
        executed = Executed(counts, small, large, asked=6)
        return executed_style(INNER.encode(), "first", executed)

    assert detect(tree, "first") == style_of_inner(one, more) == "suffixarray"
    assert style_of_inner(one, one) == "plain"
    assert style_of_inner(one, more | {3: 4}) == "recursion"
    assert style_of_inner(one, more | {3: 4, -2: 1}) == "plain"
    again = Executed.from_wire(json.loads(json.dumps(Executed(counts, one, more, asked=6).to_wire())))
    assert again == Executed(counts, one, more, asked=6)
    assert again.calls(2)
    assert not again.calls(3)


def test_counts_of_a_hostile_box_are_read_safely():
    for payload in (b"[[1,2],[3,4]]", b"{}", b"[[1]]", b"[1]", b'[["a",1],[1,-2],[true,1]]', b"no"):
        counts = line_counts(Answer("value", payload, 0.0, None))
        assert counts == ({1: 2, 3: 4} if payload == b"[[1,2],[3,4]]" else {})


@pytest.mark.parametrize("line", ["eval", "import ctypes", "x.__globals__", "getattr(os, x)"])
def test_a_file_of_violations_is_a_small_reading(tool, line):
    found = read((f"import os\n{line}\n" * 9000).encode(), rules_of(tool))
    assert len(found.violations) == MAX_VIOLATIONS
    assert found.violations[0].line == 2
