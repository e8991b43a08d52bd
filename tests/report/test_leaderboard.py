"""The leaderboard at the end of every run."""

from __future__ import annotations

import base64
import html
import re
import subprocess
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.core.evidence import NOT_REUSED
from harness.core.gate import GateResult
from harness.core.status import Status
from harness.ledger import queries
from harness.ledger.prune import prune
from harness.ledger.run_gates import write_run_gates
from harness.ledger.store import Ledger
from harness.report import ci, rerun, table, words
from harness.report.html import render_report
from harness.report.leaderboard import render_leaderboard
from harness.report.page import gather
from tests.ledger.factory import fill, make_evaluation, make_run


def render(path, run_id, **more):
    with Ledger.read(path) as ledger:
        return render_leaderboard(ledger, run_id, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def test_the_whole_board(path):
    ids = fill(
        path,
        [make_evaluation("trie", score=0.85), make_evaluation("edited", content="v1", score=0.9)],
        [
            make_evaluation("trie", score=0.9, median_ms=0.5),
            make_evaluation("edited", content="v2", score=0.82, style="functional", detected="procedural"),
            make_evaluation("weak", score=0.5, why="x"),
            make_evaluation("wrong", score=0.3, status="wrong", median_ms=None),
            make_evaluation("gpu", score=None, status="skipped", why="no CUDA device", median_ms=None, attempts=0),
            make_evaluation("planted", score=0.0, status="timeout", expect="timeout"),
        ],
        epoch=12,
    )
    assert render(path, ids[1]) == [
        "toolgen · clamp.suite.yaml ───────────────────────── epoch 12 · tier B · Δ to 20261122-110100-000001",
        " #  candidate  score  Δ last           gates  status   stability  median  style",
        " ?  trie       0.900  +0.050 ▲           1/1  ok           p<78%  500 µs",
        "    └ unconfirmed: 2 attempts; first place needs 14 hash seeds",
        " 2  edited     0.820  -0.080 ▼ edited    1/1  ok           p<78%    1 ms  functional≠procedural",
        " 3  weak       0.500  new                0/1  ok           p<78%    1 ms",
        " 4  wrong      0.300  new                0/1  wrong        p<78%",
        " -  gpu            —  new                     skipped",
        "    └ skipped: no CUDA device",
        "",
        "controls: 1 of 1 as expected",
    ]


def test_failing_ones_below_the_top_are_named(path):
    good = [make_evaluation(f"good{i}", score=0.9 - i / 100) for i in range(8)]
    [run_id] = fill(path, [*good, make_evaluation("bad", score=0.1, status="crash", why="it fell over")])
    lines = render(path, run_id, top=3)
    assert "  …" in lines
    assert any(line.startswith(" 9  bad") for line in lines)
    assert "  … 5 more: crucible top --suite 'clamp.suite.yaml' --top 9" in lines


def test_many_failing_ones_are_counted(path):
    [run_id] = fill(path, [make_evaluation(f"bad{i}", score=0.1, status="wrong") for i in range(30)])
    lines = render(path, run_id, top=2)
    assert "  … 23 more, 23 of them failing: crucible top --suite 'clamp.suite.yaml' --top 30" in lines


def test_controls_that_fail_are_named(path):
    [run_id] = fill(path, [make_evaluation(f"p{i}", status="ok", expect="wrong") for i in range(9)])
    lines = render(path, run_id)
    assert lines[0] == "controls: 0 of 9 as expected"
    assert re.match(r"  p\d: expected wrong, was ok", lines[1])
    assert f"  … 4 more that failed: crucible show --run {run_id}" in lines


def test_controls_that_could_not_be_judged_are_no_failures(path):
    """A control that needs a GPU, on a machine without one."""
    cases = [make_evaluation("caught", status="wrong", score=0.1, expect="wrong")]
    cases += [make_evaluation(f"gpu{i}", status="skipped", score=None, why="no GPU", expect="wrong") for i in range(2)]
    [run_id] = fill(path, cases)
    lines = render(path, run_id)
    assert lines[0] == "controls: 1 of 1 as expected, 2 not judged here"
    assert not any("gpu0" in line for line in lines)
    with Ledger.read(path) as ledger:
        found = gather(ledger, run_id)
    assert [c.verdict for c in found.candidates] == ["good", "quiet", "quiet"]
    assert (found.sentence, found.rest) == ("Good: 1 of 1 control as expected", "2 not judged (no GPU)")


def test_the_ledgers_best_is_named_when_it_was_not_judged(path):
    unconfirmed = make_evaluation("lucky", score=0.995)  # two attempts are not enough for a first place
    ids = fill(
        path, [make_evaluation("champion", score=0.99, attempts=0), unconfirmed], [make_evaluation("a", score=0.9)]
    )
    assert any("the ledger's best is champion with 0.990" in line for line in render(path, ids[1]))
    assert not any("the ledger's best" in line for line in render(path, ids[0])[:-1] if "champion" not in line)


def test_neutral_cases_do_not_ask_for_a_rerun(path):
    [run_id] = fill(path, [make_evaluation("n", status="noisy", score=None)])
    assert not any("rerun" in line for line in render(path, run_id))


def test_colours_change_no_letter(path):
    [run_id] = fill(path, [make_evaluation("good"), make_evaluation("bad", score=0.1, status="wrong")])
    coloured = render(path, run_id, colour=True)
    assert any("\x1b[32m" in line for line in coloured)
    assert [re.sub(r"\x1b\[\d+m", "", line).rstrip() for line in coloured] == render(path, run_id)


NAMES = st.text(max_size=150).map(lambda text: "n" + text)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, st.sampled_from(["ok", "wrong", "skipped"])), max_size=4), st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal_and_none_holds_control_characters(tmp_path_factory, made, width):
    path = tmp_path_factory.mktemp("wide") / "l.db"
    batch = [
        make_evaluation(name, case=f"{i}{name}", score=0.4, status=status, why=why, style=why, detected="x", suite=why)
        for i, (name, why, status) in enumerate(made)
    ]
    [run_id] = fill(path, batch)
    for line in render(path, run_id, width=width):
        if "crucible top" not in line:
            assert words.width(line) <= width
        assert line.isprintable()


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
@example("a'b\n::error::c")
@example("\udc80##[error]")
def test_a_rerun_line_is_one_printable_line_and_the_same_command(nodeid):
    run = {"epoch": 3, "secret_seed": 7, "command": "pytest --attempts 12345678 --anneal-temp 0.125 --min-tier B"}
    line = rerun.command(run, nodeid)
    assert line == words.printable(line)
    shown = subprocess.run(
        ["bash", "-c", 'pytest() { printf "%s\\0" "$@"; }; ' + line], capture_output=True, check=True
    )
    expected = nodeid.encode("utf-8", "surrogateescape" if rerun._is_file_name(nodeid) else "backslashreplace")
    assert shown.stdout.split(b"\0")[:-1] == [
        expected, b"--epoch", b"3", b"--attempts", b"12345678", b"--anneal-temp", b"0.125", b"--min-tier", b"B",
        b"--secret-seed", b"7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("pytest x --attempts 3 --top 2 --min-tier=C", "--attempts 3 --min-tier C"),
        ("pytest --anneal-temp 0.5 --anneal-temp=2", "--anneal-temp 2"),
        ("pytest --crucible-attempts 3", "--crucible-attempts 3"),
        ("pytest --attempts", ""),
        ("pytest 'unclosed --attempts 3", ""),
        ("pytest --attempts '$(rm x)'", "--attempts '$(rm x)'"),
        ("", ""),
    ],
)
def test_options_of_the_run_are_repeated(path, typed, shown):
    [run_id] = fill(path, [make_evaluation("bad", status="wrong", score=0.1)], command=typed)
    with Ledger.read(path) as ledger:
        [row] = queries.evaluations(ledger, run_id)
        line = rerun.of(ledger, queries.run(ledger, run_id), row)
    assert line == f"pytest 'clamp.suite.yaml::bad' --epoch 0 {shown} --secret-seed 7".replace("  ", " ")


