"""Files are read safely and must not change between collection and judgement."""

from __future__ import annotations

import os
import socket

import pytest

from harness.core.errors import InfraError
from harness.lane.pinned_file import Fault, FileFaultError, pin, read_pinned, read_plain_file, text_fault


def test_a_plain_file_within_its_bound(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_plain_file(tmp_path / "a", max_bytes=10) == b"0123456789"
    assert read_plain_file(tmp_path / "a", max_bytes=4, tail=True) == b"6789"
    assert read_plain_file(tmp_path / "a", max_bytes=40, tail=True) == b"0123456789"


def _socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda path: path.symlink_to("/etc/hostname"), Fault.LINK),
        (lambda path: path.symlink_to("nowhere"), Fault.LINK),
        (os.mkfifo, Fault.SPECIAL),
        (os.mkdir, Fault.SPECIAL),
        (_socket, Fault.SPECIAL),
        (lambda path: path.write_bytes(b"12345"), Fault.LARGE),
        (lambda path: None, Fault.ABSENT),
        (lambda path: path.parent.joinpath("x" * 100), Fault.ABSENT),
    ],
)
def test_any_other_file_is_a_fault_and_nothing_waits(tmp_path, monkeypatch, make, kind):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "a")
    with pytest.raises(FileFaultError) as caught:
        read_plain_file(tmp_path / "a", max_bytes=4)
    assert caught.value.kind is kind
    assert caught.value.detail
    assert str(caught.value).startswith("it ")


def test_a_file_that_this_user_cannot_read_is_not_the_fault_of_its_author(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"1")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileFaultError, match="Permission denied") as caught:
        read_plain_file(tmp_path / "a", max_bytes=4)
    assert caught.value.kind is Fault.REFUSED


def test_a_pinned_file_must_be_what_was_collected(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    entry = pin(tmp_path / "a")
    assert read_pinned(**entry) == b"1"
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(InfraError, match="changed since it was collected"):
        read_pinned(**entry)


@pytest.mark.parametrize(("data", "why"), [(b"x = 1", ""), (b" \n", "empty"), (b"# \xff", r"UTF-8 \(byte 2\)")])
def test_source_text(data, why):
    import re

    assert re.search(why, text_fault(data))
    assert bool(why) == bool(text_fault(data))
