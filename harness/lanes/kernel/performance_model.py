"""Performance model: predicts the time of a configuration before any measurement, to rank what is measured first.

A tile's loop is limited by the slowest of four: its tensor-core instructions, its traffic from the second-level cache,
its share of the memory's traffic, or the latency that its copies in flight do not cover. Tiles run in rounds of as many
as fit on the card; a partly filled last round takes as long as a full one. Kernels without such a loop stream: by
Little's law, a number of bytes must be in flight to keep the memory busy. The constants are Hopper's, to one digit;
only the ranking matters, and `crucible kernel sweep` prints its correlation with the measurements.
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

LATENCY = 0.8e-6  # seconds from requesting a block of memory to its arrival, under load
LAUNCH = 3e-6  # seconds of a launch
EXPONENTIALS = 27e9  # of one multiprocessor in a second: 16 in each of 1.7e9 cycles
CHAINED = 0.12e-6  # seconds that a step of attention loses, as its two products and the softmax depend on each other
STREAMED = 0.92  # the share of the memory's bandwidth that a perfect copy reaches
OLD_CORES = 0.6  # the share of Hopper's tensor-core rate that the instructions of earlier generations reach


class Prediction(Frozen):
    """The prediction for one configuration at one point."""

    seconds: float
    limit: str
    """The predicted limit: `arithmetic`, `cache`, `memory` or `latency`."""
    rounds: float
    """How often the card is filled with tiles, as a fraction."""
    floor_seconds: float
    """The least time by the card's data sheet."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The loop of one tile, and the number of tiles."""

    count: int
    steps: float
    flops: float
    """Floating-point operations of one step."""
    cached: float
    """Bytes of one step, from the second-level cache."""
    exponentials: float
    """Number of exponentials of one step."""
    result: float
    """Bytes of the tile's result."""
    bands: float
    """Bytes that one full round of tiles needs from memory."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The inputs of a prediction that do not depend on the kernel's loop."""

    floor: Floor
    code: MachineCode
    device: Device
    precision: str
    blocks: int
    """Resident blocks of one multiprocessor."""


def tile_of(point: Point) -> frozenset[str]:
    """The keyword arguments that give the tile's size; without them a prediction means nothing."""
    if _product(point, {}, 1) is not None:
        return frozenset(("BLOCK_M", "BLOCK_N", "BLOCK_K"))
    return frozenset(("BLOCK_M", "BLOCK_N")) if _attention(point, {}) is not None else frozenset()


def predict(
    definition: Definition, point: Point, configuration: Mapping[str, object], code: MachineCode, *, device: Device
) -> Prediction:
    """Predict the time of a configuration at a point.

    Args:
        point: Its size and precision.
        configuration: The kernel's keyword arguments; used are `BLOCK_M`, `BLOCK_N`, `BLOCK_K`, `GROUP`, `SPLIT` and
            `num_stages`.
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
        # Blocks of one multiprocessor hide each other's latency; a loop without copies in flight waits for each copy.
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
    in_flight = threads * 32  # two loads of 16 bytes for each thread
    needed = device.memory_tbs * 1e12 * LATENCY / device.multiprocessors
    share = STREAMED * min(1.0, in_flight / needed) if in_flight else STREAMED / 100
    seconds = LAUNCH + max(floor.seconds, moved / (device.memory_tbs * 1e12)) / share
    limit = "memory" if in_flight >= needed else "latency"
    return Prediction(seconds=seconds, limit=limit, rounds=1.0, floor_seconds=floor.seconds)


def _number(configuration: Mapping[str, object], name: str, default: int) -> int:
    value = configuration.get(name, default)
    return value if type(value) is int and value > 0 else default
