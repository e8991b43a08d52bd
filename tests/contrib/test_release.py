"""What a release is checked by: equal bytes of two builds, and an audit that takes no silence for safety."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "contrib"))
import release

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "tiny"
version = "1.0"
requires-python = ">=3.11"
"""
MOMENT = {"GIT_COMMITTER_DATE": "2020-02-02T00:00:00Z", "GIT_AUTHOR_DATE": "2020-02-02T00:00:00Z"}


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A repository with a package of one file, as the project that is released."""
    root = tmp_path / "repository"
    (root / "tiny").mkdir(parents=True)
    (root / "tiny" / "__init__.py").write_text("answer = 42\n")
    (root / "pyproject.toml").write_text(PROJECT)
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release.run, "__kwdefaults__", {"cwd": root})
    commit = ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one"]
    for words in (["init", "-q"], ["add", "."], commit):
        subprocess.run(["git", *words], cwd=root, check=True, env=os.environ | MOMENT)
    (root / "left.env").write_text("not in git\n")
    return root


def test_two_builds_have_equal_bytes_and_only_what_git_knows(tiny, tmp_path):
    pytest.importorskip("hatchling", reason="building needs the extra `release`")
    first = release.build(tmp_path / "1")
    os.utime(tiny / "tiny" / "__init__.py", (0, 0))  # the time of a file is not in what is built
    assert release.build(tmp_path / "2") == first
    assert sorted(first) == ["tiny-1.0-py3-none-any.whl", "tiny-1.0.tar.gz"]
    wheel = tmp_path / "1" / "dist" / "tiny-1.0-py3-none-any.whl"
    assert first[wheel.name] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()} == {"tiny", "tiny-1.0.dist-info"}
    (tiny / "tiny" / "__init__.py").write_text("answer = 43\n")
    assert not set(release.build(tmp_path / "3").values()) & set(first.values())


def test_a_program_that_fails_ends_the_release_with_what_it_said():
    assert release.run(sys.executable, "-c", "import os; print(os.environ['SEEN'])", SEEN="yes") == "yes\n"
    with pytest.raises(SystemExit) as ended:
        release.run(sys.executable, "-c", "import sys; print('out'); sys.exit('why it failed')")
    assert "exit status 1\nout\nwhy it failed" in str(ended.value)


PACKAGES = [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "2", "vulns": [{"id": "CVE-1"}]}]
UNKNOWN = [{"name": "c", "skip_reason": "not found"}]


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        (PACKAGES[:1], 0, "1 packages audited, 0 known vulnerabilities"),
        (PACKAGES, "b 2: CVE-1", "2 packages audited, 1 known vulnerabilities"),
        (PACKAGES[:1] + UNKNOWN, 0, "1 packages audited, 0 known vulnerabilities\nnot audited: c"),
        (UNKNOWN, 2, "not audited: the database of vulnerabilities knows none of the packages"),
        (None, 2, "not audited: the database of vulnerabilities cannot be reached: no route"),
    ],
)
def test_what_was_not_looked_up_is_not_safe(tmp_path, monkeypatch, capsys, found, status, said):
    """The answers are those of pip-audit; a program in its place gives them."""
    script = tmp_path / "pip-audit"
    answer = "" if found is None else json.dumps({"dependencies": found, "fixes": []})
    script.write_text(f"#!{sys.executable}\nimport sys\nprint({answer!r})\nsys.exit('first\\nno route')\n")
    script.chmod(0o755)
    monkeypatch.setattr(release, "tool", lambda name: tmp_path / name)
    ended: object = 0
    try:
        release.audit()
    except SystemExit as end:
        ended = end.code
    printed = capsys.readouterr()
    assert ended == status
    assert said in printed.out + printed.err
    assert ("fix: run `make audit`" in printed.err) == (status == 2)


def test_the_lock_has_each_package_with_digests_at_the_version_of_the_constraints():
    """The spelling of a name is normalised; what only the locked packages need is not in the constraints."""
    pins, locked = versions(release.ROOT / "constraints.txt"), versions(release.LOCK)
    both = pins.keys() & locked.keys()
    assert release.LOCK.read_text().startswith(release.HEAD)
    assert len(both) > 20
    assert {name: locked[name] for name in both} == {name: pins[name] for name in both}
    assert release.LOCK.read_text().count("--hash=sha256:") >= len(locked)


def versions(path: Path) -> dict[str, str]:
    """The pinned version of each package, by its normalised name."""
    lines = [line for line in path.read_text().splitlines() if "==" in line and not line.startswith(("#", " "))]
    pairs = [line.split()[0].split("==") for line in lines]
    return {name.lower().replace("_", "-"): version for name, version in pairs}
