"""The clocks of a box move between two calls, its guard hides the machine's, and a tool may keep them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boxes with layers need Linux")
GUARD = "guarded,no-files,no-network,no-system,no-text"
MODULES = ("asyncio", "datetime", "logging", "os", "time", "uuid")
DAY = 86_400.0
CALLS = 6
SOURCE = b"""
import asyncio, datetime, logging, os, time, uuid

async def moment():
    return asyncio.get_running_loop().time()

def run():
    stamp = lambda text: datetime.datetime.strptime(text, "%a %b %d %H:%M:%S %Y").timestamp()
    dates = {
        "time": time.time(), "time_ns": time.time_ns() / 1e9, "by id": time.clock_gettime(0),
        "coarse": time.clock_gettime_ns(5) / 1e9, "localtime": time.mktime(time.localtime()),
        "gmtime": time.mktime(time.gmtime()), "ctime": stamp(time.ctime()), "asctime": stamp(time.asctime()),
        "strftime": stamp(time.strftime("%a %b %d %H:%M:%S %Y")), "now": datetime.datetime.now().timestamp(),
        "utcnow": datetime.datetime.utcnow().timestamp(), "today": datetime.datetime.today().timestamp(),
        "inherited": type("D", (datetime.datetime,), {}).now(datetime.timezone.utc).timestamp(),
        "record": logging.makeLogRecord({}).created,
    }
    counts = {
        "monotonic": time.monotonic(), "monotonic_ns": time.monotonic_ns() / 1e9, "perf_counter": time.perf_counter(),
        "perf_counter_ns": time.perf_counter_ns() / 1e9, "by id": time.clock_gettime(1), "boot": time.clock_gettime(7),
        "os.times": os.times().elapsed, "loop": asyncio.run(moment()),
    }
    held = [type(time).__name__, *(type(one).__name__ for clock in (time.time, time.gmtime, datetime.datetime.now)
            for one in (getattr(clock, "__func__", clock),)
            for one in (one.__closure__, one.__defaults__ and one.__defaults__[0], one.__kwdefaults__))]
    return {"dates": dates, "counts": counts, "cpu": time.process_time(), "held": held,
            "uuid": uuid.uuid1().time / 1e7 - 12_219_292_800,
            "kept": time.gmtime(0).tm_year, "date": datetime.date.today().year - datetime.datetime.now().year}
"""


def ask(pool: BoxPool, *rules: str) -> list[dict[str, Any]]:
    entry = "run:" + ",".join([*rules, GUARD, *(f"import={name}" for name in MODULES)])
    with pool.open(SOURCE, entry=entry, limits=Limits()) as box:
        return [json.loads(box.call({}).payload) for _ in range(CALLS)]


@pytest.fixture(scope="module")
def answers() -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    with BoxPool() as pool:
        yield ask(pool, "clock"), ask(pool)


def test_every_clock_moves_between_calls(answers) -> None:
    moved, _ = answers
    for call in moved:
        assert call["cpu"] < DAY
        assert call["kept"] == 1970
        assert call["held"] == ["module"] + ["NoneType"] * 9
    assert any(abs(call["uuid"] - time.time()) > DAY for call in moved)  # it never goes back
    for kind in ("dates", "counts"):
        for name in moved[0][kind]:
            times = [call[kind][name] for call in moved]
            assert max(times) - min(times) > DAY, (kind, name)
            if kind == "counts":
                assert times == sorted(times), name


def test_clocks_of_one_call_agree(answers) -> None:
    for call in [*answers[0], *answers[1]]:
        for times in (call["dates"], call["counts"]):
            assert max(times.values()) - min(times.values()) < DAY / 2


def test_without_the_rule_clocks_are_the_machines(answers) -> None:
    _, real = answers
    for call in real:
        assert all(abs(seconds - time.time()) < DAY for seconds in call["dates"].values())
        assert abs(call["counts"]["monotonic"] - time.monotonic()) < DAY


def test_an_object_that_lies_about_its_number_reads_no_other_clock() -> None:
    source = b"""
import time
class Number(int):
    __hash__ = lambda self: hash(2)
    __eq__ = lambda self, other: True
    __lt__ = __gt__ = lambda self, other: True
def run():
    return [time.clock_gettime(Number(0)), time.clock_gettime_ns(Number(0)) / 1e9, time.time()]
"""
    with BoxPool() as pool, pool.open(source, entry=f"run:clock,{GUARD},import=time", limits=Limits()) as box:
        first, second, now = json.loads(box.call({}).payload)
        assert abs(first - now) < DAY
        assert abs(second - now) < DAY


def test_no_clock_of_another_process_can_be_read() -> None:
    source = b"""
import time
def run():
    read = []
    for number in range(-64, 0):
        for clock in (time.clock_gettime, time.clock_gettime_ns):
            try:
                read.append(clock(number))
            except OSError:
                pass
    return read
"""
    with BoxPool() as pool, pool.open(source, entry=f"run:clock,{GUARD},import=time", limits=Limits()) as box:
        assert box.call({}).payload == b"[]"
