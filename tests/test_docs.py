"""The documentation: workflows name what exists, links lead somewhere, examples run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.cli import VERBS, main
from harness.plugin import _OPTIONS
from tests.ledger.factory import fill, make_evaluation

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / "docs/ci").glob("*.yml"))
PAGES = sorted([*(set(ROOT.glob("*.md")) - {ROOT / "ARCHITECTURE.md"}), *(ROOT / "docs").rglob("*.md")])
ALSO = {"-n", "-m", "-k", "--junitxml", "--ctrf"}  # of pytest, xdist and pytest-json-ctrf


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_parses_and_names_what_exists(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", True, "permissions", "jobs"} <= workflow.keys()  # YAML reads `on` as a boolean
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert step.keys() & {"uses", "run"}, step
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d", step["uses"])
            for line in step.get("run", "").splitlines():
                words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", line))
                program = words[0].rpartition("/")[2]
                if program == "crucible":
                    assert words[1] in VERBS
                if program == "pytest":
                    options = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert options <= _OPTIONS.keys() | ALSO, options


def test_there_is_a_workflow_for_each_need():
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    for need in ("-m gpu", "--gate '", "--shard", "crucible merge", "upload-artifact"):
        assert need in text
    assert {path.name for path in WORKFLOWS} == set(
        re.findall(r"\(ci/([a-z]+\.yml)\)", (ROOT / "docs/ci.md").read_text())
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_ctrf_reports_hold_our_cases(project):
    pytest.importorskip("ctrf", reason="needs pytest-json-ctrf: pip install pytest-json-ctrf")
    project.suite(good="ok", bad="wrong", gone="skipped", look="review")
    for more in ((), ("-n1",)):
        project.run("-p", "ctrf", "--ctrf", "ctrf.json", *more)
        found = json.loads((project.path / "ctrf.json").read_text())["results"]
        assert found["summary"]["tests"] == 4
        status = {one["name"].rpartition("::")[2]: one["status"] for one in found["tests"]}
        assert (status["good"], status["bad"], status["gone"], status["look"]) == (
            "passed",
            "failed",
            "skipped",
            "skipped",
        )
        [bad] = [one for one in found["tests"] if one["name"].endswith("bad")]
        assert "it says wrong" in json.dumps(bad)


# Blocks that run: `<!-- file: PATH -->` writes the next block, `<!-- run -->` executes the lines that begin with `$`,
# and `<!-- python -->` is a program. What `pip install` would install is there already.

BLOCK = re.compile(r"<!-- (run|file|python)(?:: (.+?))? -->\n```\w*\n(.*?)```", re.DOTALL)
EXECUTED = [ROOT / "README.md", *sorted((ROOT / "docs/tutorials").glob("*.md"))]


def matches(expected: list[str], shown: list[str]) -> bool:
    """Whether the shown lines are as expected, where `…` stands for any characters, and alone for any lines."""
    if not expected:
        return not shown
    if expected[0] == "…":
        return any(matches(expected[1:], shown[skipped:]) for skipped in range(len(shown) + 1))
    return bool(shown) and is_shown(expected[0], shown[0]) and matches(expected[1:], shown[1:])


def is_shown(expected: str, line: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line) is not None


def matches_unordered(expected: list[str], shown: list[str]) -> bool:
    """The same in any order, where lines are left out: noise decides the order of a table's rows."""
    return "…" in expected and all(any(is_shown(one, line) for line in shown) for one in expected if one != "…")


def run_page(path: Path, folder: Path) -> None:
    """Execute the blocks of a page in order; `cd` lasts, as in a shell."""
    python = Path(sys.executable)
    here, environ = folder, os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    environ |= {"PYTEST_ADDOPTS": "-p no:cacheprovider --min-tier E", "PYTHONPATH": str(ROOT)}
    for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        environ.pop(name, None)
    for kind, argument, text in BLOCK.findall(path.read_text("utf-8")):
        if kind == "file":
            (here / argument).parent.mkdir(parents=True, exist_ok=True)
            (here / argument).write_text(text, "utf-8")
            continue
        if kind == "python":
            (here / "block.py").write_text(text, "utf-8")
        lines = "$ python block.py\n…\n" if kind == "python" else text
        first, *commands = re.split(r"^\$ (.+)\n", lines, flags=re.MULTILINE)
        assert not first, first
        for command, expected in zip(commands[::2], commands[1::2], strict=True):
            if command.startswith("pip install "):
                continue
            done = subprocess.run(
                ["bash", "-c", f"{command}\ncode=$?; pwd > '{folder}/.here'; exit $code"],
                cwd=here, env=environ, capture_output=True, text=True, check=False,
            )  # fmt: skip
            here = Path((folder / ".here").read_text().strip())
            assert done.returncode == (1 if argument == "exit 1" else 0), f"{command}\n{done.stdout}{done.stderr}"
            lines, shown = expected.splitlines(), done.stdout.splitlines()
            assert matches(lines, shown) or matches_unordered(lines, shown), f"{command}\n{done.stdout}"


