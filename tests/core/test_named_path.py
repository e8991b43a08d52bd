"""Named paths are written whole or not at all; what is not a regular file is never replaced."""

from __future__ import annotations

import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from harness.core.named_path import read_file, require_writable, write_file


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path):
    path = tmp_path / "new" / ("n" * 255)
    write_file(path, b"old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)
    write_file(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_what_can_be_written_is_left_as_it_was(tmp_path):
    (tmp_path / "known").write_bytes(b"old")
    os.mkfifo(tmp_path / "pipe")
    for name in ("known", "new", "pipe", "folder/new"):
        require_writable(tmp_path / name)
    require_writable(Path(os.devnull))
    assert (tmp_path / "known").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "known", "pipe"]
    with pytest.raises(OSError, match=r"\w"):  # no user may create a file there
        require_writable(Path("/proc/self/new"))


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, exists):
    if exists:
        (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_and_a_pipe_are_written_into(tmp_path):
    write_file(tmp_path.__class__(os.devnull), b"new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no process reads it"):
        write_file(tmp_path / "pipe", b"new")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)  # also a writer, so that it never reads an end
    data = b"n" * 200_000  # more than a pipe holds
    writer = threading.Thread(target=write_file, args=(tmp_path / "pipe", data))
    writer.start()
    with os.fdopen(reader, "rb") as file:
        assert file.read(len(data)) == data
    writer.join()
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("place", ["folder", "loop", "file/x", "nul\0", "n" * 300])
def test_a_place_that_takes_no_file_is_an_os_error(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=r"\w"):
        write_file(tmp_path / place, b"new")
    with pytest.raises(OSError, match=r"\w"):
        require_writable(tmp_path / place)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder", "loop"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "p"
    write_file(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_file(path, b"n" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_without_a_writer_is_empty_and_one_with_a_writer_is_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert read_file(pipe) == b""
    read, write = os.pipe()
    os.write(write, b"abc")
    os.close(write)
    assert read_file(Path(f"/dev/fd/{read}")) == b"abc"
    os.close(read)


def test_a_large_file_is_read_to_its_limit(tmp_path):
    hole = tmp_path / "hole"
    with hole.open("w") as file:
        file.truncate(10 << 30)
    assert len(read_file(hole, 100)) == 101
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
