"""Trace items that are sent to the program that runs a verb."""

from __future__ import annotations

import json
import os

import pytest

from harness.dsl.tools.trace_lines import from_channel
from harness.lanes.kernel.trace_items import DESCRIPTOR_VARIABLE, Performance, correctness_items, send

TIMED = Performance(step_name="tiled", point="M=1", latency_ms=2.0, tflops=3.5, speedup=None, dram_throughput=7.0)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (None, {"step_name": "tiled", "tflops": 3.5, "dram_throughput": 7.0}),
        (("tflops", "speedup"), {"tflops": 3.5}),  # what was not measured is absent, never zero
    ],
)
def test_items_reach_whoever_listens(
    monkeypatch: pytest.MonkeyPatch, fields: tuple[str, ...] | None, wanted: dict[str, object]
) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv(DESCRIPTOR_VARIABLE, str(writing))
    send([TIMED], **({} if fields is None else {"fields": fields}))
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        items, problems = from_channel(file.read())
    assert (items, problems) == ([("TraceItem.Performance", wanted)], [])


def test_without_a_reader_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    genuine = os.write
    monkeypatch.setattr(os, "write", lambda number, data: tried.append(number) or genuine(number, data))
    for number in ("", "none", "987654"):
        monkeypatch.setenv(DESCRIPTOR_VARIABLE, number)
        send([TIMED])
    monkeypatch.delenv(DESCRIPTOR_VARIABLE)
    send([TIMED])
    assert tried == [987654], "the closed descriptor is tried once, the others never"


def test_each_question_is_an_item() -> None:
    entry = {"shape": {"M": 1}, "dtype": "float16", "family": "normal", "error": None, "right": False}
    (item,) = correctness_items("tiled", [entry])
    assert json.loads(json.dumps(item.to_wire()))["passed"] is False
