"""Scoring is a pure function: the real evidence of every lane, judged again by an equal policy, gives equal bytes."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.rescore import rescore
from harness.core.evaluation import Evaluation
from harness.core.stability import add_round
from harness.core.status import Status
from harness.core.tier import Tier
from harness.hooks import Registry
from harness.judge.case import evaluate_case
from harness.lane.context import Context
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger import queries
from harness.ledger.lookup import RECORD
from harness.ledger.row import dump
from harness.ledger.store import Ledger
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Settings
from tests.ledger.factory import make_run
from tests.shared_run import session_folder, shared
from tests.test_house import ROOT

CASES = {
    "suites/toolgen/text_deduplicate.suite.yaml": ("hash_set",),
    "suites/toolgen/planted.suite.yaml": ("flaky_hash_order", "exits", "forbidden_system", "wrong_drops_last"),
    "suites/spec/png.suite.yaml": ("text", "blob", "unknown-type"),
    "suites/dsl/hello.suite.yaml": ("hello::success",),
    "suites/kernel/matmul-planted.suite.yaml": ("transposed-interpreter",),
    "suites/kernel/matmul.suite.yaml": ("tiled-gpu",),
}
"""Cases of every lane and of most statuses; with any name missing that a suite no longer has."""


def judge(folder, scratch, processes):
    path = folder / "l.db"
    lanes = Registry().lanes
    settings = Settings(secret_seed=7, ledger=path, report=folder / "r.html", epoch=20)
    context = Context(secret_seed=7, scratch=scratch, tier=Tier.A)
    context._kept[WarmProcesses] = processes
    with Ledger.open(path) as opened:
        run = make_run(epoch=20)
        opened.begin(run)
        for name, wanted in CASES.items():
            suite = load_suite(ROOT / name, name=name, lanes=lanes, settings=settings)
            lane = lanes[suite.options.lane]
            cases = collect_cases(suite, lane)
            for case in [case for case in cases if case.name in wanted] or cases[:1]:
                found = evaluate_case(case, lane, context)
                assert found.status is not Status.INFRA, found.why
                opened.record(found, run_id=run.run_id)
        opened.finish(run.run_id)
    context._kept.pop(WarmProcesses)
    context.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory, processes):
    scratch = session_folder(tmp_path_factory) / "scratch"  # where the tests of lanes keep the inputs of the same tools
    scratch.mkdir(exist_ok=True)
    return shared(tmp_path_factory, "rescored", partial(judge, scratch=scratch, processes=processes)) / "l.db"


def test_equal_policy_equal_bytes(ledger):
    lanes = Registry().lanes
    with Ledger.read(ledger) as opened:
        [row] = opened.rows("SELECT run_id FROM runs")
        stored = {one["nodeid"]: one["record"] for one in opened.rows(f"SELECT nodeid, {RECORD} FROM evaluations")}
        changes = list(rescore(queries.load_all(opened, row["run_id"]), lanes))
    assert {change.after.case.lane for change in changes} == {"toolgen", "spec", "dsl", "kernel"}
    assert len({change.after.status for change in changes}) >= 4
    for change in changes:
        before = Evaluation.model_validate_json(stored[change.after.case.nodeid])
        assert change.after.model_dump_json() == before.model_dump_json()
        assert not change.differs


def test_merged_evidence(ledger):
    lanes, merges = Registry().lanes, 0
    with Ledger.read(ledger) as opened:
        [row] = opened.rows("SELECT run_id FROM runs")
        for one in queries.load_all(opened, row["run_id"]):
            if one.passed and one.evidence.attempts:
                lane = lanes[one.case.lane]
                merged = add_round(one.evidence, one.evidence, adopt=True, note={})
                again = type(merged).from_wire(json.loads(dump(merged.to_wire())))
                assert lane.score(merged, one.case.policy) == lane.score(again, one.case.policy)
                # Twice the same observations are worth what they were worth once.
                assert lane.score(merged, one.case.policy).total == one.score.total
                merges += 1
    assert merges


def test_another_policy_differs(ledger):
    lanes = Registry().lanes
    with Ledger.read(ledger) as opened:
        [row] = opened.rows("SELECT run_id FROM runs")
        evaluations = list(queries.load_all(opened, row["run_id"]))
    assert any(change.differs for change in rescore(evaluations, lanes, gates={"score": 0.999}))


def test_written(ledger, capsys, tmp_path):
    copy = Path(shutil.copy(ledger, tmp_path))
    assert main(["rescore", "--ledger", str(copy), "--write"]) == 0
    assert " 0 differ" in capsys.readouterr().out
    with Ledger.read(copy) as opened:
        columns = f"nodeid, {RECORD}, status, stability_bound, confirmed"
        rows = opened.rows(f"SELECT {columns} FROM evaluations ORDER BY nodeid")
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    assert pairs
    assert all(before == after for before, after in pairs)
