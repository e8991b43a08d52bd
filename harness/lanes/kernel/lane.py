"""The kernel lane: right to double precision, what the compiler makes of it, and how fast it is on a device."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from harness.core.case import Case, Subject
from harness.core.digest import digest_json
from harness.core.errors import MissingExtraError, SuiteError
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.slug import slug
from harness.core.status import Status
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lane.context import Context
from harness.lane.pinned_file import pin, read_pinned, require_unchanged
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.compilation import MAX_CONFIGURATIONS, Launch, compile_kernel
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.definition import Shape, read_definition, trusted_files
from harness.lanes.kernel.device_measurement import measure
from harness.lanes.kernel.golden_table import read_golden
from harness.lanes.kernel.gpu import absent_gpu, device_nodes
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_metadata import read_kernel_file
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.score import MEASURED, OWN_GATES, score_kernel
from harness.lanes.kernel.source import read_source
from harness.lanes.kernel.trace_items import answers_of
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.suites.suite import Suite, SuiteOptions

EXTRA = "kernels"
MODULES = ("torch", "triton", "numpy")
Stage = Literal["interpreter", "compile", "gpu"]
STAGES: tuple[Stage, ...] = ("interpreter", "compile", "gpu")
Target = Literal["sm_80", "sm_86", "sm_90a", "sm_100a", "sm_120a"]


class KernelOptions(SuiteOptions):
    """A suite of kernels for one operation."""

    definition: str
    """The operation's definition."""
    kernels: str | tuple[str, ...]
    """Globs of kernel files."""
    shapes: tuple[Shape, ...] = ()
    """Sizes to ask instead of the definition's sets."""
    stages: tuple[Stage, ...] = STAGES
    """Which cases each kernel gets."""
    architectures: tuple[Target, ...] = ("sm_90a",)
    """What the compile stage compiles for, a case each."""
    targets: PositiveInt = 1
    """How many of the definition's target shapes the compile stage compiles."""
    configurations: PositiveInt = MAX_CONFIGURATIONS
    """How many configurations of an autotuned kernel the compile stage compiles, evenly spread."""
    golden: str = ""
    """A golden table of resources."""
    library: bool = False
    """Whether kernels may call PyTorch's own operators."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Seconds for a kernel's whole process, imports and compilation included."""


