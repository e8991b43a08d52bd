"""Replay: executes a checked plan with numbers, in Triton's interpreter or on a device; trusted.

No Python of a candidate exists in this process, except jit functions that `jit_source` wrote out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from triton.experimental.gluon.nvidia import hopper
from triton.tools.tensor_descriptor import TensorDescriptor

from harness.core.module_file import import_file
from harness.lanes.kernel.jit_source import JitSource
from harness.lanes.kernel.plan import (
    Argument,
    Call,
    Launch,
    New,
    Operand,
    Plan,
    PlanFault,
    Region,
    Step,
    Write,
    regions,
)  # fmt: skip

_TYPES = {
    "fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "fp64": "float64", "fp8e4nv": "float8e4nv",
    "fp8e5": "float8e5",
}  # fmt: skip


def load_functions(source: JitSource, folder: Path) -> Any:
    """The module of a candidate's jit functions.

    Args:
        folder: Where its file is written: Triton reads the source of what it compiles.
    """
    name = f"crucible_jit_{hashlib.sha256(source.text.encode()).hexdigest()[:16]}"
    path = folder / f"{name}.py"
    path.write_text(source.text, encoding="utf-8")
    return import_file(path, name)


def to_triton(value: Argument, module: Any, tensor: Callable[[Region], Any]) -> Any:
    """An argument of a launch as Triton takes it.

    Args:
        module: See `load_functions`.
        tensor: Makes a tensor of a region.
    """
    if not isinstance(value, Operand):
        return value
    if value.items is not None:
        return tuple(to_triton(one, module, tensor) for one in value.items)
    if value.jit is not None:
        return getattr(module, value.jit)
    if value.tensor is None:
        return getattr(module.tl, _TYPES.get(value.dtype or "", value.dtype or ""))
    made = tensor(value.tensor)
    if value.block_shape is None:
        return made
    parts = [made, [*value.tensor.sizes], [*value.tensor.strides], [*value.block_shape]]
    if value.layout is None:
        return TensorDescriptor(*parts, value.padding)
    layout = {key: [*one] if isinstance(one, tuple) else one for key, one in value.layout.items()}
    return hopper.TensorDescriptor(*parts, module.gl.NVMMASharedLayout(**layout), value.padding)


class Replay:
    """A plan on a device.

    Args:
        module: Its jit functions.
        inputs: How many inputs it has.
        device: The device's name in PyTorch.
        choice: Which configuration of an autotuned kernel is launched, modulo their number.
        undefined: Makes the elements of new memory from a dtype; None leaves them as they are.
    """

    def __init__(
        self,
        plan: Plan,
        module: Any,
        *,
        inputs: int,
        device: str,
        choice: int = 0,
        undefined: Callable[[Any], Any] | None = None,
    ) -> None:
        self.plan, self.module, self.device, self.choice = plan, module, device, choice
        self._undefined, self._inputs = undefined, inputs
        self._constant = _constant_steps(plan, inputs)
        self._prepared: list[Any] = []

    def prepare(self) -> None:
        """Execute the steps that depend on no input, so that calls need not."""
        self._prepared = self._run([None] * self._inputs, self._constant)

    def __call__(self, *inputs: Any) -> list[Any]:
        """Execute the plan; returns its outputs."""
        every = frozenset(range(len(self.plan.steps)))
        bases = self._run([*inputs], every - self._constant if self._prepared else every)
        return [self._tensor(region, bases) for region in self.plan.returns]

    def _run(self, bases: list[Any], active: frozenset[int]) -> list[Any]:
        """Execute some steps; storages that others make are those of `prepare`."""
        for index, step in enumerate(self.plan.steps):
            if index in active:
                self._perform(step, bases)
            elif count := len(_made_by(step)):
                bases += self._prepared[len(bases) : len(bases) + count] or [None] * count
        return bases

    def _tensor(self, region: Region, bases: Sequence[Any]) -> Any:
        base, dtype = bases[region.storage], getattr(torch, region.dtype)
        start = base.storage_offset() * base.element_size() // dtype.itemsize
        made = torch.empty(0, dtype=dtype, device=self.device)
        return made.set_(base.untyped_storage(), start + region.offset, region.sizes, region.strides)

    def _perform(self, step: Step, bases: list[Any]) -> None:
        match step:
            case New():
                dtype = getattr(torch, step.dtype)
                made = torch.empty(step.bytes // dtype.itemsize, dtype=dtype, device=self.device)
                bases.append(made if self._undefined is None else made.fill_(self._undefined(dtype)))
            case Write(to=to, value=Region() as source):
                self._tensor(to, bases).copy_(self._tensor(source, bases))
            case Write(to=to, value=tuple(numbers)):
                made = torch.tensor(numbers, dtype=getattr(torch, to.dtype), device=self.device)
                self._tensor(to, bases).copy_(made.reshape(to.sizes))
            case Write(to=to, value=number):
                self._tensor(to, bases).fill_(number)
            case Call(operator="manual_seed", args=(seed,)):
                torch.manual_seed(seed)
            case Call():
                self._call(step, bases)
            case Launch():
                one = step.every[self.choice % len(step.every)]
                named = {k: to_triton(v, self.module, lambda at: self._tensor(at, bases)) for k, v in one.args.items()}
                getattr(self.module, one.kernel)[one.grid](**named, **one.options)

    def _call(self, step: Call, bases: list[Any]) -> None:
        operator = getattr(getattr(torch.ops.aten, step.operator), step.overload)
        # Weights must be those of the reference, which samples them on the CPU.
        device = "cpu" if torch.Tag.nondeterministic_seeded in operator.tags else self.device
        args = [self._to_torch(one, bases, device) for one in step.args]
        result = operator(*args, **{name: self._to_torch(one, bases, device) for name, one in step.named.items()})
        every = result if isinstance(result, tuple | list) else [result]
        for output, found in zip(step.outputs, [one for one in every if isinstance(one, torch.Tensor)], strict=True):
            if output.bytes is not None:
                bases.append(self._adopted(found, output))
            elif device != self.device:
                self._tensor(output, bases).copy_(found)

    def _adopted(self, result: Any, output: Region) -> Any:
        """An operator's result as a storage; copied if its strides are not those of the plan."""
        same = list(result.stride()) == list(output.strides) and result.storage_offset() == output.offset == 0
        if same and str(result.device) == self.device and result.untyped_storage().nbytes() >= (output.bytes or 0):
            return result
        count = (output.bytes or 0) // result.dtype.itemsize
        whole = torch.empty(count, dtype=result.dtype, device=self.device)
        torch.as_strided(whole, output.sizes, output.strides, output.offset).copy_(result)
        return whole

    def _to_torch(self, value: Argument, bases: Sequence[Any], device: str) -> Any:
        if not isinstance(value, Operand):
            return value
        if value.tensor is not None:
            return self._tensor(value.tensor, bases).to(device)
        if value.items is not None:
            return [self._to_torch(one, bases, device) for one in value.items]
        found = torch.device(device) if value.torch == "device" else getattr(torch, value.torch or "")
        if not isinstance(found, torch.device | torch.dtype | torch.layout | torch.memory_format):
            raise PlanFault("protocol", f"{value.torch} is not an argument of an operator")
        return found


