"""All measurements that need a GPU, in one command that can be stopped and called again.

    python benchmarks/kernels_on_device.py --out results [--budget-s 540]

The most important results come first: the machine; matmul and attention, tuned for their target sizes and timed; then
the operations where a kernel should win, the lower steps of the ladders, the negative controls, and the pages. Every
point is stored in `results/ledger.db` at once, tuned kernels are copied to `results/kernels`, and the next call reads
both, so that no measurement is repeated or lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "matmul", "fmha", "fmha_gluon", "cross_entropy", "gemm_bias_gelu_residual", "bmm_small", "bmm", "rmsnorm", "swiglu",
    "rope", "matmul_splitk", "bmm_ragged", "matmul_tf32", "softmax",
)  # fmt: skip
TUNED = ("matmul", "fmha")
BEST = "12"
ENDING = 20.0
"""Seconds that are reserved for the pages."""
FACTS = (
    "import json, platform, torch, triton; p = torch.cuda.get_device_properties(0); "
    "print(json.dumps({'python': platform.python_version(), 'torch': torch.__version__, 'triton': triton.__version__, "
    "'cuda': torch.version.cuda, 'cudnn': torch.backends.cudnn.version(), 'device': p.name, "
    "'processors': p.multi_processor_count, 'memory_gb': p.total_memory >> 30, 'l2_mb': p.L2_cache_size >> 20}))"
)


@dataclass(frozen=True)
class Step:
    """One command, and whether a later call has to repeat it."""

    words: list[str]
    kernel: bool = True
    """Whether the words are for `crucible kernel`, else for Python."""


def main() -> int:
    """Run what is not known yet, until the budget is used up; 0 if all is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--budget-s", type=float, default=540.0, help="start no command after this many seconds")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    restore(out)
    started = time.monotonic()
    failed: list[str] = []
    left: list[str] = []
    log = out / "log.jsonl"
    for step in steps(out):
        spent = time.monotonic() - started
        last = step.words[0] == "report"
        budget = options.budget_s - spent - (0 if last else ENDING)
        command = " ".join(step.words)[:160]
        if budget <= 0 and not last:
            left.append(command)
            continue
        print(f"{spent:6.0f} s  {command}", flush=True)
        code = perform(step, out, budget)
        save(out)
        with log.open("a", encoding="utf-8") as file:
            took = round(time.monotonic() - started - spent, 1)
            file.write(json.dumps({"words": step.words, "status": code, "seconds": took}) + "\n")
        if code:
            failed.append(command)
    for what, those in (("failed", failed), ("left for another call", left)):
        for command in those:
            print(f"{what}: {command}")
    print(f"{time.monotonic() - started:6.0f} s  {len(failed)} commands failed, {len(left)} are left for another call")
    return 1 if failed or left else 0


def perform(step: Step, out: Path, budget: float) -> int:
    """Run one command; it is ended when the budget is used up, and its results so far are kept."""
    words = [sys.executable, *(["-m", "harness", "kernel"] if step.kernel else []), *step.words]
    if step.kernel and step.words[0] == "bench":
        words += ["--budget-s", f"{max(1.0, budget):.0f}"]
    name = "-".join(part for part in step.words[:2] if "/" not in part) or "facts"
    with (out / f"{name}.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(max(ENDING, budget + ENDING / 2))
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return 124


def steps(out: Path) -> Iterator[Step]:
    """The commands, the most important first; the verbs themselves skip what is known."""
    keep = ["--ledger", str(out / "ledger.db")]
    yield Step(["-c", FACTS], kernel=False)
    for name in ORDER:
        if name in TUNED:
            kernel = str(ROOT / f"kernels/{name}/autotuned.py")
            yield Step(["sweep", kernel, "--targets", "--best", BEST, "--write", *keep])
        yield Step(_client(name, keep, best=True))
    for name in ORDER:  # the lower steps of the ladders; the best ones are known by now
        yield Step(_client(name, keep, best=False))
    words = ["-m", "pytest", "suites/kernel/softmax-planted-gpu.suite.yaml", "-m", "gpu", "-q"]
    yield Step([*words, "--ledger", str(out / "suites.db")], kernel=False)
    yield Step(["report", "--suites", str(ROOT / "suites/kernel"), "--out", str(out / "docs"), *keep])


def _client(name: str, keep: list[str], *, best: bool) -> list[str]:
    """The command for one suite: the kernel of its ladder's last step, or all of them, the last step first."""
    suite = ROOT / f"suites/kernel/{name}.suite.yaml"
    keys = yaml.safe_load(suite.read_text())
    globs = [keys["kernels"]] if isinstance(keys["kernels"], str) else keys["kernels"]
    kernels = sorted((path for glob in globs for path in ROOT.glob(glob.removeprefix("../../"))), key=_step)[::-1]
    chosen = kernels[:1] if best else kernels
    return ["bench", *map(str, chosen), "--definition", str((suite.parent / keys["definition"]).resolve()), *keep]


def _step(path: Path) -> tuple[int, str]:
    lines = [line for line in path.read_text().splitlines() if line.startswith("# step = ")]
    return int(lines[0].removeprefix("# step = ")) if lines else 0, path.name


def save(out: Path) -> None:
    """Keep the kernels with their tuned tables."""
    for name in TUNED:
        for path in (ROOT / "kernels" / name).glob("*.py"):
            if "\nTUNED = " in path.read_text():
                (out / "kernels" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, out / "kernels" / name)


def restore(out: Path) -> None:
    """Restore the tuned tables that an earlier call on another copy of the tree wrote, unless the kernel changed."""
    sys.path.insert(0, str(ROOT))
    from harness.lanes.kernel.tuned_table import read_tuned, without_tuned, write_tuned

    for path in sorted((out / "kernels").glob("*/*.py")):
        here = ROOT / "kernels" / path.parent.name / path.name
        if here.is_file() and without_tuned(here.read_bytes()) == without_tuned(path.read_bytes()):
            text = write_tuned(here.read_text(), read_tuned(path.read_text(), where=str(path)), where=str(here))
            here.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
