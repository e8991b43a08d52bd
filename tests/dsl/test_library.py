"""`harness.dsl` works alone: its public names, its example, its types, and what importing it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOREIGN = (
    "pytest",
    "harness.lanes",
    "harness.ledger",
    "harness.session",
    "harness.judge",
    "harness.gates",
    "harness.report",
)


def loaded_by(code: str) -> list[str]:
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules))"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.splitlines()[-1].split()


def foreign(modules: list[str]) -> list[str]:
    return [name for name in modules if name.startswith(FOREIGN)]


def test_importing_the_library_loads_none_of_its_modules() -> None:
    modules = loaded_by("import harness.dsl")
    assert [name for name in modules if name.startswith("harness.")] == ["harness.dsl"]
    assert foreign(modules) == []


def test_using_every_public_name_loads_no_lane_and_no_pytest() -> None:
    assert foreign(loaded_by("from harness.dsl import *")) == []


def test_the_example_prints_what_the_page_shows() -> None:
    command = [sys.executable, "examples/dsl_library.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() in (ROOT / "docs/dsl-library.md").read_text()
