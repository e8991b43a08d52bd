"""The kernel lane: right to double precision in the interpreter and on a device, and what the compiler makes of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.context import Context
from harness.core.case import Case, Subject, slug
from harness.core.digest import digest_bytes, digest_json
from harness.core.errors import InfraError, MissingExtraError, SuiteError
from harness.core.evidence import Evidence
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import UNJUDGED, Component, Score, judge
from harness.core.status import Status
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lanes.kernel.compiling import compile_kernel
from harness.lanes.kernel.compute import Job, compute
from harness.lanes.kernel.definition import Shape, read_definition
from harness.lanes.kernel.machine_code import ARCHITECTURE, REGISTER_FILE, SHARED_LIMIT
from harness.suite import Suite, SuiteOptions

EXTRA = "kernels"
MODULES = ("torch", "triton", "numpy")

Stage = Literal["interpreter", "compile", "gpu"]
SUFFIX: dict[Stage, str] = {"interpreter": "interpreter", "compile": f"compile-{ARCHITECTURE}", "gpu": "gpu"}
_COMPUTED = frozenset({"correctness", "accuracy"})
MEASURED = {
    "interpreter": _COMPUTED,
    "compile": frozenset({"compiles", "resources", "tensor_cores"}),
    "gpu": _COMPUTED,
}
"""Which components a stage has; a suite's gate asks only the stages that measure it."""


class KernelOptions(SuiteOptions):
    """A suite of kernels for one operation."""

    definition: str
    """The operation's definition."""
    kernels: str | tuple[str, ...]
    """Globs of kernel files."""
    shapes: tuple[Shape, ...] = ()
    """Sizes to ask instead of the definition's."""
    stages: tuple[Stage, ...] = ("interpreter", "compile", "gpu")
    """Which cases each kernel gets."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Seconds for a kernel's whole process, imports and compilation included."""


class KernelLane:
    """Kernels, each run in processes of their own; not boxed yet, so their evidence says tier D."""

    name = "kernel"
    options: type[SuiteOptions] = KernelOptions
    untrusted: tuple[str, ...] = ("kernels",)
    boxed = False
    min_tier: Tier | None = None

    def collect(self, suite: Suite) -> Sequence[Case]:
        """For each kernel one case per stage."""
        options = suite.options
        if not isinstance(options, KernelOptions):
            raise TypeError(type(options).__name__)
        path = suite.resolve(options.definition, "definition")
        definition = read_definition(path)
        for index, shape in enumerate(options.shapes):
            if set(shape) != set(definition.target):
                axes = ", ".join(sorted(definition.target))
                raise SuiteError(f"a shape gives exactly the axes {axes}", where=suite.where("shapes", index))
        inputs = {
            "definition": {"path": str(path), "digest": digest_bytes(path.read_bytes())},
            "shapes": [dict(shape) for shape in options.shapes or definition.shapes],
            "timeout_s": options.timeout_s,
        }
        return [
            Case(
                lane=self.name,
                suite=suite.name,
                name=f"{slug(kernel.stem)}-{SUFFIX[stage]}",
                title=f"{kernel.stem} as {definition.operation}: {SUFFIX[stage]}",
                subject=_subject(kernel, digest, stage),
                inputs={"stage": stage, "kernel": {"path": str(kernel), "digest": digest}, **inputs},
                policy=suite.policy,
                line=suite.line("kernels"),
                markers=("gpu",) if stage == "gpu" else (),
            )
            for kernel in suite.glob(options.kernels, "kernels")
            for digest in (digest_bytes(kernel.read_bytes()),)
            for stage in options.stages
        ]

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Run one stage in a process of its own, and judge what it left from here."""
        started = time.perf_counter()
        stage: Stage = case.inputs["stage"]
        reason = _absent(stage)
        if reason:
            return Evidence(status=Status.SKIPPED, why=reason, facts={"stage": stage})
        source = _same(**case.inputs["kernel"])
        _same(**case.inputs["definition"])
        context.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=context.scratch))
        try:
            job = Job(
                source=source,
                definition=read_definition(Path(case.inputs["definition"]["path"])),
                shapes=tuple(case.inputs["shapes"]),
                seed=context.seed(case, stage),
                attempts=case.policy.attempts,
                timeout=case.inputs["timeout_s"],
                folder=folder,
            )
            if stage == "compile":
                found = compile_kernel(job)
            else:
                found = compute(job, device="cpu" if stage == "interpreter" else "cuda")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return found.model_copy(
            update={
                "facts": {"stage": stage, **found.facts},
                "environment": {name: importlib.metadata.version(name) for name in MODULES},
                "seconds": time.perf_counter() - started,
            }
        )

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh what this stage measures; gates of other stages are not asked of it."""
        stage = evidence.facts.get("stage", "interpreter")
        elsewhere = frozenset().union(*MEASURED.values()) - MEASURED[stage]
        asked = {name: least for name, least in policy.gates.items() if name not in elsewhere}
        if evidence.status in UNJUDGED:  # nothing was measured, and a zero would say that something was
            return judge(evidence, policy, ())
        return judge(
            evidence,
            policy.model_copy(update={"gates": asked}),
            _compiled(evidence) if stage == "compile" else _computed(evidence),
            gates=_limits(evidence.facts) if stage == "compile" else (),
            factor=evidence.stability,
            explanation=_explain(evidence),
        )


