"""What a start imports: a module that is not needed is not loaded, and byte code is used where it is kept."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from harness import bytecode, cli

LOADED_BY_PYTEST = {"harness", "harness.bytecode", "harness.plugin"}
"""What pytest imports before `harness.bytecode` can act."""

HYPOTHESIS_TEST = """
from hypothesis import given, strategies

@given(strategies.just(1))
def test_one(value):
    assert value == 1
"""


# Byte code


@pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
def test_pytest_rewrites_no_module_of_ours(project, extra):
    project.suite(good="ok")
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\n\ndef pytest_unconfigure():\n    import sys\n"
        "    with open('rewritten', 'a') as file:\n"
        "        for name, module in sys.modules.items():\n"
        "            if name.partition('.')[0] == 'harness' and 'Rewriting' in type(module.__loader__).__name__:\n"
        "                print(name, file=file)\n"
    )
    project.run(*extra, subprocess=True).assert_outcomes(passed=2)
    rewritten = set((project.path / "rewritten").read_text().split())
    assert rewritten <= LOADED_BY_PYTEST


@pytest.mark.parametrize("keeps", [True, False])
def test_a_run_without_byte_code_says_so_once_and_how_to_end_it(project, monkeypatch, tmp_path, keeps):
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "cache"))
    if not keeps:
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    project.suite(good="ok")
    result = project.run("-n2", subprocess=True)
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("byte code") == (0 if keeps else 1)
    if not keeps:
        result.stdout.fnmatch_lines([f"*-m compileall -q {Path(bytecode.__file__).parent}`*"])


def test_the_remedy_fits_a_folder_that_may_not_be_written(monkeypatch, tmp_path):
    source = tmp_path / "module.py"
    monkeypatch.setattr(bytecode.os, "access", lambda path, mode: False)
    assert "PYTHONPYCACHEPREFIX" in bytecode.describe_missing(source)
    cached = Path(importlib.util.cache_from_source(str(source)))
    cached.parent.mkdir()
    cached.touch()
    assert bytecode.describe_missing(source) is None


# Hypothesis' plugin


@pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
def test_a_run_that_does_not_use_hypothesis_does_not_import_it(pytester, extra):
    pytester.makepyfile(test_plain="def test_one():\n    pass\n")
    pytester.makeconftest(
        "import sys\n\ndef pytest_unconfigure():\n    assert 'hypothesis' not in sys.modules, 'imported'\n"
    )
    result = pytester.runpytest_subprocess(*extra)
    result.assert_outcomes(passed=1)
    result.stderr.no_fnmatch_line("*imported*")


@pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
def test_the_summary_of_hypothesis_is_kept_where_there_is_one(pytester, extra):
    pytester.makepyfile(test_property=HYPOTHESIS_TEST)
    result = pytester.runpytest_subprocess("--hypothesis-show-statistics", *extra)
    result.stdout.fnmatch_lines(["*Hypothesis Statistics*"])


# Modules by start

MODELS = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
YAML = {"_yaml", "yaml"}
SLOW = {"asyncio", "email", "http", "importlib.metadata", "multiprocessing", "ssl", "unittest", "xml"}
"""Parts of the standard library that take 5 to 50 ms each; pydantic needs two of them."""
NEEDS = {"spec": YAML, "kernel": MODELS | YAML, "rescore": MODELS | {"pluggy"}, "schema": MODELS | {"pluggy"}}
"""What the help of a verb, or of the verbs of a group, may import that is neither ours nor the standard library's."""

FOREIGN = f"""
import sys
from harness.cli import main
known = set(sys.modules)
status = main(sys.argv[1:])
names = set(sys.modules) - known
tops = {{name.partition(".")[0] for name in names}} - sys.stdlib_module_names - {{"harness"}}
tops = {{name for name in tops if not name.startswith(("_cython", "cython", "_sysconfigdata"))}}
print(*sorted(tops | (names & {SLOW!r})), file=sys.stderr)
raise SystemExit(status)
"""
VERBS = [name for name in cli.VERBS if name not in ("spec", "dsl", "kernel")]
GROUPS = {name: importlib.import_module(f"harness.cli.{name}").VERBS for name in ("spec", "dsl", "kernel")}
COMMANDS = ["--help", *(f"{name} --help" for name in [*VERBS, *GROUPS])]
COMMANDS += [f"{group} {name} --help" for group, names in GROUPS.items() for name in names]
ROOT = Path(__file__).resolve().parent.parent
GRAMMAR, FILE = ROOT / "specs/grammars/png.yaml", ROOT / "specs/samples/png/gradient.png"


