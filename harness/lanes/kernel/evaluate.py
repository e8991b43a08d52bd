"""Evaluation: one stage of one kernel, from the case to evidence. What the kernel's process leaves is untrusted."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.errors import MissingExtraError
from harness.core.evidence import Evidence
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lane.context import Context
from harness.lane.pinned_file import read_pinned, read_text_file, require_unchanged
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.collect import MAX_SOURCE
from harness.lanes.kernel.compilation import REPLAYED, Launch, compile_kernel
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.device_measurement import measure
from harness.lanes.kernel.exhibits import kernel_exhibits
from harness.lanes.kernel.golden_table import read_golden
from harness.lanes.kernel.gpu import MODULES, absent_gpu, require_extra
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.options import Stage
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.trace_items import correctness_items
from harness.lanes.kernel.warm_processes import WarmProcesses


def evaluate_case(case: Case, context: Context) -> Evidence:
    """Run one stage of a kernel in processes of its own, and evaluate their output in this process.

    Raises:
        InfraError: if a file changed since it was collected, or a helper process fails.
    """
    started = time.perf_counter()
    stage: Stage = case.inputs["stage"]
    reason = _missing_requirement(stage)
    if reason:
        return Evidence(status=Status.SKIPPED, why=reason, facts={"stage": stage})
    for path, digest in case.inputs["trusted"].items():
        read_pinned(path, digest)
    source = read_text_file(Path(case.inputs["kernel"]), max_bytes=MAX_SOURCE)
    require_unchanged(case.inputs["kernel"], case.inputs["digest"], source.digest)
    if source.fault:
        return Evidence(status=Status.CRASH, why=source.fault, tier=Tier.D, facts={"stage": stage})
    context.scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=context.scratch))
    job = folder / "job"
    job.mkdir()
    try:
        found = _run_stage(case, stage, source.data, job, context)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found.model_copy(
        update={
            "facts": {"stage": stage, "budgeted": case.inputs["budgeted"], **found.facts},
            "exhibits": kernel_exhibits(found.facts, found.status),
            "environment": {**found.environment, **{m: importlib.metadata.version(m) for m in MODULES}},
            "seconds": time.perf_counter() - started,
        }
    )


def _run_stage(case: Case, stage: Stage, source: bytes, folder: Path, context: Context) -> Evidence:
    given, place = case.inputs, Path(case.inputs["definition"])
    kernel = Candidate(Path(case.subject.path), source, read_definition(place), place)
    processes = context.keep(WarmProcesses)
    processes.share(context.shared)
    job = kernel.job(
        folder, processes, timeout=given["timeout_s"], attempts=case.policy.attempts,
        questions=plan_questions(kernel.definition, seed=context.seed(case, "questions"), shapes=given["shapes"]),
        library=given["library"], architectures=tuple(given["architectures"]),
        kept=context.scratch / "disassembly",
    )  # fmt: skip
    name, file = kernel.name, kernel.file
    described = {"step": file.step, "title": file.title, "claims": list(file.claims), "problem": file.problem}
    if stage == "compile":
        return _compile(job, case, name, described)
    found = interpret(job) if stage == "interpreter" else measure(job, context, step=name)
    trace = [item.to_wire() for item in correctness_items(name, found.facts.get("shapes", []))]
    facts = {**described, **found.facts, "trace": [*trace, *found.facts.get("trace", [])]}
    return found.model_copy(update={"facts": facts})


def _compile(job: Job, case: Case, name: str, described: dict[str, Any]) -> Evidence:
    architecture = ARCHITECTURES[case.inputs["architecture"]]
    found = compile_kernel(
        job,
        architecture=architecture.name,
        targets=case.inputs["targets"],
        max_configurations=case.inputs["configurations"],
    )
    facts = {**described, **found.facts}
    # A claim about a feature that the architecture lacks is not checked on it.
    facts["claims"] = [claim for claim in described["claims"] if claim in architecture.claims]
    golden = case.inputs.get("golden")
    if golden is not None:
        read_pinned(**golden)
        table = read_golden(Path(golden["path"]))
        installed = importlib.metadata.version("triton")
        launches = [Launch.from_wire(launch) for launch in found.facts["launches"]]
        if table.triton == installed:
            facts["golden"] = {"differences": table.differences(name, launches)}
        else:
            facts["golden"] = {
                "differences": None,
                "why": f"the golden table is of triton {table.triton}, this is {installed}",
            }
    # The case of that stage asks more of the same questions.
    why = found.why.replace(REPLAYED, f"{REPLAYED}, as in {name}-interpreter", 1)
    return found.model_copy(update={"facts": facts, "why": why})


def _missing_requirement(stage: Stage) -> str:
    """Why a stage cannot run here; empty if it can."""
    try:
        require_extra()
    except MissingExtraError as error:
        return f"{error.what}: {error.fix}"
    return absent_gpu() if stage == "gpu" else ""
