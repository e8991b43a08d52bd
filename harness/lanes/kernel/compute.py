"""Compute: give a kernel secret inputs, in the interpreter or on a device, and judge the bytes it leaves."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import digest_json
from harness.core.errors import InfraError
from harness.core.evidence import Attempt, Counterexample, Evidence, clip
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.definition import BYTES, Definition
from harness.lanes.kernel.process import Outcome, run_script

HERE = Path(__file__).parent
_GIB = 1 << 30
_META_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """One kernel and everything it is asked.

    Attributes:
        source: The kernel's file.
        definition: What it must compute.
        shapes: The sizes it is asked.
        seed: Where the inputs come from; secret until they are in the kernel's hands.
        attempts: How often everything is asked; the same inputs, so the bytes must be the same.
        timeout: Seconds for the whole process.
        folder: A private, empty folder.
    """

    source: bytes
    definition: Definition
    shapes: tuple[dict[str, int], ...]
    seed: int
    attempts: int
    timeout: float
    folder: Path


def compute(job: Job, *, device: str) -> Evidence:
    """Run a kernel over all shapes and compare with double precision; `device` is `cpu` for the interpreter."""
    drawn = _draw(job)
    asked = job.folder / "asked"
    (asked / "out").mkdir(parents=True)
    (asked / "kernel.py").write_bytes(job.source)
    tensors = [_put(asked, job, data, index) for index, data in enumerate(drawn)]
    many = len(job.shapes)
    # Every attempt asks in another order, so an answer that leans on the one before it shows.
    orders = [[(index + attempt) % many for index in range(many)] for attempt in range(job.attempts)]
    calls = [
        {"name": f"{attempt}-{index}", "inputs": tensors[index]}
        for attempt, order in enumerate(orders)
        for index in order
    ]
    limits = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": _GIB, "RLIMIT_CPU": math.ceil(job.timeout)}
    if device == "cpu":
        limits["RLIMIT_AS"] = 16 * _GIB  # CUDA reserves address space by the terabyte
    request = {"mode": "compute", "entry": job.definition.entry, "device": device, "calls": calls, "limits": limits}
    (asked / "request.json").write_text(json.dumps(request))
    environment = {"TRITON_INTERPRET": "1"} if device == "cpu" else {}
    outcome = run_script(HERE / "child.py", asked, timeout=job.timeout, environment=environment)
    fault = failed(outcome, asked, job)
    if fault is not None:
        return Evidence(status=fault[0], why=fault[1], tier=Tier.D, facts={"device": device})
    answers = [[_collect(asked, job, f"{a}-{i}", i) for i in range(len(job.shapes))] for a in range(job.attempts)]
    return _judge(job, drawn, answers, facts={"device": device, "process_seconds": round(outcome.seconds, 3)})


def failed(outcome: Outcome, folder: Path, job: Job) -> tuple[Status, str] | None:
    """What ended a kernel's process before it answered, if anything did."""
    if outcome.code is None:
        return Status.TIMEOUT, f"still running after {job.timeout:g} s"
    note = folder / "out" / "error.json"
    if note.is_file() and note.stat().st_size <= _META_BYTES:
        return Status.CRASH, clip(f"{job.definition.entry} raised {_json(note).get('error', 'something')}")
    if outcome.code:
        how = f"was ended by signal {-outcome.code}" if outcome.code < 0 else f"exited with status {outcome.code}"
        return Status.CRASH, clip(f"its process {how}" + (f": {outcome.said}" if outcome.said else ""))
    return None


def _draw(job: Job) -> list[list[bytes]]:
    import numpy as np

    rng = np.random.default_rng(job.seed)
    return [
        [
            rng.standard_normal(tensor.sizes(shape), dtype=np.float32).astype(tensor.dtype).tobytes()
            for tensor in job.definition.inputs.values()
        ]
        for shape in job.shapes
    ]


def _put(folder: Path, job: Job, drawn: list[bytes], index: int) -> list[dict[str, Any]]:
    """Write one shape's inputs, and say where they are."""
    tensors = []
    for (name, tensor), data in zip(job.definition.inputs.items(), drawn, strict=True):
        file = f"{index}-{name}.bin"
        (folder / file).write_bytes(data)
        tensors.append({"file": file, "dtype": tensor.dtype, "sizes": tensor.sizes(job.shapes[index])})
    return tensors


