"""Nothing in a folder that a suite calls untrusted is ever imported by pytest, whatever the command line says."""

from __future__ import annotations

import os

import pytest

from harness.session.untrusted_area import CONFIGURATIONS, PLANTED

BOMB = "import pathlib\npathlib.Path(__file__).with_name('RAN').touch()\n\n\ndef test_planted():\n    assert True\n"


@pytest.fixture
def planted(project):
    """Candidates beside a suite; every Python file among them leaves a trace when imported."""
    for folder in ("candidates", "candidates/deep", "test_candidates"):
        for name in ("test_x.py", "x_test.py"):
            project.put(f"{folder}/{name}", BOMB)
        project.put(f"{folder}/good.txt", "ok")
    project.put("zuites/a.suite.yaml", "lane: words\nwords: [../candidates/*.txt, ../test_candidates/good.txt]\n")
    project.put("zuites/a.suite.yaml", "lane: words\nwords: ../candidates/*.txt\n")
    project.put("zuites/b.suite.yaml", "lane: words\nwords: [../test_candidates/good.txt]\n")
    return project


@pytest.fixture
def mined(planted):
    """The same with files that pytest imports by itself."""
    for folder in ("candidates", "candidates/deep", "test_candidates"):
        for name in ("conftest.py", "__init__.py"):
            planted.put(f"{folder}/{name}", BOMB)
    return planted


def ran(project):
    return sorted(str(path.relative_to(project.path)) for path in project.path.rglob("RAN"))


@pytest.mark.parametrize(
    "args",
    [
        ["."],
        [],
        ["-n1", "."],
        ["candidates"],
        ["candidates/deep"],
        ["zuites", "candidates"],
        ["zuites", "candidates/deep", "test_candidates"],
        ["zuites", "candidates/test_x.py"],
        ["candidates/test_x.py"],
        ["zuites/a.suite.yaml", "test_candidates"],
        ["--doctest-modules", "."],
        ["--import-mode=importlib", "."],
        ["--keep-duplicates", ".", "candidates"],
        ["--collect-only", "."],
    ],
    ids=" ".join,
)
def test_a_planted_file_never_runs(mined, args):
    mined.run(*args)
    assert ran(mined) == []


def test_a_planted_file_never_runs_where_pytest_starts_below_the_root(mined, monkeypatch):
    monkeypatch.chdir(mined.path / "zuites")
    mined.run("..")
    assert ran(mined) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_suite_with_a_planted_file_where_its_candidates_are_is_refused(project, name):
    for folder in ("one/candidates", "two/deep"):
        project.put(f"{folder}/good.txt", "ok")
    project.put("one/a.suite.yaml", "lane: words\nwords: candidates/*.txt\n")
    project.put("two/b.suite.yaml", "lane: words\nwords: '*/*.txt'\n")
    project.put("three/c.suite.yaml", "lane: words\nwords: ../one/candidates/../../two/deep/*.txt\n")
    project.run(".").assert_outcomes(passed=3)
    content = BOMB if name.endswith(".py") else ""
    project.put(f"one/candidates/{name}", content)
    project.put(f"two/deep/{name}", content)
    result = project.run(".")
    if name == "conftest.py":  # may be a candidate, and is never imported from there
        result.assert_outcomes(passed=3)
    else:
        result.assert_outcomes(errors=3)
        lies = f"one/a.suite.yaml: one/candidates/{name} is among its candidates*"
        result.stdout.fnmatch_lines([lies, "*fix: *"])
    assert ran(project) == []


SECTIONS = {
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p evil"\n',
    "setup.cfg": "[tool:pytest]\naddopts = -p evil\n",
    ".toml": '[pytest]\naddopts = ["-p", "evil"]\n',
    ".ini": "[pytest]\naddopts = -p evil\n",
}


@pytest.fixture
def configured(project, monkeypatch):
    """Two suites, a folder of candidates with a plugin in it, and no configuration of pytest above them."""
    for path in project.path.iterdir():
        path.unlink()
    project.put("s.suite.yaml", "lane: toolgen\ntool: tools/x\ncandidates: c/*.txt\n")
    project.put("suites/s.suite.yaml", "lane: toolgen\ntool: tools/x\ncandidates: ../c/*.txt\n")
    project.put("c/good.txt", "ok")
    project.put("c/evil.py", "")
    monkeypatch.syspath_prepend(project.path / "c")
    return project


