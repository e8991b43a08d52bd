"""What was judged is kept in the ledger by a run, and shown by `crucible show`."""

from __future__ import annotations

import pytest

from harness.cli import main
from harness.core.case import Subject
from harness.core.digest import digest_bytes
from harness.ledger import sources
from harness.ledger.store import Ledger
from harness.session.source_keeper import SourceKeeper

SUITE = "lane: words\nwords: words/*.txt\n"
LAST = b"ok\n"
KEPT = "SELECT count(*), count(text) FROM sources"


def test_a_run_keeps_what_it_judged_and_show_prints_it(project, capsys, monkeypatch):
    monkeypatch.chdir(project.path)
    project.put("a.suite.yaml", SUITE)
    for text in ("ok", "ok\n", "wrong\n"):
        project.put("words/one.txt", text)
        project.run()
    assert project.rows(KEPT) == [(3, 3)]
    project.put("words/one.txt", "moved on")
    capsys.readouterr()
    assert main(["show", "one", "--source"]) == 0
    assert capsys.readouterr().out == "wrong\n"
    assert main(["show", "one", "--diff"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"--- {digest_bytes(LAST)[:16]} run ")
    assert lines[-2:] == ["-ok", "+wrong"]


def test_a_project_can_switch_it_off(project, capsys, monkeypatch):
    monkeypatch.chdir(project.path)
    project.put("pyproject.toml", "[tool.crucible]\nkeep_sources = false\n")
    project.put("a.suite.yaml", SUITE)
    project.put("words/one.txt", "ok")
    project.run()
    assert project.rows(KEPT) == [(0, 0)]
    capsys.readouterr()
    for option in ("--source", "--diff"):
        assert main(["show", "one", option]) == 0
        assert "does not keep its source" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keep", "kept"), [("all", {b"ok", b"wrong", b"ok\n"}), ("leaders", {b"ok", b"ok\n"}), ("none", {b"ok\n"})]
)
def test_a_project_keeps_sources_and_evidence_of_some_rejected_candidates(project, keep, kept):
    ledger = str(project.path / "reports/ledger.db")
    project.put("a.suite.yaml", SUITE)
    for name in ("led", "never"):
        project.put(f"words/{name}.txt", "ok" if name == "led" else "wrong")
    project.run()
    project.put("pyproject.toml", f'[tool.crucible]\nkeep_rejected = "{keep}"\n')
    project.put("a.suite.yaml", SUITE + "gates: {match: 2.0}\n")  # now both are rejected
    project.put("b.suite.yaml", SUITE.replace("words/*", "more/*"))
    project.put("more/passes.txt", "ok\n")
    project.rows("DELETE FROM sources")
    project.rows("DELETE FROM evaluations")
    assert project.run().ret == 1
    assert {digest for (digest,) in project.rows("SELECT digest FROM sources")} == {*map(digest_bytes, kept)}
    found = project.rows("SELECT digest FROM evaluations WHERE case_key <> x''")
    assert {digest for (digest,) in found} == {*map(digest_bytes, kept)}
    assert project.verdicts() == {"led": "ok", "never": "wrong", "passes": "ok"}
    assert project.rows("SELECT count(*) FROM gates WHERE NOT passed") == [(2,)]
    assert main(["report", "--ledger", ledger, "--out", str(project.path / "r.html")]) == 0
    assert project.run().ret == 1  # what has no evidence is judged again, with the same verdict
    assert project.verdicts()["never"] == "wrong"


def test_prune_shortens_what_is_rejected(project, capsys):
    project.put("a.suite.yaml", SUITE)
    for name in ("good", "bad"):
        project.put(f"words/{name}.txt", "ok" if name == "good" else "wrong")
    project.run()
    ledger = str(project.path / "reports/ledger.db")
    for count in (1, 0):
        capsys.readouterr()
        assert main(["prune", "--ledger", ledger, "--rejected", "none"]) == 0
        assert f"{count} evaluation" in capsys.readouterr().out
    assert project.rows(KEPT) == [(1, 1)]
    assert main(["prune", "--ledger", ledger]) == 4


def test_only_the_bytes_that_were_judged_are_kept(tmp_path):
    whole, other = tmp_path / "whole", tmp_path / "other"
    whole.write_bytes(b"two parts")
    other.write_bytes(b"changed since")
    (tmp_path / "link").symlink_to(whole)
    digest = digest_bytes(b"two parts")
    with Ledger.open(tmp_path / "l.db") as ledger:
        keeper = SourceKeeper(ledger)
        keeper.add(Subject(name="part", digest="p" * 64, path=str(whole), parents=(digest,)))
        keeper.add(Subject(name="changed", digest=digest_bytes(b"before"), path=str(other)))
        keeper.add(Subject(name="gone", digest="g" * 64, path=str(tmp_path / "gone")))
        keeper.add(Subject(name="link", digest="l" * 64, path=str(tmp_path / "link"), parents=("x",)))
        keeper.add(Subject(name="null", digest="n" * 64, path="a\0b"))
        keeper.add(Subject(name="inline", digest="i" * 64))
        keeper.flush()
        assert [row["digest"] for row in ledger.rows("SELECT digest FROM sources")] == [digest]
        assert sources.digest_of(ledger, "p" * 64, parents=(digest,)) == digest
