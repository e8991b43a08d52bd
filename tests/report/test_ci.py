"""What GitHub shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.core.document import read_document
from harness.core.errors import CrucibleError
from harness.core.gate import Gate
from harness.core.status import RunStatus
from harness.hooks import Registry
from harness.lanes.spec.patched_grammar import patch_grammar
from harness.ledger.run_gates import Problem, write_run_gates
from harness.ledger.store import Ledger
from harness.report import ci
from harness.report.run_verdict import decide, evaluated, gate_row
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Settings
from tests.ledger.factory import fill, make_evaluation

SETTINGS = {"secret_seed": 1, "ledger": "l.db", "report": "r.html"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def lines(path, run_id, **more):
    with Ledger.read(path) as ledger:
        return list(ci.summary(ledger, run_id, **more))


def test_the_summary(path):
    ids = fill(
        path,
        [make_evaluation("good", score=0.85)],
        [
            make_evaluation("good"),
            make_evaluation("wrong", score=0.1, status="wrong"),
            make_evaluation("planted", status="timeout", score=0.0, expect="timeout"),
        ],
        epoch=3,
    )
    gates = [Gate(name="mean(score)", threshold=0.8).evaluate(0.5), Gate(name="x", threshold=0).evaluate(None)]
    with Ledger.open(path) as ledger:
        write_run_gates(ledger, ids[1], gates, [Problem("the report could not be written: no room")])
    text = "\n".join(lines(path, ids[1]))
    assert text.startswith("## ❌ Crucible · epoch 3 · tier B\n\n**NOT GOOD**: 2 of 2 gates fail · the report ")
    assert "1 of 2 candidates fails" in text
    assert "\n❌ the report could not be written&#58; no room\n" in text
    assert "| mean&#40;score&#41; | ❌ | 0.5 | 0.8 |" in text
    assert "| x | ❌ | undefined | 0 |" in text
    assert "| ❌ clamp.suite.yaml&#58;&#58;wrong | wrong | 0.100 | new | wrong&#58; clamp" in text
    assert "pytest 'clamp.suite.yaml::wrong' --epoch 3 --secret-seed 7" in text
    assert "### Changed\n\n| case | status | score | Δ last | why |\n|---|---|--:|--:|---|\n| ✅ clamp" in text
    assert "| ❌ toolgen · clamp.suite.yaml | 1/2 | good ? | 0.900 | +0.050 ▲ | 1 ms |" in text
    assert "planted" not in text


def test_ten_of_many_suites(path):
    [run_id] = fill(path, [make_evaluation(f"c{i}", suite=f"s{i}.suite.yaml") for i in range(25)])
    text = "\n".join(lines(path, run_id))
    assert text.startswith("## ✅")
    assert text.count("| ✅ toolgen") == 10
    assert "15 more suites: `crucible top`" in text


def test_failing_cases_are_first_and_counted(path):
    good = [make_evaluation(f"g{i}") for i in range(60)]
    [run_id] = fill(path, [*good, *(make_evaluation(f"b{i}", status="wrong", score=0.1) for i in range(60))])
    text = "\n".join(lines(path, run_id))
    assert text.count("\n| ❌ clamp") == 50
    assert f"10 more cases: `crucible show --run {run_id}`" in text


@given(st.text())
def test_candidate_text_is_no_markup(text):
    shown = ci.quoted(text)
    assert not set(shown) & set("|<>`*_[]@\n")
    assert "://" not in shown


def test_hostile_names_stay_in_their_cell(path):
    [run_id] = fill(path, [make_evaluation("|x|\n<b>@all", case="x", status="wrong", why="```\n# hi | `x`", score=0.1)])
    [row] = [line for line in lines(path, run_id) if line.startswith("| ❌ clamp")]
    assert row.count("|") == 6
    assert "\n" not in row


class TestTheStep:
    def test_it_is_appended_when_asked_for(self, path, tmp_path):
        [run_id] = fill(path, [make_evaluation()])
        target = tmp_path / "summary.md"
        target.write_text("before\n")
        with Ledger.read(path) as ledger:
            assert ci.write_step_summary(ledger, run_id, environ={"GITHUB_STEP_SUMMARY": str(target)})
            assert not ci.write_step_summary(ledger, run_id, environ={})
        assert target.read_text().startswith("before\n## ✅ Crucible")

    def test_it_stays_below_the_limit(self, path, tmp_path, monkeypatch):
        monkeypatch.setattr(ci, "LIMIT", 200)
        [run_id] = fill(path, [make_evaluation(f"c{i}") for i in range(9)])
        with Ledger.read(path) as ledger:
            ci.write_step_summary(ledger, run_id, environ={"GITHUB_STEP_SUMMARY": str(tmp_path / "s.md")})
        text = (tmp_path / "s.md").read_text()
        assert len(text) < 300
        assert text.endswith("the report has the rest.\n")

    def test_a_place_that_cannot_be_written(self, path, tmp_path):
        [run_id] = fill(path, [make_evaluation()])
        with Ledger.read(path) as ledger, pytest.raises(CrucibleError, match="cannot be written"):
            ci.write_step_summary(ledger, run_id, environ={"GITHUB_STEP_SUMMARY": str(tmp_path)})


class TestAnnotations:
    ENVIRON = {"GITHUB_ACTIONS": "true"}

    @staticmethod
    def annotate(*failing, **environ):
        verdict = decide(RunStatus.FINISHED, [evaluated(one) for one in failing])
        return ci.annotate(verdict, failing, environ=environ)

    def test_only_in_actions_and_ten_at_most(self):
        made = [make_evaluation(f"c{i}", status="wrong") for i in range(12)]
        assert self.annotate(*made) == []
        assert len(self.annotate(*made, **self.ENVIRON)) == 10

    def test_each_failing_gate_has_one_however_many_cases_fail(self):
        made = [make_evaluation(f"c{i}", status="wrong") for i in range(12)]
        gates = [gate_row(Gate(name=f"g{i}, x: y", threshold=1).evaluate(i)) for i in range(3)]
        verdict = decide(RunStatus.FINISHED, [evaluated(one) for one in made], gates=gates, problems=[Problem("no")])
        found = ci.annotate(verdict, made, environ=self.ENVIRON)
        assert found[:2] == [
            "::error title=gate g0%2C x%3A y::g0, x: y 0 fails >= 1",
            "::error title=crucible::no",
        ]
        assert len(found) == 12

    def test_the_suite_line_of_a_case_that_is_elsewhere(self):
        made = make_evaluation("bad", status="wrong", why="100% wrong:\nyes, really")
        made = made.model_copy(update={"case": made.case.model_copy(update={"line": 3})})
        assert self.annotate(made, **self.ENVIRON) == [
            "::error file=clamp.suite.yaml,line=3,title=clamp.suite.yaml%3A%3Abad::wrong: 100%25 wrong: yes, really"
        ]

    def test_the_candidate_of_this_repository(self, tmp_path):
        made = make_evaluation("bad", status="forbidden", why="os.system")
        subject = made.case.subject.model_copy(update={"path": str(tmp_path / "candidates" / "a,b.py")})
        made = made.model_copy(
            update={
                "case": made.case.model_copy(update={"subject": subject}),
                "evidence": made.evidence.model_copy(update={"facts": {"line": 7}}),
            }
        )
        [line] = self.annotate(made, GITHUB_WORKSPACE=str(tmp_path), **self.ENVIRON)
        assert line.startswith("::error file=candidates/a%2Cb.py,line=7,")

    @pytest.mark.parametrize(
        ("lane", "file", "there"),
        [
            ("toolgen", "candidates/slugify/join_words.py", "def slugify("),
            ("spec", "candidates/notes/records.patch.yaml", "- op: add_type"),
            ("dsl", "specs/programs/good.spak", "step write:"),
            ("kernel", "kernels/add/good.py", "def run("),
        ],
    )
    def test_each_lane_knows_where_to_look(self, tmp_path, lane, file, there):
        """The entry point of a tool or kernel, the first operation of a patch, the first step of a program."""
        assert main(["init", str(tmp_path), "--lane", lane]) == 0
        lanes, found = Registry().lanes, {}
        for path in (tmp_path / "suites").glob("*.yaml"):
            suite = load_suite(path, name=path.name, lanes=lanes, settings=Settings(**SETTINGS))
            for case in collect_cases(suite, lanes[lane]):
                found.setdefault(case.subject.path, case)
        case = found[str(tmp_path / file)]
        made = make_evaluation("bad", status="wrong").model_copy(update={"case": case})
        [text] = self.annotate(made, GITHUB_WORKSPACE=str(tmp_path), **self.ENVIRON)
        lines = (tmp_path / file).read_text().splitlines()
        line = next(number for number, shown in enumerate(lines, 1) if shown.strip().startswith(there))
        assert text.startswith(f"::error file={file},line={line},")

    def test_a_patch_that_does_not_fit_names_the_operation(self, tmp_path):
        assert main(["init", str(tmp_path), "--lane", "spec"]) == 0
        patch = tmp_path / "candidates/notes/records.patch.yaml"
        patch.write_text(patch.read_text().replace("path: [types, File]", "path: [types, Fiel]"))
        grammar = read_document(tmp_path / "specs/grammars/notes.yaml").value
        assert patch_grammar(patch.read_text(), patch, grammar).facts == {"line": 11}
        assert patch.read_text().splitlines()[10].strip().startswith("- op: update_type")

    def test_a_control_that_did_not_fail(self):
        [line] = self.annotate(make_evaluation("p", expect="wrong"), **self.ENVIRON)
        assert "::expected wrong, was ok: " in line

    @given(st.text(), st.text(min_size=1))
    def test_no_text_breaks_out_of_its_line(self, name, why):
        [line] = self.annotate(make_evaluation("x", case=name, status="wrong", why=why), **self.ENVIRON)
        assert "\n" not in line
        assert "\r" not in line
        assert line.count("::error ") >= 1
