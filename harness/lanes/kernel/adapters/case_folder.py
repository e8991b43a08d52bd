"""Case folder: writes the result of an adapter: a definition, its reference, kernels and a suite."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import CrucibleError, SpecError, UsageError
from harness.lanes.kernel.definition import read_definition

DTYPES = ("float32", "float16", "bfloat16", "int32", "int64", "bool")  # the dtypes of tensors that are converted


class NotAdaptedError(CrucibleError):
    """A problem that cannot be converted, and why."""


@dataclass(slots=True)
class Adapted:
    """One converted problem of another benchmark.

    Attributes:
        name: The stem of its files.
        reference: The content of the Python file next to it.
        kernels: The source of each kernel by name.
        library: Whether its kernels may call PyTorch's own operators.
        stages: The stages that its kernels can run.
        notes: What was not converted, one sentence each.
    """

    name: str
    definition: dict[str, Any]
    reference: str
    kernels: dict[str, str] = field(default_factory=dict)
    library: bool = False
    stages: tuple[str, ...] = ("interpreter", "compile", "gpu")
    notes: list[str] = field(default_factory=list)


def make_definition(
    name: str, inputs: dict[str, Any], outputs: dict[str, Any], *, parameters: int = 0, **keys: Any
) -> dict[str, Any]:
    """A definition of a problem that states neither its operations nor its precisions.

    Args:
        inputs: Its tensors by name.
        keys: The other keys: description, axes, shapes.
    """
    call = f"{file_name(name)}.py:reference"
    tensors = (*inputs.values(), *outputs.values())
    products = [" * ".join(f"({axis})" for axis in tensor["axes"]) or "1" for tensor in tensors]
    elements = " + ".join([*products, *([str(parameters)] if parameters else [])])
    return keys | {
        "operation": file_name(name),
        "dtypes": ["float32"],  # every tensor has a dtype of its own
        "inputs": inputs,
        "outputs": outputs,
        "reference": call,
        "baselines": {"eager": {"call": call}, "compiled": {"call": call, "compile": True}},
        # Memory traffic is the only known bound.
        "flops": elements,
        "bytes": f"4 * ({elements})",
        "families": ["normal"],
    }


def file_name(text: str) -> str:
    """A file name for the name of a problem."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "problem"


def write_case(out: Path, adapted: Adapted) -> list[Path]:
    """Write the files of one problem, and check that the definition is valid.

    Returns:
        The paths of the suites; that of the definition if there are no kernels.

    Raises:
        SpecError: if the definition is invalid; its files are deleted then.
        UsageError: if files cannot be written.
    """
    name = adapted.name
    definition, reference = out / "definitions" / f"{name}.yaml", out / "definitions" / f"{name}.py"
    try:
        definition.parent.mkdir(parents=True, exist_ok=True)
        definition.write_text(yaml.safe_dump(adapted.definition, sort_keys=False, width=110), encoding="utf-8")
        reference.write_text(adapted.reference, encoding="utf-8")
        try:
            read_definition(definition)
        except SpecError:
            definition.unlink()
            reference.unlink()
            raise
        suites = [_write_suite(out, adapted)] if adapted.kernels else []
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(error.filename or out)) from error
    return suites or [definition]


def _write_suite(out: Path, adapted: Adapted) -> Path:
    name = adapted.name
    folder = out / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    for kernel, text in adapted.kernels.items():
        (folder / f"{kernel}.py").write_text(text, encoding="utf-8")
    suite_keys = {
        "lane": "kernel",
        "title": str(adapted.definition.get("description", name))[:80],
        "definition": f"definitions/{adapted.name}.yaml",
        "kernels": f"kernels/{name}/*.py",
        "stages": list(adapted.stages),
        "library": adapted.library,
        "attempts": 2,
        "gates": {"correctness": 1.0},
    }
    suite = out / f"{name}.suite.yaml"
    suite.write_text(yaml.safe_dump(suite_keys, sort_keys=False, width=110), encoding="utf-8")
    return suite
