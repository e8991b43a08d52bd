"""Definition: the operation a kernel must compute, over axes; trusted, from a YAML file (docs/kernel-lane.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator, model_validator

from harness.core.digest import digest_bytes
from harness.core.document import read_document
from harness.core.errors import SpecError, position
from harness.core.frozen import Frozen
from harness.core.named_path import named_path
from harness.core.nearest import nearest
from harness.lanes.kernel.axis_expression import Expression, evaluate
from harness.lanes.kernel.tensor import BYTES, Below, Offsets, Precision, Tensor

Setting = bool | int | float | str
Shape = dict[str, Setting]
"""Axes with sizes, and optionally parameters and `dtype`."""
Family = Literal["normal", "wide", "spikes", "alternating", "sparse", "one_hot"]
FAMILIES: tuple[Family, ...] = ("normal", "wide", "spikes", "alternating", "sparse", "one_hot")
_CALL = re.compile(r"torch(\.[A-Za-z_]\w*)+|[\w-]+\.py:[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TAKEN = ("T", "dtype")


class Among(Frozen):
    """A size that is one of several."""

    among: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Hidden(Frozen):
    """Shapes that are unknown before the run: sampled from its secret seed."""

    count: Annotated[int, Field(ge=0, le=20)] = 2
    axes: dict[str, PositiveInt | tuple[PositiveInt, PositiveInt] | Among | str]
    """A size, `[minimum, maximum]`, `{among: [...]}`, or arithmetic over axes named before."""


class Shapes(Frozen):
    """The shapes of an operation, by purpose."""

    tiny: tuple[Shape, ...] = ()
    odd: tuple[Shape, ...] = ()
    tile: tuple[Shape, ...] = ()
    long: tuple[Shape, ...] = ()
    """Shapes with one long axis each: sums of many numbers, sizes of targets."""
    target: Annotated[tuple[Shape, ...], Field(min_length=1)]


class Baseline(Frozen):
    """An existing implementation that kernels are compared with."""

    call: str
    compile: bool = False
    """Whether `call` is compiled by `torch.compile`."""
    sdpa: str = ""
    """The only allowed backend of scaled dot-product attention, by its name in `torch.nn.attention.SDPBackend`."""


class Tolerance(Frozen):
    """The allowed distance from the reference in double precision."""

    times_baseline: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """The bound, as a multiple of PyTorch's error in the same precision on the same input."""
    baseline: str = ""
    """The baseline with that error; the reference by default."""


class Point(Frozen):
    """One size of the problem, in one precision, with all parameters given."""

    sizes: dict[str, int]
    dtype: Precision
    parameters: dict[str, Setting] = {}

    @property
    def names(self) -> dict[str, object]:
        """The names that arithmetic may refer to."""
        return {**self.parameters, **self.sizes, "T": BYTES[self.dtype]}

    @property
    def label(self) -> str:
        """The point as a string, for example `M=16 N=16 K=16 float16`."""
        sizes = [f"{axis}={size}" for axis, size in self.sizes.items()]
        return " ".join([*sizes, self.dtype, *(f"{k}={v}" for k, v in self.parameters.items())])


class KeyedError(ValueError):
    """A problem with one key of a definition.

    Args:
        key: The path of keys to its place.
    """

    def __init__(self, text: str, *key: str | int) -> None:
        super().__init__(text)
        self.key = key


