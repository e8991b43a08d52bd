"""Device limits: a card's peak rates, and the least time it needs for an amount of work.

The roofline model of Williams, Waterman and Patterson (2009).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.core.nearest import did_you_mean

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bound = Literal["compute", "memory"]


class Device(Frozen):
    """One card's peak rates, from its data sheet or measured."""

    name: str
    """The name that `torch.cuda.get_device_name` returns."""
    architecture: str
    """The compute capability, a key of `ARCHITECTURES`."""
    multiprocessors: Annotated[int, Field(gt=0)]
    tflops: dict[str, Positive]
    """Dense tensor-core rate for each precision, accumulated in single precision, in 10^12 operations per second."""
    vector_tflops: Positive
    """Single precision without tensor cores."""
    memory_tbs: Positive
    """Memory bandwidth in 10^12 bytes a second."""
    cache_tbs: Positive
    """Bandwidth of the second-level cache, an estimate."""
    measured: bool = False
    """Whether the rates were measured on the card."""

    def floor(self, *, flops: float, bytes_moved: float, precision: str) -> Floor:
        """The least time for a number of operations and bytes.

        Raises:
            UsageError: if the card has no rate for the precision.
        """
        if precision not in self.tflops:
            raise UsageError(f"{self.name} has no rate for {precision}", fix=f"known are {', '.join(self.tflops)}")
        compute, memory = flops / (self.tflops[precision] * 1e12), bytes_moved / (self.memory_tbs * 1e12)
        return Floor(
            seconds=max(compute, memory),
            bound="compute" if compute >= memory else "memory",
            intensity=flops / bytes_moved,
            ridge=self.tflops[precision] / self.memory_tbs,
        )


class Floor(Frozen):
    """The least time for an amount of work on a card, and its limit."""

    seconds: float
    bound: Bound
    intensity: float
    """Operations for each byte of memory traffic."""
    ridge: float
    """The intensity from which on arithmetic is the limit."""


# Data sheets of NVIDIA: name, architecture, multiprocessors; 16-bit, TF32 and single-precision rates; bandwidth of
# memory and of the second-level cache (not published: three quarters of 64 bytes a cycle for each multiprocessor, as
# tiled products use).
_CARDS = (
    ("NVIDIA A100-SXM4-80GB", "sm_80", 108, 312.0, 156.0, 19.5, 2.04, 7.0),
    ("NVIDIA GeForce RTX 3090", "sm_86", 82, 71.0, 35.6, 35.6, 0.936, 4.0),
    ("NVIDIA H100 80GB HBM3", "sm_90a", 132, 989.0, 494.0, 67.0, 3.35, 11.0),
    ("NVIDIA H200", "sm_90a", 132, 989.0, 494.0, 67.0, 4.8, 11.0),
    ("NVIDIA B200", "sm_100a", 148, 2250.0, 1125.0, 75.0, 7.7, 13.0),
    ("NVIDIA GeForce RTX 5070", "sm_120a", 48, 61.7, 30.9, 30.9, 0.672, 4.0),
    ("NVIDIA GeForce RTX 5090", "sm_120a", 170, 209.5, 104.8, 104.8, 1.79, 10.0),
)
DEVICES = {
    name: Device(
        name=name,
        architecture=architecture,
        multiprocessors=count,
        tflops={"float16": half, "bfloat16": half, "tf32": tf32, "float32": vector},
        vector_tflops=vector,
        memory_tbs=memory,
        cache_tbs=cache,
    )
    for name, architecture, count, half, tf32, vector, memory, cache in _CARDS
}
DEFAULT = "NVIDIA H200"


def card_of(architecture: str) -> Device:
    """The representative card of an architecture: the default card if it has it, else the first that does."""
    usual = DEVICES[DEFAULT]
    return next((card for card in (usual, *DEVICES.values()) if card.architecture == architecture), usual)


def find_device(text: str) -> Device:
    """Find a card by its name, or by a part of it that no other card has.

    Raises:
        UsageError: if no card matches, or more than one.
    """
    if text in DEVICES:
        return DEVICES[text]
    found = [card for name, card in DEVICES.items() if text.lower() in name.lower()]
    if len(found) == 1:
        return found[0]
    what = "several cards are" if found else "no card is"
    hint = did_you_mean(text, DEVICES) or f"known are {', '.join(card.name for card in found) or ', '.join(DEVICES)}"
    raise UsageError(f"{what} named {text!r}", where="--device", fix=hint)