@pytest.mark.parametrize("name", [*CONFIGURATIONS, "any.ini", "any.cfg", "any.toml"])
@pytest.mark.parametrize("args", [["s.suite.yaml", "c"], ["c"], ["suites", "c"], ["s.suite.yaml", "-c"]], ids=" ".join)
def test_a_run_that_candidates_configure_is_wrong_usage(configured, args, name):
    section = next(text for end, text in SECTIONS.items() if name.endswith(end)) if name != "any.cfg" else ""
    configured.put(f"c/{name}", section)
    result = configured.run(*args, *([f"c/{name}"] if args[-1] == "-c" else []))
    assert result.ret != 0  # the suite is refused, whether or not this pytest reads the file
    if args[-1] == "-c" or (name in CONFIGURATIONS and pytest.version_tuple >= (9,)):
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        lies = f"ERROR: *c/{name}: pytest's configuration is among the untrusted files of *s.suite.yaml, *; fix: *"
        result.stderr.fnmatch_lines([lies])


@pytest.mark.parametrize("args", [["--rootdir=c", "s.suite.yaml"], ["c"]], ids=" ".join)
def test_a_root_among_candidates_is_wrong_usage(configured, args):
    configured.put("c/setup.py", "")
    result = configured.run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *c: pytest's root folder is among the untrusted files of *s.suite.yaml, *"])


def test_a_linked_configuration_is_where_the_link_leads(configured):
    configured.put("c/mine.ini", SECTIONS[".ini"])
    (configured.path / "pytest.ini").symlink_to("c/mine.ini")
    assert configured.run("s.suite.yaml").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_above_the_candidates_configures(planted, name):
    (planted.path / "pytest.ini").unlink()
    end = next(end for end in SECTIONS if name.endswith(end))
    planted.put(name, SECTIONS[end].replace("evil", "no:cacheprovider"))
    for args in (["."], ["-c", name, "zuites"], ["zuites"]):
        planted.run(*args).assert_outcomes(passed=2)


def test_a_link_to_a_folder_outside_is_not_followed(project):
    project.put("one/gen/good.txt", "ok")
    project.put("one/a.suite.yaml", "lane: words\nwords: '*/*.txt'\n")
    project.put("elsewhere/conftest.py", BOMB)
    project.put("elsewhere/test_x.py", BOMB)
    project.run("one").assert_outcomes(passed=1)
    (project.path / "one" / "link").symlink_to("../elsewhere")
    result = project.run("one")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["one/a.suite.yaml: one/link is among its candidates*"])
    assert ran(project) == []


def test_a_conftest_on_the_way_down_to_the_candidates_is_refused(project):
    project.put("one/way/candidates/good.txt", "ok")
    project.put("one/a.suite.yaml", "lane: words\nwords: way/candidates/*.txt\n")
    project.put("one/way/conftest.py", BOMB)
    project.run(".").assert_outcomes(errors=1)
    assert ran(project) == []


@pytest.mark.parametrize("pattern", ["*.txt", "**/*.txt", "../*/*.txt", "../**/*.txt", "../*.txt"])
def test_a_pattern_that_reaches_the_suites_own_folder_stops_the_run(project, pattern):
    project.put("suites/x.suite.yaml", f"lane: words\nwords: '{pattern}'\n")
    for folder in ("suites", "suites/inner", "."):
        project.put(f"{folder}/good.txt", "ok")
    project.put("suites/__init__.py", BOMB)
    project.put("suites/conftest.py", BOMB)
    result = project.run(".")
    assert result.ret != 0
    said = result.stdout.str() + result.stderr.str()
    assert "reaches the suite's own folder" in said
    assert "untrusted.py" not in said  # a sentence, no traceback
    assert ran(project) == []


def test_the_suites_themselves_still_run(planted):
    planted.run(".").assert_outcomes(passed=2)


