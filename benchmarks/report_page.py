"""The page in a browser: bytes, nodes, first paint, sorting, filtering, opening a case, and the CPU time of writing it.

    python benchmarks/report_page.py [--cases 242 10000 100000] [--rounds 3] [--plain]

With `--plain`, pytest-html (extra `bench`) writes its page of as many items, up to 10,000, in the same run, as the
peer; its page is usable when its last row is drawn. Needs a Chromium (`CRUCIBLE_CHROMIUM`, else on PATH) and
Playwright. Times in the browser are medians of rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from rows import INSTALL, version_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Line, Series
from tests.ledger.factory import fill, make_evaluation

ROOT = Path(__file__).resolve().parents[1]
SIZES = (100.0, 200.0, 400.0, 800.0)
MAX_PEER = 10_000  # items: its page of 100,000 takes minutes to open
WRITE = """import sys
from pathlib import Path
from harness.ledger.store import Ledger
from harness.report.html import write_report
with Ledger.read(Path(sys.argv[1])) as ledger:
    write_report(ledger, None, Path(sys.argv[2]))
"""


def evaluation(number: int):
    line = Line(name="candidate", x=SIZES, y=tuple(size * (1 + number % 7) for size in SIZES))
    axes = {"x": Axis(label="size", log=True), "y": Axis(label="time", unit="ms", log=True)}
    growth = pack("growth", Series(title="Time against size", lines=(line,), **axes))
    wrong = number % 100 == 7
    return make_evaluation(
        f"candidate-{number:06}",
        suite=f"suites/s{number % 10}.suite.yaml",
        status="wrong" if wrong else "ok",
        score=0.1 if wrong else 0.8 + number % 1000 / 5000,
        median_ms=1 + number % 977,
        style=("loop", "set", "trie")[number % 3],
        exhibits=(growth,),
    )


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def exhibit_cost(rounds: int) -> str:
    """What the exhibits of one evaluation cost where they are packed, and bytes of the ledger."""
    started = cpu()
    made = [evaluation(number) for number in range(rounds)]
    spent = cpu() - started
    started = cpu()
    for number in range(rounds):
        make_evaluation(f"candidate-{number:06}")
    plain = cpu() - started
    size = statistics.median(len(one.evidence.exhibits[0].stored) for one in made)
    return f"exhibits: {(spent - plain) / rounds * 1e3:.3f} ms of CPU and {size:.0f} bytes for each evaluation"


def look(browser, page_file: Path) -> dict[str, float]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(120_000)
    started = time.perf_counter()
    page.goto(page_file.as_uri())
    page.wait_for_selector("#overview .copy", state="attached")
    usable = time.perf_counter() - started
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
    nodes = page.evaluate("document.querySelectorAll('*').length")
    found = {"first paint ms": paint, "usable ms": usable * 1e3, "nodes": nodes}
    address = page.evaluate("document.querySelector(`.suites tbody a[href^='#/suite/']`).hash")
    found["open suite ms"] = step(page, f"location.hash = {address!r}", "#view tbody tr")
    found["sort ms"] = timed(
        page, "[...document.querySelectorAll('#view th button')].find((b) => b.textContent.includes('Median')).click()"
    )
    found["filter ms"] = timed(
        page,
        "{ const f = document.querySelector('#view input'); f.value = '77'; f.dispatchEvent(new Event('input')); }",
    )
    found["open case ms"] = step(page, "document.querySelector('#view tbody a').click()", "#view article")
    page.close()
    return found


def timed(page, script: str) -> float:
    """Milliseconds until what a handler does is painted."""
    return page.evaluate(
        f"new Promise((done) => {{ const from = performance.now(); {script};"
        " requestAnimationFrame(() => setTimeout(() => done(performance.now() - from))); })"
    )


def step(page, script: str, shown: str) -> float:
    """Milliseconds until something is there; after two minutes it is an error, not a wait without end."""
    return page.evaluate(
        "new Promise((done, fail) => { const from = performance.now(), gone = () => performance.now() - from;"
        f" {script}; const look = () => document.querySelector({shown!r}) ? done(gone()) : gone() > 120_000 ?"
        f" fail(new Error('not shown: ' + {shown!r})) : requestAnimationFrame(look); look(); }})"
    )


def written(folder: Path) -> str:
    """What writing the page costs in a process of its own, imports included."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", WRITE, folder / "l.db", folder / "page.html"], cwd=ROOT)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit("the page was not written")
    spent = f"{usage.ru_utime + usage.ru_stime:.2f} s of CPU ({time.perf_counter() - started:.2f} s)"
    return f"written in {spent}, {usage.ru_maxrss / 1e3:.0f} MB of memory"


def peer(browser, cases: int, folder: Path) -> str:
    if not version_of("pytest-html"):
        return f"pytest-html is not installed: {INSTALL}"
    (folder / "test_peer.py").write_text(
        f"import pytest\n@pytest.mark.parametrize('n', range({cases}))\ndef test_case(n):\n    assert n % 100 != 7\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    plugins = ("-p", "no:harness.plugin", "--self-contained-html", "--html=peer.html")
    subprocess.run([sys.executable, "-m", "pytest", "-q", *plugins], cwd=folder, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    page = browser.new_page()
    page.set_default_timeout(300_000)
    started = time.perf_counter()
    page.goto((folder / "peer.html").as_uri())
    page.wait_for_function(f"document.querySelectorAll('.results-table-row').length >= {cases}")
    usable, nodes = time.perf_counter() - started, page.evaluate("document.querySelectorAll('*').length")
    page.close()
    size = (folder / "peer.html").stat().st_size / 1e6
    return f"pytest-html: {spent:.1f} s of CPU with its run, {size:.2f} MB, usable ms {usable * 1e3:.0f}, nodes {nodes}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[242, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    executable = os.environ.get("CRUCIBLE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    print(exhibit_cost(500))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for cases in args.cases:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                fill(folder / "l.db", map(evaluation, range(cases)))
                said = written(folder)
                print(f"{cases} cases: {said}, {(folder / 'page.html').stat().st_size / 1e6:.2f} MB", flush=True)
                rounds = [look(browser, folder / "page.html") for _ in range(args.rounds)]
                medians = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
                print("  " + ", ".join(f"{name} {value:.0f}" for name, value in medians.items()), flush=True)
                if args.plain and cases <= MAX_PEER:
                    print("  " + peer(browser, cases, folder), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
