"""Absent device: replaces a GPU that is not there: Triton compiles for it, and a kernel can ask for its figures."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from harness.lanes.kernel.architecture import ARCHITECTURES, WARP
from harness.lanes.kernel.device_limits import card_of


class AbsentDevice:
    """Triton's driver and the figures of PyTorch for a device of an architecture."""

    def __init__(self) -> None:
        self.utils = self
        self.select({"architecture": "sm_90a"})

    def select(self, described: dict[str, Any]) -> None:
        """Become a device: one of an `architecture`, or one with these `name` and `processors`."""
        self.architecture = ARCHITECTURES[described["architecture"]]
        self.name = described.get("name") or card_of(self.architecture.name).name
        self.processors = described.get("processors") or self.architecture.processors

    def install(self, described: dict[str, Any]) -> None:
        """Replace the devices of Triton and PyTorch in this process."""
        import torch
        from triton.runtime import driver

        self.select(described)
        found = self.architecture
        driver.set_active(self)
        major, minor = divmod(found.capability, 10)
        properties = SimpleNamespace(
            name=self.name, major=major, minor=minor, multi_processor_count=self.processors,
            shared_memory_per_block_optin=found.block_shared, warp_size=WARP,
        )  # fmt: skip
        cuda: Any = torch.cuda
        cuda.is_available, cuda.current_device, cuda.device_count = lambda: True, lambda: 0, lambda: 1
        cuda.get_device_capability = lambda *_: (major, minor)
        cuda.get_device_properties, cuda.get_device_name = lambda *_: properties, lambda *_: self.name
        cuda.device = cuda.stream = lambda *_: nullcontext()
        cuda.synchronize = lambda *_: None
        cuda.current_stream = cuda.default_stream = lambda *_: SimpleNamespace(
            cuda_stream=0, synchronize=cuda.synchronize
        )

    def get_current_device(self) -> int:
        """Its index."""
        return 0

    def get_current_stream(self, _device: int = 0) -> int:
        """Its only stream."""
        return 0

    def get_current_target(self) -> Any:
        """What Triton compiles for."""
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self.architecture.capability, WARP)

    def get_active_torch_device(self) -> Any:
        """The device that tensors seem to lie on."""
        import torch

        return torch.device("cuda", 0)

    def get_device_properties(self, _device: Any = 0) -> dict[str, int]:
        """The figures that Triton asks for."""
        found = self.architecture
        return {
            "multiprocessor_count": self.processors,
            "max_shared_mem": found.block_shared,
            "max_num_regs": found.registers,
            "warpSize": WARP,
        }
