"""The page while a run lasts: rewritten now and then, marked as running, and never at more than a share of the time."""

from __future__ import annotations

from types import SimpleNamespace

from harness.ledger.store import Ledger
from harness.session.live_page import SECONDS, SHARE, LivePage
from tests.ledger.factory import make_evaluation, make_run


class Clock:
    """Seconds that pass only when a test says so, and while a page is written."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def open_run(tmp_path, cases=5):
    ledger = Ledger.open(tmp_path / "l.db")
    ledger.begin(run := make_run(1))
    ledger.record(make_evaluation(), run_id=run.run_id)
    return SimpleNamespace(ledger=ledger, run=run, cases=dict.fromkeys(range(cases)))


def test_it_is_marked_as_running(tmp_path):
    clock, opened = Clock(), open_run(tmp_path, cases=242)
    page = LivePage(opened, SimpleNamespace(report=tmp_path / "r.html"), clock=clock)
    assert not page.advance(1)
    clock.now = SECONDS + 10
    assert page.advance(1)
    text = (tmp_path / "r.html").read_text()
    assert "(running, 1 of 242)" in text
    assert '<meta http-equiv="refresh" content="30">' in text
    assert not page.advance(2)  # the next one is not due yet
    opened.ledger.close()


def test_it_takes_a_small_share_of_the_run(tmp_path, monkeypatch):
    clock, opened, written = Clock(), open_run(tmp_path), []

    def write(*_, **__):
        written.append(clock.now)
        clock.now += 2.0  # a large page

    monkeypatch.setattr("harness.report.html.write_report", write)
    page = LivePage(opened, SimpleNamespace(report=tmp_path / "r.html"), clock=clock)
    while clock.now < 2000:
        clock.now += 1.0
        page.advance(100)
    assert 2 < len(written) <= 10
    assert 2.0 * len(written) <= SHARE * clock.now + 2.0
    opened.ledger.close()


def test_a_folder_that_vanished_does_not_stop_the_run(tmp_path):
    clock, opened = Clock(), open_run(tmp_path)
    (tmp_path / "file").touch()
    page = LivePage(opened, SimpleNamespace(report=tmp_path / "file" / "r.html"), clock=clock)
    clock.now = 100.0
    assert page.advance(1)
    opened.ledger.close()