def test_a_reused_verdict_is_repeated_on_the_inputs_that_it_was_made_on(path):
    [before] = fill(path, [make_evaluation("bad", status="wrong", score=0.1)])
    again = make_evaluation("bad", status="wrong", score=0.1, reused=before)
    with Ledger.open(path) as ledger:
        ledger.begin(run := make_run(2).model_copy(update={"secret_seed": 99}))
        ledger.record(again, run_id=run.run_id)
        ledger.finish(run.run_id)
        [row] = queries.evaluations(ledger, run.run_id)
        known = queries.run(ledger, run.run_id)
        assert rerun.of(ledger, known, row).endswith(" --secret-seed 7")
        prune(ledger, keep=1)
        assert rerun.of(ledger, known, row).endswith("::bad' --epoch 0 --fresh")
        assert "--secret-seed 99" not in "\n".join(ci.summary(ledger, run.run_id))


def test_every_command_for_a_reused_verdict_has_the_seed_of_its_inputs(path):
    statuses = {status.value for status in Status} - NOT_REUSED
    made = [make_evaluation(one, status=one, score=0.1) for one in sorted(statuses)]
    [before] = fill(path, made)
    with Ledger.open(path) as ledger:
        ledger.begin(run := make_run(2).model_copy(update={"secret_seed": 99}))
        for one in made:
            again = one.model_copy(update={"evidence": one.evidence.replace(reused=before)})
            ledger.record(again, run_id=run.run_id)
        problem = GateResult(name="x == 1", observed=0.0, threshold=1.0, passed=False, why="no")
        write_run_gates(ledger, run.run_id, [problem.model_copy(update={"nodeid": "clamp.suite.yaml::ok"})])
        ledger.finish(run.run_id)
        text = render_report(ledger, run.run_id)
    found = re.findall(r'<script type="application/octet-stream"[^>]*>([^<]*)', text)
    text += "".join(zlib.decompress(base64.b64decode(one)).decode() for one in found)
    text = html.unescape(re.sub(r"</?span>|<wbr>", "", text))
    commands = re.findall(r"pytest 'clamp.suite.yaml::(\w+)' [^<]*--secret-seed (\d+)", text)
    assert {name for name, _ in commands} == statuses
    assert {seed for _, seed in commands} == {"7"}