def _subject(kernel: Path, digest: str, stage: Stage) -> Subject:
    # What runs is the file as this stage makes it; a digest of its own, with the file's as its parent, keeps the
    # stages apart wherever results are told apart by digest.
    return Subject(
        name=f"{kernel.stem}-{SUFFIX[stage]}", digest=digest_json([digest, stage]), path=str(kernel), parents=(digest,)
    )


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
    if stage == "gpu" and not any(Path("/dev").glob("nvidia[0-9]*")):
        return "no CUDA device here (no /dev/nvidia*)"
    return ""


def _version(module: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version(module))[:2])


def _same(path: str, digest: str) -> bytes:
    data = Path(path).read_bytes()
    if digest_bytes(data) != digest:
        raise InfraError("the file changed since it was collected", where=path, fix="run again")
    return data


def _computed(evidence: Evidence) -> Iterator[Component]:
    shapes: list[dict[str, Any]] = evidence.facts.get("shapes", [])
    right = sum(entry["right"] for entry in shapes) / len(shapes) if shapes else 0.0
    yield Component(name="correctness", value=right, weight=0.8, why=evidence.why)
    accuracy = min((_accuracy(entry) for entry in shapes), default=0.0)
    yield Component(name="accuracy", value=accuracy, weight=0.2, why="torch's own error over the kernel's, the worst")


def _accuracy(entry: dict[str, Any]) -> float:
    if not entry["right"]:
        return 0.0
    return 1.0 if entry["error"] <= entry["baseline"] else float(entry["baseline"] / entry["error"])


def _compiled(evidence: Evidence) -> Iterator[Component]:
    kernels: list[dict[str, Any]] = evidence.facts.get("kernels", [])
    fits = [all(gate.passed for gate in _limits({"kernels": [kernel]})) for kernel in kernels]
    cores = any(kernel["tensor_core_instructions"] for kernel in kernels)
    yield Component(name="compiles", value=float(bool(kernels)), weight=0.5, why=evidence.why)
    share = sum(fits) / len(fits) if fits else 0.0
    yield Component(name="resources", value=share, weight=0.3, why="share of its kernels that fit and do not spill")
    yield Component(
        name="tensor_cores", value=float(cores), weight=0.2, why="whether any instruction is a tensor core's"
    )


def _limits(facts: dict[str, Any]) -> Iterator[GateResult]:
    """What Hopper cannot do, and spills, over the worst of the kernels."""
    kernels = facts.get("kernels", [])
    if not kernels:
        return
    worst = {
        "stack_bytes": (max(k["stack_bytes"] for k in kernels), 0),
        "shared_bytes": (max(k["shared_bytes"] for k in kernels), SHARED_LIMIT),
        "block_registers": (max(k["registers"] * k["threads"] for k in kernels), REGISTER_FILE),
    }
    for name, (observed, limit) in worst.items():
        yield Gate(name=name, threshold=limit, at_most=True).hold(observed)


def _explain(evidence: Evidence) -> str:
    kernels, shapes = evidence.facts.get("kernels"), evidence.facts.get("shapes")
    if kernels:
        k = max(kernels, key=lambda k: k["registers"])
        return f"{k['registers']} registers, {k['stack_bytes']} B stack, {k['shared_bytes']} B shared memory"
    if shapes and evidence.status is Status.OK:
        return f"{len(shapes)} shapes within twice torch's own error of double precision"
    return evidence.why


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of kernels."""
    return [KernelLane()]