def foreign(*words: object, status: int = 0) -> set[str]:
    """Names of the modules, not ours, that a verb imports."""
    command = [sys.executable, "-c", FOREIGN, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_little(command):
    words = command.split()
    needed = NEEDS.get(words[0], set()) if words[1:] != ["--help"] or words[0] not in GROUPS else set()
    assert foreign(*words) <= needed | ({"email", "importlib.metadata"} if needed >= MODELS else set())


@pytest.mark.parametrize("verb", ["lint", "parse", "spans", "coverage", "hex", "export-ksy", "query"])
def test_a_verb_on_a_grammar_imports_yaml_alone(verb):
    words = [GRAMMAR] if verb in ("lint", "export-ksy") else [GRAMMAR, FILE]
    assert foreign("spec", verb, *words) <= YAML


def test_a_verb_on_a_program_imports_nothing_foreign(tmp_path):
    program = ROOT / "specs/programs/hello.spak"
    for words in (["check", program], ["runs", tmp_path]):
        assert foreign("dsl", *words) <= {"lark"}, words  # lark only where no parsed program is kept


def test_a_verb_that_reads_columns_of_a_ledger_imports_nothing_foreign(project):
    project.suite(good="ok", bad="wrong")
    for _ in range(2):
        project.run()
    ledger = project.path / "reports" / "ledger.db"
    for words in (["top"], ["diff"], ["trend", "good"], ["lineage", "good"], ["pareto"], ["prune", "--keep", "5"]):
        assert foreign(*words, "--ledger", ledger) == set(), words
    assert foreign("show", "good", "--ledger", ledger) <= MODELS | {"email", "importlib.metadata"}


def modules_of(text: str, role: str) -> set[str]:
    """Names of modules that `LIST` wrote for the controller or for a worker."""
    lines = [line.split() for line in text.splitlines()]
    found = [set(names) for kind, *names in lines if kind == role]
    assert found
    return set.union(*found)


LIST = """

def pytest_unconfigure(config):
    import sys
    role = "worker" if hasattr(config, "workerinput") else "controller"
    with open(config.rootpath / "modules", "a") as file:
        print(role, *sys.modules, file=file)
"""


def test_a_worker_has_no_ledger_and_no_page(project):
    project.suite(good="ok")
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + LIST)
    project.run("-n1", subprocess=True).assert_outcomes(passed=1)
    found = (project.path / "modules").read_text()
    unwanted = {"hypothesis", "lark", "torch", "harness.grammar", "harness.dsl"}
    assert modules_of(found, "controller") & unwanted == set()
    unwanted |= {"harness.ledger", "harness.session.controller", "harness.gates", "jinja2", "sqlite3", "numpy"}
    assert modules_of(found, "worker") & unwanted == set()


def test_collecting_tools_imports_neither_what_judges_them_nor_other_lanes(project):
    assert cli.main(["init", str(project.path / "tools")]) == 0
    (project.path / "tools" / "conftest.py").write_text(LIST)
    (project.path / "conftest.py").unlink()
    result = project.run("-p", "no:xdist", "--rootdir=tools", "--collect-only", "tools/suites", subprocess=True)
    assert result.ret == 0
    found = modules_of((project.path / "tools" / "modules").read_text(), "controller")
    assert {name for name in found if name.startswith("harness.lanes.") and name.count(".") == 2} == {
        "harness.lanes.toolgen"
    }
    assert "harness.lanes.toolgen.evaluate" not in found
    assert found & {"hypothesis", "lark", "numpy", "torch", "jinja2", "harness.grammar", "harness.dsl"} == set()