class KernelLane:
    """Kernels, each run in processes of their own; they need PyTorch, so they are confined but not boxed: tier D."""

    name = "kernel"
    options: type[SuiteOptions] = KernelOptions
    untrusted: tuple[str, ...] = ("kernels",)
    boxed = False
    min_tier: Tier | None = None
    components = (*sorted(frozenset().union(*MEASURED.values())), *OWN_GATES)
    """What a suite's `gates` may name besides `score`."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """For each kernel one case per stage and architecture."""
        options = suite.options
        if not isinstance(options, KernelOptions):
            raise TypeError(type(options).__name__)
        path = suite.resolve(options.definition, "definition")
        definition = read_definition(path)
        for index, shape in enumerate(options.shapes):
            try:
                definition.point(shape)
            except ValueError as error:
                raise SuiteError(str(error), where=suite.where("shapes", index)) from None
        golden = suite.resolve(options.golden, "golden") if options.golden else None
        if golden is not None:
            read_golden(golden)
        inputs: dict[str, Any] = {
            "definition": str(path),
            "trusted": trusted_files(path, definition),
            "shapes": [dict(shape) for shape in options.shapes],
            "targets": options.targets,
            "configurations": options.configurations,
            "library": options.library,
            "timeout_s": options.timeout_s,
            "budgeted": options.budget is not None,
        }
        if golden is not None:
            inputs["golden"] = pin(golden)
        cases = []
        for kernel in suite.glob(options.kernels, "kernels"):
            source = read_source(kernel)
            digest = source.digest
            for stage, architecture in _stages(options):
                suffix = f"compile-{architecture}" if stage == "compile" else stage
                told = inputs | {"stage": stage, "kernel": str(kernel), "digest": digest, "fault": source.fault}
                cases.append(
                    Case(
                        lane=self.name,
                        suite=suite.name,
                        name=f"{slug(kernel.stem)}-{suffix}",
                        title=f"{kernel.stem} as {definition.operation}: {suffix}",
                        # What runs is the file as this stage makes it; a digest of its own, with the file's as its
                        # parent, keeps the stages apart wherever results are told apart by digest.
                        subject=Subject(
                            name=f"{kernel.stem}-{suffix}",
                            digest=digest_json([digest, stage, architecture] if architecture else [digest, stage]),
                            path=str(kernel),
                            parents=(digest,),
                        ),
                        inputs=told | ({"architecture": architecture} if architecture else {}),
                        policy=suite.policy,
                        line=suite.line("kernels"),
                        markers=_markers(stage),
                    )
                )
        return cases

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Run one stage in a process of its own, and judge what it left from here."""
        started = time.perf_counter()
        stage: Stage = case.inputs["stage"]
        reason = _absent(stage)
        if reason:
            return Evidence(status=Status.SKIPPED, why=reason, facts={"stage": stage})
        for path, digest in case.inputs["trusted"].items():
            read_pinned(path, digest)
        source = read_source(Path(case.inputs["kernel"]))
        require_unchanged(case.inputs["kernel"], case.inputs["digest"], source.digest)
        if source.fault:
            return Evidence(status=Status.CRASH, why=source.fault, tier=Tier.D, facts={"stage": stage})
        context.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=context.scratch))
        job = folder / "job"
        job.mkdir()
        try:
            found = self._observe(case, stage, source.data, job, context)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return found.model_copy(
            update={
                "facts": {"stage": stage, "budgeted": case.inputs["budgeted"], **found.facts},
                "environment": {**found.environment, **{m: importlib.metadata.version(m) for m in MODULES}},
                "seconds": time.perf_counter() - started,
            }
        )

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh what this stage measures; gates of other stages are not asked of it."""
        return score_kernel(evidence, policy)

    def _observe(self, case: Case, stage: Stage, source: bytes, folder: Path, context: Context) -> Evidence:
        path = Path(case.inputs["definition"])
        definition = read_definition(path)
        job = Job(
            source=source,
            definition=definition,
            place=path.parent,
            questions=plan_questions(definition, seed=context.seed(case, stage), shapes=case.inputs["shapes"]),
            attempts=case.policy.attempts,
            timeout=case.inputs["timeout_s"],
            folder=folder,
            nursery=context.keep(WarmProcesses),
            library=case.inputs["library"],
        )
        name = Path(case.subject.path).stem
        said = read_kernel_file(source.decode("utf-8", "replace"))
        spoken = {"step": said.step, "title": said.title, "claims": list(said.claims), "problem": said.problem}
        if stage == "compile":
            return _compiled(job, case, name, spoken)
        found = interpret(job) if stage == "interpreter" else measure(job, context, step=name)
        trace = [item.to_wire() for item in answers_of(name, found.facts.get("shapes", []))]
        facts = {**spoken, **found.facts, "trace": [*trace, *found.facts.get("trace", [])]}
        return found.model_copy(update={"facts": facts})


def _markers(stage: Stage) -> tuple[str, ...]:
    if stage != "gpu":
        return ()
    # One device is measured while nothing else runs; several are measured beside each other, each under its own lock.
    return ("gpu",) if len(device_nodes()) > 1 else ("gpu", "timed")


def _stages(options: KernelOptions) -> list[tuple[Stage, str]]:
    listed: list[tuple[Stage, str]] = []
    for stage in dict.fromkeys(options.stages):
        if stage == "compile":
            listed.extend((stage, name) for name in dict.fromkeys(options.architectures))
        else:
            listed.append((stage, ""))
    return listed


def _compiled(job: Job, case: Case, name: str, spoken: dict[str, Any]) -> Evidence:
    architecture = ARCHITECTURES[case.inputs["architecture"]]
    found = compile_kernel(
        job,
        architecture=architecture.name,
        targets=case.inputs["targets"],
        most_configurations=case.inputs["configurations"],
    )
    facts = {**spoken, **found.facts}
    # What an architecture does not have, nobody can be asked to show on it.
    facts["claims"] = [claim for claim in spoken["claims"] if claim in architecture.claims]
    golden = case.inputs.get("golden")
    if golden is not None:
        read_pinned(**golden)
        table = read_golden(Path(golden["path"]))
        here = importlib.metadata.version("triton")
        launches = [Launch.from_wire(launch) for launch in found.facts["launches"]]
        if table.triton == here:
            facts["golden"] = {"differences": table.differences(name, launches)}
        else:
            facts["golden"] = {
                "differences": None,
                "why": f"the golden table is of triton {table.triton}, this is {here}",
            }
    return found.model_copy(update={"facts": facts})


def _absent(stage: Stage) -> str:
    """Why a stage cannot run here; found out without importing anything."""
    for module in MODULES:
        if importlib.util.find_spec(module) is None:
            error = MissingExtraError(EXTRA, module=module)
            return f"{error.what}: {error.fix}"
    if stage == "interpreter" and _version("triton") < (3, 7) and _version("numpy") >= (2, 4):
        # It would raise inside the interpreter, and the kernel would be blamed for it.
        return (
            "the interpreter of triton < 3.7 does not work with numpy >= 2.4: pip install 'numpy<2.4' or 'triton>=3.7'"
        )
    return absent_gpu() if stage == "gpu" else ""


def _version(module: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version(module))[:2])


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of kernels."""
    return [KernelLane()]
