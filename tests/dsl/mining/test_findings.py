"""Rule mining: measurements yield the rules they support, and no others."""

from __future__ import annotations

import itertools
import json
import math
import random
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from harness.core.errors import LedgerError, UsageError
from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.facts.plan import check_plan
from harness.dsl.mining import sources
from harness.dsl.mining.domain_writer import write
from harness.dsl.mining.findings import Findings, find
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.reports import Wanted
from harness.dsl.mining.sources import merged
from harness.lanes.dsl.ledger_measurements import read_ledger
from harness.ledger.store import Ledger

MATMUL = {"naive": [9.0, 9.4], "tiled": [1.9, 2.0], "grouped": [1.5, 1.6], "pipelined": [1.2, 1.3]}
FMHA = {"naive": [30.0, 31.0], "online": [22.0, 22.5], "fused": [4.0, 4.2]}

read = partial(sources.read, ledger=read_ledger)


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


def helping(lifted: Findings) -> dict[str, str]:
    return {
        finding.technique.name: finding.before.subject for found in lifted.supported.values() for finding in found[:1]
    }


def test_ladders_yield_rules_with_evidence(tmp_path: Path) -> None:
    findings = find(read(ledger(tmp_path / "l.db", matmul=MATMUL, fmha=FMHA)))
    assert helping(findings) == {
        "Tiling": "naive", "Swizzling": "tiled", "Pipelining": "grouped", "Online Softmax": "naive", "Fusion": "online",
    }  # fmt: skip
    text = write(findings, name="Ladders")
    assert check_source(text, cache=False)[1] == []
    program = load_source(text, cache=False)
    assert [rule.name for rule in program.rules] == ["Tiling", "Swizzling", "Pipelining", "Fusion"]
    assert [invariant.name for invariant in program.invariants] == ["Online Softmax"]
    tiling = findings.supported["Tiling"][0].effect
    assert tiling.ratio == pytest.approx(9.2 / 1.95)
    assert 3 < tiling.low < tiling.ratio < tiling.high < 7
    assert (tiling.samples, tiling.known) == (4, True)
    assert 'runs: ["matmul-run-0", "matmul-run-1"]' in text
    assert '"digest-matmul-tiled"' in text


def test_a_plan_without_a_required_technique_is_rejected(tmp_path: Path) -> None:
    findings = load_source(write(find(read(ledger(tmp_path / "l.db", fmha=FMHA))), name="F"), cache=False)
    found = check_plan(
        load_source("design_space { online_softmax: [true, false] fusion: true }", cache=False), findings
    )
    assert [breach.law for breach in found.breaches] == ["Online Softmax"]
    assert found.held == ("Fusion",)


def test_a_technique_that_does_not_help_is_a_fact_only(tmp_path: Path) -> None:
    slower = {**MATMUL, "grouped": [2.4, 2.5]}
    findings = find(read(ledger(tmp_path / "l.db", matmul=slower)))
    assert "Swizzling" not in helping(findings)
    text = write(findings, name="M")
    assert "grouped (Swizzling) is worse than tiled" in text
    assert "rule Swizzling" not in text


def test_noise_yields_no_rule(tmp_path: Path) -> None:
    noisy = {"naive": [9.0, 9.4, 9.2], "tiled": [1.9, 2.4, 3.0], "grouped": [1.8, 2.6]}
    assert helping(find(read(ledger(tmp_path / "l.db", matmul=noisy)))) == {"Tiling": "naive"}


