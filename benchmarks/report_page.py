"""The page in a browser: bytes, nodes, first paint, sorting, filtering, opening a case, and the CPU time of writing it.

    python benchmarks/report_page.py [--cases 242 10000] [--rounds 3] [--plain]

With `--plain`, pytest-html (`pip install pytest-html`) writes its page of as many items in the same run, as the peer.
Needs a Chromium (`CRUCIBLE_CHROMIUM`, else on PATH) and Playwright. Times in the browser are medians of rounds.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Line, Series
from harness.ledger.store import Ledger
from harness.report.html import write_report
from tests.ledger.factory import fill, make_evaluation

SIZES = (100.0, 200.0, 400.0, 800.0)


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
    address = page.evaluate("document.querySelector('.suites tbody a').hash")
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
    """Milliseconds until something is there."""
    return page.evaluate(
        f"new Promise((done) => {{ const from = performance.now(); {script}; const look = () => document.querySelector("
        f"{shown!r}) ? done(performance.now() - from) : requestAnimationFrame(look); look(); }})"
    )


def peer(cases: int, folder: Path) -> str:
    (folder / "test_peer.py").write_text(
        f"import pytest\n@pytest.mark.parametrize('n', range({cases}))\ndef test_case(n):\n    assert n % 100 != 7\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:harness.plugin",
        "--self-contained-html",
        "--html=peer.html",
    ]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"pytest-html: {spent:.1f} s of CPU for the whole run, {(folder / 'peer.html').stat().st_size / 1e6:.2f} MB"


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
                fill(folder / "l.db", [evaluation(number) for number in range(cases)])
                with Ledger.read(folder / "l.db") as ledger:
                    started, began = cpu(), time.perf_counter()
                    write_report(ledger, None, folder / "page.html")
                    spent, wall = cpu() - started, time.perf_counter() - began
                print(f"{cases} cases: written in {spent:.2f} s of CPU ({wall:.2f} s), ", end="")
                print(f"{(folder / 'page.html').stat().st_size / 1e6:.2f} MB")
                rounds = [look(browser, folder / "page.html") for _ in range(args.rounds)]
                print(
                    "  " + ", ".join(f"{name} {statistics.median(r[name] for r in rounds):.0f}" for name in rounds[0])
                )
                if args.plain:
                    print("  " + peer(cases, folder))
        browser.close()


if __name__ == "__main__":
    main()
