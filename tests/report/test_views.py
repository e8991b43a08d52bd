"""Views of suites and of the ledger: they agree with its rows, and say why they are absent."""

from __future__ import annotations

import pytest

from harness.ledger import handoffs
from harness.ledger.handoffs import Handoff, Handoffs
from harness.ledger.store import Ledger
from harness.report import trends, views
from harness.report.page import gather
from tests.ledger.factory import fill, make_evaluation


def styled(name, style, growth, **more):
    made = make_evaluation(name, style=style, **more)
    facts = {"profile": {"growth": growth, "rows": []}} if growth is not None else {}
    return made.model_copy(update={"evidence": made.evidence.model_copy(update={"facts": facts})})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def board_of(ledger):
    page = gather(ledger)
    return ledger, page, page.boards[0]


class TestStyles:
    def test_the_best_passing_score_of_each_style_and_growth(self, path):
        made = [styled("a", "loop", 1.04, score=0.9), styled("b", "loop", 0.8, score=0.95),
                styled("c", "loop", 1.9, score=0.85), styled("d", "trie", 1.1, score=0.88),
                styled("e", "trie", 1.1, score=0.99, status="wrong"), styled("f", "set", None),
                styled("g", "trie", -0.4, score=0.81)]  # fmt: skip
        fill(path, made)
        with Ledger.read(path) as ledger:
            found = views.style_map(*board_of(ledger))
        assert found.columns == ("n^0", "n^1", "n^2")
        assert dict(zip(found.rows, found.values, strict=True)) == {
            "loop": (None, 0.95, 0.85),
            "trie": (0.81, 0.88, None),
        }
        assert found.absent == "1 of 6 passing candidates were not timed at several sizes"
        assert not found.lower_is_better

    def test_without_styles_there_is_none_and_without_times_a_reason(self, path, monkeypatch):
        fill(path, [make_evaluation("a")], [styled("a", "loop", None)], [styled("a", "loop", 1.0)])
        with Ledger.read(path) as ledger:
            first, second, _ = (row["run_id"] for row in ledger.rows("SELECT run_id FROM runs ORDER BY run_id"))
            page = gather(ledger, first)
            assert views.style_map(ledger, page, page.boards[0]) is None
            page = gather(ledger, second)
            found = views.style_map(ledger, page, page.boards[0])
            assert (found.rows, found.absent[:6]) == ((), "1 of 1")
            monkeypatch.setattr(views, "MAX_RECORDS", 0)
            found = views.style_map(*board_of(ledger))
            assert (found.rows, found.absent) == ((), "drawn for runs of at most 0 cases")


class TestEpochs:
    def test_the_last_run_at_each_epoch_of_this_machine_and_tier(self, path):
        fill(path, [make_evaluation("a", score=0.5)], epoch=0)
        fill(path, [make_evaluation("a", score=0.95), make_evaluation("b", score=0.85)], start=2, epoch=0)
        fill(path, [make_evaluation("a", score=0.1)], start=3, epoch=10, machine="another")
        fill(path, [make_evaluation("a", score=0.9), make_evaluation("b", score=0.7, gate=0.8),
                    make_evaluation("c", score=0.0, status="wrong", expect="wrong")], start=4, epoch=20)  # fmt: skip
        with Ledger.read(path) as ledger:
            found = views.against_epoch(*board_of(ledger))
        assert [line.x for line in found.lines] == [(0.0, 20.0)] * 3
        for line, wanted in zip(found.lines, [(0.95, 0.9), (0.9, 0.8), (1.0, 0.5)], strict=True):
            assert line.y == pytest.approx(wanted)
        assert found.sentence.startswith("best score 0.950 at epoch 0, 0.900 at epoch 20")
        assert found.absent == ""

    def test_one_epoch_is_no_picture(self, path):
        fill(path, [make_evaluation("a")], [make_evaluation("a")], epoch=7)
        with Ledger.read(path) as ledger:
            found = views.against_epoch(*board_of(ledger))
        assert found.lines == ()
        assert "judged at epoch 7 only" in found.absent


class TestHandoffs:
    def test_the_queue_is_counted_by_how_far_it_came(self, path):
        fill(path, [make_evaluation("fixed"), make_evaluation("bad", status="wrong", score=0.1)])
        ends = [handoffs.REPAIRED, handoffs.REPAIRED, handoffs.UNCONFIRMED, handoffs.EXHAUSTED]
        with Ledger.open(path) as ledger:
            queue = Handoffs(ledger)
            queue.add(Handoff("toolgen", "clamp", "t", f"d{number}", "wrong") for number in range(6))
            good = ledger.rows("SELECT digest FROM evaluations WHERE subject = 'fixed'")[0]["digest"]
            for number, state in enumerate(ends):
                queue.finish(queue.take("me", seconds=600), "me", state, {}, child=good if number == 0 else "")
            queue.take("me", seconds=600)
            found = views.handoff_funnel(ledger)
            assert "2 repaired, 1 exhausted, 1 leased, 1 queued, 1 unconfirmed" in trends.section(
                ledger, gather(ledger)
            )
        assert dict(zip(found.labels, found.values, strict=True)) == {
            "handed off": 6,
            "taken": 5,
            "ended": 4,
            "a repair was found": 3,
            "confirmed on fresh inputs": 2,
            "the repair passes its suite": 1,
        }
        assert list(found.values) == sorted(found.values, reverse=True)

    def test_an_empty_queue_is_no_picture(self, path):
        fill(path, [make_evaluation("a")])
        with Ledger.read(path) as ledger:
            found = views.handoff_funnel(ledger)
        assert found.labels == ()
        assert "no candidate was handed off" in found.absent


class TestTrends:
    def test_scores_pass_counts_and_median_times_of_each_suite(self, path):
        before = [make_evaluation("a", median_ms=4.0), make_evaluation("b", score=0.85, median_ms=2.0),
                  make_evaluation("c", score=0.82, median_ms=9.0), make_evaluation("k", expect="ok")]  # fmt: skip
        now = [make_evaluation("a", score=0.9, median_ms=8.0), make_evaluation("b", score=0.85, median_ms=6.0),
               make_evaluation("c", status="wrong", score=0.1, median_ms=0.1)]  # fmt: skip
        fill(path, before, now)
        with Ledger.read(path) as ledger:
            page = gather(ledger)
            rows = trends._rows(ledger, [one["run_id"] for one in reversed(page.recent)])["toolgen", "clamp.suite.yaml"]
            text = trends.section(ledger, page)
        assert [(row["passing"], row["judged"], row["first"], row["middle"]) for row in rows] == [
            (3, 3, 4.0, 4.0), (2, 3, 8.0, 7.0),
        ]  # fmt: skip
        assert "best score 0.900; mean score 0.857 → 0.617; passing 3 of 3 → 2 of 3" in text
        assert "<b>toolgen clamp, median time</b> of the best score 4 ms → 8 ms" in text

    def test_a_suite_that_is_not_timed_has_no_picture_of_times(self, path):
        fill(path, [make_evaluation("a", median_ms=None)], [make_evaluation("a", median_ms=None)])
        with Ledger.read(path) as ledger:
            assert "median time" not in trends.section(ledger, gather(ledger))
