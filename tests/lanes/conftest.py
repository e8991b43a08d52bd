"""What the tests of all lanes share: a suite loaded as pytest loads it, and judging all its cases without pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.hooks import Lane
from harness.judge.case import evaluate_case
from harness.lane.context import Context
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Settings
from harness.suites.suite import Suite
from tests.shared_run import session_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A context as in one run: tests whose tools are equal use the inputs that the first of them sampled."""
    scratch = session_folder(tmp_path_factory) / "scratch"
    scratch.mkdir(exist_ok=True)
    made = Context(secret_seed=7, scratch=scratch)
    yield made
    made.close()


@pytest.fixture
def suite_at(tmp_path: Path) -> Callable[[Lane, Path], Suite]:
    settings = Settings(secret_seed=7, ledger=tmp_path / "ledger.db", report=tmp_path / "index.html")

    def load(lane: Lane, path: Path) -> Suite:
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        return load_suite(path, name=name, lanes={lane.name: lane}, settings=settings)

    return load


@pytest.fixture
def judge_all(context: Context, suite_at) -> Callable[..., dict[str, Evaluation]]:
    """Judge every case of a suite; the verdicts go through JSON on their way, as they do in a run."""

    def run(lane: Lane, path: Path, *, only: str = "") -> dict[str, Evaluation]:
        found = {}
        for case in collect_cases(suite_at(lane, path), lane):
            if only in case.name:
                evaluation = Evaluation.from_wire(evaluate_case(case, lane, context).to_wire())
                assert evaluation.status is not Status.INFRA, evaluation.why
                found[case.name] = evaluation
        return found

    return run
