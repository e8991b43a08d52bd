"""What a start imports: a module that is not needed is not loaded, and byte code is used where it is kept."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from harness import bytecode

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
    result = project.run("-n2")
    result.assert_outcomes(passed=1)
    said = [line for line in result.outlines if "byte code" in line]
    assert len(said) == (0 if keeps else 1)
    if not keeps:
        assert f"-m compileall -q {Path(bytecode.__file__).parent}" in said[0]


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
