"""Trivial answers are wrong for every definition: zeros, ones, the mean, an input, the previous answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.trusted_function import outputs_of, resolve
from harness.lanes.kernel.warm_processes import WarmProcesses
from tests.lanes.kernel.conftest import ROOT, missing

ALL = sorted((ROOT / "specs/kernels").glob("*.yaml"))


@pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed: pip install 'pytest-crucible[kernels]'")
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_no_null_kernel_is_right(path: Path, processes: WarmProcesses) -> None:
    definition = read_definition(path)
    plans = [question.plan(definition) for question in plan_questions(definition, seed=11)]
    baseline = definition.tolerance.baseline
    judged = processes.ask(
        "compare",
        {
            "folder": str(path.parent),
            "reference": definition.reference,
            "baseline": definition.baselines[baseline].call if baseline else definition.reference,
            "times": definition.tolerance.times_baseline,
            "questions": plans,
            "answers": [],
        },
        timeout=60,
    )
    assert judged["nulls"].keys() == {"zeros", "ones", "mean", "passthrough", "previous"}
    # A size of one element may have a trivial answer; most have not.
    assert max(judged["nulls"].values()) <= 0.25, judged["nulls"]


@pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed: pip install 'pytest-crucible[kernels]'")
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_baseline_computes_what_the_reference_does(path: Path) -> None:
    from harness.lanes.kernel.inputs import sample_inputs

    definition = read_definition(path)
    plan = next(q for q in plan_questions(definition, seed=5) if q.set == "tile").plan(definition)
    inputs = sample_inputs(plan, "cpu")
    wanted = outputs_of(resolve(definition.reference, path.parent)(*inputs, **plan["parameters"]))
    for name, baseline in definition.baselines.items():
        found = outputs_of(resolve(baseline.call, path.parent)(*inputs, **plan["parameters"]))
        for one, other in zip(found, wanted, strict=True):
            error = (one.double() - other.double()).norm() / other.double().norm()
            assert error < 0.02, name
    assert {"compiled"} < definition.baselines.keys()
