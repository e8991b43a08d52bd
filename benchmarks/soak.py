"""10,000 evaluations in one process: memory, descriptors and other resources must not grow.

    python benchmarks/soak.py [--evaluations 10000]

Every tenth candidate crashes, hangs, prints too much or uses too much memory. The benchmark prints ten times the
parent's resident memory, descriptors, children, cgroups and temporary files; the exit status is 1 if any of them grew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
from pathlib import Path

from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.pool import BoxPool

GOOD = "def run(value):\n    return value  # {n}\n"
BAD = (
    "import os\ndef run(value):\n    os._exit({n} % 200)\n",
    "import os\ndef run(value):\n    os.write(4, b'x' * 70000)  # {n}\n",
    "def run(value):\n    return bytes(1 << 29)  # {n}\n",
    "import os\ndef run(value):\n    os.closerange(0, 64)  # {n}\n",
    "raise SystemExit({n})\n",
)
MEMORY_SLACK_KB = 2048


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def measure(pool: BoxPool) -> dict[str, int]:
    """What could leak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    roots = children(os.getpid())
    zygotes = [pid for root in roots for pid in children(root)]
    groups = [
        path for path in Path("/sys/fs/cgroup").glob("**/crucible-*") if path.name.split("-")[2] == str(os.getpid())
    ]
    return {
        "resident_kb": resident,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "root_zygotes": len(roots),
        "zygotes": len(zygotes),
        "boxes": sum(len(children(pid)) for pid in zygotes),
        "cgroups": len(groups),
        "temporary_files": len(list(Path(tempfile.gettempdir()).glob("*crucible*"))),
    }


def main() -> int:
    """Evaluate and watch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluations", type=int, default=10_000)
    options = parser.parse_args()
    limits = Limits(call_seconds=1.0, memory_bytes=64 * MIB, output_bytes=1 * MIB)
    rows: list[dict[str, int]] = []
    with BoxPool(warm=4) as pool:
        for n in range(options.evaluations):
            source = (BAD[n // 10 % len(BAD)] if n % 10 == 9 else GOOD).format(n=n).encode()
            with (
                contextlib.suppress(BoxFault),
                pool.open(source, entry="run", limits=limits, hash_seed=n % 4) as box,
            ):
                for k in range(3):
                    box.call({"value": k})
            if (n + 1) % max(1, options.evaluations // 10) == 0:
                rows.append({"evaluations": n + 1, **measure(pool)})
                print(json.dumps(rows[-1]), flush=True)
    # By then a pool has what it keeps: for each hash seed two zygotes, each with a box that waits for a source or is
    # being forked. A waiting box has three descriptors.
    first, last = rows[len(rows) // 2 - 1], rows[-1]
    slack = {"boxes": last["zygotes"], "descriptors": 3 * last["zygotes"], "resident_kb": MEMORY_SLACK_KB}
    grown = [key for key in first if key != "evaluations" and last[key] > first[key] + slack.get(key, 0)]
    print(json.dumps({"grown": grown}))
    return 1 if grown else 0


if __name__ == "__main__":
    raise SystemExit(main())
