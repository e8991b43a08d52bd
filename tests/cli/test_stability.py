"""More attempts on request, from a subject's own files."""

from __future__ import annotations

import json

import pytest

from harness.cli import main
from harness.ledger.store import Ledger

TOOL = """
tool_id: clamp
description: Keep a number in a range.
signature: "def clamp(x: int, lo: int, hi: int) -> int"
test_cases:
  - {input: {x: 5, lo: 0, hi: 3}, expected_output: 3}
"""
ORACLE = """
from hypothesis import strategies as st


def reference(x, lo, hi):
    return max(lo, min(x, hi))


def inputs():
    whole = st.integers(-9, 9)
    return st.fixed_dictionaries({"x": whole, "lo": whole, "hi": whole})
"""
GOOD = "def clamp(x: int, lo: int, hi: int) -> int:\n    return max(lo, min(x, hi))\n"
SELDOM = """
WRONG = hash("a") % 4 == 0


def clamp(x: int, lo: int, hi: int) -> int:
    return 0 if WRONG else max(lo, min(x, hi))
"""


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Two candidates in a ledger, judged in few attempts whose hash seeds all happen to be harmless."""
    from harness.core.tier import Tier
    from harness.judge.case import evaluate_case
    from harness.lane.context import Context
    from harness.lanes.toolgen.lane import Toolgen
    from harness.suites.loader import collect_cases, load_suite
    from harness.suites.settings import Settings
    from tests.ledger.factory import make_run

    for name, text in {
        "tool/tool.yaml": TOOL,
        "tool/oracle.py": ORACLE,
        "c/good.py": GOOD,
        "c/seldom.py": SELDOM,
        "x.suite.yaml": "lane: toolgen\ntool: tool\ncandidates: c/*.py\nattempts: 2\ntiming: none\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    lane = Toolgen()
    settings = Settings(secret_seed=7, ledger=tmp_path / "l.db", report=tmp_path / "r.html")
    suite = load_suite(tmp_path / "x.suite.yaml", name="x.suite.yaml", lanes={"toolgen": lane}, settings=settings)
    context = Context(secret_seed=7, scratch=tmp_path / "scratch", tier=Tier.A)
    monkeypatch.setattr(Context, "hash_seed", lambda self, index: index)  # `hash('a')` is harmless under 0 and 1
    with Ledger.open(tmp_path / "l.db") as ledger:
        run = make_run()
        ledger.begin(run)
        for case in collect_cases(suite, lane):
            ledger.record(evaluate_case(case, lane, context), run_id=run.run_id)
        ledger.finish(run.run_id)
    context.close()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def crucible(capsys, *words):
    status = main([*words, "--ledger", "l.db", "--min-tier", "E"])
    return status, *capsys.readouterr()


def test_it_says_what_is_known(judged, capsys):
    status, out, _ = crucible(capsys, "stability", "good")
    assert status == 0
    assert "  stable: p < 78 % at 95 % (2 attempts, 2 hash seeds)" in out.splitlines()
    assert "  not confirmed: cannot be ranked first" in out.splitlines()


def test_more_attempts_add_up_and_are_kept(judged, capsys):
    status, out, err = crucible(capsys, "stability", "good", "--attempts", "20", "--secret-seed", "3")
    assert status == 0
    assert "  stable: p < 14 % at 95 % (20 attempts, 20 hash seeds)" in out.splitlines()
    assert "20 of 20 attempts" in err
    _, out, _ = crucible(capsys, "stability", "good", "--json")
    [found] = json.loads(out)
    assert found["stability"]["confirmed"]
    assert [one["attempts"] for one in found["rounds"]] == [18]
    with Ledger.read(judged / "l.db") as ledger:
        [row] = ledger.rows("SELECT attempts, confirmed, rank FROM leaderboard WHERE subject = 'good'")
    assert row == {"attempts": 20, "confirmed": 1, "rank": 1}


def test_a_flake_is_found_with_the_input_that_shows_it(judged, capsys):
    status, out, _ = crucible(capsys, "stability", "seldom", "--attempts", "40", "--secret-seed", "3")
    assert status == 1
    assert "  flaky (" in out
    for word in ("attempts disagree", "question: {", "expected: ", "observed: ", "hash seed"):
        assert word in out


@pytest.mark.parametrize("file", ["c/good.py", "tool/oracle.py"])
@pytest.mark.parametrize("gone", [False, True])
def test_it_says_clearly_that_files_changed(judged, capsys, file, gone):
    path = judged / file
    path.unlink() if gone else path.write_text(path.read_text() + "\n# edited\n")
    status, _, err = crucible(capsys, "stability", "good", "--attempts", "20")
    assert status == 1
    assert str(judged) in err
    assert "changed since" in err or gone
    assert "attempts on changed files cannot be added" in err
    with Ledger.read(judged / "l.db") as ledger:
        assert len(ledger.rows("SELECT run_id FROM runs")) == 1


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("good", "--attempts", "0"), 4, "0 is less than 1"),
        (("absent", "--attempts", "3"), 1, "nothing in the ledger is called 'absent'"),
    ],
)
def test_wrong_usage(judged, capsys, words, status, message):
    found, _, err = crucible(capsys, "stability", *words)
    assert found == status
    assert message in err
