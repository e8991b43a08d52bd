"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "harness").rglob("*.py"))
ROOMS = sorted({path.parent for path in FILES} - {ROOT / "harness"})
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
MAX_LINES = 350
"""A file that needs more holds more than one noun."""
TABLE_LINE = re.compile(r"^\| `([a-z_/]+)/` \| (.*) \|$", re.MULTILINE)


def name_of(path: Path) -> str:
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


MODULES = {name_of(path): path for path in FILES}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports: at the top, inside functions and under `TYPE_CHECKING` alike."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node (Tarjan, SIAM J. Comput. 1, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in graph[node]:
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            start = stack.index(node)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in order:
            visit(node)
    return found


def faults_of(path: Path, text: str, tree: ast.Module) -> Iterator[str]:
    """What is wrong with a file."""
    docstring = ast.get_docstring(tree) or ""
    if text.count("\n") > MAX_LINES:
        yield f"it has more than {MAX_LINES} lines"
    if not docstring:
        yield "a module says in one sentence what it is"
    if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        yield "python -O removes bare asserts"
    if path.stem in ("utils", "util", "helpers", "common", "misc"):
        yield "its name says nothing"
    if "standard library only" in docstring.lower():
        for name in imports_of(tree):
            if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("harness.sandbox"):
                yield f"its docstring promises: standard library only, not {name}"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('"""Good."""\n', []),
        ('"""Long."""\n' + "x = 1\n" * MAX_LINES, ["it has more than 350 lines"]),
        ("x = 1\n", ["a module says in one sentence what it is"]),
        ('"""Asserts."""\ndef f():\n    assert f\n', ["python -O removes bare asserts"]),
        (
            '"""Standard library only."""\nimport json, numpy\nfrom harness.core import slug\n',
            ["numpy", "harness.core.slug"],
        ),
    ],
)
def test_faults_of_a_file_are_found(text: str, faults: list[str]) -> None:
    found = list(faults_of(Path("slug.py"), text, ast.parse(text)))
    assert len(found) == len(faults)
    assert all(one.endswith(fault) for one, fault in zip(found, faults, strict=True))
    assert len(list(faults_of(Path("utils.py"), text, ast.parse(text)))) == len(faults) + 1


def test_files_follow_the_rules_and_no_import_closes_a_circle() -> None:
    """Imports inside a function or under `TYPE_CHECKING` count: a value or a protocol is passed instead."""
    faults, graph = {}, {}
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        faults[str(path)] = list(faults_of(path, text, tree))
        graph[name] = {other for other in imports_of(tree) if other in MODULES and other not in (name, "harness")}
    assert {path: found for path, found in faults.items() if found} == {}
    assert circles(graph) == []


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert circles(graph) == [["a", "b", "c"]]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_named_and_tested(room: Path) -> None:
    """Each room has tests at the mirrored path, or ARCHITECTURE.md says which tests cover it."""
    place = str(room.relative_to(ROOT / "harness"))
    assert f"`{place}/`" in ARCHITECTURE, "ARCHITECTURE.md names each room"
    mirrored = ROOT / "tests" / place
    if not list(mirrored.glob("test_*.py")):
        elsewhere = dict(TABLE_LINE.findall(ARCHITECTURE)).get(place, "")
        named = [ROOT / path for path in re.findall(r"`(tests/[^`]+)`", elsewhere)]
        assert named, f"no test in tests/{place}/, and ARCHITECTURE.md does not say which tests cover {place}/"
        assert all(path.exists() for path in named)


def test_the_top_level_holds_nothing_that_a_test_left() -> None:
    """A counter of a test was kept there once; every file at the top has a suffix or a name that tools know."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        pytest.skip("what is kept is known in a clone only")
    top = {line for line in done.stdout.splitlines() if "/" not in line}
    assert {name for name in top if not Path(name).suffix} <= {".gitignore", "LICENSE", "Makefile"}


def test_a_clone_has_the_folder_that_runs_write_to() -> None:
    """Its only kept file was deleted three times by commands that cleaned up, and then `make clean` failed."""
    assert (ROOT / "reports" / "README.md").is_file()


def test_what_architecture_names_exists() -> None:
    named = re.findall(r"`((?:harness|tests|docs|benchmarks|examples)/[\w./-]+)`", ARCHITECTURE)
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("group", ["", "dsl", "spec", "kernel"])
def test_the_list_of_verbs_is_complete(group: str) -> None:
    """ARCHITECTURE.md lists the verbs of `crucible`, and of each group."""
    verbs = importlib.import_module(f"harness.cli.{group}".rstrip(".")).VERBS
    line = next(
        line for line in ARCHITECTURE.splitlines() if line.startswith(f"- `crucible{f' {group}' * bool(group)}`:")
    )
    assert sorted(re.findall(r"`([a-z-]+)`", line.split(":", 1)[1])) == sorted(verbs)


def test_constraints_name_every_dependency() -> None:
    pinned = {
        line.split("==")[0].strip().lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["kernels"], *extras["dev"], *extras["llm"]]
    assert set(map(name_of_wish, wanted)) - pinned == set()


def test_every_dependency_is_argued() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    argued = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    wishes = [
        *project["dependencies"],
        *(wish for extra in project["optional-dependencies"].values() for wish in extra),
    ]
    for wish in wishes:
        assert name_of_wish(wish) in argued, f"{wish} has no line in docs/dependencies.md"


def name_of_wish(wish: str) -> str:
    return re.split(r"[;><=\[]", wish)[0].strip().lower()


QUAINT = re.compile(
    r"\b(nobody|somebody|whoever|whom|anew|likewise|that is none|(?<!there )is no [a-z]+|for the sake of)\b"
    r"|\b(believed?|believes|rightly|whichever|wherever|besides)\b",
    re.IGNORECASE,
)
RECORDED = ("Undefined(", "MismatchError(", "is no truth value")
"""Reasons that recorded runs of programs hold keep their words, because a replay compares them."""


def test_the_english_is_plain() -> None:
    """Words that a reader of another mother tongue stumbles over; CONTRIBUTING.md says what to write instead."""
    prose = [*FILES, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in prose
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if QUAINT.search(line) and "`nobody`" not in line and not any(word in line for word in RECORDED)
    ]
    assert found == []
