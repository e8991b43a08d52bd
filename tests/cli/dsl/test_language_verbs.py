"""`crucible dsl check | lift | improve | graph`, from an empty folder, with files outside of the repository."""

from __future__ import annotations

import json
import xml.dom.minidom
from pathlib import Path

import pytest

from harness.cli import main

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "specs/programs"
IMPROVABLE = """
task Tune {
    step prepare: tool.write { path: "cost.py" content: "import sys; print((7 - int(sys.argv[1])) ** 2 + 1)" }
    let tile = 3
    evaluation { check cost: tool.run { cmd: ["python", "cost.py", tile] below: 1000 } }
    success: passed("cost")
}
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


def crucible(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["dsl", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_check_reports_errors_with_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.spak"
    path.write_text('task T {\n  step a: tool.raed { path: "x" }\n}\n')
    status, out, err = crucible(capsys, "check", path)
    assert status == 1
    assert err.splitlines() == [
        f"{path}:2:11: E205 unknown call 'tool.raed'; did you mean 'tool.read'?",
        '  2 |   step a: tool.raed { path: "x" }',
        "    |           ^^^^^^^^^",
    ]
    assert out == f"{path}: 1 error, 0 warnings\n"
    status, out, _ = crucible(capsys, "check", "--json", path)
    found = json.loads(out)
    assert (status, found["failed"], found["diagnostics"][0]["code"]) == (1, True, "E205")


def test_check_of_our_programs(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = crucible(capsys, "check", "--strict", *sorted(PROGRAMS.glob("*.spak")))
    assert (status, err) == (0, "")
    assert out.count("0 errors, 0 warnings") == len(list(PROGRAMS.glob("*.spak")))
    assert "of prose (never evaluated)" in out


def test_parse_only_reads_what_cannot_run_alone(capsys: pytest.CaptureFixture[str]) -> None:
    snippet = ROOT / "tests/specs/programs/knowledge_memory_bound.spak"
    assert crucible(capsys, "check", "--parse-only", snippet)[0] == 0
    assert crucible(capsys, "check", snippet)[0] == 1


def test_warnings_fail_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.spak"
    path.write_text("const A = 1")
    assert crucible(capsys, "check", path)[0] == 0
    assert crucible(capsys, "check", "--strict", path)[0] == 1


def test_the_law_that_a_plan_breaks_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.spak"
    plan.write_text("design_space { TileSize: [32, 48] }")
    status, out, err = crucible(capsys, "check", "--laws", PROGRAMS / "gpu_optimization.spak", plan)
    assert status == 1
    assert "breaks rule 'Tiling'" in err
    assert "broken: Tiling" in out
    plan.write_text("design_space { TileSize: [32, 64] }")
    assert crucible(capsys, "check", "--laws", PROGRAMS / "gpu_optimization.spak", plan)[0] == 0
    status, out, _ = crucible(capsys, "check", "--json", "--laws", PROGRAMS / "gpu_optimization.spak", plan)
    assert json.loads(out)["held"] == ["Tiling"]


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.spak").write_text("domain {")
    (tmp_path / "plan.spak").write_text("const A = 1")
    assert crucible(capsys, "check", tmp_path / "absent.spak")[0] == 4
    status, _, err = crucible(capsys, "check", "--laws", tmp_path / "bad.spak", tmp_path / "plan.spak")
    assert status == 1
    assert "bad.spak: the program has errors" in err
    assert crucible(capsys, "lift", tmp_path / "absent.json")[0] == 4
    assert crucible(capsys, "graph", tmp_path / "bad.spak")[0] == 1
    assert crucible(capsys, "improve", tmp_path / "plan.spak")[0] == 4


def test_lift_writes_laws_that_check_clean_and_hold_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"suite": "matmul", "name": n, "median_ms": ms, "run": f"r{i}"} for i, (n, ms) in enumerate(
        [("naive", 9.0), ("naive", 9.2), ("tiled", 2.0), ("tiled", 2.1), ("swizzled", 1.5), ("swizzled", 1.6)]
    )]  # fmt: skip
    report = tmp_path / "report.json"
    report.write_text(json.dumps(rows))
    laws = tmp_path / "laws.spak"
    status, out, _ = crucible(capsys, "lift", report, "--out", laws, "--name", "MatMul")
    assert status == 0
    assert "+ Tiling: 4.44 x (3.85 to 5.12, 4 samples) over naive" in out
    assert crucible(capsys, "check", "--strict", laws)[0] == 0
    status, out, _ = crucible(capsys, "lift", report, "--json")
    assert [(row["law"], row["runs"]) for row in json.loads(out)] == [
        ("Tiling", ["r0", "r1", "r2", "r3"]), ("Swizzling", ["r2", "r3", "r4", "r5"]),
    ]  # fmt: skip
    assert crucible(capsys, "lift", report, "--suite", "fmha")[0] == 1, "nothing was found"
    plan = tmp_path / "plan.spak"
    plan.write_text("design_space { swizzling: [false] }")
    status, _, err = crucible(capsys, "check", "--laws", laws, plan)
    assert (status, "'Swizzling'" in err) == (1, True)


def test_graph_draws_each_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted(PROGRAMS.glob("*.spak")):
        picture = tmp_path / f"{path.stem}.svg"
        assert crucible(capsys, "graph", path, "--out", picture)[0] == 0
        text = picture.read_text()
        assert xml.dom.minidom.parseString(text).documentElement.tagName == "svg"
        assert "href" not in text
    hostile = tmp_path / "hostile.spak"
    hostile.write_text('task T { step "<script>alert(1)</script>\\u0007" { let x = 1 } }')
    status, out, _ = crucible(capsys, "graph", hostile)
    assert status == 0
    assert "<script>" not in out
    xml.dom.minidom.parseString(out)


def test_improve_keeps_a_measured_improvement_and_its_lineage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, better, ledger = tmp_path / "p.spak", tmp_path / "better.spak", tmp_path / "l.db"
    program.write_text(IMPROVABLE)
    revised = IMPROVABLE.replace("let tile = 3", "let tile = 7")
    propose = tmp_path / "propose.py"
    propose.write_text(f"import sys\nsys.stdin.read()\nprint('''```\n{revised}\n```''')\n")
    words = ["improve", program, "--live", "--grant", "python", "--metric", "cost", "--minimize", "--rounds", 1]
    words += ["--repeats", 1, "--backend", "command", "--command", f"python {propose}", "--ledger", ledger]
    status, out, err = crucible(capsys, *words, "--out", better)
    assert status == 0, out + err
    assert out == "round 1: accepted: 17 -> 1\n"
    assert better.read_text().strip() == revised.strip()
    status, out, _ = crucible(capsys, *[better if word is program else word for word in words], "--json")
    found = json.loads(out)
    assert (status, found["improved"], found["attempts"][0]["why"]) == (1, False, "it is identical to the program")
