"""KernelSuite: the keys of a suite with `lane: kernel`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from harness.lanes.kernel.compilation import MAX_CONFIGURATIONS
from harness.lanes.kernel.definition import Shape
from harness.suites.suite import SuiteOptions

Stage = Literal["interpreter", "compile", "gpu"]
STAGES: tuple[Stage, ...] = ("interpreter", "compile", "gpu")
Target = Literal["sm_80", "sm_86", "sm_90a", "sm_100a", "sm_120a"]


class KernelSuite(SuiteOptions):
    """A suite of kernels for one operation."""

    definition: str
    """The operation's definition, relative to the suite."""
    kernels: str | tuple[str, ...]
    """Glob patterns of kernel files, relative to the suite."""
    shapes: tuple[Shape, ...] = ()
    """Sizes to ask instead of the definition's sets."""
    stages: tuple[Stage, ...] = STAGES
    """Which cases each kernel gets."""
    architectures: tuple[Target, ...] = ("sm_90a",)
    """What the compile stage compiles for, a case each."""
    targets: PositiveInt = 1
    """How many of the definition's target shapes the compile stage compiles."""
    configurations: PositiveInt = MAX_CONFIGURATIONS
    """How many configurations of an autotuned kernel the compile stage compiles, evenly spread."""
    golden: str = ""
    """A golden table of resources."""
    library: bool = False
    """Whether kernels may call PyTorch's own operators."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Seconds for a kernel's whole process, imports and compilation included."""
