"""What the tests of all lanes share: a suite from a file without pytest's collection, and judging all its cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from harness.context import Context
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.hooks import Lane
from harness.suite import Suite

ROOT = Path(__file__).parents[2]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    made = Context(secret_seed=7, scratch=tmp_path)
    yield made
    made.close()


@pytest.fixture
def suite_at() -> Callable[[Lane, Path], Suite]:
    def build(lane: Lane, path: Path) -> Suite:
        options = lane.options.model_validate(yaml.safe_load(path.read_text()))
        policy = Policy(gates=options.gates, attempts=options.attempts or 3, require=options.require)
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        return Suite(path=path, name=name, options=options, policy=policy)

    return build


@pytest.fixture
def judge_all(context: Context, suite_at) -> Callable[[Lane, Path], dict[str, Evaluation]]:
    """Judge every case of a suite; the evidence goes through JSON on its way, as it does in a run."""

    def run(lane: Lane, path: Path, *, only: str = "") -> dict[str, Evaluation]:
        found = {}
        for case in lane.collect(suite_at(lane, path)):
            if only in case.name:
                evidence = Evidence.from_wire(json.loads(json.dumps(lane.evaluate(case, context).to_wire())))
                assert evidence.status is not Status.INFRA
                found[case.name] = Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))
        return found

    return run
