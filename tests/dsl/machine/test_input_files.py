"""Files that a run is given before it begins."""

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.dsl.analysis.load import load_source
from harness.dsl.eventlog.fault import LogError
from harness.dsl.machine import input_files as module
from harness.dsl.machine.input_files import find_scripts, read_input_files

TEXT = """task T { input other: string = "x"
  step a: tool.run { cmd: "python named.py {{other}}" } step b: tool.run { cmd: ["python3", "list.py"] }
  step c: tool.run { cmd: "cat data.py" } step d: tool.run { cmd: "python {{other}}.py" }
  step e: tool.run { cmd: "python ../outside.py" } step f: tool.run { cmd: "python link.py" }
  step g: tool.run { cmd: "python absent.py" } run Search -> best }
engineering_loop Search {
  parameter A: [1, 2] measure { cmd: "python cost.py {{A}}" metric: cost objective: minimize } }"""


def test_scripts_next_to_the_program_that_it_names(tmp_path: Path) -> None:
    for name in ("named.py", "list.py", "data.py", "x.py", "cost.py", "unused.py"):
        (tmp_path / name).write_text("")
    (tmp_path.parent / "outside.py").write_text("")
    (tmp_path / "link.py").symlink_to(tmp_path / "unused.py")
    program = load_source(TEXT, cache=False)
    assert sorted(path.name for path in find_scripts(program, tmp_path)) == ["cost.py", "list.py", "named.py"]


def test_files_and_folders_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "data/deep/a.txt").write_text("a")
    (tmp_path / "data/link").symlink_to("/etc/passwd")
    (tmp_path / "b.txt").write_text("b")
    assert read_input_files([tmp_path / "data", tmp_path / "b.txt"]) == {"data/deep/a.txt": b"a", "b.txt": b"b"}


FAULTS = {"absent": "cannot be read", "twice": "two files", "many": "more than"}


@pytest.mark.parametrize("name", FAULTS)
def test_input_files_that_cannot_be_read_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "d").mkdir()
    for file in ("twice", "many", "d/twice"):
        (tmp_path / file).write_text("")
    monkeypatch.setattr(module, "MAX_FILES", 0 if name == "many" else 9)
    with pytest.raises(UsageError, match=FAULTS[name]):
        read_input_files([tmp_path / name, tmp_path / "d" / name])


def test_a_run_begins_with_its_files_and_no_path_leads_out(start, tmp_path: Path) -> None:
    text = 'task T { step a: tool.read { path: "d/a.txt" output_var: x } success: x == "1" }'
    assert start(text, files={"d/a.txt": b"1"}).run().passed
    with pytest.raises(LogError, match="lies outside"):
        start(text, folder="other", files={"../a.txt": b"1"})
    assert not (tmp_path / "other").exists()
