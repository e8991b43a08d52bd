"""`make bench` points out a row that is slower than the noise of the stored rounds explains, and no other."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench
import rows


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
    assert bench.compared(made(1), {}, "usual") == ["no rows of the usual sizes are stored: STORE=1 stores these"]
    assert bench.compared(made(1), {"quick": made(2)}, "usual") == [
        "no rows of the usual sizes are stored: STORE=1 stores these; the stored rows are of the quick sizes: "
        "make bench QUICK=1 compares with those"
    ]
    assert bench.compared(made(1), {"quick": made(2)}, "quick")[-1].startswith("compared with the rows of 2026-01-01")
    assert bench.regressions(made(1, rounds=3), made(2))[-1].endswith("1 too noisy to say")


def test_the_table_has_ratios_goals_and_how_to_install() -> None:
    table = "\n".join(bench.table(made(1)))
    assert "| a candidate | peer 1.0 | candidate | " in table
    assert "2 CPU: yes |" in table
    assert "absent: not installed | | | `pip install it`" in table
    assert "`python benchmarks/x.py`" in table


def test_rows_of_another_size_are_not_compared() -> None:
    """A program of 1,000 steps looked 2.4 times as fast as one of 100, which only starts."""
    now = made(1, slower=3.0)
    now["rows"][0]["command"] = "x.py --steps 1000"
    assert bench.regressions(now, made(2)) == ["compared with the rows of 2026-01-01: 0 differ"]


LEAVES_A_PROCESS = """
import json, subprocess
left = subprocess.Popen(["sleep", "1000"])
print(json.dumps({"what": "a", "peer": "b", "left": left.pid}), flush=True)
"""


def test_a_process_that_a_script_leaves_is_not_waited_for_and_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "HERE", tmp_path)
    (tmp_path / "leaves.py").write_text(LEAVES_A_PROCESS)
    (row,), is_done = bench.run(bench.Script("leaves", "", ""), "--rounds 1", 600.0)
    assert is_done
    assert (row["what"], row["command"]) == ("a", "leaves.py --rounds 1")
    try:
        left = os.pidfd_open(row["left"])
    except ProcessLookupError:
        return
    with os.fdopen(left) as file:
        assert select.select([file], [], [], 600.0)[0]  # readable once the process has ended


def test_a_script_that_does_not_end_is_ended(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "HERE", tmp_path)
    (tmp_path / "endless.py").write_text("import threading\nthreading.Event().wait()\n")
    assert bench.run(bench.Script("endless", "", ""), "", 0.5) == ([], False)
    assert "endless: not done after 0.5 s" in capsys.readouterr().err


def test_rows_of_default_settings_come_first():
    found = made(1)
    found["rows"] = [
        found["rows"][0] | {"what": f"JudgePool, {settings}"} for settings in ("screening", "default settings")
    ]
    table = "\n".join(bench.table(found))
    assert table.index("default settings") < table.index("screening")


def test_the_readme_says_of_which_size_the_stored_rows_and_its_table_are():
    stored = json.loads((bench.HERE / "results.json").read_text("utf-8"))
    text = bench.README.read_text("utf-8")
    size = "usual" if "usual" in stored else "quick"
    command = "make bench" + " QUICK=1" * (size == "quick")
    assert f"The stored rows, and the table below, are of the sizes of `{command}`" in text
    shown = text.partition(bench.BEGIN)[2].partition(bench.END)[0].strip()
    assert shown == "\n".join(bench.table(stored[size])).strip()


def test_cpu_time_is_counted_while_processes_end():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert rows._children(ended.pid) == []
    assert rows.cpu_seconds() > 0
