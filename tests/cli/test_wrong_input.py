"""Verbs refuse a file that they cannot use: what, where and how to fix it; nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from tests.ledger.factory import fill, make_evaluation

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
GOOD = {
    "g.yaml": SPECS / "grammars/png.yaml",
    "g2.yaml": SPECS / "grammars/png_complete.yaml",
    "f.png": sorted((SPECS / "samples/png").glob("*.png"))[0],
    "p.yaml": ROOT / "candidates/png_patches/ancillary.patch.yaml",
    "h.spak": SPECS / "programs/hello.spak",
    "laws.spak": SPECS / "programs/gpu_optimization.spak",
    "a.json": SPECS / "programs/hello.answers.json",
}
"""Valid files, by the name that a command line below has for them."""

NO_FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "folder": Path.mkdir,
    "dangling": lambda path: path.symlink_to("nothing"),
    "loop": lambda path: path.symlink_to(path.name),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "n" * 300: lambda path: None,
    "file/below": lambda path: path.parent.write_text("x"),
}
"""Names behind which there is no file."""
NO_TEXTS = {
    "empty": b"",
    "blank": b" \n\n",
    "binary": bytes(range(256)),
    "zeros": bytes(5 << 20),
    "latin": "name: café\n".encode("latin-1"),
    "utf16": "name: a\n".encode("utf-16"),
    "deep": b"[" * 9999,
    "tabs": b"a:\n\t- {\n",
    "list": b"- 1\n- 2\n",
    "string": b"hello\n",
    "null": b"null\n",
    "infinite": b"1e999\n",
    "digits": b'{"name": ' + b"9" * 5000 + b"}\n",
    "nan": b'{"name": NaN, "types": .inf, "ops": [NaN], "answers": NaN}\n',
    "aliases": b"a: &a [x]\n" + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b"*%c," % n * 9) for n in b"abcdefgh"),
    "merge": b"<<: 3\n",
    "key": b"? [a]\n: b\n",
    "tag": b"name: !!python/object/apply:os.system ['exit 1']\n",
}  # fmt: skip
"""Contents that are neither a grammar, a patch, a program nor answers."""

BYTES = (
    "spec parse g.yaml [f.png]",
    "spec parse [f.png]",
    "spec spans g.yaml [f.png]",
    "spec coverage g.yaml [f.png]",
    "spec decode g.yaml [f.png]",
    "spec query g.yaml [f.png]",
    "spec hex g.yaml [f.png]",
    "spec set g.yaml [f.png] x=1 --out out.png",
    "spec score g.yaml [f.png]",
    "spec score g.yaml f.png --holdout [f.png]",
    "spec improve g.yaml [f.png] --out out.yaml",
    "spec generate g.yaml [f.png] --out out",
    "dsl run h.spak --input name=x --state out --events [f.png]",
    "dsl trace [out]",
    "dsl resume [out]",
    "dsl answer [out] question text",
    "dsl lift [report.md]",
    "top --ledger [l.db]",
    "show x --ledger [l.db]",
    "diff --ledger [l.db]",
    "trend --ledger [l.db]",
    "pareto --ledger [l.db]",
    "lineage x --ledger [l.db]",
    "rescore --ledger [l.db]",
    "rescore --ledger l.db --plugin [plugin.py]",
    "report --ledger [l.db] --report out.html",
    "prune --keep 1 --ledger [l.db]",
    "merge [l.db] --ledger out.db",
    "spec versions --ledger [l.db]",
    "judge [c.py] --tool tool",
    "toolgen --spec [tool] --out out",
    "evolve [e.yaml] --ledger out.db",
)
"""Command lines; the file in brackets may hold any bytes, or is tried with names alone."""
TEXTS = (
    "spec lint [g.yaml]",
    "spec parse [g.yaml] f.png",
    "spec spans [g.yaml] f.png",
    "spec graph [g.yaml] --out out.svg",
    "spec patch [g.yaml] p.yaml --out out.yaml",
    "spec patch g.yaml [p.yaml] --out out.yaml",
    "spec diff [g.yaml] g2.yaml --as-patch",
    "spec diff g.yaml [g2.yaml] --as-patch",
    "spec score [g.yaml] f.png",
    "spec improve [g.yaml] f.png --out out.yaml",
    "spec improve g.yaml f.png --proposer [plugin.py]:propose --out out.yaml",
    "spec generate [g.yaml] --out out",
    "spec import-ksy [k.ksy] --out out.yaml",
    "spec export-ksy [g.yaml] --out out.ksy",
    "dsl check [h.spak]",
    "dsl check --laws [laws.spak] h.spak --input name",
    "dsl run [h.spak] --input name=x --state out",
    "dsl run h.spak --input name=x --state out --answers [a.json]",
    "dsl run h.spak --input name=x --state out --tools [laws.spak]",
    "dsl improve [h.spak] --metric x --out out.spak",
    "dsl graph [h.spak] --out out.svg",
    "dsl sweep [h.spak] --state out",
    "evolve [e.yaml] --ledger out.db",
)
"""Command lines; the file in brackets must be text of a language."""
MADE = (
    "dsl run h.spak --input name=x --state out --cassette [a.json]",
    "dsl run h.spak --input name=x --state out --recordings [a.json]",
)
"""Command lines that make the file in brackets if it is missing."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, source in GOOD.items():
        shutil.copy(source, tmp_path / name)
    fill(tmp_path / "l.db", [make_evaluation("x")])
    (tmp_path / "tool").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refuse(folder: Path, capsys, line: str, bad: str) -> str:
    """Why the refusal of a command line with a bad file is not good enough; empty if it is."""
    before = {path for path in folder.rglob("*") if "l.db" not in path.name}
    words = [re.sub(r"\[.*\]", lambda _: bad, word) for word in line.split()]
    status = main(words)
    out, err = capsys.readouterr()
    said = err or out
    left = sorted(str(path.name) for path in {path for path in folder.rglob("*") if "l.db" not in path.name} - before)
    faults = {
        "status 0": status == 0,
        f"status {status}": status not in (0, 1, 4),
        "the file is not named": Path(bad).name[:100] not in said,
        "no fix": err.startswith("crucible: ") and "fix:" not in err and "has errors" not in err,
        f"left behind: {left}": bool(left),
    }
    found = ", ".join(fault for fault, is_there in faults.items() if is_there)
    return f"{line}: {bad[:20]}: {found}: {said[:300]}" if found else ""


