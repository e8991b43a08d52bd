"""A page with everything on it, and the system's Chromium to look at it.

Playwright's own download is never used. Without a Chromium (`CRUCIBLE_CHROMIUM`, else on PATH) these tests are skipped;
`CRUCIBLE_REQUIRE_BROWSER=1` makes that a failure.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.report.browser.made import write_moved, write_page
from tests.shared_run import shared

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no Chromium: install it (apt-get install chromium) or name it in CRUCIBLE_CHROMIUM"


def unavailable(why: str):
    """Skip, or fail where the browser is required."""
    if os.environ.get("CRUCIBLE_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def chromium():
    """The browser, until the end of the module: while Playwright runs, nothing else in the process may use asyncio."""
    executable = os.environ.get("CRUCIBLE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        unavailable(MISSING)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        unavailable("no Playwright: pip install -e '.[dev]'")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            )
        except Error as error:
            unavailable(f"{executable} does not start: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder with l.db, page.html, moved.html, and small.html, which has no details but those of failing cases."""

    def make(folder: Path) -> None:
        write_page(folder)
        write_moved(folder)

    return shared(tmp_path_factory, "browser", make)


@pytest.fixture
def look(chromium, written):
    """Open an address of the page; what it says to the console, or asks of any network, is an error at the end."""
    said, contexts = [], []

    def open_page(address="", *, name="page.html", width=1280, height=800, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # reached only by what never happens, also on a loaded machine
        file = (written / name).as_uri()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((file, "data:", "blob:")) else said.append(f"request: {request.url}")
            ),
        )
        page.goto(f"{file}{address}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector(".copy, main", state="attached")
            page.wait_for_selector("#view > *" if address else "#overview .copy, #overview .tiles")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
