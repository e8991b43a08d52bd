"""Hooks of a run of cases only: what pytest and other plugins see of it is what they see of any run."""

from __future__ import annotations

import re

import pytest

from tests.conftest import WORDS

LOUD = WORDS.replace(
    "        status = harness.Status(text)",
    '        print(f"printed {text}")\n'
    "        import logging\n"
    '        logging.getLogger("lane").warning(f"logged {text}")\n'
    "        status = harness.Status(text)",
)
HOOKS = """
import logging


def pytest_runtest_setup(item):
    print("printed at setup")
    logging.getLogger("conftest").warning("logged at setup")


def pytest_runtest_teardown(item):
    print("printed at teardown")


def pytest_runtest_makereport(item, call):
    item.user_properties.append(("seen", call.when))
"""
SKIP = """
import pytest


def pytest_collection_modifyitems(items):
    items[0].add_marker(pytest.mark.skip("no"))
"""
VARYING = re.compile(r"[0-9.]+s\b|\[ *[0-9]+%\]|--secret-seed [0-9]+")


def captured(text: str) -> list[str]:
    """The headings of captured output, and what is below them."""
    wanted = re.compile(r"-* (Captured \w+ \w+) -*|((?:printed|WARNING) .*)")
    return [found[1] or found[2] for line in text.splitlines() if (found := wanted.fullmatch(line))]


def test_what_a_lane_prints_and_logs_stands_with_its_case(project):
    project.put("conftest.py", LOUD)
    project.suite(first="wrong", second="ok")
    result = project.run("--log-level=INFO")
    assert captured(result.stdout.str()) == [
        "Captured stdout call",
        "printed wrong",
        "Captured log call",
        *[line for line in result.outlines if line.startswith("WARNING") and "logged wrong" in line],
    ]
    assert "logged ok" not in result.stdout.str()


def test_hooks_of_a_conftest_are_called_in_full(project):
    project.put("conftest.py", LOUD + HOOKS)
    project.suite(first="wrong", second="ok")
    result = project.run("--junitxml=junit.xml")
    found = captured(result.stdout.str())
    headings = [line for line in found if line.startswith("Captured")]
    assert headings == [f"Captured {what}" for what in ("stdout setup", "log setup", "stdout call", "log call")] + [
        "Captured stdout teardown"
    ]
    assert result.stdout.str().count("printed at setup") == 1  # that of the case that passed is captured, too
    junit = (project.path / "junit.xml").read_text()
    assert re.findall(r'name="seen" value="(\w+)"', junit) == ["setup", "call", "teardown"] * 2


def test_a_mark_that_a_conftest_adds_skips_a_case(project):
    project.put("conftest.py", WORDS + SKIP)
    project.suite(first="wrong", second="ok")
    project.run("-rs").assert_outcomes(skipped=1, passed=1)


@pytest.mark.parametrize("args", [("--durations=0", "-vv"), ("--setup-show",), ("-p", "no:logging", "-v")])
def test_phases_are_those_of_a_run_with_an_ordinary_test(project, args):
    """An ordinary test in the run has every hook called in full; what pytest says of cases is the same without it."""
    project.suite(first="wrong", second="ok", third="skipped")
    shown = []
    for _ in range(2):
        before = project.run(*args).stdout.str().partition(" crucible ===")[0]
        found = [VARYING.sub("", line) for line in before.splitlines() if "first" in line or "second" in line]
        shown.append(sorted(line.strip() for line in found))
        project.put("test_mine.py", "def test_mine():\n    pass\n")
    assert len(shown[0]) > 1
    assert shown[0] == shown[1]
