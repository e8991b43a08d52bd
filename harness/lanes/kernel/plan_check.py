"""Plan check: whether a plan may be executed, and answers a question in form: indices, sizes, limits, outputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from harness.core.clip import clip
from harness.lanes.kernel import plan as p
from harness.lanes.kernel.inputs import strides_of

MAX_STEPS, MAX_LIBRARY_STEPS, MAX_LAUNCHES = 256, 4096, 64
MAX_BYTES, MAX_TIMES_INPUTS = 2 << 30, 64
"""The memory of a plan: at most this many bytes, or this many times the bytes of its inputs if that is more."""
MAX_PROGRAMS = 50_000  # of one launch in the interpreter
_UNSAFE = frozenset("from_file set_ resize_ resize_as_ _resize_output_ record_stream set_data".split())
"""Operators that no plan may hold: they open files or change the memory behind a tensor."""


def check_plan(
    plan: p.Plan,
    question: Mapping[str, Any],
    parameters: Mapping[str, Iterable[str]],
    *,
    operators: Iterable[str] = (),
    library: bool = False,
    is_interpreted: bool = False,
) -> None:
    """Check that a plan may be executed for a question and answers it in form.

    Args:
        question: The question (see `Question.plan`): its inputs and outputs.
        parameters: The jit functions (see `JitSource.parameters`).
        library: Whether it may call all operators.
        is_interpreted: Whether its launches are interpreted, which limits the number of programs.

    Raises:
        PlanFault: if it may not, or does not.
    """
    check = _Check(question, parameters, None if library else p.ALWAYS | {"manual_seed", *operators})
    steps = MAX_LIBRARY_STEPS if library else MAX_STEPS
    if len(plan.steps) > steps or len(plan.launches) > MAX_LAUNCHES:
        raise p.PlanFault("forbidden", f"{len(plan.steps)} steps with {len(plan.launches)} launches are too many")
    for step in plan.steps:
        check.step(step)
    if not library and not plan.launches:
        raise p.PlanFault("forbidden", "no Triton kernel is launched")
    if is_interpreted and any(math.prod(launch.grid) > MAX_PROGRAMS for launch in plan.launches):
        raise p.PlanFault("forbidden", f"more than {MAX_PROGRAMS} programs at a small size")
    check.returns(plan.returns)


class _Check:
    def __init__(
        self, question: Mapping[str, Any], parameters: Mapping[str, Iterable[str]], operators: frozenset[str] | None
    ) -> None:
        self.names, self.outputs, self.parameters = question["names"], question["outputs"], parameters
        self.operators = operators
        self.sizes = [math.prod(one["sizes"]) * p.SIZES[one["dtype"]] for one in question["inputs"]]
        self.limit = max(MAX_BYTES, MAX_TIMES_INPUTS * sum(self.sizes))
        aliases = {one["alias"] for one in question["outputs"]}
        self.protected = {index for index, name in enumerate(self.names) if name not in aliases}
        self.computed: set[int] = set()
        """Storages that a launch or an allowed operator was given, and copies of them."""

    def step(self, step: p.Step) -> None:
        match step:
            case p.New():
                self.add(step.bytes, step.dtype)
            case p.Write(to=to, value=value):
                self.write(to)
                if isinstance(value, p.Region):
                    self.region(value)
                    self.computed |= {to.storage} if value.storage in self.computed else set()
                elif isinstance(value, tuple) and math.prod(to.sizes) != len(value):
                    raise p.PlanFault("protocol", f"{len(value)} numbers for a region of {list(to.sizes)}")
            case p.Call():
                self.call(step)
            case p.Launch():
                for one in step.every:
                    self.launch(one)

    def add(self, size: int, dtype: str) -> None:
        if dtype not in p.SIZES:
            raise p.PlanFault("forbidden", f"a tensor of {clip(dtype, limit=40)}")
        self.sizes.append(size)
        if sum(self.sizes) > self.limit:
            raise p.PlanFault("memory", f"{sum(self.sizes) >> 20} MiB, {self.limit >> 20} are allowed")

    def region(self, region: p.Region) -> None:
        known = (
            region.storage < len(self.sizes) and region.dtype in p.SIZES and len(region.sizes) == len(region.strides)
        )
        if not known or region.end > self.sizes[region.storage]:
            raise p.PlanFault("protocol", "a region that is not within its storage")

    def write(self, region: p.Region) -> None:
        self.region(region)
        if region.storage in self.protected:
            raise p.PlanFault("changed", f"it changes its input {self.names[region.storage]}")

    def call(self, step: p.Call) -> None:
        if step.operator in _UNSAFE or (self.operators is not None and step.operator not in self.operators):
            raise p.PlanFault("forbidden", f"it calls the library's own operator {step.operator}")
        for region in p.regions((*step.args, *step.named.values())):
            self.region(region)
        for output in step.outputs:
            if output.bytes is not None:
                self.add(output.bytes, output.dtype)
            self.write(output)
            self.computed.add(output.storage)

    def launch(self, step: p.Launch) -> None:
        self.jit(step.kernel)
        if step.args.keys() != set(self.parameters[step.kernel]):
            raise p.PlanFault("protocol", f"arguments of {step.kernel} that are not its parameters")
        for one in p.flat(step.args.values()):
            self.argument(one)
        self.computed |= {region.storage for region in p.regions(step.args.values())}

    def argument(self, value: p.Argument) -> None:
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
            raise p.PlanFault("protocol", "an integer of more than 64 bits")
        if not isinstance(value, p.Operand):
            return
        if value.jit is not None:
            self.jit(value.jit)
        if value.tensor is not None:
            self.region(value.tensor)
            if value.block_shape is not None and len(value.block_shape) != len(value.tensor.sizes):
                raise p.PlanFault("protocol", "a descriptor with blocks of other dimensions")

    def jit(self, name: str) -> None:
        if name not in self.parameters:
            raise p.PlanFault("forbidden", f"{clip(name, limit=60)} is not a jit function at the top of the file")

    def returns(self, returned: tuple[p.Region, ...]) -> None:
        if len(returned) != len(self.outputs):
            raise p.PlanFault("refused", f"{len(returned)} outputs, not {len(self.outputs)}")
        for region, output in zip(returned, self.outputs, strict=True):
            self.region(region)
            sizes = list(output["sizes"])
            if (region.dtype, list(region.sizes)) != (output["dtype"], sizes):
                found = f"a tensor of {region.dtype} {list(region.sizes)}"
                raise p.PlanFault("refused", f"{found}, not {output['dtype']} {sizes}")
            strides = strides_of(sizes, list(output["layout"]))
            if any(size > 1 and a != b for size, a, b in zip(sizes, region.strides, strides, strict=True)):
                raise p.PlanFault("refused", f"strides {list(region.strides)}, not {strides}")
            if region.storage in self.protected:
                raise p.PlanFault("refused", f"its input {self.names[region.storage]} as an output")
            if region.storage not in self.computed:
                raise p.PlanFault("forbidden", "it returns a tensor that no kernel was given")
        ends = sorted((r.storage, r.offset * p.SIZES[r.dtype], r.end) for r in returned if 0 not in r.sizes)
        if any(a[0] == b[0] and b[1] < a[2] for a, b in itertools.pairwise(ends)):
            raise p.PlanFault("refused", "outputs that share memory")
