"""Golden table: the resources of each compiled kernel when they were last reviewed, so that a regression shows.

A JSON table for each suite, valid for one version of Triton; with another version nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.core.frozen import Frozen
from harness.lanes.kernel.compilation import Launch

REGISTER_SLACK = 8  # registers by which a kernel may exceed its row: the assembler's choice varies by as much


_FIGURES = ("registers", "stack_bytes", "shared_bytes", "occupancy", "tensor_core_instructions")


class Row(Frozen):
    """The resources of one compiled launch."""

    kernel: str
    """The stem of the kernel's file."""
    architecture: str
    name: str
    target: str
    configuration: dict[str, bool | int | float | str]
    registers: int
    stack_bytes: int
    shared_bytes: int
    occupancy: float
    tensor_core_instructions: int


class Golden(Frozen):
    """A golden table, as in its JSON file."""

    triton: str
    """The version of Triton that compiled the kernels."""
    rows: tuple[Row, ...]

    def differences(self, kernel: str, launches: Iterable[Launch]) -> list[str]:
        """One sentence for each launch that is worse than its row, or has no row."""
        known = {_key(row): row for row in self.rows}
        found = []
        for row in rows_of(kernel, launches):
            wanted = known.get(_key(row))
            label = f"{row.name} at {row.target} for {row.architecture}"
            if wanted is None:
                found.append(f"{label} is not in the golden table")
                continue
            limits = (
                (row.registers, wanted.registers + REGISTER_SLACK),
                (row.stack_bytes, wanted.stack_bytes),
                (row.shared_bytes, wanted.shared_bytes),
                (-row.occupancy, -wanted.occupancy),
                (-min(row.tensor_core_instructions, 1), -min(wanted.tensor_core_instructions, 1)),
            )
            found.extend(
                f"{label}: {name} {abs(observed):g}, golden {abs(limit):g}"
                for name, (observed, limit) in zip(_FIGURES, limits, strict=True)
                if observed > limit
            )
        return found


def rows_of(kernel: str, launches: Iterable[Launch]) -> list[Row]:
    """The rows of a golden table for these launches."""
    return [
        Row(
            kernel=kernel,
            architecture=launch.architecture,
            name=launch.name,
            target=launch.target,
            configuration=variant.configuration,
            **{name: getattr(variant.code, name) for name in _FIGURES},
        )
        for launch in launches
        for variant in launch.variants
        if variant.code is not None
    ]


def read_golden(path: Path) -> Golden:
    """Read a table.

    Raises:
        SpecError: if the file is missing or not a golden table.
    """
    try:
        return Golden.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        what = str(error) if isinstance(error, OSError) else error.errors()[0]["msg"]
        fix = "write it again with `crucible kernel compile`"
        raise SpecError(f"not a golden table: {what}", where=str(path), fix=fix) from error


def golden_text(golden: Golden) -> str:
    """The JSON of a table with sorted rows, so that differences between versions are small."""
    ordered = golden.model_copy(update={"rows": tuple(sorted(golden.rows, key=_key))})
    return ordered.model_dump_json(indent=1) + "\n"


def _key(row: Row) -> tuple[str, ...]:
    settings = " ".join(f"{name}={value}" for name, value in sorted(row.configuration.items()))
    return row.kernel, row.architecture, row.name, row.target, settings
