"""ShinkaEvolve's evaluator: the two files, and none where there is no verdict."""

from __future__ import annotations

import json

from harness.adapters.shinka import main
from tests.judge.conftest import GOOD, ORACLE, WRONG, write_tool


def test_the_two_files(tmp_path, capsys):
    tool, results = write_tool(tmp_path / "tool"), tmp_path / "results"
    (tmp_path / "good.py").write_text(f"# EVOLVE-BLOCK-START\n{GOOD}# EVOLVE-BLOCK-END\n")
    (tmp_path / "wrong.py").write_text(WRONG)

    def evaluate(name: str, tool=tool) -> int:
        words = ["--tool", str(tool), "--program_path", str(tmp_path / name), "--results_dir", str(results)]
        return main(words)

    def read(name: str):
        return json.loads((results / name).read_text())

    assert evaluate("good.py") == 0
    assert read("correct.json") == {"correct": True, "error": None}
    assert read("metrics.json")["combined_score"] > 0.5
    assert evaluate("wrong.py") == 0
    assert read("correct.json")["error"].startswith("wrong: ")
    assert read("metrics.json")["combined_score"] < 0.5
    broken = write_tool(tmp_path / "broken", ORACLE.replace("return 2 * n", "raise RuntimeError"))
    assert evaluate("good.py", broken) == 3
    assert "RuntimeError" in capsys.readouterr().err
    assert list(results.iterdir()) == []  # nothing that an earlier program left
    assert evaluate("good.py", tmp_path / "nothing") == 4
