"""Quota: everything that takes disk below a folder is counted, whatever it is called and however deep it lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.sandbox.quota import Quota, Watch

ROOM = Quota(1 << 20, 20)


def fill(folder: Path, way: str) -> list[int]:
    """Take more than `ROOM` in one way; the descriptors that are still open."""
    match way:
        case "large":
            (folder / "large").write_bytes(bytes(2 << 20))
        case "holes":
            with (folder / "holes").open("wb") as file:
                file.truncate(1 << 40)
        case "many":
            for number in range(30):
                (folder / str(number)).touch()
        case "folders":
            for number in range(30):
                (folder / str(number)).mkdir()
        case "deep":
            place = folder
            for number in range(15):
                place /= f"{number}"
                place.mkdir()
            (place / "x").write_bytes(bytes(2 << 20))
        case "nameless":
            held = os.open(folder / "x", os.O_RDWR | os.O_CREAT)
            os.unlink(folder / "x")
            os.write(held, bytes(2 << 20))
            return [held]
    return []


@pytest.mark.parametrize("way", ["large", "holes", "many", "folders", "deep", "nameless"])
def test_whatever_takes_disk_is_counted(tmp_path: Path, way: str) -> None:
    held = fill(tmp_path, way)
    try:
        excess = ROOM.excess(tmp_path, group=os.getpgrp())
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert excess == ("made more than 20 files" if way in ("many", "folders") else "wrote more than 1 MiB")
    assert Quota(1 << 41, 1000).excess(tmp_path) == ""


def test_what_a_link_names_is_not_counted(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    folder.mkdir()
    fill(elsewhere, "large")
    (folder / "link").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    assert ROOM.excess(folder) == ""


def test_a_folder_is_counted_now_and_then(tmp_path: Path) -> None:
    watch = Watch(ROOM, tmp_path)
    fill(tmp_path, "large")
    assert watch.excess(now=True) == "wrote more than 1 MiB"
    assert ROOM.excess(tmp_path / "gone") == ""
