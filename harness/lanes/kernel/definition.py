"""Definition: the operation a kernel must compute, in terms of axes; trusted, from a YAML file."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator

from harness.core.errors import SpecError, position
from harness.core.frozen import Frozen
from harness.document import read_document

Shape = dict[str, PositiveInt]
DType = Literal["float16", "float32"]
"""bfloat16 is left out: Triton's interpreter computes it wrongly and silently."""
BYTES = {"float16": 2, "float32": 4}
_NAME = re.compile(r"torch(\.[A-Za-z_][A-Za-z0-9_]*)+")


class Tensor(Frozen):
    """One tensor of an operation."""

    axes: tuple[str, ...]
    dtype: DType

    def sizes(self, shape: Mapping[str, int]) -> tuple[int, ...]:
        """The tensor's sizes at one shape of the operation."""
        return tuple(shape[axis] for axis in self.axes)


class Tolerance(Frozen):
    """How far from double precision a kernel may be."""

    times_baseline: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """Times the error torch itself makes in the same precision on the same input."""


class Definition(Frozen):
    """One operation."""

    operation: str
    description: str = ""
    entry: str = "run"
    """The function of a kernel's file that is called with the inputs, in order."""
    reference: str
    """A function of torch, by name; computed in double precision it is the truth, in `dtype` the baseline."""
    inputs: dict[str, Tensor]
    output: Tensor
    flops: str
    bytes: str
    tolerance: Tolerance = Tolerance()
    shapes: tuple[Shape, ...]
    """Sizes the interpreter and the device are asked."""
    target: Shape
    """Sizes the kernel is compiled for."""

    @field_validator("reference")
    @classmethod
    def _is_a_name_in_torch(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            msg = f"{value!r} is no name such as torch.matmul"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _shapes_have_every_axis(self) -> Self:
        axes = {axis for tensor in (*self.inputs.values(), self.output) for axis in tensor.axes}
        if not self.inputs or not self.shapes:
            msg = "there must be an input and a shape"
            raise ValueError(msg)
        for shape in (*self.shapes, self.target):
            if set(shape) != axes:
                msg = f"shape {shape} must give exactly the axes {', '.join(sorted(axes))}"
                raise ValueError(msg)
            for expression in (self.flops, self.bytes):
                evaluate(expression, shape)
        return self


def read_definition(path: Path) -> Definition:
    """Read a definition.

    Raises:
        SpecError: naming the position of what is wrong.
    """
    document = read_document(path)
    try:
        return Definition.model_validate(document.value)
    except ValidationError as error:
        first = error.errors()[0]
        key = tuple(first["loc"])
        while key and key not in document.positions:
            key = key[:-1]
        name = ".".join(map(str, first["loc"]))
        what = f"{name}: {first['msg']}" if name else first["msg"]
        raise SpecError(what, where=position(path, *document.positions.get(key, ()))) from error


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def evaluate(expression: str, shape: Mapping[str, int]) -> int:
    """An arithmetic expression (`+ - * //`) over axes.

    Raises:
        ValueError: if it is anything else.
    """
    try:
        return int(_value(ast.parse(expression, mode="eval").body, shape))
    except (SyntaxError, KeyError, ZeroDivisionError, RecursionError) as error:
        msg = f"{expression!r} is no arithmetic over the axes {', '.join(sorted(shape))}"
        raise ValueError(msg) from error


def _value(node: ast.expr, shape: Mapping[str, int]) -> float:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return shape[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, shape), _value(node.right, shape))
    raise SyntaxError(type(node).__name__)