def test_wrong_subjects_and_libraries_are_not_evidence(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", matmul={"naive": [9.0], "cublas": [1.0], "tiled": [2.0]})
    with sqlite3.connect(path) as connection:
        insert(connection, "matmul-run-0", "matmul", "fused", None, status="wrong", why="off by one")
    connection.close()
    assert helping(find(read(path))) == {"Tiling": "naive"}


def test_lineage_determines_the_comparison(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", m={"a": [9.0], "b": [3.0], "b-swizzled": [2.0]})
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO lineage (child, parent, relation, created_at) VALUES (?, 'digest-m-b', 'x', '')",
            ("digest-m-b-swizzled",),
        )
    connection.close()
    assert helping(find(read(path))) == {"Swizzling": "b"}


def test_steps_and_sizes_are_separate(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT OR IGNORE INTO runs (run_id, started_at, status) VALUES ('r', '', 'finished')")
        for size, scale in (("1024", 1.0), ("4096", 60.0)):
            for subject, value in (("step1_naive", 8.0), ("step2_tiled", 2.0), ("step3_swizzled", 1.5)):
                nodeid = f"mm.suite.yaml::{subject}-{size}"
                insert(connection, "r", "mm", subject, value * scale, nodeid=nodeid)
    connection.close()
    findings = find(read(path))
    assert helping(findings) == {"Tiling": "step1_naive", "Swizzling": "step2_tiled"}
    assert len(findings.techniques) == 4, "each size is a separate task"
    assert check_source(write(findings, name="S"), cache=False)[1] == []


def test_reports_are_read(tmp_path: Path) -> None:
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
def test_files_without_measurements_are_rejected(tmp_path: Path, text: str) -> None:
    for suffix in (".json", ".md"):
        path = tmp_path / f"r{suffix}"
        path.write_text(text)
        with pytest.raises(UsageError):
            read(path)


def test_a_database_that_is_not_a_ledger_is_rejected(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(LedgerError, match="not a ledger"):
        read(tmp_path / "x.db")
    (tmp_path / "cut.db").write_bytes((tmp_path / "x.db").read_bytes()[:500])
    with pytest.raises(LedgerError):
        read(tmp_path / "cut.db")


def lifted(tmp_path: Path, records: object, name: str = "report.json") -> Findings:
    path = tmp_path / name
    path.write_text(records if isinstance(records, str) else json.dumps(records))
    found = find(merged(read(path)))
    text = write(found, name="L")
    assert check_source(text, cache=False)[1] == []
    assert write(find(merged(read(path))), name="L") == text, "the result is deterministic"
    return found


def scattered(value: float, chance: random.Random, deviation: float = 0.02) -> float:
    return value * math.exp(chance.gauss(0, deviation))


@pytest.mark.parametrize(
    ("metric", "sign"), [("latency_us", 1), ("tokens_per_second", -1), ("Throughput (GB/s)", -1), ("energy_joules", 1)]
)
def test_other_operations_and_metrics_are_read(tmp_path: Path, metric: str, sign: int) -> None:
    chance = random.Random(1)
    ladder = {"step1_direct": 900.0, "step2_im2col": 400.0, "step3_winograd": 250.0, "step4_winograd_fused": 251.0}
    records = [
        {"operation": "conv2d", "step_name": name, metric: scattered(value**sign, chance), "run_id": f"r{run}"}
        for run in range(4)
        for name, value in ladder.items()
    ]
    assert helping(lifted(tmp_path, records)) == {"Im2col": "step1_direct", "Winograd": "step2_im2col"}


def test_shuffled_numbers_yield_no_rules(tmp_path: Path) -> None:
    del tmp_path
    found = 0
    for seed in range(30):
        chance = random.Random(seed)
        values = [scattered(value, chance) for value in (9.0, 2.0, 1.5, 1.2) for _ in range(3)]
        chance.shuffle(values)
        subjects = [Measurement("matmul", name) for name in ("naive", "tiled", "grouped", "pipelined")]
        for place, value in enumerate(values):
            subjects[place // 3].samples.append((f"r{place % 3}", value))
        found += bool(find(subjects).supported)
    assert found <= 2


def test_intervals_cover_the_true_ratio(tmp_path: Path) -> None:
    del tmp_path
    missed = 0
    for seed in range(60):
        chance = random.Random(seed)
        subjects = [
            Measurement("t", name, samples=[(f"r{run}", scattered(value, chance)) for run in range(5)])
            for name, value in (("naive", 8.0), ("tiled", 2.0))
        ]
        effect = find(subjects).techniques[0].effect
        missed += not effect.low <= 4 <= effect.high
    assert missed <= 6


def test_slower_runs_are_compared_within_the_run(tmp_path: Path) -> None:
    chance = random.Random(3)
    records = []
    for run in range(5):
        day = math.exp(chance.gauss(0, 0.5))
        for name, value in (("naive", 9.0), ("tiled", 6.0), ("vectorized", 8.9)):
            records.append({"name": name, "ms": scattered(value * day, chance), "run": run})
    assert helping(lifted(tmp_path, records)) == {"Tiling": "naive"}


def test_numbers_of_different_devices_are_not_compared(tmp_path: Path) -> None:
    rows = [("naive", "old", 9.0), ("tiled", "new", 1.0), ("naive", "new", 1.005)]
    records = [{"name": n, "device": d, "ms": ms, "run": run} for run in range(3) for n, d, ms in rows]
    assert helping(lifted(tmp_path, records)) == {}


def test_a_technique_that_also_hurts_does_not_bind_a_plan(tmp_path: Path) -> None:
    chance = random.Random(4)
    records = [
        {"name": name, "device": device, "ms": scattered(value, chance), "run": run}
        for run in range(4)
        for device, times in (("a", (9.0, 3.0)), ("b", (9.0, 18.0)))
        for name, value in zip(("naive", "tiled"), times, strict=True)
    ]
    found = lifted(tmp_path, records)
    assert helping(found) == {"Tiling": "naive"}
    text = write(found, name="L")
    assert "worse in report b" in text
    assert (
        check_plan(load_source("design_space { tiling: false }", cache=False), load_source(text, cache=False)).held
        == ()
    )


def test_joint_and_skipped_techniques_are_stated(tmp_path: Path) -> None:
    joint = lifted(tmp_path, [{"suite": "fmha", "subject": n, "ms": ms} for n, ms in (("naive", 30.0), ("flash", 5.0))])
    assert {finding.technique.name: finding.together for finding in joint.techniques} == {
        "Online Softmax": ("Fusion",), "Fusion": ("Online Softmax",),
    }  # fmt: skip
    steps = [("step1_naive", 9.0, "ok"), ("step2_tiled", 2.0, "wrong"), ("step3_swizzled", 1.5, "ok")]
    skipped = lifted(tmp_path, [{"name": n, "ms": ms, "status": status} for n, ms, status in steps])
    assert {finding.technique.name: finding.together for finding in skipped.techniques} == {
        "Swizzling": ("Tiling",), "Tiling": ("Swizzling",),
    }  # fmt: skip


def test_placeholders_and_projections_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "zeros.json").write_text(json.dumps([{"name": n, "tflops": 0.0} for n in ("naive", "tiled")]))
    with pytest.raises(UsageError, match="no measurement"):
        read(tmp_path / "zeros.json")
    records = [{"name": "naive", "tflops": 1.0}, {"name": "tiled", "tflops": 9.0, "projected": True}, {"name": "fused"}]
    assert helping(lifted(tmp_path, records)) == {}


def test_a_sweep_yields_the_good_values(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [(tile, warps, scattered(1 + abs(tile - 64) / 64, chance)) for tile in (32, 64, 128) for warps in (2, 4, 8)]
    text = "kernel,TILE_M,num_warps,time_ms\n" + "\n".join(f"mm,{a},{b},{ms}" for a, b, ms in rows)
    found = lifted(tmp_path, text, "sweep.csv")
    assert {name: laws[0].good for name, laws in found.choices.items()} == {"TILE_M": (64,)}
    findings = load_source(write(found, name="S"), cache=False)
    plan = load_source("engineering_loop T { parameter TILE_M: [32, 64] measure { cmd: \"echo\" metric: x "
                       "objective: minimize } }", cache=False)  # fmt: skip
    assert [breach.law for breach in check_plan(plan, findings).breaches] == ["TILE_M"]


def test_shuffled_sweeps_and_joint_parameters_yield_nothing(tmp_path: Path) -> None:
    together = [{"TILE_M": a, "TILE_N": 2 * a, "ms": float(a), "run": run} for a in (32, 64) for run in range(4)]
    assert lifted(tmp_path, together).choices == {}
    opposite = [
        {"TILE": a, "SWZ": b, "ms": 2.0 if (a == 64) == (b == "on") else 1.0} for a in (32, 64) for b in ("on", "off")
    ]
    assert lifted(tmp_path, opposite).choices == {}


def test_boolean_columns_are_techniques(tmp_path: Path) -> None:
    chance = random.Random(6)
    records = [
        {"name": "k", "tiled": a, "vectorized": b, "gflops": scattered(10 * (3 if a else 1), chance), "run": run}
        for a in (True, False)
        for b in (True, False)
        for run in range(3)
    ]
    assert helping(lifted(tmp_path, records)) == {"Tiling": "k"}


def test_reports_of_other_tools(tmp_path: Path) -> None:
    bench = {
        "benchmarks": [
            {"name": f"test_{name}", "stats": {"median": value, "min": 0.0, "rounds": 9}}
            for name, value in (("naive", 2e-3), ("hashset", 1e-4))
        ]
    }
    assert helping(lifted(tmp_path, bench)) == {"Hashset": "test_naive"}
    wide = (
        "# MatMul\n\n## Speed-up by size\n\n| size | naive | tiled | grouped |\n|-|-|-|-|\n"
        "| 4096 | 0.01x (0.01-0.02) | 0.20x (0.19-0.21) | not measured |\n"
        "| 8192 | 0.01x | 0.20x | 0.26x (0.25-0.27) |\n"
    )
    assert helping(lifted(tmp_path, wide, "wide.md")) == {"Tiling": "naive", "Swizzling": "tiled"}


def test_unusual_names(tmp_path: Path) -> None:
    names = ['naive "x" {{a}}', '{{hints}} tiled\n"} rule', "\u65e5" * 200, "", "\ud800x", "a" * 9_000]
    found = lifted(tmp_path, [{"name": name, "ms": 9.0 - place} for place, name in enumerate(names)])
    assert isinstance(found, Findings), "`lifted` checks that its domain is a valid program, and the same twice"


def test_controls_and_reused_verdicts_are_not_measurements(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", m={"naive": [9.0]})
    with sqlite3.connect(path) as connection:
        insert(connection, "m-run-0", "m", "tiled", 1.0, expected="ok")
        insert(connection, "m-run-0", "m", "fused", 1.0, reused_from="earlier")
    connection.close()
    assert find(read(path)).techniques == ()


def test_one_run_of_many_styles_is_compared_by_subject(tmp_path: Path) -> None:
    del tmp_path
    chance = random.Random(7)
    made = [
        Measurement("dedupe", f"cand_{number:04x}", (style,), samples=[("r", scattered(value, chance, 0.3))])
        for number, (style, value) in enumerate([(s, v) for s, v in (("trie", 3.0), ("set", 1.0)) for _ in range(9)])
    ]
    assert list(find(made).supported) == ["Set"]
    for number, one in enumerate(made):
        one.labels = (("trie", "set")[number % 2],)
    assert find(made).supported == {}


def test_a_search_report_states_its_direction(tmp_path: Path) -> None:
    points = [
        {"point": {"TILE": tile, "STAGES": stages}, "value": cost, "status": "ok"}
        for (tile, cost), stages in itertools.product(((4, 9.0), (8, 3.0)), (1, 2, 3))
    ]
    search = {"metric": "cost", "lower_is_better": True, "task": "Tuner", "points": points}
    assert [found[0].good for found in lifted(tmp_path, search).choices.values()] == [(8,)]
    assert [found[0].good for found in lifted(tmp_path, search | {"lower_is_better": False}).choices.values()] == [(4,)]
    (tmp_path / "p.json").write_text(json.dumps(search | {"metric": "predicted_ms"}))
    with pytest.raises(UsageError, match="no measurement"):
        read(tmp_path / "p.json")
    assert read(tmp_path / "p.json", Wanted("predicted_ms"))[0].metric == "predicted_ms"
