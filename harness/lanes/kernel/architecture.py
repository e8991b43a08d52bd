"""Architecture: the limits of a GPU generation for a block and a multiprocessor, and the resulting occupancy.

Source: CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability".
"""

from __future__ import annotations

from dataclasses import dataclass

WARP = 32
_RESERVED = 1024  # bytes of shared memory of every block that the system uses
_REGISTER_UNIT = 256  # registers are allocated to a warp in units of this size


@dataclass(frozen=True, slots=True)
class Architecture:
    """One target of the compiler.

    Attributes:
        capability: Ten times its compute capability.
        block_shared: Bytes of shared memory that one block may have.
        shared: Bytes of shared memory of one multiprocessor.
        warps: Resident warps of one multiprocessor.
        blocks: Resident blocks of one multiprocessor.
        processors: Multiprocessors of a typical card, for kernels that query the number.
        claims: The features that a kernel can claim on it.
    """

    name: str
    capability: int
    block_shared: int
    shared: int
    warps: int
    blocks: int
    processors: int
    claims: frozenset[str]

    registers: int = 65_536

    def occupancy(self, *, registers: int, shared_bytes: int, threads: int) -> float:
        """The share of a multiprocessor's warps that can be resident, 0 if the block does not fit at all."""
        warps = -(-threads // WARP)
        per_warp = -(-max(registers, 1) * WARP // _REGISTER_UNIT) * _REGISTER_UNIT
        if shared_bytes > self.block_shared or per_warp * warps > self.registers:
            return 0.0
        by_registers = self.registers // per_warp // warps
        by_shared = self.shared // (shared_bytes + _RESERVED)
        blocks = min(self.blocks, self.warps // warps, by_registers, by_shared)
        return min(1.0, blocks * warps / self.warps)


_OLD = frozenset({"tensor_cores", "async_copy"})
_NEW = _OLD | {"tma", "warp_specialization"}
ARCHITECTURES = {
    found.name: found
    for found in (
        Architecture("sm_80", 80, 166_912, 167_936, 64, 32, 108, _OLD),
        Architecture("sm_86", 86, 101_376, 102_400, 48, 16, 82, _OLD),
        Architecture("sm_90a", 90, 232_448, 233_472, 64, 32, 132, _NEW),
        Architecture("sm_100a", 100, 232_448, 233_472, 64, 32, 148, frozenset({"tensor_cores", "tma"})),
        Architecture("sm_120a", 120, 101_376, 102_400, 48, 24, 170, _OLD),
    )
}
