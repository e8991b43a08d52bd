"""Charts of all kinds: well-formed, escaped, within their frame, whatever the numbers and names are."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.core.exhibit_kinds import (
    Axis,
    Bars,
    Bytes,
    Cloud,
    Heat,
    Line,
    Roofline,
    Scatter,
    Series,
    Spans,
    Table,
    Text,
    Timeline,
    Window,
)
from harness.report.charts import hexdump, pareto, score_bar
from harness.report.charts.figure import figure, rows_of
from harness.report.charts.roofline import said
from harness.report.charts.scale import scale

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m" + "x" * 300
LOG = Axis(label=HOSTILE, unit="ms", log=True)
ODD = (None, 0.0, -1.0, 1e-300, 1e300, 5.0)


def spans(*rows):
    start, end = zip(*rows, strict=True) if rows else ((), ())
    return Spans(start=start, end=end, kinds=("int",) * len(rows), paths=(HOSTILE,) * len(rows), invalid=(0, 99))


CELLS = ((None, HOSTILE), (1,), (True, 2.5), (10**30, math.nan), (1, 2, 3))
VALUES = [
    Table(title=HOSTILE, columns=("a", HOSTILE), rows=CELLS),
    Series(title=HOSTILE, x=LOG, y=LOG, lines=(Line(name=HOSTILE, x=ODD, y=ODD[::-1], low=(1.0,), high=ODD),)),
    Series(title="empty", x=LOG, y=LOG, absent=HOSTILE),
    Series(title="one", x=Axis(label="x"), y=Axis(label="y"), lines=(Line(name="l", x=(3.0,), y=(3.0,)),)),
    Scatter(title=HOSTILE, x=LOG, y=LOG, clouds=(Cloud(name=HOSTILE, x=ODD, y=ODD, labels=(HOSTILE,)),)),
    Scatter(title="dense", x=Axis(label="x"), y=LOG, clouds=(
        Cloud(name="many", x=tuple(map(float, range(1, 5000))), y=tuple(map(float, range(1, 5000)))),
        Cloud(name="bad", x=(1.0,), y=(1.0,), role="failing"))),
    Bars(title=HOSTILE, value=LOG, labels=(HOSTILE,) * 6, values=ODD, limits=ODD[::-1], before=(1.0,)),
    Heat(title=HOSTILE, x=LOG, y=LOG, value=LOG, columns=(HOSTILE,) * 3, rows=(HOSTILE,) * 2,
         values=((1.0, None, 2.0),)),
    Timeline(title=HOSTILE, lanes=(HOSTILE,), lane=(0, 0, 0, 7), start=(0.0, 5.0, 2.0, 1.0), end=(3.0, 1.0, None, 1.0),
             labels=(HOSTILE,), states=("ok", "wrong", "open"), lines=(1, None)),
    Timeline(title="none", absent="nothing"),
    Bytes(title=HOSTILE, file="f", size=20, windows=(
        Window(start=16, data="00ff" * 10, after=spans((0, 18), (17, 30), (25, 24), (35, 99)), before=spans()),
        Window(start=0, data="zz", after=spans()))),
    Roofline(title=HOSTILE, peak=900.0, bandwidth=4000.0, labels=(HOSTILE,), intensity=ODD, rate=ODD[::-1]),
    Text(title=HOSTILE, text=HOSTILE + "\n\ttabbed\n", language="python"),
    Text(title="unknown", text="x", language="a language of a later Pygments"),
]  # fmt: skip
EACH = pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value.kind}-{value.title[:5]}")


@EACH
@pytest.mark.parametrize("scripted", [False, True])
def test_whatever_the_data_the_figure_is_sound(value, scripted):
    markup = str(figure(HOSTILE, value, scripted=scripted))
    root = ET.fromstring(markup)
    assert not [one for one in root.iter() if one.tag in ("script", "style")]
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or name == "style"]
    assert "\x1b" not in markup
    assert "\u202e" not in markup
    for svg in root.iter("svg"):
        assert svg.attrib["aria-label"]
        _, _, width, height = map(float, svg.attrib["viewBox"].split())
        for text in svg.iter("text"):
            assert 0 <= float(text.attrib["x"]) <= width
            assert 0 <= float(text.attrib["y"]) <= height
        for shape in svg.iter("rect"):
            assert float(shape.attrib["width"]) >= 0
            assert float(shape.attrib["x"]) + float(shape.attrib["width"]) <= width + 0.1


@EACH
def test_every_figure_has_its_table(value):
    head, rows = rows_of(value)
    assert head
    assert all(len(row) <= max(len(head), 3) for row in rows)


@EACH
def test_the_data_of_a_table_are_its_cells(value):
    drawn, data = ET.fromstring(str(figure(HOSTILE, value))), ET.fromstring(str(figure(HOSTILE, value, scripted=True)))
    tables = [table for table in drawn.iter("table") if table.attrib.get("class") != "hex"]
    cells = [[(cell.text or "", cell.attrib.get("class")) for cell in row] for one in tables for row in one.iter("tr")]
    sent = [row for one in data.iter("data") for head, rows in [json.loads(one.text)] for row in (head, *rows)]
    assert [[cell_of(value) for value in row] for row in sent] == cells
    drawn_only = [one for one in data.iter("table") if one.attrib.get("class") != "hex"]
    assert not drawn_only


def cell_of(value):
    """The text and the class of a cell, as the script of the page makes it from its data."""
    if isinstance(value, str):
        return value, None
    return (value[0] if isinstance(value, list) else str(value)), "num"


def test_the_line_of_a_limit_has_its_number():
    shares = Bars(
        title="b", value=Axis(label="share", unit="%"), labels=("a", "b"), values=(5200.0, 40.0), limits=(100.0,) * 2
    )
    speeds = Bars(
        title="b",
        value=Axis(label="speed-up", unit="x"),
        labels=("a", "b"),
        values=(0.5, 2.0),
        limits=(1.0,) * 2,
        lower_is_better=False,
    )
    each = shares.model_copy(update={"limits": (100.0, 50.0)})
    drawn = [str(figure("b", value)) for value in (shares, speeds, each)]
    texts = [[one.text for one in ET.fromstring(one).iter("text")] for one in drawn]
    assert "at most 100 %" in texts[0]
    assert "▸5.2k" in texts[0]  # longer than the chart is wide
    assert "at least 1x" in texts[1]
    assert {"a (at most 100 %)", "b (at most 50 %)"} <= set(texts[2])
    assert [one.count("bar over") for one in drawn] == [1, 1, 1]  # slower than a baseline is what misses, not faster


def test_overlapping_and_distant_spans_are_cut_to_the_bytes():
    view = ET.fromstring(str(figure("b", VALUES[10])))
    fields = [one for one in view.iter("span") if "data-field" in one.attrib]
    assert sum(len(one.text.split()) for one in fields) == 40  # each of 20 bytes once before, once after
    assert [len(row.findall("td/span")) for row in view.iter("tr") if row.find("td[@class='ascii']") is not None]


def test_a_byte_is_named_by_the_row_of_its_field():
    before = spans((3, 20), (0, 3), (20, 25), (18, 19))
    view = Bytes(title="b", file="f", size=40, windows=(
        Window(start=0, data="00" * 32, before=before, after=spans((0, 3), (3, 8), (8, 32))),
        Window(start=32, data="00" * 4, after=spans((32, 34)))))  # fmt: skip
    head, rows = rows_of(view)
    for limit in (200, 5):
        drawn = ET.fromstring(str(hexdump.draw(view, limit)))
        at, reached = [{}, {}], set()
        for line in [row for row in drawn.iter("tr") if row.find("th[@scope='row']") is not None]:
            offset = int(line.find("th").text, 16)
            for side, cell in enumerate(line.findall("td")[:-1]):
                place = offset
                for span in cell.findall("span"):
                    for _ in span.text.split():
                        at[side if offset < 32 else 1][place] = span.attrib["data-field"]
                        place += 1
        for side, when in enumerate(view.names):
            for place, field in at[side].items():
                if field.isdigit():
                    row = dict(zip(head, rows[int(field) - 1], strict=True))
                    assert row["grammar"] == when
                    assert row["start"] <= place < row["end"]
                    reached.add(int(field))
                elif "no field" not in field:
                    start, end = (int(one, 16) for one in re.match(r"(\w+) to (\w+): ", field).groups())
                    assert start <= place < end
        assert reached == {one for one in (1, 2, 3, 5, 6, 7, 8) if one <= limit}  # 4 lies within 1
        assert sorted(at[1]) == [*range(32), 32, 33, 34, 35]


@pytest.mark.parametrize(
    ("before", "wrong", "keys"),
    [
        (None, (), ["integer"]),
        ("x", (), ["integer", "read differently before"]),
        ("x", (0,), ["integer", "invalid"]),
    ],
)
def test_what_is_marked_in_bytes_has_a_key(before, wrong, keys):
    after = Spans(start=(0,), end=(2,), kinds=("int",), paths=("x",), invalid=wrong)
    old = after.model_copy(update={"paths": ("other" if not wrong else "x",), "invalid": ()}) if before else None
    window = Window(start=0, data="00ff", before=old, after=after)
    view = ET.fromstring(str(figure("b", Bytes(title="b", file="f", size=2, windows=(window,)))))
    [legend] = [one for one in view.iter("p") if one.attrib.get("class") == "legend"]
    assert [one.text.removesuffix(" value") for one in legend] == keys


def test_a_span_that_ends_before_it_begins_is_drawn():
    view = ET.fromstring(str(figure("t", VALUES[8])))
    marks = [one for one in view.iter("rect") if one.attrib.get("class", "").startswith("span")]
    assert len(marks) == 3  # the fourth is on a lane that does not exist


def test_a_roofline_says_what_bounds_in_words():
    value = Roofline(title="r", peak=900.0, bandwidth=4000.0)
    assert said(value, 10.0, 20.0) == "bound by memory, 50% of the roof"
    assert said(value, 1000.0, 450.0) == "bound by computation, 50% of the roof"


@settings(max_examples=100, deadline=None, phases=[Phase.generate])
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))), st.booleans())
def test_ticks_are_on_the_axis_and_in_order(values, log):
    made = scale(Axis(label="a", log=log), values, 0.0, 100.0)
    places = [made.at(value) for value, _ in made.ticks(room=200.0)]
    assert all(place is not None and -0.001 <= place <= 100.001 for place in places)
    assert places == sorted(places)
    assert len(places) <= 9
    assert all(made.at(value) is None or 0 <= made.at(value) <= 100 for value in values)


class TestScore:
    def test_the_parts_add_up(self):
        bar = ET.fromstring(str(score_bar.stacked((("a", 0.4), ("b", 0.25)), 0.65)))
        widths = [float(one.attrib["width"]) for one in bar.iter("rect") if "part" in one.attrib["class"]]
        assert sum(widths) == pytest.approx(65.0, abs=0.1)
        assert bar.attrib["aria-label"] == "a 0.400, b 0.250; total 0.650"

    def test_what_was_taken_off_is_marked(self):
        bar = ET.fromstring(str(score_bar.stacked((("a", 1.0),), 0.5)))
        [off] = [one for one in bar.iter("rect") if one.attrib["class"] == "off"]
        assert (float(off.attrib["x"]), float(off.attrib["width"])) == (50.0, 50.0)

    @pytest.mark.parametrize("values", [[], [1.0], [None, 1.0], [math.nan, 1.0]])
    def test_one_run_has_no_trend(self, values):
        assert score_bar.spark(values) == ""

    def test_a_gap_in_a_trend(self):
        assert "from 0.500 to 1.000" in score_bar.spark([0.5, None, 1.0])


def test_pareto_draws_fronts_links_and_density():
    few = [pareto.Point(HOSTILE, 1.0 + n, 0.5, None, "front" if n else "failing", "/case/x") for n in range(3)]
    drawn = ET.fromstring(str(pareto.draw("P", few, [("limit", 5.0)], str)))
    assert [one.attrib["href"] for one in drawn.iter("a")] == ["#/case/x"] * 3
    many = [pareto.Point("c", 1.0 + n, n / 5000, 1.0, "front" if n == 4999 else "", "/c") for n in range(5000)]
    drawn = ET.fromstring(str(pareto.draw("P", many, [], str)))
    assert len(list(drawn.iter("a"))) == 1
    assert len(list(drawn.iter("rect"))) < 2000


def test_a_bar_far_beyond_its_limit_leaves_the_others_comparable():
    numbers = {"values": (30.0, 1.5e8, 60.0), "limits": (100.0,) * 3}
    value = Bars(title="Errors", value=Axis(label="share", unit="%"), labels=("a", "b", "c"), **numbers)
    drawn = ET.fromstring(str(figure("errors", value)).replace("&nbsp;", " "))
    bars = [one for one in drawn.iter("rect") if str(one.get("class")).startswith("bar")]
    widths = [float(one.get("width")) for one in bars]
    assert [one.get("class") for one in bars] == ["bar", "bar over", "bar"]
    assert widths[2] == pytest.approx(2 * widths[0], rel=0.02)
    assert widths[1] == max(widths)


def test_a_full_track_of_a_percentage_is_all_of_it():
    value = Bars(
        title="Shares", value=Axis(label="share", unit="%"), labels=("a", "b"), values=(93.0, 46.5), before=(1.0,)
    )
    drawn = ET.fromstring(str(figure("shares", value)).replace("&nbsp;", " "))
    bars = [one for one in drawn.iter("rect") if str(one.get("class")) in ("bar", "track")]
    [track, first, _, second] = [float(one.get("width")) for one in bars]
    assert (first / track, second / track) == pytest.approx((0.93, 0.465), abs=0.01)
    assert "grey: before" in "".join(drawn.itertext())


def test_a_table_has_no_empty_column():
    rows = (("fast", "true", ""), ("small", "false", None))
    shown = str(figure("facts", Table(title="Facts", columns=("fact", "is", "why it is undefined"), rows=rows)))
    assert "undefined" not in shown
    assert shown.count("<th ") == 2
