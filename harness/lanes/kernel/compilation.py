"""Compilation: compile a kernel for a GPU, on a machine that need not have one, and read the machine code."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.core.clip import clip
from harness.core.evidence import Counterexample, Evidence
from harness.core.frozen import Frozen
from harness.core.policy import Finite
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.correctness import FEW, answer_questions
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.job import GIB, Job, process_fault, read_note
from harness.lanes.kernel.machine_code import MachineCode, read_machine_code
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.recording import record
from harness.lanes.kernel.warm_processes import Outcome

MAX_CONFIGURATIONS = 4
"""An ordinary run compiles at most this many configurations of an autotuned kernel; a sweep compiles all."""


REPLAYED = "not compiled, since it fails in the interpreter"  # a kernel that gives wrong answers there is not compiled
CALLS, ANSWERED = "the recorded calls, interpreted", "the reference's answers, by Triton kernels"


class Fault(NamedTuple):
    """What ended a compilation early."""

    status: Status
    why: str
    counterexample: Counterexample | None = None


class Variant(Frozen):
    """One configuration of a launch, and its machine code."""

    configuration: dict[str, bool | int | Finite | str]
    code: MachineCode | None = None
    fault: str = ""
    """Why there is no machine code."""

    @property
    def problem(self) -> str:
        """Why it cannot be launched on its architecture, or that it spills; empty if neither."""
        code = self.code
        if code is None:
            return f"does not compile: {self.fault}"
        limits = ARCHITECTURES[code.architecture]
        if code.shared_bytes > limits.block_shared:
            return f"needs {code.shared_bytes} bytes of shared memory, {limits.block_shared} are there"
        if code.occupancy == 0:
            return f"needs {code.registers * code.threads} registers, {limits.registers} are there"
        return f"spills {code.stack_bytes} bytes" if code.stack_bytes else ""

    @property
    def feasible(self) -> bool:
        """Whether it can be launched and does not spill."""
        return not self.problem


class Launch(Frozen):
    """One launch within a call at a target size; several variants if the kernel is autotuned, else one."""

    name: str
    architecture: str
    target: str
    variants: tuple[Variant, ...]

    @property
    def best(self) -> Variant:
        """The first variant that is feasible, else the first that compiles, else the first."""
        compiled = [variant for variant in self.variants if variant.code is not None]
        feasible = [variant for variant in compiled if variant.feasible]
        return (feasible or compiled or list(self.variants))[0]


def compile_launches(
    job: Job,
    points: Sequence[Point],
    *,
    architectures: Sequence[str] = ("sm_90a",),
    max_configurations: int = MAX_CONFIGURATIONS,
) -> tuple[list[Launch], Fault | None, Outcome]:
    """Compile every launch of a call at each point.

    Args:
        job: The kernel; its questions are recorded, and the last are asked.
        architectures: Targets of the compiler, keys of `ARCHITECTURES`.
        max_configurations: How many configurations of an autotuned kernel.

    Returns:
        The launches, the fault that ended the compilation early (None if there was none), and how its process ended.
    """

    def plan(point: Point) -> dict[str, Any]:
        return Question("target", point, "normal", seed=0).plan(job.definition) | {"label": point.label}

    plans = [plan(point) for point in points]
    # The recorder gets the calls of the interpreter stage, so that a kernel cannot tell for which stage it is recorded.
    before = [question.plan(job.definition) for question in job.questions]
    after = [plan(point) for point in job.definition.targets[len(points) :]] if before else []
    launches: list[Launch] = []
    outcome = Outcome(code=0, seconds=0.0)
    for name in architectures:
        lines, failed = record(job, [*before, *plans, *after], {"architecture": name})
        fault = Fault(*failed) if failed is not None else None
        if fault is None and before:  # a recording that is good for the compiler only has no right answers
            few = dataclasses.replace(job, questions=job.questions[-FEW:], attempts=1)
            answered = answer_questions(few, lines[len(before) - len(few.questions) : len(before)])
            if answered.status not in (Status.OK, Status.REVIEW):
                asked = Counterexample(question=CALLS, expected=ANSWERED, observed=answered.why)
                fault = Fault(answered.status, clip(f"{REPLAYED}: {answered.why}"), answered.counterexample or asked)
        if fault is None:
            (job.folder / "plans.jsonl").write_bytes(b"\n".join(lines[len(before) :][: len(plans)]))
            request = {
                "questions": plans,
                "architecture": name,
                "max_configurations": max_configurations,
                "operators": job.definition.operators,
                "library": job.library,
            }
            limits = {**job.limits, "RLIMIT_AS": 8 * GIB}
            outcome = job.processes.run("compile", job.folder, request, timeout=job.timeout, limits=limits)
            failed = process_fault(outcome, job.folder, job)
            fault = Fault(*failed) if failed is not None else None
        if fault is not None:
            return [], fault, outcome
        codes: dict[tuple[int, str, int, int], MachineCode] = {}
        out = job.folder / "out"
        launches += [_launch(out, group, codes, job.kept) for group in read_note(job.folder, "kernels.json")["groups"]]
    return launches, None, outcome


def compile_kernel(
    job: Job, *, architecture: str, targets: int = 1, max_configurations: int = MAX_CONFIGURATIONS
) -> Evidence:
    """Compile every launch of one call at the first of the definition's targets, and read the machine code."""
    points = job.definition.targets[:targets]
    launches, fault, outcome = compile_launches(
        job, points, architectures=(architecture,), max_configurations=max_configurations
    )
    facts: dict[str, Any] = {
        "architecture": architecture,
        "targets": [
            {
                "target": point.label,
                "flops": evaluate(job.definition.flops, point.names),
                "bytes": evaluate(job.definition.bytes, point.names),
            }
            for point in points
        ],
        "confinement": list(outcome.layers),
        "process_seconds": round(outcome.seconds, 3),
        "launches": [launch.to_wire() for launch in launches],
    }
    broken = [launch for launch in launches if launch.best.code is None]
    if fault is None and broken:
        name, said = broken[0].name, broken[0].best.fault
        question = f"{name} at {broken[0].target}, compiled for {architecture}"
        wanted = Counterexample(question=clip(question), expected="machine code", observed=clip(said))
        fault = Fault(Status.CRASH, clip(f"{name} does not compile: {said}"), wanted)
    status, why, found = fault or Fault(Status.OK, "")
    return Evidence(status=status, why=why, counterexample=found, tier=Tier.D, facts=facts, peak_mb=outcome.peak_mb)


def _launch(
    out: Path, group: dict[str, Any], codes: dict[tuple[int, str, int, int], MachineCode], kept: Path | None
) -> Launch:
    variants = []
    for variant in group["variants"]:
        if "code" not in variant:
            variants.append(Variant(configuration=variant["configuration"], fault=clip(str(variant["fault"]))))
            continue
        key = variant["code"], group["architecture"], variant["shared"], variant["threads"]
        if key not in codes:
            codes[key] = read_machine_code(
                out / f"{key[0]}.cubin",
                architecture=ARCHITECTURES[key[1]],
                shared_bytes=key[2],
                threads=key[3],
                kept=kept,
            )
        variants.append(Variant(configuration=variant["configuration"], code=codes[key]))
    return Launch(
        name=group["name"], architecture=group["architecture"], target=group["target"], variants=tuple(variants)
    )
