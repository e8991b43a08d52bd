"""KernelBench: converts problems (`Model`, `get_inputs`, `get_init_inputs`) and candidates (`ModelNew`) into cases.

A problem is trusted: it is the reference. Both models are built under one seed, as in KernelBench, so that equal layers
have equal weights. Unlike in KernelBench, the reference is also evaluated in double precision.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import InfraError
from harness.core.named_path import read_file
from harness.lanes.kernel.adapters.axes import Trial, UnclearError, changed, constants_of, express
from harness.lanes.kernel.adapters.case_folder import DTYPES, Adapted, NotAdaptedError, file_name, make_definition
from harness.lanes.kernel.warm_processes import WarmProcesses

Ask = Callable[[Mapping[str, int]], dict[str, Any]]
"""Runs the problem with one setting of its constants; see `problem_shapes.find`."""
SEED = 42  # that of KernelBench
_SECONDS = 120.0  # for one setting
_SMALL = (3, 5, 8, 16, 32, 64, 128)
_MAX_ELEMENTS = 1 << 18  # of all inputs of a case for the interpreter
_EXTENSION = ("load_inline", "cpp_extension")

_SHARED = """

def _crucible_model(kind, inputs):
    # Appended by the adapter: the sizes of this call, the weights of KernelBench's seed.
    for name, (index, dimension, offset, slope) in {places}.items():
        globals()[name] = (inputs[index].shape[dimension] - offset) // slope
    torch.manual_seed({seed})
    model = kind(*get_init_inputs())
    precision = next((x.dtype for x in inputs if x.is_floating_point()), torch.float32)
    return model.to(device=inputs[0].device, dtype=precision)

"""
_REFERENCE = """
def reference(*inputs):
    with torch.no_grad():
        return _crucible_model(Model, inputs)(*inputs)
"""
_KERNEL = """
def run(*inputs):
    return _crucible_model(ModelNew, inputs)(*inputs)
"""


def adapt_problem(path: Path, candidates: Sequence[Path], processes: WarmProcesses) -> Adapted:
    """Convert one problem and the candidates for it.

    Args:
        candidates: Files with a `ModelNew`.

    Raises:
        NotAdaptedError: if the problem cannot be converted.
    """
    source = read_file(path).decode()
    try:
        constants = constants_of(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotAdaptedError(f"not valid Python: {error}", where=str(path)) from None

    def ask(setting: Mapping[str, int]) -> dict[str, Any]:
        try:
            request = {"problem": str(path.resolve()), "setting": dict(setting)}
            return processes.ask("shapes", request, timeout=_SECONDS)
        except InfraError as error:
            raise NotAdaptedError(error.what, where=str(path)) from None

    adapted, shared = _adapt(path, source, constants, ask)
    for candidate in candidates:
        _add(adapted, candidate, source, shared)
    return adapted


def _adapt(path: Path, source: str, constants: dict[str, int], ask: Ask) -> tuple[Adapted, str]:
    """The problem without candidates, and the source that both models share."""
    base = ask(constants)
    if "error" in base:
        raise NotAdaptedError(f"it does not run: {base['error']}", where=str(path))
    each = [ask(changed(constants, name)) for name in constants]
    first = _trial(base, constants)
    trials = {
        name: _trial(found, changed(constants, name))
        for name, found in zip(constants, each, strict=True)
        if "error" not in found
    }
    # A constant that is not a size of an input, such as the width of a layer, keeps its value.
    moving = {name: trial for name, trial in trials.items() if _moves(first, trial)}
    try:
        inputs, outputs = express(first, moving)
    except UnclearError as error:
        raise NotAdaptedError(str(error), where=str(path)) from None
    places = _places(inputs, moving.keys())
    axes = {name: constants[name] for name in moving}
    if lost := moving.keys() - places.keys():
        raise NotAdaptedError(f"no size of an input determines {', '.join(sorted(lost))}", where=str(path))
    small = _small_shapes(ask, constants, axes)
    if not axes:
        axes = {"ONE": 1}  # no size can change, but a definition needs an axis
    definition = _definition(path, source, base, _Sizes(inputs, outputs, axes, small))
    if small:
        tried = ask(constants | small[-1] | {"values": 1})
        if tried.get("trivial") and not tried.get("trivial_signed"):
            # For example ReLU of numbers between 0 and 1: a kernel that does nothing would be right.
            for tensor in definition["inputs"].values():
                if tensor.get("values") == "uniform":
                    tensor["values"] = "normal"
            definition["description"] += ", with normal numbers: with its own, an unchanged input is right"
    shared = _SHARED.format(places=places, seed=SEED)
    adapted = Adapted(
        name=file_name(path.stem),
        definition=definition,
        reference=source + "\n\nimport torch\n" + shared + _REFERENCE,
        library=True,
        stages=("interpreter", "gpu") if small else ("gpu",),
    )
    if not small:
        adapted.notes.append("no small size of it runs, so it needs a GPU")
    return adapted, shared


def _add(adapted: Adapted, candidate: Path, source: str, shared: str) -> None:
    text = read_file(candidate).decode()
    if "class ModelNew" not in text:
        adapted.notes.append(f"{candidate.name}: it has no ModelNew")
        return
    if any(word in text for word in _EXTENSION):
        adapted.notes.append(f"{candidate.name}: an inline CUDA extension, which no plan can hold")
        return
    # The problem's constants and get_init_inputs come first: a candidate usually lacks them.
    adapted.kernels[file_name(candidate.stem)] = _prelude(source) + text + "\n\nimport torch\n" + shared + _KERNEL


def _prelude(source: str) -> str:
    """The problem's constants and its get_init_inputs, without its imports' side effects or its model."""
    kept = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) or (isinstance(node, ast.FunctionDef) and node.name == "get_init_inputs")
    ]
    return "import torch\n\n" + "\n".join(ast.unparse(node) for node in kept) + "\n\n\n"


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The sizes of a problem, as arithmetic over its constants."""

    inputs: list[list[str]]
    outputs: list[list[str]]
    axes: dict[str, int]
    """Each constant that a size depends on, with the problem's own value."""
    small: list[dict[str, int]]
    """Small sizes by constant, for the interpreter."""