def test_a_command_is_typed_in_a_folder(tmp_path):
    run = {"epoch": 3, "secret_seed": 7, "command": ""}
    with rerun.typed_in(tmp_path / "a/b", tmp_path):
        assert rerun.command(run, "a/c.suite.yaml::x/y") == "pytest '../c.suite.yaml::x/y' --epoch 3 --secret-seed 7"
    assert rerun.command(run, "a/c.suite.yaml::x") == "pytest 'a/c.suite.yaml::x' --epoch 3 --secret-seed 7"


class TestWords:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [(None, "—"), (0.0, "0 µs"), (0.0123, "12.3 µs"), (0.9996, "1.00 ms"), (1.0, "1 ms"), (48.31, "48.3 ms"),
         (999.6, "1 s"), (12_345.0, "12.3 s"), (1e6, "1,000 s")],
    )  # fmt: skip
    def test_milliseconds(self, value, shown):
        assert words.milliseconds(value) == shown

    @pytest.mark.parametrize(
        ("subject", "case", "shown"),
        [("trie", "trie", "trie"), ("k", "k-64x64", "k-64x64"), ("hello.s1", "s1", "hello.s1"), ("a", "b", "a [b]")],
    )
    def test_candidate(self, subject, case, shown):
        assert words.candidate({"subject": subject, "nodeid": f"x.suite.yaml::{case}"}) == shown

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(None, "—"), (0.0, "="), (-0.0001, "="), (0.05, "+0.050 ▲"), (-0.05, "-0.050 ▼")],
    )
    def test_delta(self, value, shown):
        assert words.delta(value) == shown
        assert words.delta(value, edited=True) == ("—" if value is None else f"{shown} edited")

    def test_spark(self):
        assert words.spark([0.0, None, 0.5, 1.0]) == "▁ ▅█"
        assert words.spark([0.3, 0.3]) == "▅▅"
        assert words.spark([None]) == ""

    @given(st.text(), st.integers(0, 40), st.booleans())
    def test_fit(self, text, columns, middle):
        fitted = words.fit(text, columns, middle=middle)
        assert words.width(fitted) <= columns
        if words.width(words.printable(text)) <= columns:
            assert fitted == words.printable(text)

    def test_control_characters_become_visible(self):
        assert words.printable("a\x1b[31m\u202e\ud800\x00\n") == "a\\x1b[31m\\u202e\\ud800\\x00 "


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=4), st.integers(10, 60))
def test_tables_fit(rows, limit):
    columns = (table.Column("name", flexible=True), table.Column("other", optional=1))
    assert all(words.width(line) <= limit for line in table.layout(columns, rows, limit=limit))
