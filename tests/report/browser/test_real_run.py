"""The page of a real run of suites of all four lanes, one candidate of which was broken after the run before."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.cli.verb import build_parser, find_verb
from harness.ledger import queries
from harness.ledger.store import Ledger
from tests.shared_run import shared

ROOT = Path(__file__).resolve().parents[3]
SUITES = [f"suites/{name}.suite.yaml" for name in ("toolgen/interval_merge", "spec/wav", "dsl/hello", "kernel/softmax")]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder with l.db, lanes.html of a run of all four lanes, and page.html of one of three, which fails."""
    return shared(tmp_path_factory, "real-run", write_runs)


def write_runs(folder: Path) -> None:
    for name in ("candidates", "kernels", "specs", "suites", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    (folder / "conftest.py").write_text("")
    for name in SUITES:  # nothing here is about attempts
        suite = folder / name
        suite.write_text(re.sub(r"^attempts: \d", "attempts: 1", suite.read_text(), flags=re.MULTILINE))
    run(folder, SUITES, "lanes.html", status=0)
    candidate = next(path for path in sorted((folder / "candidates/interval_merge").glob("*.py")))
    source = candidate.read_text()
    name = re.findall(r"^def (\w+)", source, re.MULTILINE)[-1]
    candidate.write_text(f"{source}\n\ndef {name}(*given, **named):\n    return []\n")
    run(folder, SUITES[:3], "page.html", status=1)


def run(folder: Path, suites: list[str], page: str, *, status: int) -> None:
    command = [sys.executable, "-m", "pytest", *suites, "--epoch", "20", "--confirm", "0", "-q"]
    command += ["--ledger", "l.db", "--report", page, "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout[-4000:] + done.stderr


@pytest.fixture(scope="module")
def rows(written):
    with Ledger.read(written / "l.db") as ledger:
        return queries.evaluations(ledger, queries.run(ledger)["run_id"])


def test_the_first_screen_says_what_failed_since_when_and_what_to_type(look, rows):
    [failing] = [row for row in rows if not row["as_expected"] and not row["neutral"]]
    page = look()
    assert re.search(r"Not good: 1 of \d+ candidates fails \(1 regressed since run [\w-]+\)", page.inner_text("h1"))
    first = page.locator(".next li").first.inner_text()
    assert failing["subject"] in first
    assert f"pytest '{failing['nodeid']}'" in first
    assert page.locator(".next li").first.bounding_box()["y"] < 400


def test_each_command_of_the_page_can_be_typed(look, rows):
    page = look()
    typed = {text for view in [page, *cases(page, rows)] for text in commands(view)}
    command = [sys.executable, "-m", "pytest", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    known = set(re.findall(r"(--?[a-z][a-z-]*)", shown.stdout))
    assert any(one.startswith("pytest ") for one in typed)
    for one in sorted(typed):
        program, *words = shlex.split(one)
        if program == "crucible":
            command, verb, used = find_verb(words)
            build_parser(command, verb).parse_args(words[used:])
        else:
            assert program == "pytest", one
            assert {word for word in words if word.startswith("-")} <= known, one
            assert all((ROOT / word.partition("::")[0]).exists() for word in words if word.startswith("suites/")), one


def cases(page, rows):
    """The page, showing one case after the other."""
    for row in rows:
        place = f"/case/{quote(row['nodeid'], safe='!~*()')}"
        page.evaluate("place => { location.hash = place; }", place)
        page.locator(f"#view article[id='{place}']").wait_for()
        yield page


def commands(page) -> list[str]:
    return page.locator(".command code").all_inner_texts()


def test_a_case_of_each_lane_shows_what_its_lane_measured(look, written):
    with Ledger.read(written / "l.db") as ledger:
        rows = queries.evaluations(ledger, queries.run(ledger, "latest~1")["run_id"])
    judged = [row for row in rows if row["as_expected"] and row["expected"] is None and row["score"] is not None]
    page = look(name="lanes.html")
    for lane, shown in (
        ("toolgen", "Budget used"),
        ("spec", "explained"),
        ("dsl", "Effects and questions over time"),
        ("kernel", "Resources"),
    ):
        texts = [view.inner_text("#view") for view in cases(page, [row for row in judged if row["lane"] == lane])]
        assert any(shown.lower() in text.lower() for text in texts), (lane, texts[:1])


def test_no_place_of_it_scrolls_sideways(look, rows):
    for width in (1280, 390):
        for page in cases(look(width=width), rows[::2]):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
