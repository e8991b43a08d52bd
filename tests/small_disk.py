"""A file system of a chosen size, so that a disk is full at each write in turn."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A tmpfs.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        if os.geteuid() != 0 or self._mount("-t", "tmpfs", "-o", "size=1m", "none"):
            pytest.skip("needs root and mount(2) for a small file system")

    def resize(self, kilobytes: int) -> None:
        assert self._mount("-o", f"remount,size={kilobytes}k") == 0

    def _mount(self, *arguments: str) -> int:
        return subprocess.run(["mount", *arguments, self.path], check=False).returncode


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of one megabyte."""
    disk = SmallDisk(tmp_path / "small")
    yield disk
    subprocess.run(["umount", "-l", disk.path], check=True)
