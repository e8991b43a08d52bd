"""Tensor: one input or output of an operation: axes, dtype, layout, and the values of its elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.core.frozen import Frozen
from harness.lanes.kernel.axis_expression import Expression, evaluate

Precision = Literal["float16", "bfloat16", "float32", "tf32"]
"""The values of `T`. `tf32` is stored as float32; products may be computed in TensorFloat-32 on tensor cores."""
DType = Literal["T", "float16", "bfloat16", "float32", "int32", "int64", "bool"]
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "tf32": 4, "int32": 4, "int64": 8, "bool": 1}


class Below(Frozen):
    """Integers from 0 to a bound (exclusive), such as indices into a vocabulary."""

    below: Expression


class Offsets(Frozen):
    """The bounds of consecutive groups: sorted, from 0 to `offsets`."""

    offsets: Expression


class Each(Frozen):
    """The same number in every element."""

    each: float


Values = Literal["normal", "uniform", "positive"] | Below | Offsets | Each


class Tensor(Frozen):
    """One tensor of an operation."""

    axes: tuple[Expression, ...]
    """Names of axes, or arithmetic over names."""
    dtype: DType = "T"
    layout: tuple[int, ...] | None = None
    """Positions in `axes`, slowest in memory first; row-major by default."""
    values: Values = "normal"
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    alias: str = ""
    """Of an output: the input in whose memory it may be returned, and which the kernel may then change."""

    def sizes(self, names: Mapping[str, object]) -> tuple[int, ...]:
        """The tensor's sizes for named values of axes and parameters."""
        return tuple(evaluate(axis, names) for axis in self.axes)

    def stored(self, precision: str) -> str:
        """The torch dtype of its elements."""
        named = precision if self.dtype == "T" else self.dtype
        return "float32" if named == "tf32" else named

    def plan(self, names: Mapping[str, object], precision: str) -> dict[str, Any]:
        """What a process needs to sample or to check the tensor, as a JSON value."""
        plan: dict[str, Any] = {
            "sizes": self.sizes(names),
            "dtype": self.stored(precision),
            "layout": self.layout or tuple(range(len(self.axes))),
            "scale": self.scale,
            "alias": self.alias,
        }
        match self.values:
            case Below(below=bound):
                return plan | {"values": "below", "bound": evaluate(bound, names)}
            case Offsets(offsets=last):
                return plan | {"values": "offsets", "bound": evaluate(last, names)}
            case Each(each=number):
                return plan | {"values": "each", "number": number}
            case kind:
                return plan | {"values": kind}
