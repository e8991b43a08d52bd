"""FlashInfer Trace: converts definitions and solutions of flashinfer-bench; SOL-ExecBench uses the same format.

A definition names axes (`const` with a value, `var` without), inputs, outputs and a reference in PyTorch (`run`). Sizes
of variable axes come from workloads, one JSON object a line, and are a power of two by default. A solution is a project
of files with an entry point; a solution of a single Python file becomes a kernel.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.named_path import read_file
from harness.lanes.kernel.adapters.case_folder import DTYPES, Adapted, NotAdaptedError, file_name, make_definition

MAX_BYTES = 8 << 20
_MAX_TARGETS = 4  # of the workloads' sizes this many are timed: the largest, and others evenly spread
_VARIABLE = 4096
_SMALL = (3, 17)
_NATIVE = ("cuda", "cpp", "c++", "cutlass")

_ENTRY = "crucible_run"
_CALL = """

def {name}(*inputs):
    found = {entry}(**dict(zip({inputs}, inputs)))
    if isinstance(found, dict):
        found = tuple(found[name] for name in {outputs})
    return found[0] if isinstance(found, (tuple, list)) and len(found) == 1 else found
"""


def is_definition(value: object) -> bool:
    """Whether a JSON value looks like a definition of this kind."""
    return isinstance(value, dict) and {"name", "axes", "inputs", "outputs", "reference"} <= value.keys()


def read_json(path: Path) -> Any:
    """A JSON file.

    Raises:
        NotAdaptedError: if it is not valid JSON, or too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NotAdaptedError(f"it has more than {MAX_BYTES >> 20} MiB", where=str(path))
        return json.loads(read_file(path))
    except (OSError, ValueError, RecursionError) as error:
        raise NotAdaptedError(f"not valid JSON: {error}", where=str(path)) from None


def name_of(path: Path) -> str | None:
    """The name of a definition; None if the file is not a definition."""
    document = _table(path)
    return str(document["name"]) if is_definition(document) else None


def named_by(path: Path) -> str | None:
    """The definition that a solution is for; None if the file is not a solution."""
    document = _table(path)
    return str(document["definition"]) if {"definition", "sources"} <= document.keys() else None


