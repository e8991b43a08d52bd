"""Shards: disjoint, complete, the same everywhere, balanced on demand, and merged only with their own kind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.core.errors import UsageError
from harness.ledger import queries
from harness.ledger.lookup import RECORD
from harness.ledger.store import Ledger
from harness.plugin import _OPTIONS
from harness.session.partition import divide, partition_digest, read_durations
from tests.ledger.factory import make_evaluation, make_run

CI = Path(__file__).parents[2] / "docs" / "ci"
CASES = st.dictionaries(st.text("abc/:.", min_size=1, max_size=6), st.text("01", max_size=3), max_size=30)
SECONDS = st.dictionaries(st.text("abc/:.", min_size=1, max_size=6), st.floats(0, 100), max_size=30)


@given(CASES, st.integers(1, 7), st.none() | SECONDS)
def test_parts_are_complete_and_do_not_depend_on_the_order(cases, parts, durations):
    found = divide(cases, parts, durations)
    assert set(found) == set(cases)
    assert set(found.values()) <= set(range(1, parts + 1))
    backwards = dict(reversed(cases.items()))
    assert divide(backwards, parts, durations) == found
    assert partition_digest(backwards, parts, durations) == partition_digest(cases, parts, durations)


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=40), st.integers(1, 6))
def test_balanced_parts_differ_by_at_most_the_longest_case(seconds, parts):
    durations = {f"s::{number}": one for number, one in enumerate(seconds)}
    found = divide(dict.fromkeys(durations, ""), parts, durations)
    loads = [sum(durations[nodeid] for nodeid, part in found.items() if part == one) for one in range(1, parts + 1)]
    assert max(loads) - min(loads) <= max(seconds) + 1e-9


def test_without_durations_a_case_stays_where_it_is_when_others_come():
    few, many = divide({"a": "", "b": ""}, 4), divide(dict.fromkeys("abcdefgh", ""), 4)
    assert few.items() <= many.items()


def test_the_digest_is_of_cases_subjects_parts_and_durations():
    digests = [
        partition_digest({"a": "1"}, 2, None),
        partition_digest({"a": "2"}, 2, None),
        partition_digest({"a": "1", "b": "1"}, 2, None),
        partition_digest({"a": "1"}, 3, None),
        partition_digest({"a": "1"}, 2, {}),
        partition_digest({"a": "1"}, 2, {"a": 1.0}),
    ]
    assert len(set(digests)) == len(digests)


class TestDurations:
    def test_from_json_and_from_a_ledger(self, tmp_path):
        (tmp_path / "seconds.json").write_text('{"a": 1, "b": 2.5}')
        assert read_durations(tmp_path / "seconds.json") == {"a": 1, "b": 2.5}
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            run, evaluation = make_run(), make_evaluation()
            ledger.begin(run)
            ledger.record(evaluation, run_id=run.run_id)
            ledger.finish(run.run_id)
        assert read_durations(tmp_path / "ledger.db") == {evaluation.case.nodeid: evaluation.evidence.seconds}

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"a": "1"}', '{"a": -1}', '{"a": NaN}', '{"a": true}', None])
    def test_anything_else_is_refused(self, tmp_path, text):
        if text is not None:
            (tmp_path / "seconds").write_text(text)
        with pytest.raises(UsageError, match="durations"):
            read_durations(tmp_path / "seconds")


@pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
def test_a_run_stores_its_part_and_balances(project, extra):
    project.suite(**dict.fromkeys("abcdef", "ok"))
    project.put("seconds.json", json.dumps({f"a.suite.yaml::{name}": 1 for name in "abcde"} | {"a.suite.yaml::f": 5}))
    for part in ("1/2", "2/2"):
        project.run(*extra, "--shard", part, "--shard-durations", "seconds.json", "--ledger", f"{part[0]}.db")
    names = [{row[0][-1] for row in project.rows("SELECT nodeid FROM evaluations", ledger=f"{n}.db")} for n in (1, 2)]
    assert names == [{"f"}, set("abcde")]
    shards = [json.loads(project.rows("SELECT record FROM runs", ledger=f"{n}.db")[0][0])["shard"] for n in (1, 2)]
    assert [shard.split()[0] for shard in shards] == ["1/2", "2/2"]
    assert len({shard.split()[1] for shard in shards}) == 1


def ledger_of(path: Path, number: int, shard: str) -> Path:
    with Ledger.open(path) as ledger:
        run = make_run(number, shard=shard)
        ledger.begin(run)
        ledger.record(make_evaluation(f"case{number}"), run_id=run.run_id)
        ledger.finish(run.run_id)
    return path


class TestMerge:
    def test_parts_of_one_partition(self, tmp_path, capsys):
        one, two = (ledger_of(tmp_path / f"{n}.db", n, f"{n}/3 abc") for n in (1, 2))
        assert main(["merge", str(one), str(two), "--ledger", str(tmp_path / "all.db")]) == 0
        assert "part 3 of 3 is missing" in capsys.readouterr().err

    @pytest.mark.parametrize("other", ["2/3 def", "2/4 def"])
    def test_parts_of_different_partitions_are_refused(self, tmp_path, capsys, other):
        one, two = ledger_of(tmp_path / "1.db", 1, "1/3 abc"), ledger_of(tmp_path / "2.db", 2, other)
        target = tmp_path / "all.db"
        assert main(["merge", str(one), str(two), "--ledger", str(target)]) != 0
        assert f"is part {other.split()[0]} of another partition than {one}" in capsys.readouterr().err
        assert not target.exists()
        assert main(["merge", str(one), "--ledger", str(target)]) == 0  # singly it is the user's word
        assert main(["merge", str(two), "--ledger", str(target)]) == 0

    def test_merging_is_associative_and_may_be_repeated(self, tmp_path):
        parts = [ledger_of(tmp_path / f"{n}.db", n, f"{n}/3 abc") for n in (1, 2, 3)]

        def merged(name: str, *sources: Path) -> Path:
            target = tmp_path / name
            assert main(["merge", *map(str, sources), "--ledger", str(target)]) == 0
            return target

        left = merged("left.db", merged("ab.db", *parts[:2]), parts[2], parts[0])
        right = merged("right.db", parts[0], merged("bc.db", *parts[1:]))
        contents = []
        for path in (left, right):
            with Ledger.read(path) as ledger:
                rows = f"SELECT run_id, nodeid, {RECORD} FROM evaluations ORDER BY run_id, nodeid"
                contents.append([ledger.rows(rows), queries.runs(ledger), ledger.rows("SELECT * FROM run_problems")])
        assert contents[0] == contents[1]
        assert (len(contents[0][0]), len(contents[0][1]), contents[0][2]) == (6, 1, [])


class TestExamplesOfCi:
    """They run here; the GitHub workflow is tested in tests/test_docs.py."""

    JOB, ARRAY = (CI / name for name in ("kubernetes-job.yaml", "slurm-array.sh"))

    @pytest.mark.parametrize("path", [JOB, ARRAY], ids=lambda path: path.stem)
    def test_every_option_exists(self, path):
        commands = re.findall(r"pytest suites/ .*", path.read_text().replace("\\\n", ""))
        used = {word for command in commands for word in re.findall(r"--[a-z-]+", command)}
        assert {"--shard", "--ledger", "--secret-seed"} <= used <= _OPTIONS.keys()

    def test_job_and_array_are_well_formed(self):
        job = yaml.safe_load(self.JOB.read_text())
        assert (job["kind"], job["spec"]["completionMode"]) == ("Job", "Indexed")
        script = job["spec"]["template"]["spec"]["containers"][0]["args"][0]
        assert f'--shard "$part/{job["spec"]["completions"]}"' in script

    def bash(self, project, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", script], cwd=project.path, env=os.environ | {"PATH": path} | variables,
            text=True, capture_output=True, check=False,
        )  # fmt: skip

    def after(self, text: str) -> list[str]:
        """The commands of the comment at the top: what is typed when all shards have ended."""
        return re.findall(r"^#   (crucible .+)", text, re.MULTILINE)

    @pytest.mark.parametrize(("verdict", "status"), [("ok", 0), ("wrong", 1)])
    def test_the_array_judges_every_case_and_its_last_line_says_whether_it_held(self, project, verdict, status):
        """Of three shards at least one has no case."""
        project.put("suites/a.suite.yaml", json.dumps({"lane": "words", "inline": {"good": "ok", "other": verdict}}))
        text = self.ARRAY.read_text()
        fixed = {"SLURM_ARRAY_TASK_COUNT": "3", "SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_JOB_ID": "77"}
        done = [self.bash(project, text, SLURM_ARRAY_TASK_ID=part, TMPDIR=".", **fixed) for part in "123"]
        assert sorted(one.returncode for one in done) == [0, 0, status], [one.stdout + one.stderr for one in done]
        merge, show = self.after(text)
        merged = self.bash(project, merge)
        assert (merged.returncode, merged.stderr) == (0, "")
        shown = self.bash(project, show)
        assert shown.returncode == status, shown.stdout + shown.stderr
        assert ("NOT GOOD" in shown.stdout) == bool(status)
        assert project.rows("SELECT DISTINCT secret_seed FROM runs") == [(77,)]
        if status:  # a missing part is told of a whole that held
            return
        (project.path / "reports/shard-2.db").unlink()
        (project.path / "reports/ledger.db").unlink()
        self.bash(project, merge)
        shown = self.bash(project, show)
        assert (shown.returncode, "part 2 of 3 is missing" in shown.stdout) == (1, True)

    def test_a_shard_that_did_not_begin_leaves_no_ledger_and_its_exit_status(self, project):
        text = self.ARRAY.read_text()
        fixed = {"SLURM_ARRAY_TASK_COUNT": "3", "SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_JOB_ID": "no"}
        done = self.bash(project, text, SLURM_ARRAY_TASK_ID="1", TMPDIR=".", **fixed)
        assert (done.returncode, "cp:" in done.stderr) == (4, False)

    def test_the_job_writes_a_ledger_for_its_index(self, project):
        project.put("suites/a.suite.yaml", json.dumps({"lane": "words", "inline": {"good": "ok"}}))
        job = yaml.safe_load(self.JOB.read_text())["spec"]["template"]["spec"]["containers"][0]
        [uid] = [one for one in job["env"] if one["name"] == "JOB_UID"]
        assert uid["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['controller-uid']"
        script = job["args"][0].replace("/tmp/", f"{project.path}/").replace("/reports", str(project.path))
        done = self.bash(project, script, JOB_COMPLETION_INDEX="7", JOB_UID="0000002a-1c0e-4b1d-9b5a-0123456789ab")
        assert done.returncode == 0, done.stdout + done.stderr
        [(seed, record)] = project.rows("SELECT secret_seed, record FROM runs", ledger="shard-8.db")
        assert (seed, json.loads(record)["shard"].split()[0]) == (42, "8/8")
        assert len(self.after(self.JOB.read_text())) == 2
