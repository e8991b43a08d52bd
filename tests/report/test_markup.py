"""Markup of names and answers: what is shown is what was given, broken or marked where it helps."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import example, given
from hypothesis import strategies as st

from harness.report import words
from harness.report.charts.score_bar import MARK, ZERO, bullet
from harness.report.markup import breakable, coded, differing


def plain(markup):
    return unescape(re.sub(r"</?(wbr|mark)>", "", markup))


def marked(markup):
    found = re.search("<mark>(.*)</mark>", markup)
    return unescape(found[1]) if found else ""


def test_a_name_is_broken_between_its_parts():
    shown = breakable("suites/dsl/hello.suite.yaml::hellospak::write_file")
    parts = ["suites/", "dsl/", "hello.", "suite.", "yaml::", "hellospak::", "write_", "file"]
    assert shown.split("<wbr>") == parts
    assert breakable("mean(score) >= 0.95") == "mean(score) &gt;=<wbr> 0.95"


@given(st.text(max_size=60))
@example("<b>::a/b_c&amp;")
def test_breaking_changes_nothing(text):
    assert plain(breakable(text)) == words.printable(text)


def test_what_stands_in_backquotes_is_code_but_not_within_quotes():
    assert coded("`until` is a condition (`crucible doctor`): <b>") == (
        "<code>until</code> is a condition (<code>crucible doctor</code>): &lt;b&gt;"
    )
    for text in ('f() returned "`a`", not "a"', "a`b`", "` one backquote", "`<b>"):
        assert unescape(coded(text)) == text
    assert coded("see `<b>`") == "see <code>&lt;b&gt;</code>"


@given(st.text("ab<", max_size=12), st.text("ab<", max_size=12))
@example("", "a")
def test_marking_changes_nothing_and_marks_what_differs(one, two):
    first, second = differing(one, two), differing(two, one)
    assert (plain(first), plain(second)) == (one, two)
    if marked(first) and marked(second):
        assert marked(first) != marked(second)


def test_what_differs_is_marked_and_no_more():
    assert marked(differing('{"cycle":["t1","t2"]}', '{"cycle":["t1","t9"]}')) == "2"
    assert marked(differing("[1,2]", "[1,2]")) == ""
    assert marked(differing("yes", "no")) == ""  # nothing in common: all of it differs
    assert marked(differing("relative error 0.707", "at most 4.77e-07")) == ""  # only their last digits


def test_a_threshold_of_zero_is_seen():
    shown = bullet(2.0, 0.0, passed=False)
    bar = re.search(r'<rect x="([\d.]+)" y="2" width="([\d.]+)"', shown)
    assert bar is not None
    assert float(bar[1]) == ZERO > MARK / 2  # the mark stands free of the edge, and the bar begins in its middle
    assert "observed 2, threshold 0" in shown


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_bar_ends_on_its_side_of_the_threshold(observed, threshold):
    shown = bullet(observed, threshold, passed=observed >= threshold)
    bar = re.search(r'<rect x="[\d.]+" y="2" width="([\d.]+)"', shown)
    mark = re.search(r'<rect x="([\d.]+)" width="2.5"', shown)
    end, at = ZERO + float(bar[1]), float(mark[1]) + MARK / 2
    assert (end - at) * (observed - threshold) >= -0.2 * abs(observed - threshold)
