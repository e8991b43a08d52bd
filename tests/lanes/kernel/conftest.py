"""Contexts and jobs that use the warm processes of a pytest worker."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.core.evidence import Evidence
from harness.lane.context import Context
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.definition import Definition, read_definition
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.warm_processes import WarmProcesses

ROOT = Path(__file__).parents[3]
missing = [name for name in ("torch", "triton", "numpy") if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="module")
def with_torch(request: pytest.FixtureRequest) -> None:
    """Give a module `torch` when its first test runs; imported at collection, each pytest worker would pay for it."""
    request.module.torch = pytest.importorskip("torch", reason="pip install 'pytest-crucible[kernels]'")


@pytest.fixture
def context(tmp_path: Path, processes: WarmProcesses) -> Iterator[Context]:
    """A context that uses the warm processes of this pytest worker."""
    made = Context(secret_seed=7, scratch=tmp_path / "scratch")
    made._kept[WarmProcesses] = processes
    yield made
    made._kept.clear()
    made.close()


@pytest.fixture(scope="session")
def softmax() -> Definition:
    return read_definition(ROOT / "specs/kernels/softmax.yaml")


@pytest.fixture
def job(tmp_path: Path, processes: WarmProcesses, softmax: Definition) -> Callable[..., Job]:
    """Makes a job for a source, by default with few small questions about softmax."""
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install 'pytest-crucible[kernels]'")

    def make(source: str, **changed: Any) -> Job:
        definition = changed.pop("definition", softmax)
        few = ({"M": 2, "N": 5, "dtype": "float32"}, {"M": 3, "N": 7, "dtype": "float16"})
        shapes = changed.pop("shapes", few if definition.operation == "softmax" else ())
        folder = tmp_path / f"job-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        settled = {"attempts": 1, "timeout": 60.0, "questions": plan_questions(definition, seed=3, shapes=shapes)}
        return Job(
            source=source.encode(),
            definition=definition,
            place=changed.pop("place", ROOT / "specs/kernels"),
            folder=folder,
            processes=processes,
            **(settled | changed),
        )

    return make


@pytest.fixture
def judged(job: Callable[..., Job]) -> Callable[..., Evidence]:
    """Runs a source in the interpreter and returns the evidence."""
    return lambda source, **changed: interpret(job(source, **changed))