def _table(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except NotAdaptedError:
        return {}
    return document if isinstance(document, dict) else {}


def adapt_definition(path: Path, solutions: Sequence[Path], workloads: Sequence[Path]) -> Adapted:
    """Convert one definition, with the solutions and workloads that name it.

    Raises:
        NotAdaptedError: if it cannot be converted.
    """
    document = read_json(path)
    if not is_definition(document):
        raise NotAdaptedError("not a definition: name, axes, inputs, outputs and reference are needed", where=str(path))
    name = str(document["name"])
    axes = _axes(document, path)
    inputs = {key: _tensor(key, value, path) for key, value in _part(document, "inputs", path).items()}
    outputs = {key: _tensor(key, value, path) for key, value in _part(document, "outputs", path).items()}
    reference = str(document["reference"])
    if "def run" not in reference:
        raise NotAdaptedError("its reference has no function run", where=str(path))
    sizes = _sizes(name, axes, workloads)
    names = {"inputs": list(inputs), "outputs": list(outputs)}
    definition = make_definition(
        name, inputs, outputs, entry=_ENTRY, description=str(document.get("description") or name)[:200],
        axes={axis: "constant" if value else "variable" for axis, value in axes.items()},
        shapes={**_small(axes), "target": sizes},
    )  # fmt: skip
    adapted = Adapted(
        name=file_name(name),
        definition=definition,
        reference=reference + _CALL.format(name="reference", entry="run", **names),
    )
    for solution in solutions:
        _add(adapted, solution, name, names)
    return adapted


def _part(document: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    found = document[key]
    if not isinstance(found, dict):
        raise NotAdaptedError(f"{key} is not a table of names", where=str(path))
    return {str(name): value for name, value in found.items()}


def _axes(document: Mapping[str, Any], path: Path) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for name, axis in _part(document, "axes", path).items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in ("T", "dtype"):
            raise NotAdaptedError(f"an axis named {name!r}", where=str(path))
        value = axis.get("value") if isinstance(axis, dict) else None
        if isinstance(axis, dict) and axis.get("type") == "const" and type(value) is int and value > 0:
            found[name] = value
        elif isinstance(axis, dict) and axis.get("type") == "var":
            found[name] = None
        else:
            raise NotAdaptedError(f"the axis {name!r} is neither const with a value nor var", where=str(path))
    if document.get("constraints"):
        raise NotAdaptedError(f"constraints between axes: {document['constraints']}"[:200], where=str(path))
    return found


def _tensor(name: str, value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("shape"), list):
        raise NotAdaptedError(f"{name} is a scalar, and only tensors are converted", where=str(path))
    dtype = str(value.get("dtype"))
    if dtype not in DTYPES:
        raise NotAdaptedError(f"{name} is of {dtype}, known are {', '.join(DTYPES)}", where=str(path))
    if dtype.startswith("int"):
        raise NotAdaptedError(f"{name} holds integers without a known range", where=str(path))
    return {"axes": [axis if isinstance(axis, int) else str(axis) for axis in value["shape"]], "dtype": dtype}


def _sizes(name: str, axes: Mapping[str, int | None], workloads: Sequence[Path]) -> list[dict[str, int]]:
    """Target sizes: a selection of the workloads' sizes, or a default size."""
    found: list[dict[str, int]] = []
    for path in workloads:
        for line in read_file(path).decode("utf-8", "replace").splitlines():
            try:
                trace = json.loads(line)
                asked = trace["workload"]["axes"] if trace["definition"] == name else None
                if asked is not None:
                    found.append({axis: int(axes[axis] or asked[axis]) for axis in axes})
            except (ValueError, KeyError, TypeError, OverflowError):
                continue  # a line of another kind
    unique = [dict(pairs) for pairs in sorted({tuple(size.items()) for size in found}, key=lambda s: [v for _, v in s])]
    if not unique:
        return [{axis: value or _VARIABLE for axis, value in axes.items()}]
    step = max(1, len(unique) // _MAX_TARGETS)
    return unique[::-1][::step][:_MAX_TARGETS]


def _small(axes: Mapping[str, int | None]) -> dict[str, list[dict[str, int]]]:
    """Small sizes of variable axes; constants keep their values, because the reference may check them."""
    first, second = ({axis: value or least for axis, value in axes.items()} for least in _SMALL)
    return {"tiny": [first], "odd": [second]}


def _add(adapted: Adapted, path: Path, name: str, names: dict[str, list[str]]) -> None:
    document = read_json(path)
    if not isinstance(document, dict) or document.get("definition") != name:
        return
    title = str(document.get("name") or path.stem)
    spec, listed = document.get("spec"), document.get("sources")
    spec = spec if isinstance(spec, dict) else {}
    sources = [source for source in (listed if isinstance(listed, list) else []) if isinstance(source, dict)]
    language = str(spec.get("language", "")).lower()
    if language in _NATIVE:
        adapted.notes.append(f"{title}: it is written in {language}, which no plan can hold")
        return
    if len(sources) != 1:
        adapted.notes.append(f"{title}: it has {len(sources)} files, and a kernel has one")
        return
    entry = str(spec.get("entry_point", "")).rpartition("::")[2]
    text = str(sources[0].get("content", ""))
    try:
        known = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError) as error:
        adapted.notes.append(f"{title}: not valid Python: {error}")
        return
    if entry not in known:
        adapted.notes.append(f"{title}: it has no function {entry!r}")
        return
    adapted.kernels[file_name(title)] = text + _CALL.format(name=_ENTRY, entry=entry, **names)
