"""What all verbs have in common."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.cli import output
from harness.cli.printable_stream import PrintableStream
from harness.cli.verb import find_verb, list_verbs

ROOT = Path(__file__).parents[2]
GROUPS = ("spec", "dsl", "kernel")


@pytest.mark.parametrize("verb", [verb for verb in cli.VERBS if verb not in GROUPS])
def test_every_verb_has_help_with_an_example(crucible, verb):
    done = crucible(verb, "--help", ledger=False)
    assert done.status == 0
    assert f"usage: crucible {verb}" in done.out
    assert "Example:\n  crucible" in done.out


@pytest.mark.parametrize("group", [(), *((group,) for group in GROUPS)])
def test_a_group_lists_its_verbs_with_one_line_each(crucible, group):
    done = crucible(*group, "--help", ledger=False)
    assert done.status == 0
    _, found, _ = find_verb(group)
    for verb in list_verbs(found):
        assert re.search(rf"\n  {verb} +[A-Z].*\.\n", done.out), verb
    for words in ([*group], [*group, "--nope"]):
        wrong = crucible(*words, ledger=False)
        assert (wrong.status, wrong.out) == (4, "")
        assert wrong.err == done.out


@pytest.mark.parametrize("verb", [verb for verb in cli.VERBS if verb not in (*GROUPS, "run")])
def test_wrong_usage_with_escape_characters_reaches_no_terminal(crucible, verb):
    wrong = crucible(verb, "a", "b", "c", "--nope\x1b[31m\n::error::x", ledger=False)
    assert wrong.status == 4
    assert "\x1b" not in wrong.err
    assert "\n::" not in wrong.err


def test_the_command_has_a_version(crucible):
    assert crucible("--version", ledger=False).out.startswith("crucible")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tops"], "did you mean `crucible top`?"),
        (["xyzzy"], "lists the verbs"),
        (["top", "--nope"], "unrecognized arguments"),
        (["top", "--top", "x"], "'x' is not an integer"),
        (["top", "--top", "-3"], "-3 is less than 1"),
        (["top", "--tpo", "3"], "did you mean --top?"),
        (["trend", "--limit", "0"], "0 is less than 1"),
        (["trend", "--limit", str(2**70)], "the largest valid value"),
        (["show"], "required"),
        (["schema", "nonsense"], "invalid choice"),
        (["prune"], "--keep N"),
        (["prune", "--keep", "-1"], "-1 is less than 0"),
        (["prune", "--newer-than", "soon"], "neither an age nor a date"),
        (["rescore", "--gates", "score"], "write NAME=MIN"),
        (["rescore", "--gates", "score=nan"], "write NAME=MIN"),
        (["rescore", "--epoch", "-2"], "epoch"),
        (["rescore", "--plugin", "no_such_module"], "cannot be imported"),
        (["rescore", "--plugin", "no/such.py"], "does not exist"),
        (["schema", "suite", "--lane", "nope"], "unknown lane"),
        (["doctor", "/no/such/place"], "does not exist"),
        (["run", "suites\x1b[31m/a.suite.yaml"], r"control characters: suites\x1b[31m/a.suite.yaml"),
    ],
)
def test_wrong_usage_is_status_4_and_says_what_to_do(crucible, words, message):
    takes_ledger = words[0] not in ("run", "schema", "doctor", "tops", "xyzzy")
    done = crucible(*words, ledger=takes_ledger)
    assert done.status == 4
    assert message in done.err
    assert done.out == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_on_a_terminal_of_another_encoding_is_escaped(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stderr", stream)
    assert cli.main(["h\u00e4\u2260\udcff"]) == 4
    stream.flush()
    assert "unknown verb" in stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(
    "verb", ["top", "show x", "diff", "trend", "lineage x", "pareto", "report", "rescore", "prune --keep 1"]
)
def test_a_missing_ledger_is_reported_in_one_line_without_a_traceback(tmp_path, capsys, verb):
    assert cli.main([*verb.split(), "--ledger", str(tmp_path / "none.db")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"crucible: {tmp_path / 'none.db'}: the ledger does not exist\n  fix: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["top", "diff", "report", "rescore"])
def test_an_empty_ledger_is_an_error(tmp_path, capsys, verb):
    from harness.ledger.store import Ledger

    Ledger.open(tmp_path / "l.db").close()
    assert cli.main([verb, "--ledger", str(tmp_path / "l.db")]) == 1
    assert "fix: run `pytest` on a suite" in capsys.readouterr().err


def test_a_closed_pipe_is_not_an_error(path):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m harness top --json --ledger '{path}' | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[\n0\n"
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"])
def test_a_closed_or_full_stream_ends_a_verb_without_a_traceback(closed):
    words = f"{sys.executable} -m harness spec parse specs/grammars/png.yaml - {closed}"
    done = subprocess.run(
        ["bash", "-c", words], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["top --help", "--version", "spec --help"])
def test_help_that_cannot_be_written_is_an_error(words, unbuffered):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m harness {words} >/dev/full"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "crucible: No space left on device\n  fix: make room, or name a file on another disk\n"


def test_python_m_harness_is_the_command(path):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "top", "--ledger", path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "trie" in done.stdout


def test_a_verb_imports_no_other(path):
    code = (
        "import sys; from harness.cli import main; main(['top', '--ledger', sys.argv[1]]); "
        "print(*sorted(m for m in sys.modules if m.startswith(('harness.cli.', 'harness.lanes', 'torch', 'jinja2'))))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (
        done.stdout.splitlines()[-1]
        == "harness.cli.output harness.cli.printable_stream harness.cli.top harness.cli.verb"
    )


def test_notices_of_the_ledger_do_not_disturb_json(path, crucible):
    path.with_name("l.db.journal").mkdir()
    broken = path.with_name("l.db.journal") / "x.jsonl"
    broken.write_bytes(b"?\n")
    import os

    os.utime(broken, (0, 0))
    done = crucible("top", "--json")
    assert done.json
    assert "cannot be read" in done.err


def test_every_number_of_every_verb_has_bounds():
    """A bare `int` or `float` lets through what only fails later, or, worse, does something."""
    bare = re.compile(r"type=(int|float)\b")
    found = [str(path) for path in (ROOT / "harness" / "cli").rglob("*.py") if bare.search(path.read_text("utf-8"))]
    assert found == []


def test_an_unknown_option_below_a_verb_has_a_hint_too(crucible):
    done = crucible("dsl", "trace", "run", "--limmit", "3", ledger=False)
    assert done.status == 4
    assert "did you mean --limit?" in done.err


# Strings from outside


def run_in(folder, *words):
    """A verb in a process of its own, without a terminal."""
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "verb", ["spec lint", "spec parse", "spec hex", "spec import-ksy", "dsl check", "kernel check", "merge", "judge"]
)
def test_names_of_files_reach_no_terminal(tmp_path, verb):
    name = "esc\x1b[31mred\n::error::x"
    (tmp_path / name).write_text("x")
    done = run_in(tmp_path, *verb.split(), name)
    assert done.returncode
    assert "red" in done.stdout + done.stderr
    assert not re.search(r"\x1b|(?m:^\s*::)", done.stdout + done.stderr)


@given(st.lists(st.text(), max_size=5))
def test_what_verbs_print_is_printable(parts):
    stream = io.StringIO()
    print(*parts, file=PrintableStream(stream))
    for line in stream.getvalue().split("\n"):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")


def test_a_document_goes_into_a_file_as_it_is_and_onto_a_terminal_escaped(monkeypatch):
    text = "a: \x1b[31m\tb\n"
    for is_terminal, shown in ((False, text), (True, "a: \\x1b[31m b\n")):
        stream = io.StringIO()
        stream.isatty = lambda is_terminal=is_terminal: is_terminal
        monkeypatch.setattr(sys, "stdout", PrintableStream(stream))
        output.print_document(text)
        assert stream.getvalue() == shown


@pytest.mark.parametrize("name", ["fifo", "/dev/zero"])
@pytest.mark.parametrize("verb", ["parse", "hex", "coverage", "lint"])
def test_a_pipe_or_a_device_ends_a_verb(tmp_path, verb, name):
    os.mkfifo(tmp_path / "fifo")
    done = run_in(tmp_path, "spec", verb, name)
    assert done.returncode in (1, 4)
    assert name in done.stderr + done.stdout
