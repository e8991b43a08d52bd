"""Write docs/report.png, the picture of the README: the report of what `crucible init` writes, with a wrong candidate.

python docs/picture.py            # judges it, and takes the picture in the system's Chromium
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CRUCIBLE = [sys.executable, "-m", "harness"]
PYTEST = [sys.executable, "-m", "pytest", "suites/"]
CANDIDATE = 'def slugify(title):\n    return title.lower().strip().replace(" ", "-")\n'
WIDTH, HEIGHT = 1280, 640


def write_picture(target: Path) -> None:
    """Judge the example twice, the second time with a wrong candidate, and write the first screen of its report."""
    from playwright.sync_api import sync_playwright

    executable = os.environ.get("CRUCIBLE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "my-tools"
        environ = os.environ | {"PYTHONPATH": str(HERE.parent)}
        subprocess.run([*CRUCIBLE, "init", str(project)], check=True, capture_output=True, env=environ)
        subprocess.run(PYTEST, cwd=project, check=True, capture_output=True, env=environ)
        (project / "candidates/slugify/mine.py").write_text(CANDIDATE, "utf-8")
        gate = ["--gate", "mean(score) >= 0.9"]
        subprocess.run([*PYTEST, *gate], cwd=project, check=False, capture_output=True, env=environ)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto((project / "reports/index.html").as_uri())
            page.wait_for_selector("#overview .copy")
            page.screenshot(path=target)
            browser.close()


if __name__ == "__main__":
    write_picture(HERE / "report.png")
