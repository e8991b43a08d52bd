"""Exhibits: bounded, JSON-safe, readable again, and shortened with a sentence where they are too large."""

from __future__ import annotations

import json
import math
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core import exhibit
from harness.core.evidence import Evidence
from harness.core.exhibit import Exhibit, inflate, pack, unpack
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

NOISE = random.Random(1)
AXIS = Axis(label="size", unit="items", log=True)


def numbers(count):
    return tuple(NOISE.random() for _ in range(count))


def words(count):
    return tuple(f"{NOISE.getrandbits(64):x}" for _ in range(count))


def window(start, count):
    ends = tuple(range(start + 1, start + count + 1))
    spans = Spans(
        start=tuple(range(start, start + count)),
        end=ends,
        kinds=("int",) * count,
        paths=words(count),
        values=words(count),
        invalid=(0, count - 1),
    )
    return Window(start=start, data=NOISE.randbytes(count).hex(), after=spans, before=spans)


def examples(n):
    """One value of each kind, of a size that grows with `n`."""
    return [
        Table(title="t", columns=("a", "b"), rows=tuple(zip(words(n), numbers(n), strict=True))),
        Series(title="s", x=AXIS, y=AXIS, lines=(Line(name="l", x=numbers(n), y=numbers(n), low=numbers(n)),)),
        Scatter(title="c", x=AXIS, y=AXIS, clouds=(Cloud(name="c", x=numbers(n), y=numbers(n), labels=words(n)),)),
        Bars(title="b", value=AXIS, labels=words(n), values=numbers(n), limits=numbers(n)),
        Heat(title="h", x=AXIS, y=AXIS, value=AXIS, columns=("c",), rows=words(n), values=tuple(zip(numbers(n)))),
        Timeline(title="i", lanes=("l",), lane=(0,) * n, start=numbers(n), end=numbers(n), labels=words(n)),
        Bytes(title="y", file="f", size=n, windows=(window(0, n // 2), window(n, n // 2))),
        Roofline(title="r", peak=1.0, bandwidth=2.0, labels=words(n), intensity=numbers(n), rate=numbers(n)),
        Text(title="x", text=" ".join(words(n))),
    ]  # fmt: skip


@pytest.mark.parametrize("value", examples(8), ids=lambda value: value.kind)
def test_every_kind_is_read_back(value):
    packed = pack("one", value)
    assert packed.kind == value.kind
    assert unpack(packed.kind, inflate(packed.stored)) == value
    assert pack("another name", value).digest == packed.digest
    wire = {"name": "one", "kind": packed.kind, "text": inflate(packed.stored)}
    assert Exhibit.from_wire(wire) == packed  # as the ledger has it


@pytest.fixture(scope="module")
def large():
    return {value.kind: value for value in examples(30_000)}


@pytest.mark.parametrize("kind", [value.kind for value in examples(2)])
def test_what_is_too_large_is_shortened_and_says_so(kind, large):
    value = large[kind]
    packed = pack("one", value)
    assert len(packed.stored) <= exhibit.MAX_STORED
    read = unpack(packed.kind, inflate(packed.stored))
    assert " of " in read.cut
    assert read.cut.endswith("are shown")
    first = int(read.cut.split(" of ")[1].split()[0].replace(",", ""))
    assert first >= 29_998  # the number that was there at first, not before the last cut
    assert read.title == value.title


def test_a_million_points_are_packed():
    line = Line(name="l", x=tuple(range(1_000_000)), y=tuple(range(1_000_000)))
    packed = pack("s", Series(title="s", x=AXIS, y=AXIS, lines=(line,)))
    read = unpack("series", inflate(packed.stored))
    assert read.cut.endswith("of 1,000,000 points are shown")
    assert read.lines[0].x[0] == 0
    assert read.lines[0].x[-1] == 999_999
    assert len(read.lines[0].x) == len(read.lines[0].y)


def test_numbers_that_json_does_not_have_become_undefined():
    packed = pack("t", Table(title="t", columns=("a",), rows=((math.nan,), (math.inf,), (True,), (3,))))
    assert unpack("table", inflate(packed.stored)).rows == ((None,), (None,), (True,), (3,))
    json.loads(inflate(packed.stored), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((1.0, math.nan), (1.0, None)),
        ((math.inf, -math.inf, 2), (None, None, 2.0)),
        ((None, 1.5), (None, 1.5)),
        ((1e308, 1e308), (1e308, 1e308)),  # finite numbers whose sum is not
        ([], ()),
    ],
)
def test_each_undefined_number_of_a_column_is_found(given, read):
    assert Line(name="l", x=given, y=()).x == read


@pytest.mark.parametrize("length", [0, 4095, 4096, 4097, 100_000])
def test_strings_of_all_lengths_come_back(length):
    text = "".join(random.Random(length).choices('abc"{}é', k=length))
    assert inflate(Exhibit.of("t", "text", text).stored) == text


def test_a_title_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="cannot be shortened"):
        pack("t", Text(title=" ".join(words(20_000)), text=""))


@pytest.mark.parametrize(
    "stored",
    [b"", b"junk", zlib.compress(b"[]"), zlib.compress(b'{"title":"t"}'), zlib.compress(b"x" * (5 << 20))],
    ids=["empty", "not deflated", "not an object", "incomplete", "a bomb"],
)
def test_damaged_data_is_nothing(stored):
    assert unpack("series", inflate(stored)) is None
    assert unpack("a kind of a later version", inflate(stored)) is None


def test_the_exhibits_of_a_case_are_bounded():
    each = [pack(f"e{n}", Text(title="t", text=" ".join(words(3000)))) for n in range(40)]
    kept = Evidence(status="ok", exhibits=tuple(each)).exhibits
    assert sum(len(one.stored) for one in kept) <= exhibit.MAX_CASE + 200
    note = unpack("text", inflate(kept[-1].stored))
    assert note.title == f"{len(each) - len(kept) + 1} more exhibits"
    assert kept[:-1] == tuple(each[: len(kept) - 1])


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.lists(st.floats()), st.lists(st.one_of(st.none(), st.floats(), st.text())))
def test_any_text_and_numbers_survive(title, label, xs, ys):
    value = Series(
        title=title.encode("utf-8", "replace").decode(),
        x=Axis(label=label.encode("utf-8", "replace").decode()),
        y=AXIS,
        lines=(Line(name="l", x=tuple(xs), y=tuple(y for y in ys if not isinstance(y, str))),),
    )
    packed = pack("s", value)
    assert unpack("series", inflate(packed.stored)) == value
