"""Performance model: a guess, before any measurement, of how long a configuration takes; it says what to measure first.

A tile's loop is limited by the slowest of four: its tensor-core instructions, its traffic from the second-level cache,
its share of the memory's traffic, or the latency that its copies in flight do not cover. Tiles run in rounds of what
fits on the card; a last round that is half empty takes as long as a full one. Kernels without such a loop stream:
Little's law says how many bytes must be on their way to keep the memory busy. The constants are Hopper's, to one digit;
the ranking is what counts, and `crucible kernel sweep` prints how well it agreed with what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.frozen import Frozen
from harness.lanes.kernel.architecture import ARCHITECTURES, WARP
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.definition import Definition, Point
from harness.lanes.kernel.device_limits import Device, Floor
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.tensor import BYTES

LATENCY = 0.8e-6
"""Seconds from asking for a block of memory to having it, under load."""
LAUNCH = 3e-6
"""Seconds a launch costs."""
EXPONENTIALS = 27e9
"""Of one multiprocessor in a second: 16 in each of 1.7e9 cycles."""
CHAINED = 0.12e-6
"""Seconds that a step of attention loses because its two products and the softmax between them wait for each other."""
STREAMED = 0.92
"""Of the memory's bandwidth, what a perfect copy reaches."""
OLD_CORES = 0.6
"""Of the tensor cores' rate on Hopper, what the instructions of earlier generations reach."""


class Prediction(Frozen):
    """What the model says of one configuration at one point."""

    seconds: float
    limit: str
    """What it says is the limit."""
    rounds: float
    """How often the card is filled; the last filling counts whole."""
    floor_seconds: float
    """What no kernel can be faster than."""

    @property
    def efficiency(self) -> float:
        """The share of the roofline it is expected to reach."""
        return self.floor_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The loop of one tile, and how many there are."""

    count: int
    steps: float
    flops: float
    """Of one step."""
    cached: float
    """Bytes of one step, from the second-level cache."""
    exponentials: float
    """Of one step."""
    result: float
    """Bytes of the tile's result."""
    bands: float
    """Bytes that one full round of tiles needs from memory."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What does not depend on the kernel's loop."""

    floor: Floor
    code: MachineCode
    device: Device
    precision: str
    blocks: int
    """Resident blocks of one multiprocessor."""


def tile_of(point: Point) -> frozenset[str]:
    """The keywords that must be known for a prediction: without them it would be one of a made-up tile."""
    if _product(point, {}, 1) is not None:
        return frozenset(("BLOCK_M", "BLOCK_N", "BLOCK_K"))
    return frozenset(("BLOCK_M", "BLOCK_N")) if _attention(point, {}) is not None else frozenset()


