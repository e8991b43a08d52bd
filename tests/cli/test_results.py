"""Where results are written: an unusable place is reported in one line, before the work where that is possible."""

from __future__ import annotations

import argparse
import ast
import os
import sqlite3
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.output import WRITABLE
from tests.ledger.factory import fill, make_evaluation

ROOT = Path(__file__).parents[2]
GRAMMAR = str(ROOT / "specs/grammars/png.yaml")
PATCH = str(next((ROOT / "candidates/png_patches").glob("*.patch.yaml")))
TOOL = str(ROOT / "specs/tools/json_flatten")
PROGRAM = str(ROOT / "specs/programs/hello.spak")


@pytest.mark.parametrize(
    "words",
    [
        ("spec", "export-ksy", GRAMMAR),
        ("spec", "patch", GRAMMAR, PATCH),
        ("spec", "improve", GRAMMAR, str(next((ROOT / "specs/samples/png").glob("*.png")))),
        ("dsl", "graph", PROGRAM),
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("place", ["nosuch/result", "."])
def test_a_place_that_takes_no_result_is_refused(words, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--out", place]) == 4
    message = capsys.readouterr().err
    assert "fix:" in message
    assert "Traceback" not in message


SAMPLE = str(ROOT / "specs/samples/png/checker.png")
KSY = "meta: {id: x, endian: be}\nseq:\n  - {id: a, type: u1}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("spec", "export-ksy", GRAMMAR),
        ("spec", "import-ksy", "x.ksy"),
        ("spec", "patch", GRAMMAR, PATCH),
        ("spec", "graph", GRAMMAR),
        ("spec", "set", GRAMMAR, SAMPLE, "Png[0].chunks[0].kind=IHDR"),
        ("dsl", "graph", PROGRAM),
        ("report", "--ledger", "l.db"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_is_no_regular_file_is_never_replaced(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("x.ksy").write_text(KSY)
    fill(Path("l.db"), [make_evaluation("a")])
    os.mkfifo("pipe")
    Path("to-pipe").symlink_to("pipe")
    Path("to-file").symlink_to("real")
    for place in ("pipe", "to-pipe"):
        assert main([*words, "--out", place]) != 0
        assert "fix:" in capsys.readouterr().err
        assert (Path("pipe").is_fifo(), Path("to-pipe").is_symlink()) == (True, True)
    assert main([*words, "--out", "to-file"]) == 0
    assert Path("to-file").is_symlink()
    assert Path("real").stat().st_size > 0
    assert main([*words, "--out", os.devnull]) == 0
    assert not Path(os.devnull).is_file()


OWN = {"init.py", "explore.py", "serve.py", "judge.py"}  # new folders, temporary files, and what must not follow a link


def test_no_verb_writes_a_result_in_a_way_of_its_own():
    """`output.write_file` and `harness.core.named_path` replace no device and no link."""
    found = []
    for path in sorted((ROOT / "harness/cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("write_text", "write_bytes", "replace", "mkstemp"):
                is_string = node.attr == "replace" and not ast.unparse(node.value).lower().endswith(("path", "fresh"))
                found += [] if path.name in OWN or is_string else [f"{path.name}:{node.lineno} {ast.unparse(node)}"]
    assert found == []


def test_a_ledger_that_is_none_is_refused_before_the_search(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("l.db") as connection:
        connection.execute("CREATE TABLE somebody_elses (x)")
    sample = str(next((ROOT / "specs/samples/png").glob("*.png")))
    assert main(["spec", "improve", GRAMMAR, sample, "--ledger", "l.db", "--out", "best.yaml"]) == 1
    assert not Path("best.yaml").exists()
    assert "l.db" in capsys.readouterr().err


def test_no_file_error_is_a_traceback(monkeypatch, capsys):
    class Verb:
        """A verb that meets a file it did not think of."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            pass

        def run(self, args: argparse.Namespace) -> int:
            raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr("harness.cli.verb._load", lambda package, name: Verb())
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err.startswith("crucible: /some/file: Permission denied\n  fix: ")


@pytest.mark.parametrize(("text", "why"), [("", "the program is empty"), ("const X = 1\n", "no task or loop")])
def test_a_program_in_which_nothing_runs_says_so(text, why, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("p.spak").write_text(text)
    assert main(["dsl", "run", "p.spak"]) == 4
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"\xff\xfe garbage"])
def test_answers_are_read_before_the_first_effect(content, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("answers").write_bytes(content)
    assert main(["dsl", "run", PROGRAM, "--live", "--input", "name=W", "--answers", "answers", "--state", "run"]) == 1
    assert not Path("run").exists()
    assert "answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "judge nope --tool nope", "serve --tool nope", "toolgen --spec nope --out d --epoch 0 --style s",
        "evolve nope.yaml", "init /dev/null", "top", "report", "merge nope.db", "spec lint nope",
        "spec parse nope nope",
        "spec diff nope nope", "spec import-ksy nope", "spec export-ksy nope", "dsl check nope", "dsl run nope",
        "dsl sweep nope", "dsl improve nope", "dsl lift nope", "dsl graph nope", "dsl trace nope", "dsl send nope nope",
        "kernel check nope", "kernel bench nope", "kernel roofline nope", "kernel adapt nope --out d",
    ],
)  # fmt: skip
def test_an_input_that_does_not_exist_is_named_with_a_remedy(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) in (1, 4)
    out, said = capsys.readouterr()
    assert out == ""
    assert "nope" in said or "/dev/null" in said or "reports/ledger.db" in said
    assert "fix:" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("merge", "{tmp}/a.db", "--ledger", "l.db"),
        ("prune", "--keep", "1", "--ledger", "l.db"),
        ("report", "--ledger", "{tmp}/a.db", "--out", "result"),
        ("report", "--ledger", "{tmp}/a.db", "--csv", "result"),
        ("init",),
        ("dsl", "run", PROGRAM, "--state", "result"),
        ("dsl", "graph", PROGRAM, "--out", "result"),
        ("spec", "patch", GRAMMAR, PATCH, "--out", "result"),
        ("spec", "export-ksy", GRAMMAR, "--out", "result"),
        ("schema", "ledger"),
        ("repair", "--once", "--ledger", "l.db"),
        ("evolve", "{tmp}/search.yaml", "--ledger", "l.db"),
        ("serve", "--tool", TOOL, "--port", "0", "--ledger", "l.db"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_full_disk_is_one_line_and_nothing_that_was_there_is_lost(words, small_disk, tmp_path, monkeypatch, capfd):
    fill(small_disk.path / "l.db", [make_evaluation("old")], [make_evaluation("new")])
    fill(tmp_path / "a.db", [make_evaluation("more")], start=5)
    (tmp_path / "search.yaml").write_text(f"name: tiny\ntools: {{json_flatten: {TOOL}}}\n")
    monkeypatch.chdir(small_disk.path)
    with pytest.raises(OSError, match="No space left"), Path("ballast").open("wb", buffering=0) as ballast:
        while ballast.write(b"x" * 4096):
            pass
    with Path("/dev/full").open("w") as full:
        if words[0] == "schema":
            monkeypatch.setattr("sys.stdout", full)
        status = main([word.format(tmp=tmp_path) for word in words])
        monkeypatch.undo()
    message = capfd.readouterr().err
    assert status in (1, 4)
    assert any(said in message for said in ("No space left", "disk is full", "make room")), message
    assert "Traceback" not in message
    assert WRITABLE not in message
    small_disk.resize(32 << 10)
    result = small_disk.path / "result"
    assert not result.is_file()
    empty = [file.name for file in result.rglob("*") if file.is_file() and not file.stat().st_size]
    assert not [name for name in empty if not name.endswith(".lock")]
    with sqlite3.connect(small_disk.path / "l.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM evaluations").fetchone() == (2,)
