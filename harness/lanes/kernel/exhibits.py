"""Exhibits of a kernel: resources of its launches, errors of its answers, speed-up, roofline, and configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.core.exhibit import Exhibit, pack
from harness.core.exhibit_kinds import Axis, Bars, Cell, Heat, Roofline, Table
from harness.core.status import Status
from harness.lanes.kernel.compilation import Launch

MAX_NAMED = 3  # questions without a comparable answer


def kernel_exhibits(facts: Mapping[str, Any], status: Status) -> tuple[Exhibit, ...]:
    """What the report shows of one stage, from its facts."""
    if status is Status.SKIPPED:
        return ()
    launches = [Launch.from_wire(launch) for launch in facts.get("launches", [])]
    timed = [target for target in facts.get("targets", []) if "kernel_ms" in target]
    return (*_resources(launches), *_errors(facts.get("shapes", [])), *_speed(timed), *_roofline(facts, timed))


def _resources(launches: Sequence[Launch]) -> Iterator[Exhibit]:
    if not launches:
        return
    columns = ("launch", "configuration", "registers", "stack B", "shared B", "threads", "occupancy", "tensor cores")
    rows: list[tuple[Cell, ...]] = []
    for launch in launches:
        for variant in launch.variants:
            code, settings = variant.code, ", ".join(f"{name}={value}" for name, value in variant.configuration.items())
            found: tuple[Cell, ...] = (variant.fault, None, None, None, None, None)
            if code is not None:
                used = (code.registers, code.stack_bytes, code.shared_bytes, code.threads, code.occupancy)
                found = (*used, code.tensor_core_instructions)
            rows.append((launch.name, settings, *found))
    spilled = sum(launch.best.code is not None and launch.best.code.stack_bytes > 0 for launch in launches)
    yield pack(
        "resources",
        Table(
            title="Resources of each launch",
            sentence=f"registers are spilled by {spilled} of {len(launches)}",
            columns=columns,
            rows=tuple(rows),
        ),
    )
    yield from _configurations(launches)


def _configurations(launches: Sequence[Launch]) -> Iterator[Exhibit]:
    """Registers by the two parameters that vary most, for the launch with the most configurations."""
    launch = max(launches, key=lambda one: len(one.variants))
    values: dict[str, list[Any]] = {}
    for variant in launch.variants:
        for name, value in variant.configuration.items():
            if value not in (known := values.setdefault(name, [])):
                known.append(value)
    varied = sorted((name for name, known in values.items() if len(known) > 1), key=lambda name: -len(values[name]))[:2]
    if len(varied) < 2:
        return
    down, across = varied
    found = {
        (str(v.configuration.get(down)), str(v.configuration.get(across))): v.code.registers if v.code else None
        for v in launch.variants
    }
    rows, columns = ([str(value) for value in values[name]] for name in varied)
    yield pack(
        "configurations",
        Heat(
            title=f"Registers of {launch.name} by configuration",
            sentence="an empty cell was not compiled, or does not compile",
            x=Axis(label=across),
            y=Axis(label=down),
            value=Axis(label="registers of a thread"),
            columns=tuple(columns),
            rows=tuple(rows),
            values=tuple(tuple(found.get((row, column)) for column in columns) for row in rows),
        ),
    )


def _errors(shapes: Sequence[Mapping[str, Any]]) -> Iterator[Exhibit]:
    known: list[Mapping[str, Any]] = []
    unknown: list[Mapping[str, Any]] = []
    for shape in shapes:
        (known if shape.get("error") is not None and shape.get("allowed") else unknown).append(shape)
    if not known:
        return
    right = sum(bool(shape.get("right")) for shape in shapes)
    more = f"; {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
    yield pack(
        "errors",
        Bars(
            title="Error of each answer",
            sentence=f"right answers: {right} of {len(shapes)}; 100 % is the largest error allowed: of the whole "
            "answer (twice PyTorch's), of a tile or of an element: the nearest one",
            absent=f"no comparable answer: {'; '.join(map(_question, unknown[:MAX_NAMED]))}{more}" if unknown else "",
            value=Axis(label="error as a share of the limit", unit="%"),
            labels=tuple(_question(shape) for shape in known),
            values=tuple(map(_share, known)),
            limits=(100.0,) * len(known),
        ),
    )


def _share(shape: Mapping[str, Any]) -> float:
    """The largest of an answer's errors as a share of its limit, in percent; above 100 the answer is wrong."""
    tile = shape["tile_error"] / shape["tile_allowed"] if shape.get("tile_allowed") else 0.0
    return 100 * float(max(shape["error"] / shape["allowed"], tile, shape.get("element") or 0.0))


def _question(shape: Mapping[str, Any]) -> str:
    sizes = ",".join(f"{name}={size}" for name, size in shape["shape"].items())
    return f"{sizes} {shape['dtype']}, {shape['family']}"


def _speed(timed: Sequence[Mapping[str, Any]]) -> Iterator[Exhibit]:
    if not timed:
        return
    noisy = [target["target"] for target in timed if target["speedup"] is None]
    yield pack(
        "speed-up",
        Bars(
            title="Speed-up at each shape",
            sentence="time of the fastest baseline divided by the kernel's; above 1 the kernel is faster",
            absent=f"too noisy: {', '.join(noisy)}" if noisy else "",
            value=Axis(label="speed-up", unit="x"),
            labels=tuple(f"{target['target']} ({target['fastest']})" for target in timed),
            values=tuple(target["speedup"] for target in timed),
            limits=(1.0,) * len(timed),
            lower_is_better=False,
        ),
    )


def _roofline(facts: Mapping[str, Any], timed: Sequence[Mapping[str, Any]]) -> Iterator[Exhibit]:
    """The measured rates below the ceilings of the precision that most targets have."""
    ceilings = facts.get("ceilings")
    if not timed or not ceilings:
        return
    precision = max((target["dtype"] for target in timed), key=[target["dtype"] for target in timed].count)
    peak, bandwidth = ceilings["tflops"].get(precision), ceilings["bytes_per_s"] / 1e9
    points = [target for target in timed if target["dtype"] == precision and target["bytes"]]
    if not peak or bandwidth <= 0:
        return
    yield pack(
        "roofline",
        Roofline(
            title=f"Roofline in {precision}",
            sentence=f"ceilings measured in this session: {peak:.3g} TFLOP/s, {bandwidth:,.0f} GB/s",
            absent="" if len(points) == len(timed) else "other precisions have other roofs and are left out",
            device=str(facts.get("device", "")),
            peak=peak,
            bandwidth=bandwidth,
            labels=tuple(target["target"] for target in points),
            intensity=tuple(target["flops"] / target["bytes"] for target in points),
            rate=tuple(target["tflops"] for target in points),
        ),
    )