def test_a_link_to_candidates_is_sealed_too(planted):
    (planted.path / "aaa").symlink_to(planted.path / "candidates")
    planted.run(".").assert_outcomes(passed=2)
    assert ran(planted) == []


def test_naming_an_untrusted_file_is_a_usage_error(planted):
    result = planted.run("zuites", "candidates/test_x.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*not found*test_x.py*"])


def test_the_folders_are_named(planted):
    planted.run(".", "-v").stdout.fnmatch_lines(["untrusted, never imported: candidates, test_candidates"])
    planted.run(".").stdout.fnmatch_lines(["untrusted, never imported: 2 folders (`-v` lists them)"])
    planted.run(".", "--gate", "count() >= 0").stdout.fnmatch_lines(["untrusted, never imported: 2 folders*"])
    planted.run(".", "-q").stdout.no_fnmatch_line("untrusted, *")


def test_ordinary_tests_beside_candidates_still_run(planted):
    planted.put("test_mine.py", "def test_mine():\n    pass\n")
    planted.run(".").assert_outcomes(passed=3)


def test_a_suite_among_candidates_is_not_collected_and_seals_nothing(planted):
    planted.put("candidates/evil.suite.yaml", "lane: words\nwords: ../mine/*.py\n")
    planted.put("mine/test_mine.py", "def test_mine():\n    pass\n")
    result = planted.run(".")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["not collected: *evil.suite.yaml is one of the untrusted files of *zuites/a.suite.yaml*"]
    )


def test_two_suites_that_seal_each_other_stop_the_run(planted):
    planted.put("candidates/evil.suite.yaml", "lane: words\nwords: ../zuites/*.py\n")
    result = planted.run(".")
    assert result.ret != 0
    assert ran(planted) == []
    text = result.stdout.str() + result.stderr.str()
    assert "call each other's folders untrusted" in text


@pytest.mark.parametrize("pattern", ["*/cand.py", "gen*/cand.py", "**/cand.py", "*/*/cand.py"])
def test_folders_that_a_wildcard_reaches_are_sealed_whole(project, pattern):
    """Whoever writes `gen1/cand.py` can write `gen1/conftest.py` too, in this folder or in an empty one beside it."""
    project.put("suites/x.suite.yaml", f"lane: words\nwords: '{pattern}'\n")
    for folder in ("gen1", "gen2", "gen1/deep"):
        project.put(f"suites/{folder}/cand.py", "ok")
        project.put(f"suites/{folder}/conftest.py", BOMB)
        project.put(f"suites/{folder}/test_x.py", BOMB)
    project.put("suites/test_mine.py", "def test_mine():\n    pass\n")
    for arguments in (["suites"], ["."], ["suites/gen1", "suites"]):
        project.run(*arguments)
        assert ran(project) == []


def test_a_candidate_in_the_suites_own_folder_seals_only_its_file(project):
    project.put("a.suite.yaml", "lane: words\nwords: [good_x.py, good_test.py]\n")
    project.put("good_test.py", BOMB)
    project.put("good_x.py", "ok")
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    result = project.run(".", "good_test.py")
    assert ran(project) == []
    assert result.ret != 0  # good_test.py says no verdict
    assert "test_mine.py" in result.stdout.str()


def test_a_lane_that_cannot_be_imported_leaves_folders_sealed(planted):
    planted.put("conftest.py", "import harness.hooks\nharness.hooks.BUILT_IN = {'words': 'no.such.module'}\n")
    planted.run(".")
    assert ran(planted) == []


def test_without_the_entry_point_the_root_conftest_protects_what_comes_after_it(planted):
    conftest = planted.path / "conftest.py"
    conftest.write_text("pytest_plugins = ['harness.plugin']\n" + conftest.read_text())
    planted.pytester.runpytest_subprocess(".").assert_outcomes(passed=2)
    assert ran(planted) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_no_obstacle(planted):
    (planted.path / "candidates").chmod(0)
    try:
        planted.run(".")
    finally:
        (planted.path / "candidates").chmod(0o755)
    assert ran(planted) == []
