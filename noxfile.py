"""The matrix of Python, pytest and what may be absent: `make matrix`, or `pipx run nox -s NAME` (`nox -l`: the names).

A session runs the tests of what depends on the version: the plugin, its hooks, xdist, the clock and the faults. The
whole suite runs under `make test` with the newest of everything. Interpreters that are not installed are skipped.
"""

from __future__ import annotations

import tempfile

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST, NEWEST = "pytest==8.4.0", "pytest"
TESTS = [
    *("tests/test_plugin.py", "tests/test_xdist.py", "tests/test_plugin_faults.py", "tests/test_hooks.py"),
    *("tests/session", "tests/timing/test_benchmark.py", "tests/ledger", "tests/judge/test_pool.py"),
]


def install(session: nox.Session, pytest: str) -> None:
    """Install the project with what its tests need, and one version of pytest."""
    pinned = [] if pytest == NEWEST else [pytest]
    session.install("-e", ".[dev]", *pinned)


@nox.session(python=PYTHONS)
@nox.parametrize("pytest", [OLDEST, NEWEST], ids=["oldest", "newest"])
def tests(session: nox.Session, pytest: str) -> None:
    """The tests of what depends on the version of Python or pytest."""
    install(session, pytest)
    session.run("pytest", "-q", "-p", "no:cacheprovider", "-n", "auto", *(session.posargs or TESTS))


@nox.session(python=["3.11", "3.13"])
@nox.parametrize("absent", ["pytest-xdist", "pytest-benchmark"])
def without(session: nox.Session, absent: str) -> None:
    """A new project where a plugin that pip installs with Crucible was removed."""
    session.install("-e", ".")
    session.run("pip", "uninstall", "--quiet", "--yes", absent)
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.run("crucible", "init")
        session.run("pytest", "-q")
