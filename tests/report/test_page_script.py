"""The page's own script, in the browser of this machine, under the page's own policy."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest

from harness.core.evidence import Counterexample
from harness.ledger.store import Ledger
from harness.report import page
from harness.report.html import render_report
from tests.ledger.factory import fill, make_evaluation

BROWSER = os.environ.get("CRUCIBLE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"</script>"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH; set CRUCIBLE_CHROMIUM to one")

# Acts as a reader does, and writes what it sees into the page.
DRIVER = """
(async () => {
  const seen = {}, pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  const wait = async (what) => { for (let i = 0; i < 200 && !what(); i++) await pause(); };
  const rows = () => [...document.querySelectorAll("table[data-suite='0'] tbody tr")];
  const names = () => rows().map((row) => row.querySelector("th").firstElementChild.textContent);
  const first = () => names()[0];
  await wait(() => document.querySelector("a[data-row]"));
  [...document.querySelectorAll("button")].find((one) => one.textContent === "Show all").click();
  await wait(() => rows().length > 50);
  seen.window = rows().length;
  [...document.querySelectorAll("button")].find((one) => one.textContent.startsWith("Show 200")).click();
  seen.all = rows().length;
  seen.cells = [...rows()[0].children].map((cell) => cell.textContent.trim());
  document.querySelector("th[data-sort=median] button").click();
  await wait(() => document.querySelector("[aria-sort]"));
  seen.quickest = first();
  document.querySelector("th[data-sort=median] button").click();
  await wait(() => document.querySelector("[aria-sort=descending]"));
  seen.slowest = first();
  const filter = document.querySelector("input[type=search]");
  filter.value = "::c01 OK"; filter.dispatchEvent(new Event("input"));
  seen.filtered = names().sort();
  seen.count = document.querySelector("output").textContent;
  filter.value = "hostile"; filter.dispatchEvent(new Event("input"));
  rows()[0].querySelector("a").click();
  await wait(() => document.querySelector("#asked article"));
  seen.question = document.querySelector("#asked pre").textContent;
  seen.reason = document.querySelector("#asked .reason").textContent;
  seen.again = document.querySelector("#asked .again code").textContent;
  seen.images = document.querySelectorAll("img").length;
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
})();
"""


def drive(text, folder, *, fragment=""):
    """Let the browser run the page with the driver; returns what it wrote, and the browser's messages."""
    allowed = base64.b64encode(hashlib.sha256(DRIVER.encode()).digest()).decode()
    text = text.replace("script-src '", f"script-src 'sha256-{allowed}' '")
    file = folder / "page.html"
    file.write_text(text.replace("</body>", f"<script>{DRIVER}</script></body>"), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    flags += ["--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom"]
    done = subprocess.run(
        [BROWSER, *flags, f"{file.as_uri()}{fragment}"], capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_rows_and_cases_are_drawn_from_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_CARDS", 5)
    made = [make_evaluation(f"c{i:03}", score=0.9, median_ms=500 - i, attempts=0) for i in range(299)]
    made += [make_evaluation(f"bad{i}", score=0.1, status="wrong", median_ms=1 + i) for i in range(5)]
    made.append(
        make_evaluation(
            "hostile", score=0.05, status="wrong", style=HOSTILE, why=HOSTILE, median_ms=9,
            counterexample=Counterexample(question=HOSTILE, expected="1", observed="2"),
        )
    )  # fmt: skip
    [run_id] = fill(tmp_path / "l.db", made, epoch=3)
    with Ledger.read(tmp_path / "l.db") as ledger:
        text = render_report(ledger, run_id)
    dom, messages = drive(text, tmp_path)
    assert messages == []
    found = re.search('<pre id="seen">(.*?)</pre>', dom)
    assert found, dom[-2000:]
    seen = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert (seen["window"], seen["all"]) == (200, 305)
    assert seen["cells"][:3] == ["1", "c298 " + made[298].case.subject.digest[:8], "0.900"]
    assert seen["cells"][5:9] == ["1/1", "ok", "—", "202 ms"]
    assert (seen["quickest"], seen["slowest"]) == ("bad0", "c000")
    assert seen["filtered"] == [f"c01{i}" for i in range(10)]
    assert seen["count"] == "10 of 305"
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert seen["question"] == shown
    assert seen["reason"] == f"wrong: {shown} (fails score)"
    assert seen["again"] == "pytest 'clamp.suite.yaml::hostile' --epoch 3 --secret-seed 7"
    assert seen["images"] == 0
