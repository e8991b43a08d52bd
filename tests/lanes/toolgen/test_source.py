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
    ("data", "why", "status"),
    [
        (b"", "empty", Status.CRASH),
        (b" \n\n", "empty", Status.CRASH),
        (b"x = '\xff'\n", "not UTF-8 (byte 5)", Status.CRASH),
        (b"# -*- coding: utf-7 -*-\nx = 1\n", "declares utf-7", Status.FORBIDDEN),
        (b"# coding: nonsense\nx = 1\n", "declares nonsense", Status.FORBIDDEN),
        (b"# " + b"-" * 500 + b"\n# coding: unicode_escape\nx = 1\n", "declares unicode-escape", Status.FORBIDDEN),
        (b"# a line that ends as on an old Mac\r# coding: utf_7\rx = 1\n", "declares utf-7", Status.FORBIDDEN),
        (b"\xef\xbb\xbf# vim: set fileencoding=cp1252 :\nx = 1\n", "declares cp1252", Status.FORBIDDEN),
        (b"x" * (MAX_BYTES + 1), "MiB", Status.CRASH),
    ],
)
def test_what_cannot_be_judged_says_why(tmp_path, data, why, status):
    (tmp_path / "a.py").write_bytes(data)
    source = read_source(tmp_path / "a.py")
    assert source.status is status
    assert why in source.why


@pytest.mark.parametrize(
    "data",
    [
        b"# coding: utf-8\nx = 1\n",
        b"\xef\xbb\xbf# -*- coding: UTF_8 -*-\nx = 1\n",
        b"\n\n# coding: latin-1\nx = 1\n",
        b'"""decoding: a word"""\nx = "coding = latin-1"\n',
    ],
)
def test_a_file_that_python_reads_as_utf_8_is_judged(tmp_path, data):
    (tmp_path / "a.py").write_bytes(data)
    source = read_source(tmp_path / "a.py")
    assert source.status is Status.OK
    assert not isinstance(parse(source), Source)


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
