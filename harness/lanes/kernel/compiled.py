"""Compiled: the machine code of one configuration of a kernel, and why it cannot run on its architecture."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.frozen import Frozen
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.compilation import Launch
from harness.lanes.kernel.machine_code import MachineCode


class Compiled(Frozen):
    """The machine code of one configuration."""

    codes: tuple[MachineCode, ...] = ()
    fault: str = ""
    """Why it cannot run; empty if it can."""

    @property
    def main(self) -> MachineCode:
        """The main kernel: one with tensor-core instructions if possible, and of those the one with most registers."""
        return max(self.codes, key=lambda code: (code.tensor_core_instructions > 0, code.registers))


def faults(launch: Launch) -> Iterator[str]:
    """Why a launch cannot run on its architecture, or spills."""
    code = launch.best.code
    if code is None:
        yield f"{launch.name} does not compile: {launch.best.fault}"
        return
    limits = ARCHITECTURES[code.architecture]
    if code.shared_bytes > limits.block_shared:
        yield f"{launch.name} needs {code.shared_bytes} bytes of shared memory, {limits.block_shared} are there"
    elif code.occupancy == 0:
        yield f"{launch.name} needs {code.registers * code.threads} registers, {limits.registers} are there"
    elif code.stack_bytes:
        yield f"{launch.name} spills {code.stack_bytes} bytes"
