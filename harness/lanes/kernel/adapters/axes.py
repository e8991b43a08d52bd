"""Axes: expresses the sizes of a problem by its module constants, found by changing one constant at a time."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

Sizes = Sequence[int]


class UnclearError(Exception):
    """A size that cannot be expressed by the constants."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The sizes under one setting of the constants."""

    constants: Mapping[str, int]
    inputs: Sequence[Sizes]
    outputs: Sequence[Sizes]


def constants_of(source: str) -> dict[str, int]:
    """The positive integer constants of a module's top level, including simple arithmetic over them."""
    found: dict[str, int] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, given = node.targets[0], node.value
        pairs = [(target, given)]
        if isinstance(target, ast.Tuple) and isinstance(given, ast.Tuple) and len(target.elts) == len(given.elts):
            pairs = list(zip(target.elts, given.elts, strict=True))
        for name, expression in pairs:
            value = _integer(expression, found) if isinstance(name, ast.Name) else None
            if isinstance(name, ast.Name) and value is not None and value > 0:
                found[name.id] = value
    return found


def changed(constants: Mapping[str, int], name: str) -> dict[str, int]:
    """The same setting with one constant doubled, which keeps its divisors."""
    return {**constants, name: 2 * constants[name]}


def express(base: Trial, trials: Mapping[str, Trial]) -> tuple[list[list[str]], list[list[str]]]:
    """Every size of the inputs and outputs as arithmetic over the constants.

    Args:
        trials: For each constant that could be changed alone, the sizes under the changed setting.

    Raises:
        UnclearError: with the size that cannot be expressed.
    """
    inputs = [
        [_express(base, trials, "inputs", i, d) for d in range(len(sizes))] for i, sizes in enumerate(base.inputs)
    ]
    outputs = [
        [_express(base, trials, "outputs", i, d) for d in range(len(sizes))] for i, sizes in enumerate(base.outputs)
    ]
    return inputs, outputs


def _express(base: Trial, trials: Mapping[str, Trial], kind: str, index: int, dimension: int) -> str:
    size: int = getattr(base, kind)[index][dimension]
    moved = {name: getattr(trial, kind)[index][dimension] for name, trial in trials.items()}
    on = [name for name, value in moved.items() if value != size]
    if not on:
        return str(size)
    if len(on) == 1:
        name = on[0]
        before, after = base.constants[name], trials[name].constants[name]
        slope, rest = divmod(moved[name] - size, after - before)
        offset = size - slope * before
        if rest == 0 and slope > 0:
            scaled = name if slope == 1 else f"{slope} * {name}"
            return scaled if offset == 0 else f"{scaled} {'+' if offset > 0 else '-'} {abs(offset)}"
    factor, rest = divmod(size, prod(base.constants[name] for name in on))
    if rest == 0 and factor and all(moved[name] == 2 * size for name in on):
        return " * ".join([*([str(factor)] if factor > 1 else []), *on])
    what = f"size {dimension} of {kind.removesuffix('s')} {index} follows {', '.join(on)} in an unclear way"
    raise UnclearError(what)


def _integer(node: ast.expr, known: Mapping[str, int]) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp):
        left, right = _integer(node.left, known), _integer(node.right, known)
        if left is None or right is None or max(abs(left), abs(right)) > 1 << 40:
            return None
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.FloorDiv() if right:
                return left // right
            case ast.Pow() if 0 <= right < 40 and abs(left) < 1 << 20:
                return int(left**right)
    return None
