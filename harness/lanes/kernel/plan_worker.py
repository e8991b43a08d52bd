"""Plan worker: executes plans for the interpreter stage, and compiles their launches for the compile stage.

It runs in a confined process that ends with its job, because jit functions may hang, crash or take memory. It holds no
right answers; the outputs are compared in another process.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.lanes.kernel.absent_device import AbsentDevice
from harness.lanes.kernel.architecture import ARCHITECTURES, WARP
from harness.lanes.kernel.inputs import poison, sample_inputs
from harness.lanes.kernel.interpreter import interpret_functions, library_functions, patch
from harness.lanes.kernel.jit_source import JitSource
from harness.lanes.kernel.plan import Launch, Plan, PlanFault, Region, read_plan
from harness.lanes.kernel.plan_check import check_plan
from harness.lanes.kernel.replay import Replay, load_functions, to_triton

_MAX_MESSAGE = 1000
_MAX_CAUSES = 20
_MAX_UNSEEN = 8


def prepare() -> None:
    """Load what all jobs need; called once, before any fork. It compiles nothing, as that may start threads.

    Triton computes some values once in each process; computed here, they need not be computed again in each child.
    """
    import torch
    import torch._dynamo  # a recorder may not write, which its import does
    import torch.utils._python_dispatch
    import triton.compiler
    import triton.experimental.gluon.nvidia.hopper
    import triton.language.extra.libdevice
    import triton.runtime.cache
    import triton.runtime.interpreter
    from triton.backends.nvidia.compiler import get_ptxas_version

    from harness.lanes.kernel.recorder import members

    torch.set_num_threads(1)
    torch.empty_like(torch.empty(1, device="meta"))  # imports SymPy
    # Triton reads its whole library, 0.3 s, to name itself in the keys of a cache; each job has a cache of its own.
    triton.runtime.cache.triton_key = lambda: ""
    members()
    library_functions()
    for architecture in ARCHITECTURES.values():
        get_ptxas_version(architecture.capability)
    del triton


def run_job(do: str, place: Path, request: dict[str, Any]) -> None:
    """Do one of `record`, `interpret` and `compile` in a job's folder (`kernel.py`, `plans.jsonl`)."""
    if do == "record":
        from harness.lanes.kernel.recorder import run_job as record

        record(place, request, AbsentDevice())
        return
    try:
        _Job(place, request, is_interpreted=do == "interpret").run()
    except BaseException as error:
        note_fault(place, error)


def note_fault(place: Path, error: BaseException) -> None:
    """Write the error that ended the work to `out/error.json`."""
    kind, chain = "raised", error
    for _ in range(_MAX_CAUSES):  # an error can be its own cause
        if isinstance(chain, PlanFault):
            error, kind = chain, chain.kind
            break
        if isinstance(chain, MemoryError) or "can't allocate memory" in str(chain):
            kind = "memory"
        if chain.__cause__ is None:
            break
        chain = chain.__cause__
    text = " ".join(str(error).split())
    message = text if isinstance(error, PlanFault) else f"{type(error).__name__}: {text}"
    (place / "out" / "error.json").write_text(json.dumps({"kind": kind, "error": message[:_MAX_MESSAGE]}))


def bytes_of(tensor: Any) -> bytes:
    """The elements of a CPU tensor in row-major order."""
    import torch

    flat = tensor.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


class Kernel:
    """A candidate's jit functions, loaded, with checked plans.

    Args:
        place: The folder with `kernel.py`.
        request: `operators`, `library`.
    """

    def __init__(self, place: Path, request: dict[str, Any], *, is_interpreted: bool) -> None:
        self.place, self.request, self.is_interpreted = place, request, is_interpreted
        self.loaded: dict[str, tuple[JitSource, Any]] = {}

    def load(self, plan: Plan) -> tuple[JitSource, Any]:
        """The jit functions under the constants of a plan.

        Raises:
            PlanFault: if one is not on the list.
        """
        key = repr(plan.globals)
        if key not in self.loaded:
            source = JitSource((self.place / "kernel.py").read_bytes(), plan.globals)
            if source.uninterpreted and self.is_interpreted:
                raise PlanFault("unsupported", f"Triton's interpreter does not run {source.uninterpreted}")
            self.loaded[key] = source, load_functions(source, self.place / "home")
        return self.loaded[key]

    def plan(self, line: bytes | str, question: dict[str, Any]) -> Plan:
        """The plan that a recorder wrote for a question.

        Raises:
            PlanFault: if it may not be executed.
        """
        plan = read_plan(line)
        check_plan(
            plan, question, self.load(plan)[0].parameters, operators=self.request["operators"],
            library=self.request["library"], is_interpreted=self.is_interpreted,
        )  # fmt: skip
        return plan

    def replay(self, plan: Plan, question: dict[str, Any], *, device: str = "cpu", **named: Any) -> Replay:
        """A checked plan, ready to be called; see `Replay`."""
        return Replay(plan, self.load(plan)[1], inputs=len(question["inputs"]), device=device, **named)