def predict(
    definition: Definition, point: Point, configuration: Mapping[str, object], code: MachineCode, *, device: Device
) -> Prediction:
    """How long a configuration is expected to take at a point.

    Args:
        definition: The operation.
        point: Its size and precision.
        configuration: The kernel's keywords; `BLOCK_M`, `BLOCK_N`, `BLOCK_K`, `GROUP`, `SPLIT` and `num_stages` count.
        code: What the kernel compiled to.
        device: The card.
    """
    flops, moved = evaluate(definition.flops, point.names), evaluate(definition.bytes, point.names)
    floor = device.floor(flops=flops, bytes_moved=moved, precision=point.dtype)
    architecture = ARCHITECTURES[device.architecture]
    warps = max(1, code.threads // WARP)
    blocks = max(1, round(code.occupancy * architecture.warps / warps))
    at_once = device.multiprocessors * blocks
    tiles = _product(point, configuration, at_once) or _attention(point, configuration)
    if tiles is None:
        return _stream(floor, code, device, moved)
    work = _Work(floor, code, device, point.dtype, blocks)
    return _loop(tiles, work, ahead=max(0, _number(configuration, "num_stages", 1) - 1))


def _product(point: Point, configuration: Mapping[str, object], at_once: int) -> _Tiles | None:
    """A product of matrices: axes M (or R), N, K, and E products at most."""
    sizes = point.sizes
    rows = sizes.get("M", sizes.get("R"))
    if rows is None or not {"N", "K"} <= sizes.keys():
        return None
    split = _number(configuration, "SPLIT", 1)
    block_m, block_n = _number(configuration, "BLOCK_M", 64), _number(configuration, "BLOCK_N", 64)
    block_k = _number(configuration, "BLOCK_K", 32)
    width = BYTES[point.dtype]
    products = sizes.get("E", 1) if "M" in sizes else 1
    down, across = math.ceil(rows / block_m), math.ceil(sizes["N"] / block_n)
    inner = math.ceil(sizes["K"] / split)
    group = min(_number(configuration, "GROUP", 1), down)
    here = min(at_once, down * across)
    return _Tiles(
        count=products * down * across * split,
        steps=math.ceil(inner / block_k),
        flops=2.0 * block_m * block_n * block_k,
        cached=(block_m + block_n) * block_k * width,
        exponentials=0,
        result=block_m * block_n * width,
        bands=(group * block_m + max(1.0, here / group) * block_n) * inner * width,
    )


def _attention(point: Point, configuration: Mapping[str, object]) -> _Tiles | None:
    """Attention: axes S and D, all others count heads."""
    sizes = point.sizes
    if not {"B", "H", "S", "D"} <= sizes.keys():
        return None
    block_m, block_n = _number(configuration, "BLOCK_M", 64), _number(configuration, "BLOCK_N", 64)
    width, size = BYTES[point.dtype], sizes["D"]
    halved = 0.5 if point.parameters.get("causal") else 1.0
    return _Tiles(
        count=sizes["B"] * sizes["H"] * math.ceil(sizes["S"] / block_m),
        steps=halved * math.ceil(sizes["S"] / block_n) + 0.5,
        flops=4.0 * block_m * block_n * size,
        cached=2.0 * block_n * size * width,
        exponentials=block_m * block_n,
        result=block_m * size * width,
        bands=0,
    )


def _loop(tiles: _Tiles, work: _Work, *, ahead: int) -> Prediction:
    device, code, blocks, floor = work.device, work.code, work.blocks, work.floor
    each = device.multiprocessors
    rate = device.tflops[work.precision] * 1e12 / each
    if not code.tensor_core_instructions:
        rate = device.vector_tflops * 1e12 / each
    elif device.architecture == "sm_90a" and not code.instructions.get("HGMMA"):
        rate *= OLD_CORES
    costs = {
        "arithmetic": blocks * (tiles.flops / rate + tiles.exponentials / EXPONENTIALS / 2),
        "cache": blocks * tiles.cached / (device.cache_tbs * 1e12 / each),
        "memory": tiles.bands / tiles.steps / (device.memory_tbs * 1e12),
        # Blocks of one multiprocessor cover for each other; a loop without copies in flight waits for each of them.
        "latency": LATENCY / (ahead * blocks) if ahead else LATENCY / blocks + blocks * tiles.flops / rate,
    }
    limit = max(costs, key=lambda name: costs[name])
    rounds = tiles.count / (each * blocks)
    finish = LATENCY + blocks * tiles.result / (device.memory_tbs * 1e12 / each)
    chained = CHAINED if tiles.exponentials else 0.0
    seconds = LAUNCH + math.ceil(rounds) * (tiles.steps * (costs[limit] + chained) + finish)
    return Prediction(seconds=max(seconds, floor.seconds), limit=limit, rounds=rounds, floor_seconds=floor.seconds)


def _stream(floor: Floor, code: MachineCode, device: Device, moved: int) -> Prediction:
    threads = code.occupancy * ARCHITECTURES[device.architecture].warps * WARP
    on_their_way = threads * 32  # two loads of 16 bytes for each thread
    needed = device.memory_tbs * 1e12 * LATENCY / device.multiprocessors
    share = STREAMED * min(1.0, on_their_way / needed) if on_their_way else STREAMED / 100
    seconds = LAUNCH + max(floor.seconds, moved / (device.memory_tbs * 1e12)) / share
    limit = "memory" if on_their_way >= needed else "latency"
    return Prediction(seconds=seconds, limit=limit, rounds=1.0, floor_seconds=floor.seconds)


def _number(configuration: Mapping[str, object], name: str, default: int) -> int:
    value = configuration.get(name, default)
    return value if type(value) is int and value > 0 else default
