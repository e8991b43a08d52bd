"""The language compared with peers: parsing and checking 2,000 lines, start-up, facts over many items.

    python benchmarks/dsl_language.py

CPU time and wall time, best of N; start-up is measured in separate processes. Peer: Python's `eval` of a code object
for the same expression.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.dsl.analysis.load import load_source
from harness.dsl.analysis.program import analyse
from harness.dsl.facts.knowledge import Knowledge, evaluate_fact
from harness.dsl.language.lexer import tokens
from harness.dsl.language.parser import parse

ROOT = Path(__file__).resolve().parent.parent
FACTS = """
variant T { case P { tflops: float, efficiency: float } }
fact is_memory_bound(t: T.P) { return t.tflops < 10.0 && t.efficiency / 900 > 0.8 }
rule R { when: is_memory_bound apply: "x" }
"""


def best(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """(CPU, wall) milliseconds of the fastest of some rounds."""
    found = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        found.append(((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3))
    return min(found)


def large() -> str:
    """A program of 2,000 lines: copies of the units of an example."""
    one = (ROOT / "specs/programs/fmha.spak").read_text()
    units = one[one.index("    agent_loop") : one.rindex("}")]
    head = one[: one.index("    agent_loop")]
    text, number = head, 0
    while text.count("\n") < 2000:
        number += 1
        text += units.replace("Kernel_Architect", f"A{number}").replace("Kernel_Tuner", f"T{number}")
    return text + "}\n"


def start(cached: bool, folder: str) -> tuple[float, float]:
    """(CPU, wall) milliseconds of a process that loads the hello program, minus those of an empty process."""
    code = (
        "from pathlib import Path; from harness.dsl.analysis.load import load_program;"
        f"load_program(Path({str(ROOT / 'specs/programs/hello.spak')!r}), cache={cached})"
    )

    def run(text: str) -> tuple[float, float]:
        import resource

        found = []
        for _ in range(7):
            before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run([sys.executable, "-c", text], check=True, cwd=ROOT, env={"XDG_CACHE_HOME": folder})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found.append((cpu * 1e3, (time.perf_counter() - wall) * 1e3))
        return min(found)

    empty, loaded = run("pass"), run(code)
    return loaded[0] - empty[0], loaded[1] - empty[1]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    args = arguments.parse_args()
    rows: dict[str, dict[str, float]] = {}

    def row(name: str, cpu: float, wall: float, **more: float) -> None:
        rows[name] = {"cpu_ms": round(cpu, 2), "wall_ms": round(wall, 2), **more}

    text = large()
    lines = text.count("\n")
    parse(text)
    row(f"lex {lines} lines", *best(lambda: tokens(text), 9))
    row(f"parse {lines} lines", *best(lambda: parse(text), 9))
    module = parse(text)[0]
    row(f"check and lower {lines} lines", *best(lambda: analyse(module, text, path="p"), 9))
    row(f"parse and check {lines} lines", *best(lambda: load_source(text, cache=False), 9))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        load_source(text)
        row(f"load cached program of {lines} lines", *best(lambda: load_source(text), 9))
        row("process start to program, cached tree", *start(True, folder))
        row("process start to program, cold", *start(False, folder))
    program = load_source(FACTS, cache=False)
    items = [(float(i % 20), i / 7.0) for i in range(100_000)]
    cpu, wall = best(lambda: evaluate_fact(program.facts[0], items), 7)
    row("100,000 items, one fact", cpu, wall, per_second=round(len(items) / cpu * 1e3))
    code = compile("t[0] < 10.0 and t[1] / 900 > 0.8", "x", "eval")
    cpu, wall = best(lambda: [eval(code, {"t": t}) for t in items], 3)
    row("100,000 items, Python's eval of a code object", cpu, wall, per_second=round(len(items) / cpu * 1e3))

    def observe() -> None:
        knowledge = Knowledge(program)
        for seq, item in enumerate(items[:10_000]):
            knowledge.observe(0, item, seq)

    cpu, wall = best(observe, 3)
    row("10,000 items with records, rules and spread", cpu, wall, per_second=round(10_000 / cpu * 1e3))
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    for name, numbers in rows.items():
        rate = f"  {numbers['per_second']:>12,.0f}/s" if "per_second" in numbers else ""
        print(f"{name:<48} {numbers['cpu_ms']:>9.2f} ms CPU {numbers['wall_ms']:>9.2f} ms{rate}")


if __name__ == "__main__":
    main()
