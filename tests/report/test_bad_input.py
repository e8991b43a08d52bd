"""Bad input is normal input: damaged ledgers, absurd values, strange names, places that cannot be written."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import threading
import unicodedata

import pytest

from harness.cli import main
from harness.core.digest import digest_bytes
from harness.core.errors import CrucibleError
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Cloud, Scatter, Series, Table, Timeline
from harness.core.status import RunStatus
from harness.ledger import sources
from harness.ledger.store import Ledger
from harness.report.html import render_report, write_atomically
from tests.ledger.factory import fill, make_evaluation, make_run
from tests.report.test_html import Document, island

VERBS = (["top"], ["show", "a"], ["show", "--run", "latest"], ["trend", "a"], ["lineage", "a"], ["pareto"], ["diff"])
X = {"x": Axis(label="x"), "y": Axis(label="y", log=True)}


def held(verb):
    """The exit status of a verb that works: `show` of a run that is not good has 1."""
    return int(verb[:2] == ["show", "--run"])


def every_verb(folder, capsys, ledger):
    """Exit status, output and errors of each verb that reads a ledger."""
    places = ["report", "--out", str(folder / "p.html")], ["report", "--csv", str(folder), "--svg", str(folder)]
    for verb in (*VERBS, *([*verb, "--json"] for verb in VERBS), *places):
        status = main([*verb, "--ledger", str(ledger)])
        yield verb, status, *capsys.readouterr()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


@pytest.mark.parametrize("damage", ["empty", "half", "first bytes", "noise", "newer", "no run"])
def test_a_ledger_that_cannot_be_shown_is_named_with_a_remedy(path, damage, capsys, tmp_path):
    fill(path, *([[make_evaluation("a")]] if damage != "no run" else []))
    if damage == "no run":
        Ledger.open(path).close()
    content = path.read_bytes()
    if damage == "newer":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif damage != "no run":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "first bytes": content[:50]}.get(
            damage, bytes(range(256)) * 20))  # fmt: skip
    for verb, status, _, said in every_verb(tmp_path / "out", capsys, path):
        assert status == 1, verb
        assert str(path) in said
        assert "fix: " in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [RunStatus.RUNNING, RunStatus.ABORTED])
def test_a_run_that_did_not_finish_is_shown_as_what_it_is(path, how):
    with Ledger.open(path) as ledger:
        ledger.begin(run := make_run())
        ledger.record(make_evaluation("a"), run_id=run.run_id)
        if how is RunStatus.ABORTED:
            ledger.finish(run.run_id, status=how)
        text = Document(render_report(ledger)).text
    assert ("Not good: the run was interrupted" if how is RunStatus.ABORTED else "this run has not ended") in text


def test_two_runs_at_once_are_not_compared_with_each_other(path):
    fill(path, [make_evaluation("a", score=0.85)])
    ids = []
    with Ledger.open(path) as ledger:
        for number in (2, 3):
            ledger.begin(run := make_run(number))
            ids.append(run.run_id)
        for number, run_id in enumerate(ids):
            ledger.record(make_evaluation("a", score=0.9 + number / 100), run_id=run_id)
        texts = [render_report(ledger, run_id) for run_id in ids]
    for mine, other, text in zip(ids, reversed(ids), texts, strict=True):
        said = Document(text).text
        assert "this run has not ended" in said
        assert f"Crucible {mine}" in text
        assert f"since {other}" not in " ".join(said.split())
        assert "+0.05" in said or "+0.06" in said  # against the run that is over


def test_infinity_that_another_program_wrote_is_undefined(path, capsys, tmp_path):
    bad = make_evaluation("a", status="wrong", score=0.1)
    fill(path, [bad, make_evaluation("b")], [bad, make_evaluation("b", score=0.85)])
    with sqlite3.connect(path) as connection:
        for table in ("evaluations", "components", "gates", "attempts"):
            for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
                if kind == "REAL":
                    connection.execute(f"UPDATE {table} SET {name} = 9e999")
    connection.close()
    for verb, status, out, said in every_verb(tmp_path / "out", capsys, path):
        assert (status, said) == (held(verb), ""), verb
        assert " inf" not in out
        if "--json" in verb:
            json.loads(out, parse_constant=lambda name: pytest.fail(f"{verb} prints {name}"))


@pytest.mark.parametrize(
    ("source", "kept"),
    [("x = 1\n" * 1_700_000, False), ("x" * 1_000_000, False), ("y" * 200_000, True), (bytes(range(256)) * 100, True)],
    ids=["10 MB", "one long line", "one kept line", "binary"],
)
def test_any_source_leaves_the_page_small(path, source, kept):
    fill(path, [make_evaluation("a", status="wrong", score=0.1)])
    with Ledger.open(path) as ledger:
        with ledger.writing() as connection:
            sources.keep(connection, digest_bytes(b"a"), source)
        text = render_report(ledger)
    assert len(text) < 100_000
    assert (island(text, "sources-0") is not None) == kept
    assert ("bytes are more than the ledger keeps" in text) != kept


NAMES = ("n" * 300, "\u0301\u0302" * 9, "\u05d0\u05d1", "\u202eabc", "\u200b", "Case", "case", "CASE", "a/b", "a\\b",
         " ", "%2F", "#", "?x=1", "e\u0301", "\u00e9", "a::b", "-", "'", '"')  # fmt: skip


def test_names_that_look_alike_or_like_nothing_stay_apart(path, capsys, tmp_path):
    bad = [make_evaluation(name, case=name, status="wrong", score=0.1, suite=f"{name}.suite.yaml") for name in NAMES]
    again = [one.model_copy(update={"case": one.case.model_copy(update={"name": f"{one.case.name}2"})}) for one in bad]
    fill(path, [make_evaluation("a")], [make_evaluation("a"), *bad, *again])
    with Ledger.read(path) as ledger:
        text = render_report(ledger)
    places = [a["id"] for tag, a in Document(text).elements if tag in ("article", "section") and "id" in a]
    assert len(places) == len({unicodedata.normalize("NFC", place) for place in places})
    assert sum(place.startswith("/case/") for place in places) == 2 * len(NAMES)
    for verb, status, _, said in every_verb(tmp_path / "out", capsys, path):
        assert (status, said) == (held(verb), ""), verb
    pictures = [name.name.lower() for name in (tmp_path / "out").glob("*-pareto.svg")]
    assert len(set(pictures)) == len(NAMES)


def test_missing_parents_and_cycles_do_no_harm(path, capsys, tmp_path):
    links = {"a": ("b",), "b": ("c",), "c": ("a", "missing", "c"), "d": ("d",), "e": ("missing",)}
    made = [make_evaluation(name, parents=parents, status="wrong", score=0.1) for name, parents in links.items()]
    fill(path, made, made)
    for verb, status, _, said in every_verb(tmp_path / "out", capsys, path):
        assert (status, said) == (held(verb), ""), verb
    text = (tmp_path / "out" / "p.html").read_text()
    trees = [part.partition("</ul>")[0].count("<li") for part in text.split('<ul class="tree">')[1:]]
    assert trees == [3, 3, 3]  # d and e have no relative that was judged


def test_exhibits_of_any_size_and_of_a_lane_that_is_gone_are_drawn(path, capsys):
    many = tuple(map(float, range(1_000_000)))
    shown = [
        Scatter(title="Many points", clouds=(Cloud(name="c", x=many, y=many),), **X),
        Timeline(title="Odd spans", lanes=("l",), lane=(0, 0, 0, 9), start=(5.0, 0.0, 1.0, 2.0), end=(1.0, 9.0, None)),
        Table(title="Facts", columns=("fact",), rows=(("ok",),)),
        Series(title="Nothing", absent="it was not measured", **X),
    ]
    exhibits = tuple(pack(f"x{number}", value) for number, value in enumerate(shown))
    fill(path, [make_evaluation("a", lane="gone", status="wrong", score=0.1, exhibits=exhibits)])
    with Ledger.read(path) as ledger:
        text = render_report(ledger)
    found = Document(text).text
    assert all(value.title in found for value in shown)
    assert "of 1,000,000 points are shown" in found
    assert "it was not measured" in found
    assert len(text) < 300_000
    assert main(["rescore", "--ledger", str(path)]) != 0
    assert "unknown lane 'gone'" in capsys.readouterr().err


class TestPlaces:
    def test_a_place_that_cannot_be_written(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(CrucibleError, match="cannot be written: it is not a regular file") as caught:
            write_atomically(tmp_path / "pipe", "text")
        assert "--report" in caught.value.fix
        assert (tmp_path / "pipe").is_fifo()

    def test_several_writers_leave_one_whole_page(self, tmp_path):
        texts = [str(number) * 300_000 for number in range(4)]
        writers = [threading.Thread(target=write_atomically, args=(tmp_path / "p.html", text)) for text in texts]
        for one in writers:
            one.start()
        for one in writers:
            one.join()
        assert (tmp_path / "p.html").read_text() in texts
        assert [one.name for one in tmp_path.iterdir()] == ["p.html"]


def test_a_narrow_terminal_that_knows_only_ascii(path, tmp_path, monkeypatch, capsys):
    made = [make_evaluation("\u05d0é" + "n" * 300, status="wrong", score=0.1, why="é → \u202e" * 50)]
    fill(path, made, [*made, make_evaluation("a", score=0.5)])
    monkeypatch.setenv("COLUMNS", "20")
    for verb in (*VERBS, ["report", "--out", str(tmp_path / "é.html")]):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
        monkeypatch.setattr(sys, "stdout", stream)
        assert main([*verb, "--ledger", str(path)]) == held(verb), verb
        stream.flush()
        assert stream.buffer.getvalue().isascii()
