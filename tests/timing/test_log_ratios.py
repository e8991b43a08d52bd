"""From calls to ratios: waiting left out, a sleeper not excused, and CPU time where that is all there is."""

from __future__ import annotations

import math

import pytest

from harness.core.quality import Quality
from harness.timing.log_ratios import by_cpu, by_wall
from harness.timing.stopwatch import Measurement


class TestWaiting:
    def measured(self, subject, waited):
        """One group of ten pairs: the opponent takes 1 s, the subject what is said; who waited is said, too."""
        sides = {"subject": subject, "opponent": [1.0] * 10, "twin": [1.0] * 10}
        samples = {("0", side): list(walls) for side, walls in sides.items()}
        flags = {("0", side): waited.get(side, [False] * 10) for side in sides}
        return Measurement(samples, Quality(), flags)

    def test_pairs_that_were_kept_waiting_are_left_out(self):
        late = [True] + [False] * 9
        found = self.measured([9.0] + [1.0] * 9, {"subject": late, "opponent": late})
        logs = by_wall(found, 1)
        [pairs], [control] = logs.pairs, logs.control
        assert (len(pairs), len(control), logs.dropped) == (9, 9, 1)
        assert pairs == pytest.approx([0.0] * 9)

    def test_a_subject_that_sleeps_is_not_excused(self):
        sleeps = [True] * 4 + [False] * 6
        logs = by_wall(self.measured([9.0] * 4 + [1.0] * 6, {"subject": sleeps}), 1)
        assert (len(logs.pairs[0]), logs.dropped) == (10, 0)

    def test_where_everybody_waits_everything_counts(self):
        always = [True] * 10
        found = self.measured([2.0] * 10, {"subject": always, "opponent": always, "twin": always})
        logs = by_wall(found, 1)
        assert (len(logs.pairs[0]), len(logs.control[0]), logs.dropped) == (10, 10, 0)


class TestCpu:
    def measured(self, **cpu):
        return Measurement({}, Quality(), {}, {("0", side): used for side, used in cpu.items()})

    def test_cpu_time_is_compared_pair_by_pair(self):
        logs = by_cpu(self.measured(subject=[2.0, 4.0], opponent=[1.0, 2.0], twin=[1.0, 2.0]), 1)
        assert logs.pairs == [pytest.approx([math.log(2)] * 2)]
        assert logs.control == [pytest.approx([0.0] * 2)]

    def test_the_null_call_is_subtracted(self):
        found = self.measured(subject=[3.0], opponent=[2.0], twin=[2.0])
        found.cpu["null", "null"] = [1.0, 5.0]
        assert by_cpu(found, 1).pairs == [pytest.approx([math.log(2)])]

    def test_where_clocks_cannot_be_read_there_is_nothing(self):
        assert by_cpu(self.measured(subject=[0.0], opponent=[0.0], twin=[0.0]), 1).pairs == [[]]