def _definition(path: Path, source: str, base: dict[str, Any], sizes: _Sizes) -> dict[str, Any]:
    bounds = list(base["bounds"])
    floats = "uniform" if "torch.rand(" in source else "positive" if "Pareto" in source else "normal"
    tensors: dict[str, Any] = {}
    for index, (named, one) in enumerate(zip(sizes.inputs, base["inputs"], strict=True)):
        tensor: dict[str, Any] = {"axes": [_axis(size) for size in named], "dtype": _dtype(one["dtype"], path)}
        if one["dtype"].startswith("int"):
            tensor["values"] = {"below": max(1, int(bounds.pop(0))) if bounds else 2}
        elif one["dtype"] != "bool":
            tensor["values"] = floats
        tensors[f"x{index}"] = tensor
    results = {
        f"y{index}": {"axes": [_axis(size) for size in named], "dtype": _dtype(one["dtype"], path)}
        for index, (named, one) in enumerate(zip(sizes.outputs, base["outputs"], strict=True))
    }
    return make_definition(
        path.stem, tensors, results, parameters=base["parameters"], description=f"KernelBench problem {path.stem}",
        axes=dict.fromkeys(sizes.axes, "of the problem"),
        shapes={"tiny": sizes.small[:1], "odd": sizes.small[1:2], "target": [sizes.axes]},
    )  # fmt: skip


def _axis(size: str) -> int | str:
    return int(size) if size.isdigit() else size


def _dtype(name: str, path: Path) -> str:
    if name not in DTYPES:
        raise NotAdaptedError(f"a tensor of {name}", where=str(path), fix=f"known are {', '.join(DTYPES)}")
    return "T" if name == "float32" else name


def _places(inputs: list[list[str]], axes: Set[str]) -> dict[str, tuple[int, int, int, int]]:
    """Where the sizes of a call determine a constant: input, dimension, offset and slope."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for index, sizes in enumerate(inputs):
        for dimension, size in enumerate(sizes):
            words = size.split()
            slope, offset = 1, 0
            if len(words) >= 3 and words[1] == "*" and words[0].isdigit():
                slope, words = int(words[0]), words[2:]
            if len(words) == 3 and words[1] in "+-" and words[2].isdigit():
                offset, words = int(words[1] + words[2]), words[:1]
            if len(words) == 1 and words[0] in axes:
                found.setdefault(words[0], (index, dimension, offset, slope))
    return found


def _small_shapes(ask: Ask, constants: dict[str, int], axes: dict[str, int]) -> list[dict[str, int]]:
    """Up to two sizes that run and are small enough for the interpreter."""
    if not axes:
        return []
    settings = [{name: min(size, least) for name, size in axes.items()} for least in _SMALL]
    found = []
    for setting in settings:
        shapes = ask(constants | setting)
        elements = sum(math.prod(one["sizes"]) for one in shapes.get("inputs", [])) + shapes.get("parameters", 0)
        if "error" not in shapes and elements <= _MAX_ELEMENTS and setting not in found:
            found.append(setting)
        if len(found) == 2:
            break
    return found


def _trial(found: dict[str, Any], constants: dict[str, int]) -> Trial:
    return Trial(constants, [one["sizes"] for one in found["inputs"]], [one["sizes"] for one in found["outputs"]])


def _moves(base: Trial, trial: Trial) -> bool:
    """Whether a constant changes a size of an input, but not the number of dimensions."""
    ranks = [[len(sizes) for sizes in (*one.inputs, *one.outputs)] for one in (base, trial)]
    return ranks[0] == ranks[1] and any(list(a) != list(b) for a, b in zip(base.inputs, trial.inputs, strict=True))