def test_expected_lines_match_what_they_say():
    assert matches(["a", "…", "b…d"], ["a", "x", "y", "bcd"])
    assert matches(["…"], [])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["…", "b"], ["a"])


def test_the_picture_of_the_readme_is_small():
    data = (ROOT / "docs/report.png").read_bytes()
    assert "](docs/report.png)" in (ROOT / "README.md").read_text("utf-8")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (1280, 640)
    assert len(data) < 150_000


def test_the_index_names_every_page():
    index = (ROOT / "docs/README.md").read_text("utf-8")
    missing = [path for path in PAGES if path.is_relative_to(ROOT / "docs") and path.name not in index]
    assert missing == []


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_a_page_runs_word_for_word(path, tmp_path):
    assert BLOCK.search(path.read_text("utf-8"))
    run_page(path, tmp_path)


# What goes wrong at the start is told in the words of docs/troubleshooting.md.

TOLD = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/troubleshooting.md").read_text("utf-8"), re.MULTILINE))


def told(text: str) -> str:
    """The row of the page that a message belongs to."""
    [row] = [row for row in TOLD if row in text]
    return row


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("sys.version_info = (3, 10, 9, 'final', 0)", "Crucible needs Python 3.11 or newer"),
        ("sys.platform = 'win32'", "does not run on Windows"),
    ],
)
def test_where_it_cannot_run(change, row):
    code = f"import sys; {change}; import harness"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert told(done.stderr) == row


def test_reports_that_cannot_be_written(project):
    project.suite(good="ok")
    (project.path / "reports").write_text("")
    result = project.run()
    assert result.ret == 4
    assert told(result.stderr.str()) == "the ledger cannot be written"
    result = project.run("--ledger", "l.db")
    assert result.ret == 1
    assert told(result.stdout.str()) == "the report could not be written"


HIDDEN = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in ("torch", "triton") else real(name, *more)
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "triton"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def test_no_browser(tmp_path):
    """A server: no display, and a PATH without a program that shows pages."""
    fill(tmp_path / "l.db", [make_evaluation("a")])
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "harness", "report", "--ledger", "l.db", "--report", str(page), "--open"]
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert told(done.stderr) == "no browser was found"
    assert str(page) in done.stderr
    assert page.is_file()


def test_not_linux(tmp_path):
    """A run whose boxes have what macOS has, a process with limits, and whose platform is called so."""
    assert main(["init", str(tmp_path)]) == 0
    (tmp_path / "run.py").write_text(NOT_LINUX)
    for tier, status in (("C", 4), ("D", 0)):
        options = [
            "suites",
            "--min-tier",
            tier,
            "--confirm",
            "0",
            "--limit",
            "1",
            "-p",
            "harness.plugin",
            "-p",
            "no:cacheprovider",
        ]
        command = [sys.executable, "run.py", *options]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        if status:
            assert {"not Linux", "needs tier"} == {row for row in TOLD if row in done.stderr}
            assert "--min-tier D" in done.stderr
            assert "sysctl" not in done.stderr  # no remedy that is Linux's own


NOT_LINUX = """
import functools, sys
import pytest
from harness.sandbox import pool, probe
pool.BoxPool.__init__ = functools.partialmethod(
    pool.BoxPool.__init__, without=frozenset({"namespaces", "pivot_root", "uid", "landlock", "seccomp", "cgroup"})
)
probe.sys = type("darwin", (), {"platform": "darwin", "version": sys.version, "executable": sys.executable})
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_no_torch(tmp_path):
    assert main(["init", str(tmp_path), "--lane", "kernel"]) == 0
    (tmp_path / "conftest.py").write_text(HIDDEN)
    command = [sys.executable, "-m", "pytest", "suites", "-q", "-p", "harness.plugin", "-p", "no:cacheprovider"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told(done.stdout) == "torch is not installed"
