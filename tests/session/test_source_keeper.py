"""What was judged is kept in the ledger by a run, and shown by `crucible show`."""

from __future__ import annotations

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


def test_of_rejected_subjects_only_those_of_former_leaders_are_kept(project):
    project.put("a.suite.yaml", SUITE)
    for name in ("led", "never"):
        project.put(f"words/{name}.txt", "ok" if name == "led" else "wrong")
    project.run()
    assert project.rows("SELECT count(*) FROM snapshots WHERE passed AND rank = 1") == [(1,)]
    project.rows("DELETE FROM sources")
    project.put("pyproject.toml", '[tool.crucible]\nkeep_sources = "leaders"\n')
    project.put("a.suite.yaml", SUITE + "gates: {match: 2.0}\n")  # now both are rejected
    project.put("b.suite.yaml", SUITE.replace("words/*", "more/*"))
    project.put("more/passes.txt", "ok\n")
    project.run()
    kept = {digest_bytes(text) for text in (b"ok", b"ok\n")}
    assert {digest for (digest,) in project.rows("SELECT digest FROM sources")} == kept


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