class Definition(Frozen):
    """An operation: its axes, inputs, outputs, reference and shapes."""

    operation: str
    description: str = ""
    entry: str = "run"
    """The function of a kernel's file."""
    axes: Annotated[dict[str, str], Field(min_length=1)]
    """Every axis, and its description."""
    parameters: dict[str, Annotated[tuple[Setting, ...], Field(min_length=1)]] = {}
    """Keyword arguments, and their allowed values."""
    dtypes: Annotated[tuple[Precision, ...], Field(min_length=1)] = ("float16",)
    """The precisions of a tensor of dtype `T`."""
    inputs: Annotated[dict[str, Tensor], Field(min_length=1)]
    outputs: Annotated[dict[str, Tensor], Field(min_length=1)]
    reference: str
    """A function of torch, or `file.py:function` in the definition's folder; called in double precision."""
    baselines: dict[str, Baseline] = {}
    """What kernels are timed against; a speed-up is over the fastest."""
    tolerance: Tolerance = Tolerance()
    flops: Expression
    bytes: Expression
    review_above: Annotated[float, Field(gt=1)] | None = None
    """A larger speed-up is `review`; only for operations that a library has as well."""
    deterministic: bool = True
    """Whether equal inputs must give equal bits on a device; false for kernels with atomic sums."""
    operators: tuple[str, ...] = ()
    """Library operators (by their `aten` names) that a kernel may call in addition to allocation, views and copies."""
    host_inputs: tuple[str, ...] = ()
    """Inputs of integers whose elements host code may know, such as the offsets of ragged groups."""
    families: Annotated[tuple[Family, ...], Field(min_length=1)] = FAMILIES
    shapes: Shapes
    hidden: Hidden | None = None

    @field_validator("reference")
    @classmethod
    def _is_a_call(cls, value: str) -> str:
        if not _CALL.fullmatch(value):
            msg = f"{value!r} is neither a name such as torch.matmul nor file.py:function"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for text, key in self._problems():
            raise KeyedError(text, *key)
        return self

    def point(self, shape: Mapping[str, Setting], *, turn: int = 0) -> Point:
        """A point from a shape; dtype and parameters that the shape leaves open are chosen by `turn`.

        Args:
            shape: All axes, and optionally dtype and parameters.
            turn: The index among all combinations of what is left open.

        Raises:
            ValueError: if the shape lacks an axis, has an unknown one, or a value that is not allowed.
        """
        given = dict(shape)
        dtype = given.pop("dtype", None)
        if dtype is None:
            dtype, turn = self.dtypes[turn % len(self.dtypes)], turn // len(self.dtypes)
        settled: dict[str, Setting] = {}
        for name, allowed in self.parameters.items():
            if name in given:
                settled[name] = given.pop(name)
            else:
                settled[name], turn = allowed[turn % len(allowed)], turn // len(allowed)
            if not any(type(settled[name]) is type(value) and settled[name] == value for value in allowed):
                msg = f"{name} may be {', '.join(map(str, allowed))}, not {settled[name]}"
                raise ValueError(msg)
        if dtype not in self.dtypes:
            msg = f"dtype may be {', '.join(self.dtypes)}, not {dtype}"
            raise ValueError(msg)
        for name in given.keys() - self.axes.keys():
            msg = f"unknown axis {name!r}{nearest(name, [*self.axes, *self.parameters])}"
            raise ValueError(msg)
        if missing := [axis for axis in self.axes if axis not in given]:
            msg = f"the shape does not give {', '.join(missing)}"
            raise ValueError(msg)
        for axis, size in given.items():
            if type(size) is not int or size < 1:
                msg = f"the size of {axis} must be a positive integer, not {size!r}"
                raise ValueError(msg)
        return Point(sizes={axis: given[axis] for axis in self.axes}, dtype=dtype, parameters=settled)

    @property
    def targets(self) -> list[Point]:
        """The points that are compiled and timed."""
        return [self.point(shape) for shape in self.shapes.target]

    @property
    def calls(self) -> tuple[str, ...]:
        """The trusted functions: the reference and the baselines."""
        return self.reference, *(baseline.call for baseline in self.baselines.values())

    @property
    def timed_against(self) -> dict[str, Baseline]:
        """The baselines; the reference if the definition has none."""
        return self.baselines or {"eager": Baseline(call=self.reference)}

    def _problems(self) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        for kind, names in (("axes", self.axes), ("parameters", self.parameters)):
            for name in names:
                if not _NAME.fullmatch(name) or name in _TAKEN:
                    yield f"{name!r} cannot be a name here", (kind, name)
        for name, baseline in self.baselines.items():
            if not _CALL.fullmatch(baseline.call):
                yield f"{baseline.call!r} is neither a name such as torch.matmul nor file.py:function", (
                    "baselines", name, "call",
                )  # fmt: skip
        if self.tolerance.baseline and self.tolerance.baseline not in self.baselines:
            name = self.tolerance.baseline
            yield f"no baseline is named {name!r}{nearest(name, self.baselines)}", ("tolerance", "baseline")
        for index, name in enumerate(self.host_inputs):
            if name not in self.inputs or not self.inputs[name].dtype.startswith("int"):
                yield f"{name!r} is not an input of integers", ("host_inputs", index)
        for name, tensor in self.outputs.items():
            if tensor.alias and tensor.alias not in self.inputs:
                yield (
                    f"no input is named {tensor.alias!r}{nearest(tensor.alias, self.inputs)}",
                    ("outputs", name, "alias"),
                )
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, tensor in tensors.items():
                is_integer = isinstance(tensor.values, Below | Offsets)
                if tensor.layout is not None and sorted(tensor.layout) != list(range(len(tensor.axes))):
                    yield f"layout must order the positions 0 to {len(tensor.axes) - 1}", (kind, name, "layout")
                if is_integer and not tensor.dtype.startswith("int"):
                    yield "only int32 and int64 tensors hold such values", (kind, name, "values")
        yield from self._bad_shapes()

    def _bad_shapes(self) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        shapes = {name: getattr(self.shapes, name) for name in Shapes.model_fields}
        for kind, listed in shapes.items():
            for index, shape in enumerate(listed):
                try:
                    point = self.point(shape)
                except ValueError as error:
                    yield str(error), ("shapes", kind, index)
                    continue
                yield from self._bad_arithmetic(point)
        if self.hidden is not None and set(self.hidden.axes) != set(self.axes):
            yield f"it must give every axis: {', '.join(self.axes)}", ("hidden", "axes")

    def _bad_arithmetic(self, point: Point) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        for key in ("flops", "bytes"):
            try:
                evaluate(getattr(self, key), point.names)
            except ValueError as error:
                yield str(error), (key,)
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, tensor in tensors.items():
                try:
                    plan = tensor.plan(point.names, point.dtype)
                except ValueError as error:
                    yield str(error), (kind, name)
                    continue
                if any(size < 0 for size in plan["sizes"]) or plan.get("bound", 1) < 1:
                    yield f"a size or bound is below its minimum at {point.label}", (kind, name)


