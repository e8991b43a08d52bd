"""Points of searches and benchmarks in a ledger."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from harness.core.errors import LedgerError
from harness.ledger.merge import merge
from harness.ledger.points import Points
from harness.ledger.store import Ledger

NAMES = {"kind": "compiled", "subject": "tiled"}


def test_what_was_kept_is_found_by_its_identity_and_by_no_other(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "deep/l.db") as ledger:
        points = Points(ledger, lane="kernel")
        points.keep({"a": 1, "b": {"c": [1, 2]}}, {"x": 1.5}, **NAMES)
        points.keep({"a": 1, "b": {"c": [1, 2]}}, {"x": 2.5}, **NAMES)
        points.keep({"a": 2}, {"x": 3}, **NAMES | {"kind": "measured"})
    with Ledger.read(tmp_path / "deep/l.db") as ledger:
        points = Points(ledger, lane="kernel")
        assert points.find({"b": {"c": [1, 2]}, "a": 1}) == {"x": 2.5}
        assert points.find({"a": 1}) is None
        assert [value for _, value, _ in points.rows(kind="compiled")] == [{"x": 2.5}]
        assert Points(ledger, lane="other").find({"a": 2}) is None
        assert [*Points(ledger, lane="other").rows(kind="compiled")] == []


def test_what_is_no_number_is_no_result(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger, pytest.raises(ValueError, match="not JSON compliant"):
        Points(ledger, lane="kernel").keep({"a": 1}, {"x": float("nan")}, **NAMES)


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "l.db").close()
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.read_only = True
        with pytest.raises(LedgerError):
            Points(ledger, lane="kernel").keep({"a": 1}, {}, **NAMES)


def test_points_come_along_when_ledgers_are_merged(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        with Ledger.open(tmp_path / f"{name}.db") as ledger:
            Points(ledger, lane="kernel").keep({"point": name}, {"ms": value}, **NAMES)
            Points(ledger, lane="kernel").keep({"point": "both"}, {"ms": value}, **NAMES)
    with Ledger.open(tmp_path / "a.db") as ledger:
        merge(ledger, tmp_path / "b.db")
        found = {identity["point"]: value["ms"] for identity, value, _ in Points(ledger, lane="kernel").rows(**KIND)}
    assert found == {"a": 1, "b": 2, "both": 1}


KIND = {"kind": "compiled"}


def _write_until_killed(path: str, started: object) -> None:
    with Ledger.open(Path(path)) as ledger:
        points = Points(ledger, lane="kernel")
        for number in range(1_000_000):
            points.keep({"n": number}, {"square": number * number}, **NAMES)
            if number == 50:
                started.set()  # type: ignore[attr-defined]


def test_a_killed_writer_leaves_whole_rows(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    writer = context.Process(target=_write_until_killed, args=(str(tmp_path / "l.db"), started))
    writer.start()
    assert started.wait(60)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    with Ledger.open(tmp_path / "l.db") as ledger:
        rows = [*Points(ledger, lane="kernel").rows(kind="compiled")]
    assert len(rows) > 50
    assert all(value == {"square": identity["n"] ** 2} for identity, value, _ in rows)