def _collect(folder: Path, job: Job, name: str, index: int) -> bytes | str:
    """The bytes a kernel left for one call, or why they are no answer."""
    meta, data = folder / "out" / f"{name}.json", folder / "out" / f"{name}.bin"
    if not (meta.is_file() and data.is_file() and meta.stat().st_size <= _META_BYTES):
        return "no answer"
    said = _json(meta)
    sizes, dtype = list(job.definition.output.sizes(job.shapes[index])), job.definition.output.dtype
    if said.get("dtype") != dtype or said.get("sizes") != sizes:
        observed = f"{said.get('dtype')} {said.get('sizes')}"
        return clip(f"a tensor of {observed}, not {dtype} {sizes}")
    wanted = math.prod(sizes) * BYTES[dtype]
    if data.stat().st_size != wanted:
        return f"{data.stat().st_size} bytes, not {wanted}"
    return data.read_bytes()


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _judge(job: Job, drawn: list[list[bytes]], answers: list[list[bytes | str]], facts: dict[str, Any]) -> Evidence:
    distinct = {(i, a) for row in answers for i, a in enumerate(row) if isinstance(a, bytes)}
    errors = _compare(job, drawn, sorted(distinct))
    shapes: list[dict[str, Any]] = []
    first: Counterexample | None = None
    for index, shape in enumerate(job.shapes):
        wrong = [row[index] for row in answers if isinstance(row[index], str)]
        seen = [errors[index, a] for row in answers if isinstance(a := row[index], bytes)]
        worst = max(seen, key=lambda e: math.inf if e["error"] is None else e["error"], default=None)
        entry: dict[str, Any] = {"shape": shape, "right": not wrong and all(e["right"] for e in seen)}
        if worst is not None:
            entry |= {name: worst[name] for name in ("error", "baseline", "allowed")}
        shapes.append(entry)
        if not entry["right"] and first is None:
            expected = f"at most {worst['allowed']:.3g}" if worst and not wrong else "an answer"
            observed = str(wrong[0]) if wrong else f"relative error {_shown(worst)}"
            first = Counterexample(question=json.dumps(shape), expected=expected, observed=observed)
    verdicts = [digest_json([a.hex() if isinstance(a, bytes) else a for a in row]) for row in answers]
    status, why = Status.OK, ""
    if first is not None:
        status, why = Status.WRONG, clip(f"at {first.question}: {first.observed}, {first.expected} expected")
    elif len(set(verdicts)) > 1:
        status, why = Status.FLAKY, "the same inputs gave other bits"
    return Evidence(
        status=status,
        why=why,
        counterexample=first,
        attempts=tuple(
            Attempt(index=i, seed=job.seed, status=status, why=why, answers=answers_digest)
            for i, answers_digest in enumerate(verdicts)
        ),
        facts=facts | {"shapes": shapes},
        tier=Tier.D,
    )


def _shown(entry: dict[str, Any] | None) -> str:
    return "undefined (not finite)" if entry is None or entry["error"] is None else f"{entry['error']:.3g}"


def _compare(
    job: Job, drawn: list[list[bytes]], distinct: list[tuple[int, bytes]]
) -> dict[tuple[int, bytes], dict[str, Any]]:
    """Errors of all distinct answers, from a process that only now learns the reference."""
    if not distinct:
        return {}
    folder = job.folder / "truth"
    folder.mkdir()
    calls = []
    for number, (index, data) in enumerate(distinct):
        (folder / f"answer-{number}.bin").write_bytes(data)
        output = job.definition.output
        calls.append(
            {
                # Written anew: the kernel could have changed the files it was given.
                "inputs": _put(folder, job, drawn[index], index),
                "output": {
                    "file": f"answer-{number}.bin",
                    "dtype": output.dtype,
                    "sizes": output.sizes(job.shapes[index]),
                },
            }
        )
    (folder / "question.json").write_text(json.dumps({"reference": job.definition.reference, "calls": calls}))
    outcome = run_script(HERE / "truth.py", folder, timeout=max(120.0, job.timeout), environment={})
    if outcome.code != 0:
        raise InfraError(f"the reference could not be computed: {outcome.said}", where=job.definition.reference)
    judged = json.loads(outcome.output)
    for entry in judged:
        # Nobody can be asked to be nearer than rounding the truth itself.
        entry["allowed"] = max(job.definition.tolerance.times_baseline * (entry["baseline"] or 0.0), entry["least"])
        entry["right"] = entry["finite"] and entry["error"] is not None and entry["error"] <= entry["allowed"]
    return dict(zip(distinct, judged, strict=True))
