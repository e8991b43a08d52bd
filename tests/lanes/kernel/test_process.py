"""A script's process is alone, ends on time and leaves nothing running."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.lanes.kernel.process import Outcome, run_script

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")


def run(folder: Path, text: str, timeout: float = 20, **environment: str) -> Outcome:
    script = folder / "script.py"
    script.write_text(text)
    (folder / "work").mkdir()
    return run_script(script, folder / "work", timeout=timeout, environment=environment)


def test_it_says_how_a_script_ended(tmp_path: Path) -> None:
    found = run(tmp_path, "import sys; print(sys.argv[1]); print('note', file=sys.stderr); sys.exit(3)")
    assert (found.code, found.output, found.said) == (3, f"{tmp_path / 'work'}\n", "note")


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; os.kill(os.getpid(), 11)").code == -11


def test_the_environment_is_not_passed_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    found = run(tmp_path, "import os; print(sorted(os.environ))", EXTRA="1")
    assert "SECRET_TOKEN" not in found.output
    assert "'EXTRA'" in found.output
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize("end", ["time.sleep(60)", "pass"])
def test_no_process_of_the_group_survives(tmp_path: Path, end: str) -> None:
    found = run(
        tmp_path,
        "import subprocess, sys, time, os\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"print(os.getpgid(0), flush=True)\n{end}",
        timeout=3,
    )
    assert found.code == (None if end != "pass" else 0)
    group = found.output.strip()
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, owner = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if owner == group and state != "Z":
            alive.append(stat.parent.name)
    assert alive == []
