"""Files that cannot be kernels become cases with a reason; reading never blocks or follows links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.lanes.kernel.source import MAX_BYTES, read_source


def test_a_kernel(tmp_path: Path) -> None:
    path = tmp_path / "k.py"
    path.write_text("def run(): ...")
    found = read_source(path)
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
    found = read_source(path)
    assert fault in found.fault
    assert found.data == b""
    assert found.digest != read_source(tmp_path / "absent.py").digest or fault == "cannot be read"
