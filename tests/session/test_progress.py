"""Progress: one line that is rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from _pytest.terminal import TerminalReporter

from harness.report import words
from harness.session.progress import Progress
from tests.conftest import WORDS
from tests.ledger.factory import make_evaluation


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


MADE = [
    *(make_evaluation(f"a{i}", suite="x/a.suite.yaml", score=i / 4, gate=None) for i in range(4)),
    make_evaluation("b0", suite="b.suite.yaml", status="wrong", score=0.1, why="\x1b[31m\n::error::"),
    make_evaluation("b1", suite="b.suite.yaml", status="skipped", score=None),
]


@pytest.fixture
def run(pytester, monkeypatch):
    def judge(*, file=None, step=0.1, is_alone=True, args=(), **environ):
        file = file or Terminal()
        reporter = TerminalReporter(pytester.parseconfig("-p", "no:cacheprovider", *args), file)
        reporter._tw.fullwidth = 70
        now = iter(range(10_000))
        cases = {one.case.nodeid: one.case for one in MADE}
        progress = Progress(reporter, cases, is_alone=is_alone, environ=environ, clock=lambda: next(now) * step)
        for one in MADE:
            progress.advance(one)
        progress.close()
        return file.getvalue()

    return judge


def test_a_live_line_is_rewritten_and_a_suite_that_is_over_gets_a_line(run):
    text = run(step=1.0)
    shown = [part.strip() for part in text.split("\r")]
    assert "1 of 6 · 0 failing · toolgen a  1/4  best a0 0.000" in shown  # one case says nothing of the others
    assert "2 of 6 · 0 failing · 16 s left · toolgen a  2/4  best a1 0.250" in shown
    assert "toolgen a  4/4  best a3 0.750" in shown
    assert any(part.endswith(" s left · toolgen b  1/2  1 failing") for part in shown)
    assert text.endswith("\r")
    lines = [line.rpartition("\r")[2] for line in text.split("\n")[:-1]]
    assert lines == ["toolgen a  4/4  best a3 0.750", "toolgen b  2/2  1 failing"]
    assert all(words.width(part) < 70 for part in shown)


def test_a_line_for_the_user_is_written_once_and_not_captured_with_a_case(project):
    project.suite(good="ok")
    project.put(
        "test_mine.py",
        """
        from harness.timing.lock import notice


        def test_mine():
            for _ in range(2):
                notice("notice: it waits")
        """,
    )
    assert project.run().stdout.str().count("\nnotice: it waits\n") == 1


def test_it_is_rewritten_at_most_four_times_a_second(run):
    assert run(step=0.001).count("of 6") == 0
    assert 1 <= run(step=0.1).count("of 6") <= 3


@pytest.mark.parametrize(
    "plain",
    [
        {"CI": "true"},
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
        {"file": io.StringIO},
        {"is_alone": False},
        {"args": ("-q",)},
    ],
)
def test_elsewhere_there_is_a_plain_line_at_most_every_30_seconds(run, plain):
    def shown(step):
        file = io.StringIO() if "file" in plain else Terminal()
        return run(step=step, **plain | {"file": file})

    assert shown(0.1) == ""
    text = shown(20.0)
    assert "\r" not in text
    lines = [line for line in text.splitlines() if " of 6" in line.partition(" · ")[0]]
    assert 2 <= len(lines) <= 4
    over = [line for line in text.splitlines() if line not in lines]
    assert over == ([] if "args" in plain else ["toolgen a  4/4  best a3 0.750", "toolgen b  2/2  1 failing"])


def test_elsewhere_suites_that_are_over_are_shown_long_before_the_end(run):
    """Between pytest's letters, a few together; what is not due at the end of the run stands in the leaderboard."""
    assert run(step=1.0, file=io.StringIO()).splitlines() == ["toolgen a  4/4  best a3 0.750"]


def test_a_terminal_of_ascii_gets_ascii(run):
    file = Terminal()
    file.encoding = "ascii"
    text = run(file=file, step=1.0)
    assert text.isascii()
    assert "1 of 6 - 0 failing - toolgen a" in text


def test_the_letters_of_other_tests_stay(project):
    project.suite(good="ok", bad="wrong")
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    project.run().stdout.fnmatch_lines(["a.suite.yaml .F*", "test_mine.py .*"])


