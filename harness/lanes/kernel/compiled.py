"""Compiled: the machine code of one configuration of a kernel, or why it cannot run."""

from __future__ import annotations

from harness.core.frozen import Frozen
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
