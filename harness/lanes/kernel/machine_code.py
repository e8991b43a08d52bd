"""Machine code: the resources and instructions of a compiled kernel, read from the cubin by the toolkit's tools."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core.clip import clip
from harness.core.frozen import Frozen
from harness.lanes.kernel.architecture import Architecture
from harness.lanes.kernel.disassembly import CodeError, disassemble, run_tool

TENSOR_CORES = (
    "HGMMA", "IGMMA", "QGMMA", "HMMA", "IMMA", "QMMA", "OMMA", "DMMA", "UTCHMMA", "UTCQMMA", "UTCIMMA", "UTCOMMA",
)  # fmt: skip
"""Mnemonics of Hopper's warp groups, of single warps, and of Blackwell's tensor memory."""
EVIDENCE = {
    "tensor_cores": TENSOR_CORES,
    "async_copy": ("LDGSTS", "UBLKCP", "UTMALDG"),
    "tma": ("UTMALDG", "UTMASTG", "UTMAREDG"),
    "warp_specialization": ("USETMAXREG",),
}
"""The instructions that prove each claim."""
_COUNTED = (*TENSOR_CORES, "LDGSTS", "UBLKCP", "UTMALDG", "UTMASTG", "UTMAREDG", "USETMAXREG", "FFMA", "LDL", "STL")
_USAGE = re.compile(r"Function (\S+):\s*REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")


class MachineCode(Frozen):
    """The resources and instructions of one compiled kernel."""

    name: str
    architecture: str
    registers: int
    """Number of registers that each thread uses."""
    stack_bytes: int
    """For spilled registers, and for arrays that are indexed at run time."""
    shared_bytes: int
    threads: int
    occupancy: float
    """The share of a multiprocessor's warps that can be resident."""
    instructions: dict[str, int]
    """The count of each relevant mnemonic."""

    @property
    def tensor_core_instructions(self) -> int:
        """The number of tensor-core instructions."""
        return sum(self.instructions.get(name, 0) for name in TENSOR_CORES)

    def shows(self, claim: str) -> bool:
        """Whether the instructions prove a claim."""
        return any(self.instructions.get(name) for name in EVIDENCE[claim])


def read_machine_code(
    cubin: Path, *, architecture: Architecture, shared_bytes: int, threads: int, kept: Path | None = None
) -> MachineCode:
    """Read a cubin.

    Args:
        architecture: The architecture that it must be compiled for.
        shared_bytes: Dynamic shared memory of its launch, which the cubin does not state.
        threads: Threads of a block, which the cubin does not state either.
        kept: See `disassemble`.

    Raises:
        CodeError: if it is not a kernel for the architecture.
    """
    if cubin.is_symlink() or not cubin.is_file():
        raise CodeError("the compiled code is not a plain file")
    usage = _USAGE.search(run_tool("cuobjdump", "--dump-resource-usage", str(cubin)))
    code = disassemble(cubin, kept=kept)
    if usage is None:
        raise CodeError("no kernel in the compiled code")
    if not {architecture.name, architecture.name.rstrip("a")}.intersection(code.targets):
        raise CodeError(f"not compiled for {architecture.name}")
    registers, shared = int(usage[2]), max(shared_bytes, int(usage[4]))
    return MachineCode(
        name=clip(usage[1]),
        architecture=architecture.name,
        registers=registers,
        stack_bytes=int(usage[3]) + int(usage[5]),
        shared_bytes=shared,
        threads=threads,
        occupancy=round(architecture.occupancy(registers=registers, shared_bytes=shared, threads=threads), 4),
        instructions={name: code.instructions[name] for name in sorted(code.instructions.keys() & {*_COUNTED})},
    )