@pytest.mark.parametrize(("argument", "present", "absent"), [
    ("-q", ["NOT GOOD  1 of 2 gates fails · *", "FAIL  a.suite.yaml::bad: wrong*", "report *"], "* candidate  score*"),
    ("-qq", ["gate count() == 9: FAILS: *"], "*crucible*"),
    ("-v", ["run *", "not judged: 1 it says skipped", "gate count() == 3: passes*"], "*`-v` lists*"),
])  # fmt: skip
def test_quiet_and_verbose(project, argument, present, absent):
    project.suite(good="ok", bad="wrong", gone="skipped")
    result = project.run(argument, "--gate", "count() == 3", "--gate", "count() == 9")
    result.stdout.fnmatch_lines(present)
    if argument != "-v":
        lines = [line for line in result.outlines if "rootdir" not in line and "plugins:" not in line]
        assert not [line for line in lines if line.startswith(absent.strip("*"))]
    project.run("-qq", "-k", "good").stdout.no_fnmatch_line("*GOOD*")


BAD = [("bad", "wrong: it says wrong"), ("worse", "crash: it says crash")]


@pytest.mark.parametrize(("environment", "arguments"), [("true", ["-n0"]), ("", ["-n0", "-vv"]), ("true", ["-n1"])])
def test_the_short_summary_has_one_line_for_each_failure(project, monkeypatch, environment, arguments):
    """Under CI and with -vv pytest does not clip, so that it printed all lines of each failure a second time."""
    project.suite(good="ok", bad="wrong", worse="crash")
    monkeypatch.setenv("CI", environment)
    text = project.run(*arguments).stdout.str()
    named = [f"FAILED a.suite.yaml::{name} - {said}" for name, said in BAD]
    assert text.partition("short test summary info")[2].splitlines()[1:-1] == named
    assert text.count("  subject: words ") == 2


def test_the_same_failure_on_other_questions_is_one_line(project):
    """The question and its expected answer differ between candidates that fail alike."""
    found = "harness.Evidence(status='wrong', why=f'f({text[3:]}) raised {text[:3]}', counterexample=dict("
    broken = f"return {found}question=text[3:], expected='', observed=''))"
    project.put(
        "conftest.py",
        WORDS.replace(
            "status = harness.Status(text)", f"if text[3:].isdigit(): {broken}\n        status = harness.Status(text)"
        ),
    )
    project.suite(a="abc1", b="abc22", c="xyz3", **{f"d{n}": f"d{n:02}9" for n in range(7)})
    lines = project.run("-n0").outlines
    failing = [line for line in lines if line.startswith(("FAIL  ", "  … "))]
    assert re.fullmatch(r"FAIL  a.suite.yaml: 2 cases, such as [ab]: wrong: f\((1|22)\) raised abc", failing[0])
    assert len(failing) == 6
    assert failing[-1].startswith("  … 4 more that failed (4 wrong): crucible show --run ")


def test_an_ascii_terminal_gets_ascii_and_a_narrow_one_narrow_lines(project, monkeypatch):
    project.suite(good="ok", bad="wrong")
    project.suite("b", good="ok")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    text = project.run(subprocess=True).stdout.str().partition("= crucible =")[2]
    assert text.isascii()
    assert "\\u" not in text
    monkeypatch.setenv("COLUMNS", "20")
    lines = project.run().stdout.str().partition("crucible =")[2].partition("short test summary")[0].splitlines()[1:-1]
    assert all(
        words.width(line) <= 20 for line in lines if not line.startswith(("rerun:", "next ")) and "FAIL" not in line
    )


def test_the_summary_of_a_good_run_fits_a_screen(project, monkeypatch):
    """Whatever there is to say: many suites, skips, notices, gates."""
    monkeypatch.setenv("COLUMNS", "100")
    for number in range(40):
        project.suite(f"s{number:02}", good="ok", other="ok", gone="skipped", look="review")
    gates = [part for number in range(9) for part in ("--gate", f"count() >= {number}")]
    lines = project.run(*gates).outlines
    first = next(place for place, line in enumerate(lines) if "= crucible =" in line)
    shown = lines[first:-1]
    assert len(shown) <= 25, "\n".join(shown)
    assert all(words.width(line) <= 100 for line in shown)
    assert shown[1].startswith("GOOD  80 of 80 candidates pass · 80 not judged (40 review, 40 it says skipped)")
    assert any("more suites, all as expected: crucible top" in line for line in shown)
