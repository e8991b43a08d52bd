"""Case folder: what an adapter writes: a definition, its reference, kernels, and the suite that joins them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import SpecError, UsageError
from harness.lanes.kernel.definition import read_definition


@dataclass(slots=True)
class Adapted:
    """One problem of another benchmark, as ours.

    Attributes:
        name: What its files are called.
        definition: The definition, as YAML will hold it.
        reference: The Python file beside it.
        kernels: Text of each kernel by name.
        native: Of each that builds an extension in CUDA, which runs on a GPU and nowhere else.
        library: Whether its kernels may call PyTorch's own operators.
        stages: What can be judged.
        notes: What was left behind, one sentence each.
    """

    name: str
    definition: dict[str, Any]
    reference: str
    kernels: dict[str, str] = field(default_factory=dict)
    native: dict[str, str] = field(default_factory=dict)
    library: bool = False
    stages: tuple[str, ...] = ("interpreter", "compile", "gpu")
    notes: list[str] = field(default_factory=list)


def file_name(text: str) -> str:
    """A name that can be a file's, whatever the problem was called."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "problem"


def write_case(out: Path, adapted: Adapted) -> list[Path]:
    """Write the files of one problem, and see that they can be read.

    Returns:
        The suites; the definition where there is no kernel.

    Raises:
        SpecError: if the definition is not one we understand; nothing of it is left then.
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
        suites = [
            _write_suite(out, adapted, folder, kernels, stages)
            for folder, kernels, stages in (
                (name, adapted.kernels, adapted.stages),
                (f"{name}_native", adapted.native, ("gpu",)),
            )
            if kernels
        ]
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(error.filename or out)) from error
    return suites or [definition]


def _write_suite(out: Path, adapted: Adapted, name: str, kernels: Mapping[str, str], stages: Sequence[str]) -> Path:
    folder = out / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    for kernel, text in kernels.items():
        (folder / f"{kernel}.py").write_text(text, encoding="utf-8")
    told = {
        "lane": "kernel",
        "title": str(adapted.definition.get("description", name))[:80],
        "definition": f"definitions/{adapted.name}.yaml",
        "kernels": f"kernels/{name}/*.py",
        "stages": list(stages),
        "library": adapted.library,
        "attempts": 2,
        "gates": {"correctness": 1.0},
    }
    suite = out / f"{name}.suite.yaml"
    suite.write_text(yaml.safe_dump(told, sort_keys=False, width=110), encoding="utf-8")
    return suite
