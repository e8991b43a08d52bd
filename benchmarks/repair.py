"""Twenty one-line bugs planted in classic algorithms: how many are repaired and confirmed, by no model.

Each algorithm is a tool of its own, with a reference and inputs; each bug changes one line of a right candidate. A
repair counts if it is confirmed on inputs that the search has not seen, within the time limit.

    python benchmarks/repair.py [--seconds 60] [--only NAME] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import textwrap
import time
from pathlib import Path

from harness.ledger.handoffs import REPAIRED
from harness.repair.patterns import Patterns
from harness.repair.repairer import repair
from harness.repair.workbench import Workbench

ALGORITHMS = {
    "binary_search": (
        "def find(items: list[int], target: int) -> int",
        "sorted(items).index(target) if target in items else -1",
        "st.tuples(st.lists(st.integers(-20, 20), unique=True).map(sorted), st.integers(-20, 20))"
        ".map(lambda p: dict(items=p[0], target=p[1]))",
        '''
        def find(items, target):
            """The index of target in sorted items, or -1."""
            low, high = 0, len(items) - 1
            while low <= high:
                middle = (low + high) // 2
                if items[middle] == target:
                    return middle
                if items[middle] < target:
                    low = middle + 1
                else:
                    high = middle - 1
            return -1
        ''',
        [("while low <= high:", "while low < high:"), ("low = middle + 1", "low = middle")],
    ),
    "insertion_sort": (
        "def arrange(items: list[int]) -> list",
        "sorted(items)",
        "st.lists(st.integers(-50, 50), max_size=12).map(lambda x: dict(items=x))",
        """
        def arrange(items):
            found = list(items)
            for place in range(1, len(found)):
                value = found[place]
                before = place - 1
                while before >= 0 and found[before] > value:
                    found[before + 1] = found[before]
                    before -= 1
                found[before + 1] = value
            return found
        """,
        [("while before >= 0 and", "while before > 0 and"), ("found[before + 1] = value", "found[before] = value")],
    ),
    "merge_sort": (
        "def arrange(items: list[int]) -> list",
        "sorted(items)",
        "st.lists(st.integers(-50, 50), max_size=12).map(lambda x: dict(items=x))",
        """
        def merge(left, right):
            found, i, j = [], 0, 0
            while i < len(left) and j < len(right):
                if left[i] <= right[j]:
                    found.append(left[i])
                    i += 1
                else:
                    found.append(right[j])
                    j += 1
            found.extend(left[i:])
            found.extend(right[j:])
            return found


        def arrange(items):
            if len(items) <= 1:
                return list(items)
            half = len(items) // 2
            return merge(arrange(items[:half]), arrange(items[half:]))
        """,
        [("found.extend(right[j:])", "found.extend(left[j:])"), ("if len(items) <= 1:", "if len(items) == 0:")],
    ),
    "gcd": (
        "def divisor(a: int, b: int) -> int",
        "__import__('math').gcd(a, b)",
        "st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda p: dict(a=p[0], b=p[1]))",
        """
        def divisor(a, b):
            while b:
                a, b = b, a % b
            return a
        """,
        [("a, b = b, a % b", "a, b = b, a // b")],
    ),
    "sieve": (
        "def primes(n: int) -> list",
        "[k for k in range(2, n + 1) if all(k % d for d in range(2, k))]",
        "st.integers(0, 120).map(lambda n: dict(n=n))",
        """
        def primes(n):
            is_prime = [True] * (n + 1)
            found = []
            for number in range(2, n + 1):
                if is_prime[number]:
                    found.append(number)
                    for multiple in range(number * number, n + 1, number):
                        is_prime[multiple] = False
            return found
        """,
        [("range(2, n + 1):", "range(2, n):"),
         ("range(number * number, n + 1, number)", "range(number, n + 1, number * number)")],
    ),
    "edit_distance": (
        "def distance(first: str, second: str) -> int",
        None,
        "st.tuples(st.text('abc', max_size=7), st.text('abc', max_size=7))"
        ".map(lambda p: dict(first=p[0], second=p[1]))",
        """
        def distance(first, second):
            row = list(range(len(second) + 1))
            for i, one in enumerate(first, 1):
                previous, row[0] = row[0], i
                for j, other in enumerate(second, 1):
                    cost = 0 if one == other else 1
                    previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + cost)
            return row[len(second)]
        """,
        [("cost = 0 if one == other else 1", "cost = 1 if one == other else 0"),
         ("previous, row[0] = row[0], i", "previous, row[0] = row[0], 0")],
    ),
    "parentheses": (
        "def is_balanced(text: str) -> bool",
        None,
        "st.text('()[]', max_size=10).map(lambda t: dict(text=t))",
        """
        def is_balanced(text):
            pairs = {")": "(", "]": "["}
            open_ones = []
            for character in text:
                if character not in pairs:
                    open_ones.append(character)
                elif not open_ones or open_ones.pop() != pairs[character]:
                    return False
            return not open_ones
        """,
        [("return not open_ones", "return True"), ("elif not open_ones or", "elif open_ones and")],
    ),
    "shortest_path": (
        "def steps(edges: list[list[int]], start: int, goal: int) -> int",
        None,
        "st.tuples(st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2), min_size=6, max_size=12), "
        "st.integers(0, 5), st.integers(0, 5)).map(lambda p: dict(edges=p[0], start=p[1], goal=p[2]))",
        """
        from collections import deque


        def steps(edges, start, goal):
            following = {}
            for one, other in edges:
                following.setdefault(one, []).append(other)
            waiting, seen = deque([(start, 0)]), {start}
            while waiting:
                node, count = waiting.popleft()
                if node == goal:
                    return count
                for other in following.get(node, []):
                    if other not in seen:
                        seen.add(other)
                        waiting.append((other, count + 1))
            return -1
        """,
        [("waiting.append((other, count + 1))", "waiting.append((other, count))"),
         ("if other not in seen:", "if node not in seen:")],
    ),
    "knapsack": (
        "def best(weights: list[int], values: list[int], limit: int) -> int",
        None,
        "st.tuples(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 20)), max_size=6), st.integers(0, 20))"
        ".map(lambda p: dict(weights=[w for w, _ in p[0]], values=[v for _, v in p[0]], limit=p[1]))",
        """
        def best(weights, values, limit):
            table = [0] * (limit + 1)
            for weight, value in zip(weights, values):
                for room in range(limit, weight - 1, -1):
                    table[room] = max(table[room], table[room - weight] + value)
            return table[limit]
        """,
        [("range(limit, weight - 1, -1)", "range(limit, weight, -1)"),
         ("max(table[room], table[room - weight] + value)", "max(table[room], table[room - weight])")],
    ),
    "run_lengths": (
        "def encode(text: str) -> list",
        "[[k, len(list(g))] for k, g in __import__('itertools').groupby(text)]",
        "st.text('ab', max_size=12).map(lambda t: dict(text=t))",
        """
        def encode(text):
            found = []
            for character in text:
                if found and found[-1][0] == character:
                    found[-1][1] += 1
                else:
                    found.append([character, 1])
            return found
        """,
        [("found.append([character, 1])", "found.append([character, 0])"),
         ("found[-1][0] == character", "found[0][0] == character")],
    ),
    "roman": (
        "def value_of(numeral: str) -> int",
        None,
        "st.text('IVXLC', min_size=1, max_size=6).map(lambda t: dict(numeral=t))",
        """
        VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


        def value_of(numeral):
            total, before = 0, 0
            for character in reversed(numeral):
                value = VALUES[character]
                if value < before:
                    total -= value
                else:
                    total += value
                before = max(before, value)
            return total
        """,
        [("if value < before:", "if value <= before:")],
    ),
}  # fmt: skip
"""Name -> signature, the reference's expression (None: the right candidate is the reference), inputs, the right
candidate, and bugs as (text, replacement)."""


def bugs() -> list[tuple[str, int]]:
    """The planted bugs: algorithm and index."""
    return [(name, index) for name, parts in ALGORITHMS.items() for index in range(len(parts[4]))]


def write_tool(folder: Path, name: str) -> tuple[Path, str]:
    """Write the tool of an algorithm; returns its folder and the right candidate."""
    signature, expression, inputs, source, _ = ALGORITHMS[name]
    good = textwrap.dedent(source).strip() + "\n"
    entry = signature.partition("(")[0].removeprefix("def ")
    arguments = [part.partition(":")[0].strip() for part in signature.partition("(")[2].rpartition(")")[0].split(", ")]
    reference = (
        f"{good}\n\nreference = {entry}\n"
        if expression is None
        else f"def reference({', '.join(arguments)}):\n    return {expression}\n"
    )
    folder.mkdir()
    (folder / "tool.yaml").write_text(f"tool_id: {name}\nsignature: {json.dumps(signature)}\n")
    (folder / "oracle.py").write_text(
        f"from hypothesis import strategies as st\n\n\n{reference}\n\ndef inputs():\n    return {inputs}\n"
    )
    return folder, good


def main() -> None:
    """Repair all of them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = []
    learned: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, index in bugs():
            if args.only and args.only != name:
                continue
            tool, good = write_tool(Path(folder) / f"{name}{index}", name)
            old, new = ALGORITHMS[name][4][index]
            if good.count(old) != 1:
                raise SystemExit(f"{name}: {old!r} occurs {good.count(old)} times")
            broken = good.replace(old, new)
            begun = time.monotonic()
            with Workbench(tool) as bench:
                left = args.seconds - (time.monotonic() - begun)
                found = repair(bench, broken.encode(), seconds=left, patterns=Patterns.learn(learned))
                wall = time.monotonic() - begun
            if found.state == REPAIRED:
                learned.append(found.to_wire())
            exact = found.source == good.encode()
            row = {"bug": f"{name}/{index}", "state": found.state, "strategy": found.strategy}
            row |= {"screened": found.screened, "wall_s": round(wall, 2), "as_before": exact, "why": found.why}
            rows.append(row)
            changed = "as it was" if exact else found.change.splitlines()[-1] if found.change else found.why[:90]
            print(f"{row['bug']:<20} {found.state:<12} {found.strategy:<8} {found.screened:>5} screened {wall:6.1f} s  "
                  f"{changed}", flush=True)  # fmt: skip
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    repaired = sum(row["state"] == REPAIRED and row["wall_s"] <= args.seconds for row in rows)
    print(f"{repaired} of {len(rows)} repaired and confirmed within {args.seconds:g} s each; CPU {cpu:.0f} s in all")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