def read_definition(path: Path) -> Definition:
    """Read a definition, and check that the files it names exist.

    Raises:
        SpecError: with the position of the first error.
    """
    document = read_document(path)

    def at(key: tuple[str | int, ...]) -> str:
        while key and key not in document.positions:
            key = key[:-1]
        return position(path, *document.positions.get(key, ()))

    if not isinstance(document.value, dict):
        what = f"a definition is a table of keys and values, not a {type(document.value).__name__}"
        raise SpecError(what, where=str(path), fix="begin with `operation:`")
    try:
        definition = Definition.model_validate(document.value)
    except ValidationError as error:
        # A misspelt key is two errors: it is unknown, and the right one is missing. The first is more helpful.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, KeyedError):
            raise SpecError(f"{'.'.join(map(str, cause.key))}: {cause}", where=at(cause.key)) from error
        name = ".".join(map(str, first["loc"]))
        hint = ""
        if first["type"] == "extra_forbidden":
            hint = nearest(first["loc"][-1], _keys(first["loc"][:-1]))
        what = f"{name}: {first['msg']}{hint}" if name else first["msg"]
        raise SpecError(what, where=at(tuple(first["loc"]))) from error
    for call in definition.calls:
        file = call.partition(":")[0]
        if ":" in call and ((found := named_path(path.parent, file)) is None or not found.is_file()):
            fix = f"create {path.parent / file}"
            raise SpecError(f"{file} is not in the definition's folder", where=at(("reference",)), fix=fix)
    return definition


def _keys(where: tuple[Any, ...]) -> list[str]:
    """The known keys of one part of a definition."""
    models: dict[Any, type[BaseModel]] = {
        "inputs": Tensor, "outputs": Tensor, "baselines": Baseline, "shapes": Shapes, "hidden": Hidden,
        "tolerance": Tolerance,
    }  # fmt: skip
    return list(models.get(where[0] if where else None, Definition).model_fields)


def trusted_files(path: Path, definition: Definition) -> dict[str, str]:
    """Digests of a definition and of the files it names, by path."""
    files = {path, *(path.parent / call.partition(":")[0] for call in definition.calls if ":" in call)}
    return {str(file): digest_bytes(file.read_bytes()) for file in sorted(files)}
