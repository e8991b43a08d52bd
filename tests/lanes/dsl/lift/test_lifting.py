"""From ladders of measurements come the laws they show, and none that they do not."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from harness.core.errors import LedgerError, UsageError
from harness.lanes.dsl.analysis.load import check_source, load_source
from harness.lanes.dsl.facts.plan import hold
from harness.lanes.dsl.lift.lifting import Law, find, write
from harness.lanes.dsl.lift.sources import read
from harness.ledger.store import Ledger

MATMUL = {"naive": [9.0, 9.4], "tiled": [1.9, 2.0], "grouped": [1.5, 1.6], "pipelined": [1.2, 1.3]}
FMHA = {"naive": [30.0, 31.0], "online": [22.0, 22.5], "fused": [4.0, 4.2]}


def ledger(path: Path, **suites: dict[str, list[float]]) -> Path:
    with Ledger.open(path):
        pass
    with sqlite3.connect(path) as connection:
        for suite, subjects in suites.items():
            for subject, values in subjects.items():
                for number, value in enumerate(values):
                    run = f"{suite}-run-{number}"
                    connection.execute(
                        "INSERT OR IGNORE INTO runs (run_id, started_at, status) VALUES (?, '2026-01-01', 'finished')",
                        (run,),
                    )
                    insert(connection, run, suite, subject, value)
    connection.close()
    return path


def insert(
    connection: sqlite3.Connection, run: str, suite: str, subject: str, value: float | None, **more: object
) -> None:
    row = {
        "run_id": run, "nodeid": f"{suite}.suite.yaml::{subject}", "lane": "kernel", "suite": f"{suite}.suite.yaml",
        "subject": subject, "digest": f"digest-{suite}-{subject}", "epoch": 0, "status": "ok", "score": 1.0,
        "passed": 1,        "why": "", "median_ms": value, **more,
    }  # fmt: skip
    have = [r[1:3] + r[3:5] for r in connection.execute("PRAGMA table_info(evaluations)")]
    for name, kind, required, default in have:
        if required and default is None and name not in row:
            row[name] = 0 if kind in ("INTEGER", "REAL") else "{}"
    row = {name: value for name, value in row.items() if name in {h[0] for h in have}}
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO evaluations ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def helping(laws: list[Law]) -> dict[str, str]:
    return {law.technique.name: law.before.subject for law in laws if law.helps}


def test_the_ladders_show_their_laws_with_their_evidence(tmp_path: Path) -> None:
    laws = find(read(ledger(tmp_path / "l.db", matmul=MATMUL, fmha=FMHA)))
    assert helping(laws) == {
        "Tiling": "naive", "Swizzling": "tiled", "Pipelining": "grouped", "Online Softmax": "naive", "Fusion": "online",
    }  # fmt: skip
    text = write(laws, name="Ladders")
    assert check_source(text, cache=False)[1] == []
    program = load_source(text, cache=False)
    assert [rule.name for rule in program.rules] == ["Tiling", "Swizzling", "Pipelining", "Fusion"]
    assert [invariant.name for invariant in program.invariants] == ["Online Softmax"]
    tiling = next(law for law in laws if law.technique.name == "Tiling")
    assert tiling.effect.ratio == pytest.approx(9.2 / 1.95)
    assert (tiling.effect.low, tiling.effect.high, tiling.effect.samples) == (4.5, 9.4 / 1.9, 4)
    assert 'runs: ["matmul-run-0", "matmul-run-1"]' in text
    assert '"digest-matmul-tiled"' in text


def test_a_plan_that_goes_without_is_named(tmp_path: Path) -> None:
    laws = load_source(write(find(read(ledger(tmp_path / "l.db", fmha=FMHA))), name="F"), cache=False)
    found = hold(load_source("design_space { online_softmax: [true, false] fusion: true }", cache=False), laws)
    assert [breach.law for breach in found.breaches] == ["Online Softmax"]
    assert found.held == ("Fusion",)


def test_what_does_not_help_is_recorded_and_no_law(tmp_path: Path) -> None:
    slower = {**MATMUL, "grouped": [2.4, 2.5]}
    laws = find(read(ledger(tmp_path / "l.db", matmul=slower)))
    assert "Swizzling" not in helping(laws)
    text = write(laws, name="M")
    assert "grouped (Swizzling) is worse than tiled" in text
    assert "rule Swizzling" not in text


def test_noise_is_no_law(tmp_path: Path) -> None:
    noisy = {"naive": [9.0, 9.4], "tiled": [1.9, 2.4, 3.0], "grouped": [1.8, 2.6]}
    assert helping(find(read(ledger(tmp_path / "l.db", matmul=noisy)))) == {"Tiling": "naive"}


def test_what_was_wrong_or_is_a_library_is_no_evidence(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", matmul={"naive": [9.0], "cublas": [1.0], "tiled": [2.0]})
    with sqlite3.connect(path) as connection:
        insert(connection, "matmul-run-0", "matmul", "fused", None, status="wrong", why="off by one")
    connection.close()
    assert helping(find(read(path))) == {"Tiling": "naive"}


def test_lineage_says_what_to_compare_with(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", m={"a": [9.0], "b": [3.0], "b-swizzled": [2.0]})
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO lineage (child, parent, relation, created_at) VALUES (?, 'digest-m-b', 'x', '')",
            ("digest-m-b-swizzled",),
        )
    connection.close()
    assert helping(find(read(path))) == {"Swizzling": "b"}


def test_numbered_steps_and_sizes_are_kept_apart(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT OR IGNORE INTO runs (run_id, started_at, status) VALUES ('r', '', 'finished')")
        for size, scale in (("1024", 1.0), ("4096", 60.0)):
            for subject, value in (("step1_naive", 8.0), ("step2_tiled", 2.0), ("step3_swizzled", 1.5)):
                nodeid = f"mm.suite.yaml::{subject}-{size}"
                insert(connection, "r", "mm", subject, value * scale, nodeid=nodeid)
    connection.close()
    laws = find(read(path))
    assert helping(laws) == {"Tiling": "step1_naive", "Swizzling": "step2_tiled"}
    assert len(laws) == 4, "each size is a task of its own"
    assert check_source(write(laws, name="S"), cache=False)[1] == []


def test_reports_are_read_too(tmp_path: Path) -> None:
    report = tmp_path / "Final_MatMul_Report.md"
    report.write_text(
        "# MatMul\n\n| Step | TFLOPS | Status |\n|-|-|-|\n| L0 PyTorch | 80 | Pass |\n| L1 Naive | 20.5 | Pass |\n"
        "| L2 Tiled | 59.1 | Pass |\n| L3 Swizzled | 66.0 | Pass |\n| L4 Fused | 90 | Fail |\n"
    )
    assert helping(find(read(report))) == {"Tiling": "L1 Naive", "Swizzling": "L2 Tiled"}
    items = [
        {"case": "T.P", "values": {"step_name": "naive", "tflops": 0.4}},
        {"case": "T.P", "values": {"step_name": "fused", "tflops": 38.0}},
        {"case": "T.P", "values": {"step_name": "online", "tflops": 113.0}, "projected": True},
    ]
    trace = tmp_path / "fmha.json"
    trace.write_text(json.dumps({"items": items}))
    assert helping(find(read(trace))) == {"Fusion": "naive", "Online Softmax": "naive"}


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[" * 100_000, "no json", '{"name": "x"}', "| a | b |\n|--|--|\n| x | y |"]
)
def test_what_holds_no_measurement_is_refused(tmp_path: Path, text: str) -> None:
    for suffix in (".json", ".md"):
        path = tmp_path / f"r{suffix}"
        path.write_text(text)
        with pytest.raises(UsageError):
            read(path)


def test_a_database_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(LedgerError, match="no ledger"):
        read(tmp_path / "x.db")
    (tmp_path / "cut.db").write_bytes((tmp_path / "x.db").read_bytes()[:500])
    with pytest.raises(LedgerError):
        read(tmp_path / "cut.db")
