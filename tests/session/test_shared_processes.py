"""Shared processes: the controller starts what the workers share once, for judged cases only, and closes it last."""

from __future__ import annotations

from types import SimpleNamespace

from harness.session.shared_processes import share_processes
from tests.conftest import WORDS

SHARING = WORDS.replace(
    "    def score(self",
    """    def share(self, cases, folder):
        Path("started").open("a").write(f"{os.getpid()} {len(cases)}\\n")
        (folder / "shared").write_text("here")
        return self

    def close(self):
        Path("closed").open("a").write(f"{os.getpid()}\\n")

    def score(self""",
).replace(
    "        text = case.inputs",
    """        if context.shared is None or not (context.shared / "shared").exists() or Path("closed").exists():
            raise RuntimeError("nothing is shared")
        text = case.inputs""",
)


def test_each_lane_gets_its_own_cases_and_may_share_nothing(tmp_path) -> None:
    def share(cases, folder):
        asked.append(([case.name for case in cases], folder))
        return None if len(cases) == 1 else held

    asked, held = [], object()
    cases = [SimpleNamespace(lane=lane, name=name) for lane, name in ("a1", "b2", "a3", "c4")]
    lanes = {"a": SimpleNamespace(share=share), "b": SimpleNamespace(share=share), "c": SimpleNamespace()}
    assert share_processes(cases, lanes, tmp_path) == [held]
    assert asked == [(["1", "3"], tmp_path), (["2"], tmp_path)]
    assert share_processes([], lanes, tmp_path) == []


def test_workers_share_what_the_controller_started_and_closes(project) -> None:
    project.put("conftest.py", SHARING)
    project.suite(a="ok", b="ok", c="ok")
    project.run("-n", "2").assert_outcomes(passed=3)
    (started,) = (project.path / "started").read_text().splitlines()
    (closed,) = (project.path / "closed").read_text().splitlines()
    assert started == f"{closed} 3"
