"""Tables as CSV that no spreadsheet executes, pictures as SVG that stand alone; options of `crucible report`."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET

import pytest

from harness.cli import main
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Line, Series, Table
from tests.ledger.factory import fill, make_evaluation

LINE = Line(name="<l>", x=(1.0, 2.0), y=(1.0, None))
SHOWN = (
    pack("growth", Series(title="G", x=Axis(label="n"), y=Axis(label="t"), lines=(LINE,))),
    pack("facts", Table(title="F", columns=("fact",), rows=(("=1+1",), ("\u202e",)))),
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "l.db"
    fill(path, [make_evaluation()], [make_evaluation(exhibits=SHOWN, score=0.95), make_evaluation("=evil", score=0.1)])
    return path


def read(path):
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def test_tables(ledger, tmp_path, capsys):
    assert main(["report", "--csv", str(tmp_path / "t"), "--ledger", str(ledger)]) == 0
    assert "5 files" in capsys.readouterr().out
    head, *cases = read(tmp_path / "t" / "cases.csv")
    names = [row[head.index("candidate")] for row in cases]
    assert sorted(names) == ["'=evil", "good"]
    assert [row[head.index("score")] for row in cases] == ["0.95", "0.1"]
    [facts] = (tmp_path / "t").glob("*-facts.csv")
    assert read(facts) == [["fact"], ["'=1+1"], ["\\u202e"]]


def test_pictures_stand_alone(ledger, tmp_path):
    assert main(["report", "--svg", str(tmp_path / "p"), "--ledger", str(ledger)]) == 0
    files = sorted((tmp_path / "p").iterdir())
    assert [path.name.rpartition("-")[2] for path in files] == ["growth.svg", "pareto.svg"]
    for path in files:
        root = ET.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--p0" in root[0].text


def test_a_page_against_a_named_run(ledger, tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or False)
    target = tmp_path / "page.html"
    words = ["report", "--open", "--compare", "latest~1", "--report", str(target), "--ledger", str(ledger), "--json"]
    assert main(words) == 0
    text = target.read_text()
    assert "What changed since run <code>20261122-110100-000001</code> (2026-11-22 11:01 UTC)" in text
    assert "1 better" in text
    assert opened == [target.as_uri()]
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"report": str(target), "bytes": target.stat().st_size}
    assert "no browser was found" in printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--compare", "nope"], "no run matches 'nope'"),
        (["--run", "nope"], "no run matches 'nope'"),
        (["--csv", "/dev/null/x"], "cannot be written"),
        (["--svg", "/dev/null/x"], "cannot be written"),
    ],
)
def test_wrong_options_say_so(ledger, words, said, tmp_path, capsys):
    report = ["--report", str(tmp_path / "p.html")]
    assert main(["report", *report, *words, "--ledger", str(ledger)]) == 1
    assert said in capsys.readouterr().err


def test_a_size_is_a_positive_number(ledger):
    assert main(["report", "--report-size", "many", "--ledger", str(ledger)]) == 4
