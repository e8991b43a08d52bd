"""`make bench` points out a row that is slower than the noise of the stored rounds explains, and no other."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench


def made(seed: int, *, slower: float = 1.0, machine: str = "this", rounds: int = 7) -> dict:
    """A run whose rounds vary by some percent."""
    chance = random.Random(seed)
    sides = {
        side: {clock: [factor * chance.uniform(0.97, 1.03) for _ in range(rounds)] for clock in ("wall", "cpu")}
        for side, factor in (("ours", 0.001 * slower), ("theirs", 0.003))
    }
    row = {"what": "a candidate", "peer": "peer 1.0", "unit": "candidate", "goal": 2.0, "command": "x.py", **sides}
    absent = {"what": "a step", "peer": "absent", "missing": "pip install it", "command": "y.py"}
    more = {"date": "2026-01-01", "load": 0.1, "python": "3.11", "crucible": "abc", "versions": {"pytest": "9"}}
    return {"machine": machine, "rows": [row, absent], **more}


@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_do_not_differ(seed: int) -> None:
    (summary,) = bench.regressions(made(seed), made(seed + 100))
    assert summary.startswith("compared with the rows of 2026-01-01: 0 differ")


def test_a_slower_row_is_named() -> None:
    named, summary = bench.regressions(made(1, slower=1.3), made(2))
    assert named.startswith("slower than stored: a candidate / peer 1.0")
    assert summary.endswith("1 differ")


def test_what_cannot_be_compared_is_said() -> None:
    assert "another machine" in bench.regressions(made(1), made(2, machine="that"))[0]
    assert "--store" in bench.regressions(made(1), {})[0]
    assert bench.regressions(made(1, rounds=3), made(2))[-1].endswith("1 too noisy to say")


def test_the_table_has_ratios_goals_and_how_to_install() -> None:
    table = "\n".join(bench.table(made(1)))
    assert "| a candidate | peer 1.0 | candidate | " in table
    assert "2: yes |" in table
    assert "absent: not installed | | | `pip install it`" in table
    assert "`python benchmarks/x.py`" in table


def test_rows_of_another_size_are_not_compared() -> None:
    """A program of 1,000 steps looked 2.4 times as fast as one of 100, which only starts."""
    now = made(1, slower=3.0)
    now["rows"][0]["command"] = "x.py --steps 1000"
    assert bench.regressions(now, made(2)) == ["compared with the rows of 2026-01-01: 0 differ"]
