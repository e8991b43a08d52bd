"""Tools: what a program may do, and what it may not."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from harness.core.status import Status
from harness.dsl.tools import command, folder
from harness.dsl.tools.boxed_script import Boxed
from harness.dsl.tools.command import run_command
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.folder import Folder
from harness.dsl.tools.request import Request
from harness.dsl.tools.toolbox import Toolbox
from harness.dsl.tools.trace_lines import from_channel, from_output
from harness.sandbox.pool import BoxPool
from harness.sandbox.quota import Quota

GRANTED = "import os; os.write(int(os.environ['CRUCIBLE_TRACE_FD']), b'{\"type\": \"R\"}'); print('hi')"


@pytest.fixture(scope="module")
def pool():
    with BoxPool() as boxes:
        yield boxes


@pytest.fixture
def box(tmp_path: Path, pool) -> Toolbox:
    (tmp_path / "work").mkdir()
    boxed = Boxed(pool)
    return Toolbox(Folder(tmp_path / "work"), live=True, boxed=lambda: boxed, seconds=20.0, granted=("sh", "python3"))


def _ask(box: Toolbox, name: str, **arguments: object):
    return box.perform(Request("k", "u/s", f"tool.{name}", arguments, (), None, 1, 0, 0.0))


def test_files_are_written_and_read(box) -> None:
    assert _ask(box, "write", path="a/b/c.txt", content="grüße\r\n").status == "ok"
    assert _ask(box, "read", path="./a//b/c.txt").value == "grüße\r\n"


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/passwd", "", ".", "a\0b", "x" * 5000, "link", "link/x", "up/passwd", "pipe", "dir"],
)
def test_no_path_leads_out(box, tmp_path, path) -> None:
    work = tmp_path / "work"
    (work / "dir").mkdir()
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "up").symlink_to("/etc")
    os.mkfifo(work / "pipe")
    (tmp_path / "secret").write_text("secret")
    for response in (_ask(box, "read", path=path), _ask(box, "write", path=path, content="x")):
        if path in ("link", "pipe") and response.status == "ok":
            assert not (work / path).is_symlink(), "a link is replaced, never followed"
            continue
        assert response.status in ("forbidden", "wrong")
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_file_that_is_not_text_or_too_large_is_reported(box, tmp_path) -> None:
    (tmp_path / "work/bad").write_bytes(b"abc\xff")
    assert "byte 3" in _ask(box, "read", path="bad").why
    with (tmp_path / "work/huge").open("wb") as file:
        file.truncate(200 << 20)
    assert _ask(box, "read", path="huge").status == "output"


def test_a_script_runs_in_a_box_with_the_programs_files_and_nothing_else(box, tmp_path) -> None:
    code = (
        "import os, sys\nprint(sys.argv[1], open('data.txt').read(), os.path.exists('/etc/passwd'))\n"
        "open('made/by.txt', 'w').write('me') if os.path.isdir('made') else (os.mkdir('made'), "
        "open('made/by.txt', 'w').write('me'))\n"
    )
    _ask(box, "write", path="s.py", content=code)
    _ask(box, "write", path="data.txt", content="data")
    response = _ask(box, "run", cmd=["python", "s.py", "a b; rm -rf /"])
    assert response.value == "a b; rm -rf / data False"
    assert (tmp_path / "work/made/by.txt").read_text() == "me"


def test_output_to_descriptors_is_output_too(box, tmp_path) -> None:
    code = (
        "import os, sys; print(1, flush=True); os.write(1, b'2\\n'); print(3); os.write(2, b'aside'); "
        "print('x' * 9_000_000)"
    )
    value = _ask(box, "run", cmd=["python", "-c", code]).value
    assert (value[:6], len(value)) == ("1\n2\n3\n", 9_000_006)
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("cmd", "status", "words"),
    [
        (["python", "-c", "import sys; sys.exit(3)"], "crash", "status 3"),
        (["python", "-c", "import sys; sys.exit('no GPU')"], "crash", "no GPU"),
        (["python", "-c", "raise ModuleNotFoundError('cuda')"], "crash", "cuda"),
        (["python", "-c", "while True: pass"], "timeout", ""),
        (["python", "-c", "print('x' * (1 << 30))"], "memory", ""),
        (["python", "-c", "for _ in range(64): print('x' * (1 << 20))"], "output", ""),
        (["python", "-c", "import os\nfor _ in range(64): os.write(1, b'x' * (1 << 20))"], "output", ""),
        (["python", "-c", "import os; os.kill(os.getpid(), 11)"], "crash", ""),
        (["python", "missing.py"], "wrong", "cannot be read"),
        (["python", "../x.py"], "forbidden", "outside"),
        (["python", "-m", "http.server"], "wrong", "a script"),
        (["rm", "-rf", "/"], "forbidden", "--grant rm"),
        ([], "wrong", "list of strings"),
        ("python x.py", "wrong", "list of strings"),
        (["sh", "-c", "exit 7"], "crash", "status 7"),
        (["sh", "-c", "kill -9 $$"], "crash", "signal 9"),
    ],
)
def test_a_command_that_fails_is_reported(box, cmd, status, words) -> None:
    box.seconds = 1.0 if status == "timeout" else 20.0
    response = _ask(box, "run", cmd=cmd)
    assert response.status == status, response
    assert words in response.why


def test_a_granted_command_leaves_no_process_and_is_stopped(box, tmp_path) -> None:
    began = time.monotonic()
    with pytest.raises(ToolFault, match="ran longer") as caught:
        run_command(["sh", "-c", "sleep 300 & echo $! > child; sleep 300"], tmp_path, seconds=1.0)
    assert caught.value.status is Status.TIMEOUT
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().split()[2] == "Z", "dead, if perhaps not reaped by who inherited it"
    run_command(["sh", "-c", "sleep 300 & echo $! > child"], tmp_path, seconds=60.0)
    assert time.monotonic() - began < 60, "a remaining child process is not waited for"
    with pytest.raises(ToolFault, match="more than 16 MiB"):
        run_command(["sh", "-c", "yes"], tmp_path, seconds=60.0)
    with pytest.raises(ToolFault, match="no program"):
        run_command(["no-such-program"], tmp_path, seconds=1.0)


@pytest.mark.parametrize("way", ["small", "nested", "holes", "nameless"])
def test_a_command_that_takes_too_much_disk_is_ended(tmp_path, monkeypatch, way) -> None:
    monkeypatch.setattr(command, "QUOTA", Quota(2 << 20, 300))
    script = Path(__file__).parents[2] / "attacks/disk/script.py"
    asked = [sys.executable, str(script), way, "wait"]
    if way == "holes":  # one file is as large as the quota at most
        assert b"File too large" in run_command(asked, tmp_path, seconds=120.0).err
        return
    with pytest.raises(ToolFault, match=r"(wrote more than 2 MiB|made more than 300 files) in the program's folder"):
        run_command(asked, tmp_path, seconds=120.0)
    if way == "small":
        with pytest.raises(ToolFault, match="more than 300 files"):  # seen at the end, too
            run_command(["true"], tmp_path, seconds=120.0)


def test_a_folder_does_not_grow_beyond_its_quota(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folder, "QUOTA", Quota(100_000, 2000))
    work = Folder(tmp_path)
    for _ in range(9):
        work.write("same", bytes(40_000))  # the file is replaced, so the folder does not grow
    with pytest.raises(ToolFault, match="the folder would hold more than") as caught:
        for number in range(9):
            work.write(f"deep/er/{number}", bytes(40_000))
    assert caught.value.status is Status.OUTPUT
    (tmp_path / "same").unlink()
    work.recount()
    work.write("small", b"x")
    monkeypatch.setattr(folder, "QUOTA", Quota(100_000, 5))
    work.recount()
    with pytest.raises(ToolFault, match="5 files"):
        for number in range(9):
            work.write(str(number), b"")


def test_trace_lines_come_from_the_descriptor_or_from_stdout(box) -> None:
    code = (
        "import json, os\nprint('before')\nprint('__SPAK_TRACE__' + json.dumps({'type': 'P', 'ms': 1.5}))\n"
        "os.write(int(os.environ['CRUCIBLE_TRACE_FD']), b'{\"type\": \"Q\", \"n\": 1}\\n[1]\\n')\nprint('after')"
    )
    response = _ask(box, "run", cmd=["python", "-c", code])
    assert response.value == "before\nafter"
    assert response.items == (("Q", {"n": 1}), ("P", {"ms": 1.5}))
    assert "not an object" in response.source["trace_problems"][0]
    granted = _ask(box, "run", cmd=["python3", "-c", GRANTED])
    assert granted.status == "ok", granted.why
    assert (granted.value, granted.items, granted.source) == ("hi", (("R", {}),), {"box": False})


def test_trace_lines_are_limited() -> None:
    items, problems = from_channel(b'{"type": "A"}\n' * 10_050)
    assert len(items) == 10_000
    assert "ignored" in problems[-1]
    assert from_channel(b'{"type": "A", "x": "' + b"y" * 70_000 + b'"}')[1]
    assert from_output("nothing here") == ("nothing here", [], [])
    assert from_channel(b"[" * 5000)[1]


def test_random_numbers_depend_on_the_place_alone(box) -> None:
    def draw(label: str, occurrence: int, seed: int = 0) -> object:
        request = Request("k", label, "tool.random", {"low": 1, "high": 10**9}, (), None, occurrence, seed, 0.0)
        return box.perform(request).value

    assert draw("a", 1) == draw("a", 1)
    assert len({draw("a", 1), draw("a", 2), draw("b", 1), draw("a", 1, 5)}) == 4
    assert _ask(box, "random", low=3, high=1).status == "wrong"


def test_an_unknown_tool_names_the_known_ones(box) -> None:
    response = _ask(box, "teleport")
    assert response.status == "wrong"
    assert "tool.read" in response.why


def test_without_boxes_only_granted_programs_run(tmp_path) -> None:
    bare = Toolbox(Folder(tmp_path), live=True)
    assert _ask(bare, "run", cmd=["python", "-c", "1"]).status == "forbidden"
    assert _ask(bare, "run", cmd=["echo", "a", "b"]).value == "a b"
