"""Plan: what one call of a kernel would do, as data: allocations, writes, launches, and what it returns.

A recorder that shares its process with hostile code writes plans: here their types are validated, in `plan_check` all
indices, sizes and limits. docs/kernel-plan.md explains the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from harness.core.clip import clip
from harness.core.frozen import Frozen

ALWAYS = frozenset(("arange", "constant_pad_nd"))
"""Operators that every plan may hold: they compute nothing that depends on elements."""
SIZES = {
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "int32": 4,
    "int64": 8, "float8_e4m3fn": 1, "float8_e5m2": 1,
}  # fmt: skip
"""Bytes of an element of each dtype."""
MAX_NUMBERS = 1 << 16  # of host code, in one tensor
Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Text = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$", max_length=200)]
Number = bool | int | float


class PlanFault(Exception):  # noqa: N818 - a kernel's fault is data
    """A call that cannot be executed.

    Attributes:
        kind: `forbidden`, `refused` (it returns something else), `changed` (an input), `memory`, `bounds`,
            `unsupported`, `raised` or `protocol`.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _Strict(Frozen):
    model_config = ConfigDict(strict=True)


class Region(_Strict):
    """A tensor as a part of a storage; offset and strides count elements of its dtype."""

    storage: Count
    dtype: Name
    offset: Count
    sizes: Annotated[tuple[Count, ...], Field(max_length=8)]
    strides: Annotated[tuple[Count, ...], Field(max_length=8)]
    bytes: Count | None = None
    """Of an operator's output: the size of its storage, if that is new."""

    @property
    def end(self) -> int:
        """The bytes of its storage up to its last element."""
        last = -1 if 0 in self.sizes else sum((n - 1) * by for n, by in zip(self.sizes, self.strides, strict=True))
        return (self.offset + last + 1) * SIZES[self.dtype]


class Operand(_Strict):
    """An argument that is not a number or a string; one field is set."""

    tensor: Region | None = None
    block_shape: tuple[Annotated[int, Field(ge=1, le=1 << 16)], ...] | None = None
    """Makes the tensor a tensor descriptor with blocks of this shape."""
    padding: Literal["zero", "nan"] = "zero"
    layout: dict[Name, Number | tuple[Any, ...] | None] | None = None
    """The arguments of Gluon's `NVMMASharedLayout` for the blocks."""
    dtype: Name | None = None
    """A dtype of Triton."""
    jit: Name | None = None
    """Another jit function of the file."""
    torch: Name | None = None
    """A dtype or memory format of PyTorch; `device` is the device of the replay."""
    items: tuple[Argument, ...] | None = None


Argument = bool | int | float | Text | Operand | None


class New(_Strict):
    """A new storage; its elements are undefined."""

    do: Literal["new"]
    bytes: Count
    dtype: Name


class Write(_Strict):
    """Write a number, numbers or another region (with a conversion) into a region."""

    do: Literal["write"]
    to: Region
    value: Number | Region | Annotated[tuple[Number, ...], Field(max_length=MAX_NUMBERS)]


class Call(_Strict):
    """An operator of PyTorch; `manual_seed` seeds the random ones."""

    do: Literal["call"]
    operator: Name
    overload: Name
    args: tuple[Argument, ...]
    named: dict[Name, Argument]
    outputs: tuple[Region, ...]


class Launch(_Strict):
    """A launch of a jit function."""

    do: Literal["launch"]
    kernel: Name
    grid: Annotated[tuple[Annotated[int, Field(ge=1, lt=1 << 31)], ...], Field(min_length=3, max_length=3)]
    args: dict[Name, Argument]
    options: dict[Literal["num_warps", "num_stages", "num_ctas", "maxnreg"], Annotated[int, Field(ge=0, le=255)] | None]
    configuration: dict[Name, Number | Text] = {}
    """What the autotuner chose, if the kernel is autotuned."""
    variants: Annotated[tuple[Launch, ...], Field(max_length=64)] = ()
    """The same launch in the autotuner's other configurations."""

    @property
    def every(self) -> tuple[Launch, ...]:
        """The launch and its variants."""
        return self, *self.variants


Step = Annotated[New | Write | Call | Launch, Field(discriminator="do")]


class Plan(_Strict):
    """One call."""

    steps: tuple[Step, ...]
    returns: tuple[Region, ...]
    globals: dict[Name, Number | Text | tuple[Name] | None] = {}
    """What names of the module stand for in its jit functions: numbers, strings, members of Triton (in a tuple)."""

    @property
    def launches(self) -> list[Launch]:
        """Its launches, in order."""
        return [step for step in self.steps if isinstance(step, Launch)]

    @property
    def operators(self) -> list[str]:
        """The names of the operators that it calls, each once."""
        return sorted({step.operator for step in self.steps if isinstance(step, Call)} - ALWAYS - {"manual_seed"})


class _Written(_Strict):
    plan: Plan | None = None
    kind: Literal["forbidden", "refused", "memory", "raised", "protocol"] = "protocol"
    error: str = "no plan"


def read_plan(line: bytes | str) -> Plan:
    """Parse what a recorder wrote about one call.

    Raises:
        PlanFault: if it reports a fault, or is not a plan.
    """
    try:
        written = _Written.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanFault("protocol", clip(f"not a plan: {'.'.join(map(str, first['loc']))}: {first['msg']}")) from None
    if written.plan is None:
        raise PlanFault(written.kind, clip(written.error))
    return written.plan


def flat(values: Iterable[Argument]) -> Iterator[Argument]:
    """Arguments, those of tuples one by one."""
    for value in values:
        if isinstance(value, Operand) and value.items is not None:
            yield from flat(value.items)
        else:
            yield value


def regions(values: Iterable[Argument]) -> list[Region]:
    """The regions among arguments."""
    return [one.tensor for one in flat(values) if isinstance(one, Operand) and one.tensor is not None]
