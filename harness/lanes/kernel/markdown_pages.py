"""Markdown pages: results and final reports, generated; a figure that is not a measurement says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from harness.lanes.kernel.device_limits import Device
from harness.lanes.kernel.golden_table import Row
from harness.lanes.kernel.ladder import Ladder
from harness.lanes.kernel.measurement import fast_p
from harness.lanes.kernel.results import Result
from harness.lanes.kernel.tile_map import TileMap

NOT_MEASURED = "not measured"
COMMAND = "crucible kernel bench --all --suites suites/kernel && crucible kernel report --out docs"
_INTRODUCTION = """\
Written by `crucible kernel report`; do not edit. Speed-up is T(fastest baseline) / T(kernel), both timed alternately on
one device with a cold cache, with the 95 % interval of the ratio. *Predicted* is the speed-up that the author wrote
into the file before any measurement. *Least ms* is the roofline by the card's data sheet; *light* is the share of the
speed of light that was measured in the same session."""
_FASTER = (0.9, 1.0, 1.1, 1.5, 2.0)
_WORDS = {True: "holds", False: "**is broken**", None: f"undecided ({NOT_MEASURED})"}


def results_page(rows: Sequence[Result], ladders: dict[str, Ladder]) -> str:
    """One page with all operations: predictions, measurements, and the command that measures."""
    measured = sum(row.measured is not None for row in rows)
    lines = [
        "# Kernel results",
        "",
        *_INTRODUCTION.splitlines(),
        "",
        f"Measured: {measured} of {len(rows)} points. On a machine with a GPU this command measures the rest:",
        "",
        f"    {COMMAND}",
        "",
        *_setting(rows),
        *_fast(rows),
        "",
    ]
    for operation, group in groupby(rows, key=lambda row: row.operation):
        lines += [f"## {operation}", "", *_table(list(group)), ""]
        if operation in ladders:
            lines += [*_promises(ladders[operation]), ""]
    return "\n".join(lines).rstrip() + "\n"


def ladder_page(
    title: str,
    rows: Sequence[Result],
    ladder: Ladder,
    *,
    device: Device,
    stories: dict[str, str],
    maps: Iterable[TileMap],
    resources: Sequence[Row] = (),
) -> str:
    """The final report of one ladder: speed-up by size, roofline, the steps' docstrings, resources and sweeps."""
    lines = [
        f"# {title}", "",
        "Written by `crucible kernel report`; do not edit.", "",
        *_setting(rows),
        "## Invariants", "", *_promises(ladder), "",
        "## Speed-up by size", "", *_by_size(rows), "",
        f"## Roofline of {device.name}", "", *_roofline(rows, device), "",
        "## Steps", "",
    ]  # fmt: skip
    for step in ladder.steps:
        lines += [f"### Step {step.step}: {step.kernel}", "", *_story(stories.get(step.kernel, "")), ""]
    lines += ["## Resources", "", *_resources(resources), ""]
    tables = [line for tiles in maps for line in [*_heat(tiles), ""]]
    lines += ["## Sweeps", "", *(tables or ["The ledger has no sweep."])]
    return "\n".join(lines).rstrip() + "\n"


def _setting(rows: Iterable[Result]) -> list[str]:
    """Device, date and versions of the measurements."""
    settings = sorted(
        {
            f"- {row.measured.device}, {row.measured.at[:10]}: "
            + ", ".join(f"{name} {version}" for name, version in sorted(row.measured.versions.items()))
            for row in rows
            if row.measured is not None
        }
    )
    return ["Measured on:", "", *settings, ""] if settings else []