class _Job:
    def __init__(self, place: Path, request: dict[str, Any], *, is_interpreted: bool) -> None:
        self.place, self.request, self.is_interpreted = place, request, is_interpreted
        self.guarded: dict[int, tuple[int, int]] = {}

    def run(self) -> None:
        import torch

        lines = (self.place / "plans.jsonl").read_bytes().splitlines()
        if self.is_interpreted:
            interpret_functions()
            patch(self.guarded)
            torch.use_deterministic_algorithms(True, warn_only=True)
        else:
            device = AbsentDevice()
            device.install(self.request)
        questions = self.request["questions"]
        if len(lines) < len(questions):
            raise PlanFault("protocol", "no plan: the process that records ended early")
        kernel = Kernel(self.place, self.request, is_interpreted=self.is_interpreted)
        plans = [kernel.plan(line, question) for line, question in zip(lines, questions, strict=False)]
        if self.is_interpreted:
            self.interpret(kernel, plans, lines[len(plans) :])
        else:
            self.compile(kernel, plans)

    def interpret(self, kernel: Kernel, plans: list[Plan], targets: list[bytes]) -> None:
        """Answer all questions in each order; what runs at targets only is noted."""
        notes: dict[str, Any] = {"operators": sorted({name for plan in plans for name in plan.operators})}
        notes["launched"] = sum(len(plan.launches) for plan in plans)
        seen = {launch.kernel for plan in plans for launch in plan.launches}
        unseen: dict[str, None] = {}
        for line in targets:
            with contextlib.suppress(PlanFault):  # the other stages report it
                unseen |= dict.fromkeys(one.kernel for one in read_plan(line).launches if one.kernel not in seen)
        notes["unseen"] = [*unseen][:_MAX_UNSEEN]
        for attempt, order in enumerate(self.request["orders"]):
            for index in order:
                self.answer(kernel, plans[index], index, attempt)
        (self.place / "out" / "notes.json").write_text(json.dumps(notes))

    def answer(self, kernel: Kernel, plan: Plan, index: int, attempt: int) -> None:
        question = self.request["questions"][index]
        inputs = sample_inputs(question, "cpu")
        self.guarded.clear()
        for tensor in inputs:
            start = tensor.data_ptr()
            self.guarded[tensor.untyped_storage().data_ptr()] = start, start + tensor.numel() * tensor.element_size()
        made = kernel.replay(plan, question, choice=index, undefined=poison if attempt % 2 == 0 else _other)
        outputs = call(made, inputs, question)
        for number, tensor in enumerate(outputs):
            (self.place / "out" / f"{attempt}-{index}-{number}.bin").write_bytes(bytes_of(tensor))

    def compile(self, kernel: Kernel, plans: list[Plan]) -> None:
        """Compile every launch, in a number of its configurations; writes `kernels.json` and the machine code."""
        codes: dict[bytes, int] = {}
        groups = []
        for plan, question in zip(plans, self.request["questions"], strict=True):
            for launch in plan.launches:
                chosen = _spread(launch.every, self.request["max_configurations"])
                variants = [self.variant(one, kernel.load(plan)[1], codes) for one in chosen]
                groups.append({"name": launch.kernel, "architecture": self.request["architecture"],
                               "target": question["label"], "variants": variants})  # fmt: skip
        (self.place / "out" / "kernels.json").write_text(json.dumps({"groups": groups}))

    def variant(self, launch: Launch, module: Any, codes: dict[bytes, int]) -> dict[str, Any]:
        try:
            named = {name: to_triton(value, module, _address) for name, value in launch.args.items()}
            made = getattr(module, launch.kernel).run(grid=launch.grid, warmup=True, **named, **launch.options)
        except Exception as error:
            fault = " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_MESSAGE]
            return {"configuration": launch.configuration, "fault": fault}
        code: bytes = made.asm["cubin"]
        index = codes.setdefault(code, len(codes))
        (self.place / "out" / f"{index}.cubin").write_bytes(code)
        meta = made.metadata
        settings = {"num_warps": meta.num_warps, "num_stages": getattr(meta, "num_stages", 0)}
        return {"configuration": launch.configuration | settings, "code": index, "shared": int(meta.shared),
                "threads": int(meta.num_warps) * WARP}  # fmt: skip


def call(replay: Callable[..., Any], inputs: Sequence[Any], question: dict[str, Any]) -> list[Any]:
    """Execute a plan, and check that it left its inputs alone.

    Raises:
        PlanFault: if it changed an input that no output is stored in.
    """
    import torch

    def as_bytes(tensor: Any) -> Any:
        return tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor.reshape(1).view(torch.uint8)

    kept = [tensor.clone() for tensor in inputs]
    outputs: list[Any] = replay(*inputs)
    may_change = {output["alias"] for output in question["outputs"]}
    for name, tensor, copy in zip(question["names"], inputs, kept, strict=True):
        if name not in may_change and not torch.equal(as_bytes(tensor), as_bytes(copy)):
            raise PlanFault("changed", f"it changes its input {name}")
    return outputs


def _other(dtype: Any) -> float | int | bool:
    """Other undefined elements than `poison`, as a kernel that reads them can ignore NaN."""
    return 1000.0 if dtype.is_floating_point else False


def _address(region: Region) -> Any:
    """What a launch is compiled for: a dtype, and how far an address is aligned."""
    import torch

    dtype = getattr(torch, region.dtype)
    at = region.offset * dtype.itemsize
    return SimpleNamespace(dtype=dtype, data_ptr=lambda: at, shape=region.sizes)


def _spread(every: Sequence[Any], count: int) -> Sequence[Any]:
    """At most `count` elements, evenly spread, always including the first."""
    if len(every) <= count:
        return every
    return [every[index * len(every) // count] for index in range(count)]
