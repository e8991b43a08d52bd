"""Files that cannot be judged become cases with a reason; reading never blocks or follows links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.lane.pinned_file import read_text_file

MAX_BYTES = 1 << 20


def test_a_kernel(tmp_path: Path) -> None:
    path = tmp_path / "k.py"
    path.write_text("def run(): ...")
    found = read_text_file(path, max_bytes=MAX_BYTES)
    assert (found.data, found.fault) == (b"def run(): ...", "")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"# \xff"), "not UTF-8 (byte 2)"),
        (lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)), "more than 1024 KiB"),
        (lambda path: path.mkdir(), "a directory"),
        (os.mkfifo, "not a plain file"),
        (lambda path: path.symlink_to("/etc/hostname"), "symbolic link"),
        (lambda path: None, "cannot be read"),
    ],
)
def test_what_is_none(tmp_path: Path, make, fault: str) -> None:
    path = tmp_path / "k.py"
    make(path)
    found = read_text_file(path, max_bytes=MAX_BYTES)
    assert fault in found.fault
    assert found.data == b""
    assert (
        found.digest != read_text_file(tmp_path / "absent.py", max_bytes=MAX_BYTES).digest or fault == "cannot be read"
    )