def _constant_steps(plan: Plan, inputs: int) -> frozenset[int]:
    """The steps that depend on no input, and may therefore be executed before the others.

    Only plans with library operators have any: a kernel has to compute its tables in each call.
    """
    if not plan.operators:
        return frozenset()
    accesses = [*_accesses(plan, inputs)]
    varying, before = set(range(inputs)), -1
    while len(varying) != before:
        before, read = len(varying), set[int]()
        for reads, writes in accesses:
            # A storage also varies if it is overwritten after a varying step read it.
            if not varying.isdisjoint(reads | writes) or not read.isdisjoint(writes):
                varying |= writes
                read |= reads
    return frozenset(i for i, (reads, writes) in enumerate(accesses) if varying.isdisjoint(reads | writes))


def _made_by(step: Step) -> list[Region | None]:
    """An element for each storage that a step makes."""
    if isinstance(step, New):
        return [None]
    return [one for one in step.outputs if one.bytes is not None] if isinstance(step, Call) else []


def _accesses(plan: Plan, inputs: int) -> Iterator[tuple[set[int], set[int]]]:
    """The storages that each step reads and writes."""
    count = inputs
    for step in plan.steps:
        match step:
            case New():
                yield set(), {count}
            case Write(to=to, value=value):
                yield ({value.storage} if isinstance(value, Region) else set()), {to.storage}
            case Call(args=args, named=named, outputs=outputs):
                yield {one.storage for one in regions((*args, *named.values()))}, {one.storage for one in outputs}
            case Launch(args=args):
                given = {one.storage for one in regions(args.values())}
                yield given, given
        count += len(_made_by(step))