def _fast(rows: Sequence[Result]) -> Iterator[str]:
    """fast_p (KernelBench) over all operations and sizes, for the best right kernel of each."""
    best: dict[tuple[str, str], float | None] = {}
    for row in rows:
        key = row.operation, row.target
        speedup = row.measured.speedup if row.measured is not None and row.status in ("ok", "review") else None
        before = best.get(key)
        best[key] = speedup if before is None or (speedup is not None and speedup > before) else before
    yield "The share of operations and sizes where the best kernel is right and more than p times as fast (fast_p):"
    yield ""
    columns = ["p", *(f"{p:g}" for p in _FASTER)]
    if all(row.measured is None for row in rows):
        yield from _markdown(columns, [["fast_p", *[NOT_MEASURED] * len(_FASTER)]])
        return
    shares = [fast_p(list(best.values()), p) for p in _FASTER]
    cells = ["-" if share is None else f"{share:.2f}" for share in shares]
    yield from _markdown(columns, [[f"fast_p of {len(best)}", *cells]])


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a table."""
    for cells in (columns, None, *rows):
        yield "|" + "---|" * len(columns) if cells is None else f"| {' | '.join(map(str, cells))} |"


def _table(rows: list[Result]) -> Iterator[str]:
    columns = "step, kernel, target, ms, TFLOP/s, least ms, light, fastest baseline, speed-up, predicted".split(", ")
    listed = []
    for row in rows:
        found = row.measured
        cells = [
            "" if row.step is None else str(row.step),
            row.kernel,
            row.target,
            NOT_MEASURED if found is None else f"{found.milliseconds:.4f}",
            "" if found is None else f"{found.tflops:.1f}",
            "" if row.floor_ms is None else f"{row.floor_ms:.4f}",
            "" if found is None or found.light is None else f"{found.light:.0%}",
            "" if found is None else found.fastest,
            _speedup(row),
            "" if row.predicted is None else f"{row.predicted:g}x",
        ]
        listed.append(cells)
    yield from _markdown(columns, listed)


def _speedup(row: Result) -> str:
    found = row.measured
    if found is None:
        return NOT_MEASURED if not row.status or row.status == "ok" else f"{row.status}: {row.why}"[:80]
    if found.speedup is None or found.low is None or found.high is None:
        return "undefined (too noisy)"
    return f"{found.speedup:.3f}x ({found.low:.3f}-{found.high:.3f})"


def _promises(ladder: Ladder) -> Iterator[str]:
    yield f"- Correctness: {_WORDS[ladder.correctness]}"
    yield from (f"  - {name} is wrong" for name in ladder.wrong)
    yield f"- Monotonic Speedup: {_WORDS[ladder.monotonic]}"
    yield from (f"  - {one.sentence}" for one in ladder.regressions)


def _by_size(rows: Sequence[Result]) -> Iterator[str]:
    """A row for each size, a column for each kernel."""
    kernels = list(dict.fromkeys(row.kernel for row in sorted(rows, key=lambda row: row.step or 0)))
    found = {(row.target, row.kernel): _speedup(row) for row in rows}
    targets = dict.fromkeys(row.target for row in rows)
    cells = ([target, *(found.get((target, kernel), "") for kernel in kernels)] for target in targets)
    yield from _markdown(["size", *kernels], cells)


def _roofline(rows: Sequence[Result], device: Device) -> Iterator[str]:
    yield f"Data sheet: {device.tflops['bfloat16']:g} TFLOP/s in 16 bits, {device.memory_tbs:g} TB/s;"
    yield f"arithmetic is the limit from {device.tflops['bfloat16'] / device.memory_tbs:.0f} operations per byte."
    yield ""
    listed = []
    for target in dict.fromkeys(row.target for row in rows):
        here = [row for row in rows if row.target == target]
        times = [row.measured.milliseconds for row in here if row.measured is not None]
        first = here[0]
        least = "" if first.floor_ms is None else f"{first.floor_ms:.4f}"
        best = f"{min(times):.4f}" if times else NOT_MEASURED
        work = f"{first.flops / 1e9:,.1f}", f"{first.bytes / 1e6:,.1f}", f"{first.flops / first.bytes:,.0f}"
        listed.append((target, *work, least, best))
    yield from _markdown(("size", "GFLOP", "MB", "operations per byte", "least ms", "best measured ms"), listed)


def _resources(rows: Sequence[Row]) -> Iterator[str]:
    """The resources of each compiled launch, which are known without a GPU."""
    if not rows:
        yield "There is no golden table."
        return
    yield "Compiled, not measured: registers of a thread, stack bytes of a thread, shared memory of a block."
    yield ""
    columns = "kernel, launch, target, for, registers, stack, shared, occupancy, tensor core instructions".split(", ")
    yield from _markdown(columns, ((
        row.kernel, row.name, row.target, row.architecture, row.registers, row.stack_bytes, row.shared_bytes,
        f"{row.occupancy:.0%}", row.tensor_core_instructions,
    ) for row in rows))  # fmt: skip


def _story(story: str) -> list[str]:
    """The lines of a kernel's docstring, with its labels in bold."""
    lines = []
    for line in story.splitlines():
        label, colon, rest = line.partition(":")
        named = bool(colon) and not line.startswith(" ") and label.split(" ", 1)[0] in ("What", "Predicted", "Measured")
        lines.append(f"- **{label}**:{rest}" if named else line.replace("    ", "  ", 1))
    return lines


def _heat(tiles: TileMap) -> Iterator[str]:
    """A table over two parameters; each cell is the best over all others."""
    yield f"### {tiles.kernel} at {tiles.point}"
    yield ""
    yield f"Best {tiles.unit} over all other parameters; rows {tiles.down}, columns {tiles.across}; - cannot run."
    yield ""
    rows = zip(tiles.rows, tiles.milliseconds, strict=True)
    cells = ([name, *("-" if cell is None else f"{cell:.4f}" for cell in times)] for name, times in rows)
    yield from _markdown([f"{tiles.down} \\ {tiles.across}", *map(str, tiles.columns)], cells)
