from __future__ import annotations

import os

import pytest

from harness.core.digest import digest_bytes
from harness.core.status import Status
from harness.lanes.toolgen.source import MAX_BYTES, Source, parse, read_source


def test_a_plain_file(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    source = read_source(tmp_path / "a.py")
    assert (source.status, source.data, source.digest) == (Status.OK, b"x = 1\n", digest_bytes(b"x = 1\n"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"x = '\xff'\n", "not UTF-8 (byte 5)"),
        (b"# -*- coding: utf-7 -*-\nx = 1\n", "declares utf-7"),
        (b"# coding: nonsense\nx = 1\n", "unusable"),
        (b"x" * (MAX_BYTES + 1), "MiB"),
    ],
)
def test_what_cannot_be_judged_says_why(tmp_path, data, why):
    (tmp_path / "a.py").write_bytes(data)
    source = read_source(tmp_path / "a.py")
    assert source.status is Status.CRASH
    assert why in source.why


def test_fifty_megabytes_are_not_read(tmp_path):
    with (tmp_path / "a.py").open("wb") as file:
        file.truncate(50 << 20)
    assert "50.0 MiB" in read_source(tmp_path / "a.py").why


def test_links_directories_and_pipes_are_refused_without_waiting(tmp_path):
    (tmp_path / "real.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("real.py")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    assert read_source(tmp_path / "link.py").status is Status.FORBIDDEN
    assert "directory" in read_source(tmp_path / "folder.py").why
    assert "not a plain file" in read_source(tmp_path / "pipe.py").why
    assert "cannot be read" in read_source(tmp_path / "missing.py").why


def test_a_syntax_error_names_its_line():
    source = Source(b"x = 1\ndef f(:\n", "0")
    broken = parse(source)
    assert isinstance(broken, Source)
    assert broken.why.startswith("line 2: SyntaxError")


@pytest.mark.parametrize(
    ("data", "fix"),
    [
        (b"```python\nx = 1\n```\n", "remove the ``` fence in line 1, and the one in line 3"),
        (b"# a comment\n\n  ```\nx = 1\n", "remove the ``` fence in line 3"),
        (b"\xef\xbb\xbf```py\r\nx = 1\r\n```\r\n", "remove the ``` fence in line 1, and the one in line 3"),
        (b"x = 1\n```\n", "remove the ``` fence in line 2"),
        (b"Here is the function:\n\n```python\nx = 1\n```\n", "keep only the code inside the ``` fence in line 3"),
    ],
)
def test_markdown_is_reported_with_its_fence(data, fix):
    broken = parse(Source(data, "0"))
    assert isinstance(broken, Source)
    assert broken.status is Status.CRASH
    assert broken.why == f"the file is Markdown, not Python: {fix}"


@pytest.mark.parametrize(
    "data", [b'"""\n```\nx\n```\n"""\ndef f(:\n', b'def f():\n    """\n```\nx\n```\n', b"def f(:\n"]
)
def test_a_fence_in_a_docstring_is_not_markdown(data):
    broken = parse(Source(data, "0"))
    assert isinstance(broken, Source)
    assert "SyntaxError" in broken.why


@pytest.mark.parametrize(
    "data", [b"x = " + b"(" * 5000, b"x = " + b"-" * 100_000 + b"1", b"x\x00y", b"x" + b".x" * 50_000]
)
def test_source_that_breaks_parsers_is_the_candidates_fault(data):
    result = parse(Source(data, "0"))
    assert isinstance(result, Source)
    assert result.status is Status.CRASH