@pytest.mark.parametrize("line", dict.fromkeys((*BYTES, *TEXTS)))
def test_no_file(folder, capsys, line):
    found = []
    for name, make in NO_FILES.items():
        make(folder / name)
        found.append(refuse(folder, capsys, line, name))
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("line", [*TEXTS, *MADE])
def test_no_text_of_the_language(folder, capsys, line):
    suffix = re.search(r"\[.*?(\.\w+)\]", line)[1]
    found = []
    for name, data in NO_TEXTS.items():
        (folder / (name + suffix)).write_bytes(data)
        found.append(refuse(folder, capsys, line, name + suffix))
    assert not any(found), "\n".join(filter(None, found))


def test_a_pipe_without_a_writer_ends_a_verb(folder, capsys):
    os.mkfifo(folder / "fifo")
    found = [refuse(folder, capsys, line, "fifo") for line in (*TEXTS, *MADE)]
    assert not any(found), "\n".join(filter(None, found))


def test_an_empty_path_is_refused(folder, capsys):
    found = [refuse(folder, capsys, line, "") for line in (*BYTES, *TEXTS, *MADE)]
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("words", ["init", "doctor", "run", "repair --export", "report --csv", "dsl runs"])
def test_an_empty_path_is_not_this_folder(folder, capsys, words):
    assert main([*words.split(), ""]) == 4
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemExit(0)", "a b", "\0"])
@pytest.mark.parametrize(
    "line", ["rescore --ledger l.db --plugin [m.py]", "spec improve g.yaml f.png --proposer [m.py]:f"]
)
def test_a_module_whose_code_fails_is_refused(folder, capsys, line, code):
    (folder / "m.py").write_text(code)
    assert refuse(folder, capsys, line, "m.py") == ""


@pytest.mark.parametrize("verb", ["spans", "coverage", "query"])
def test_parse_errors_are_counted_where_they_are_not_listed(folder, capsys, verb):
    (folder / "f.png").write_bytes((folder / "f.png").read_bytes()[:-9])
    assert main(["spec", verb, "g.yaml", "f.png"]) == 0
    assert re.search(r"^note: [1-9]\d* parse errors?; `crucible spec parse` lists them$", capsys.readouterr().err, re.M)
