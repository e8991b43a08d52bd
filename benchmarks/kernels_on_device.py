"""Everything that only a GPU can tell, in one command that can be stopped and called again.

    python benchmarks/kernels_on_device.py --out results [--budget-s 540]

In the order of worth: every kernel judged and timed against every baseline; the autotuned ladders' tile spaces swept
for their target sizes, the best configurations written into the kernels; those kernels timed again; the pages. Every
point is kept in `results/sweeps.db` as soon as it is known, and a later call goes on from there. At the end `results`
holds the store, the pages, and the kernels with their tuned tables.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FIRST = ("matmul", "fmha", "cross_entropy", "gemm_bias_gelu_residual", "bmm_small", "bmm", "rmsnorm", "matmul_splitk")
TUNED = ("matmul", "fmha")
MOST = "96"


def main() -> int:
    """Run what is not known yet, until the budget is spent; 0 if everything is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where results are kept")
    parser.add_argument("--budget-s", type=float, default=540.0, help="start nothing after so many seconds")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    failed, left = [], []
    for number, command in enumerate(commands(options.out / "sweeps.db", options.out / "docs")):
        spent = time.monotonic() - started
        if spent > options.budget_s and command[0] != "report":
            left.append(command)
            continue
        print(f"{spent:6.0f} s  {number + 1}: crucible kernel {' '.join(command)}", flush=True)
        done = subprocess.run([sys.executable, "-m", "harness", "kernel", *command], cwd=ROOT, check=False)
        if done.returncode:
            failed.append(command)
    for name in TUNED:
        (options.out / "kernels" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "kernels" / name / "autotuned.py", options.out / "kernels" / name)
    print(f"{time.monotonic() - started:6.0f} s  {len(failed)} commands failed, {len(left)} are left for another call")
    return 1 if failed or left else 0


def commands(points: Path, pages: Path) -> Iterator[list[str]]:
    """What is run, the most telling first; what is known already is passed over by the verbs themselves."""
    keep = ["--points", str(points)]
    yield from _benches(keep)
    for name in TUNED:
        targets = yaml.safe_load((ROOT / f"specs/kernels/{name}.yaml").read_text())["shapes"]["target"]
        for shape in targets:
            words = ",".join(f"{axis}={str(size).lower()}" for axis, size in shape.items())
            kernel = str(ROOT / f"kernels/{name}/autotuned.py")
            yield ["sweep", kernel, "--shape", words, "--most", MOST, "--best", "6", "--write", *keep]
    yield from _benches(keep)  # a kernel with a new table is a new kernel
    yield ["report", "--suites", str(ROOT / "suites/kernel"), "--out", str(pages), *keep]


def _benches(keep: list[str]) -> Iterator[list[str]]:
    """A command for each suite that is none of controls."""
    suites = {path.name.removesuffix(".suite.yaml"): path for path in (ROOT / "suites/kernel").glob("*.suite.yaml")}
    for name in sorted(suites, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
        told = yaml.safe_load(suites[name].read_text())
        if "expect" in told:
            continue
        place = (suites[name].parent / told["definition"]).resolve()
        globs = [told["kernels"]] if isinstance(told["kernels"], str) else told["kernels"]
        kernels = sorted(path for glob in globs for path in ROOT.glob(glob.removeprefix("../../")))
        yield ["bench", *map(str, kernels), "--definition", str(place), *keep]


if __name__ == "__main__":
    sys.exit(main())
