"""The store of a sweep's points."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from harness.core.errors import LedgerError
from harness.lanes.kernel.point_store import PointStore

NAMES = {"kind": "compiled", "operation": "matmul", "kernel": "tiled"}


def test_what_was_kept_is_found_by_its_identity_and_by_no_other(tmp_path: Path) -> None:
    with PointStore(tmp_path / "deep/p.db") as store:
        store.keep({"a": 1, "b": {"c": [1, 2]}}, {"x": 1.5}, **NAMES)
        store.keep({"a": 1, "b": {"c": [1, 2]}}, {"x": 2.5}, **NAMES)
        store.keep({"a": 2}, {"x": 3}, **NAMES | {"kind": "measured"})
    with PointStore(tmp_path / "deep/p.db") as store:
        assert store.find({"b": {"c": [1, 2]}, "a": 1}) == {"x": 2.5}
        assert store.find({"a": 1}) is None
        assert [value for _, value, _ in store.rows(kind="compiled")] == [{"x": 2.5}]
        assert [value for _, value, _ in store.rows(kind="measured", operation="fmha")] == []


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 9, None])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.db"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE runs (x)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        PointStore(path)
    assert str(path) in caught.value.where
    assert caught.value.fix
    assert path.read_bytes() == before


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened"):
        PointStore(tmp_path)


def _write_until_killed(path: str, started: object) -> None:
    with PointStore(Path(path)) as store:
        for number in range(1_000_000):
            store.keep({"n": number}, {"square": number * number}, **NAMES)
            if number == 50:
                started.set()  # type: ignore[attr-defined]


def test_a_killed_writer_leaves_whole_rows(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    writer = context.Process(target=_write_until_killed, args=(str(tmp_path / "p.db"), started))
    writer.start()
    assert started.wait(60)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    with PointStore(tmp_path / "p.db") as store:
        rows = list(store.rows(kind="compiled"))
        assert len(rows) > 50
        assert all(value == {"square": identity["n"] ** 2} for identity, value, _ in rows)
