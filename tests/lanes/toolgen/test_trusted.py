"""An oracle that hangs, exits or raises where it should not: the verdict names the function, the file and the input."""

from __future__ import annotations

import pytest

from harness.core.status import Status
from harness.judge.case import evaluate_case
from harness.lanes.toolgen import oracle, property_check
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.prepared_tools import MAX_KILLS
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL

EXIT = "    import sys\n    sys.exit(3)\n"
HANG = "    while True:\n        pass\n"
BREAKS = {
    "reference": lambda body: ORACLE.replace("    if lo > hi:\n", f"{body}    if lo > hi:\n"),
    "accept": lambda body: f"{ORACLE}\n\ndef accept(kwargs, output):\n{body}",
    "property law": lambda body: f"{ORACLE}\n\ndef law(call, kwargs, rng):\n{body}\n\nPROPERTIES = (law,)\n",
    "edges": lambda body: f"{ORACLE}\n\ndef edges():\n{body}",
    "workload": lambda body: f"{ORACLE}\n\ndef workload(size, rng):\n{body}",
}


@pytest.fixture
def judge(bench, context):
    """As a run judges: what trusted files do wrong is a verdict."""
    return lambda source, *, questions=8, **policy: evaluate_case(
        bench.case(source, questions=questions, **policy), Toolgen(), context
    )


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(oracle, "TRUSTED_SECONDS", 0.2)


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize(("body", "said"), [(HANG, "did not return within 0.2 s"), (EXIT, "sys.exit(3)")])
def test_trusted_code_that_does_not_come_back(bench, judge, soon, name, body, said):
    bench.tool(TOOL, BREAKS[name](body))
    found = judge(GOOD, timing="cpu" if name == "workload" else "none")
    assert found.status is Status.INFRA
    assert f"the oracle's {name} " in found.why
    assert said in found.why
    assert "oracle.py" in found.why
    assert (found.evidence.fault, found.evidence.facts) == ("trusted file", {})
    if name in ("reference", "accept", "property law"):
        assert '"x":' in found.why  # the input


def test_an_oracle_whose_import_hangs(bench, judge, monkeypatch):
    monkeypatch.setattr(oracle, "IMPORT_SECONDS", 0.5)
    bench.tool(TOOL, f"{ORACLE}\n\nwhile True:\n    pass\n")
    found = judge(GOOD)
    assert found.status is Status.INFRA
    assert "importing the oracle did not return within 0.5 s" in found.why
    assert "inputs()" not in found.why


ENDING = """
import os, signal

with open({path!r}, "a") as file:
    file.write("started\\n")
with open({path!r}) as file:
    started = len(file.readlines())
if started <= {times}:
    {deed}
"""
ENDS = {
    "os.kill(os.getpid(), signal.SIGKILL)": "was killed (SIGKILL: out of memory?)",
    "os.kill(os.getpid(), signal.SIGSEGV)": "was killed (SIGSEGV)",
    "os._exit(3)": "ended with exit status 3",
}


@pytest.mark.parametrize("deed", ENDS)
def test_an_oracle_whose_process_ends_at_import(bench, judge, tmp_path_factory, deed):
    log = tmp_path_factory.mktemp("log") / "starts"  # not in the tool's folder, whose files are part of its digest
    bench.tool(TOOL, ENDING.format(path=str(log), times=1000, deed=deed) + ORACLE)
    candidate = bench.candidate(GOOD)  # one: a new file beside the oracle may be a file of it
    for _ in range(MAX_KILLS + 2):
        found = judge(candidate)
        assert found.status is Status.INFRA
        assert f"the oracle process {ENDS[deed]} while it was imported" in found.why
        assert "inputs()" not in found.why
    starts = len(log.read_text().splitlines())
    assert starts == (2 * MAX_KILLS if "SIGKILL" in deed else 1)  # no endless waste of an oracle that never starts


def test_an_oracle_that_was_killed_for_one_case_is_started_for_the_next(bench, judge, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "starts"
    deed = "os.kill(os.getpid(), signal.SIGKILL)"
    bench.tool(TOOL, ENDING.format(path=str(log), times=2, deed=deed) + ORACLE)
    candidate = bench.candidate(GOOD)
    assert [judge(candidate).status for _ in range(2)] == [Status.INFRA, Status.OK]


def test_a_candidate_that_is_slow_does_not_use_up_the_time_of_a_property(bench, judge, soon):
    bench.tool(TOOL, f"{ORACLE}\n\ndef law(call, kwargs, rng):\n    call(**kwargs)\n\nPROPERTIES = (law,)\n")
    slow = GOOD.replace("    if lo > hi:", "    import time\n    time.sleep(0.25)\n    if lo > hi:")
    assert judge(slow, attempts=1, questions=2).status is Status.OK


LAW = "{oracle}\n\ndef law(call, kwargs, rng):\n{body}\n\nPROPERTIES = (law,)\n"


def test_a_property_that_asks_without_end_is_the_oracles_fault(bench, judge, monkeypatch):
    monkeypatch.setattr(property_check, "MAX_CALLS", 20)
    bench.tool(TOOL, LAW.format(oracle=ORACLE, body="    while True:\n        call(**kwargs)\n"))
    found = judge(GOOD, attempts=1)
    assert (found.status, found.evidence.fault) == (Status.INFRA, "trusted file")
    assert 'property law asks for more than 20 calls on {"hi":' in found.why


def test_a_candidate_that_makes_a_property_ask_without_end_is_late(bench, judge, monkeypatch):
    monkeypatch.setattr(property_check, "MAX_CALLS", 20)
    body = "    while call(x=1000, lo=0, hi=5) != 5:\n        pass\n"  # no sampled input is as large
    bench.tool(TOOL, LAW.format(oracle=ORACLE, body=body))
    found = judge(GOOD.replace("    if lo > hi:", "    if x == 1000:\n        return 6\n    if lo > hi:"), attempts=1)
    assert found.status is Status.TIMEOUT
    assert "make property law ask for more than 20 calls; the reference's do not" in found.why
    assert judge(GOOD, attempts=1).status is Status.OK


@pytest.mark.parametrize(
    ("oracle_text", "runs"),
    [
        (LAW.format(oracle=ORACLE, body="{fail}"), (2, 0)),
        (LAW.format(oracle=ORACLE, body="    call(**kwargs)\n{fail}"), (2, 1)),
        (
            f"{ORACLE}\n\ndef accept(kwargs, output):\n    if abs(kwargs['x']) == 5:\n        return True\n{{fail}}",
            (2, 1),
        ),
    ],
    ids=["property", "property after a call", "accept"],
)
def test_trusted_code_that_failed_with_the_reference_is_not_waited_for_again(
    bench, judge, tmp_path_factory, oracle_text, runs
):
    log = tmp_path_factory.mktemp("log") / "runs"
    fail = f"    import os\n    with open({str(log)!r}, 'a') as file:\n        file.write('x')\n    os._exit(3)\n"
    bench.tool(TOOL, oracle_text.replace("{fail}", fail))
    candidates = [bench.candidate(f"{GOOD}# {number}\n") for number in range(2)]
    log.touch()
    made = []
    for candidate in candidates:
        before = log.stat().st_size
        found = judge(candidate, attempts=1, questions=1)
        assert found.status is Status.INFRA
        assert "ended with exit status 3" in found.why
        made.append(log.stat().st_size - before)
    assert tuple(made) == runs


RAISING = ORACLE.replace("    if lo > hi:", "    if x % 2:\n        raise KeyError(x)\n    if lo > hi:")
RAISER = GOOD.replace("    if lo > hi:", "    if x % 2:\n        raise KeyError(x)\n    if lo > hi:")


class TestRaises:
    def test_a_reference_that_raises_unannounced_is_told(self, bench, judge):
        bench.tool(TOOL.replace("x: 5, lo", "x: 4, lo").replace("x: -5", "x: -4"), RAISING)
        found = judge(RAISER)
        assert found.status is Status.OK
        [notice] = found.evidence.notices
        assert "the reference of clamp raised KeyError on {" in notice
        assert "RAISES = (KeyError,) in oracle.py" in notice

    def test_what_is_declared_is_an_answer(self, bench, judge):
        bench.tool(TOOL.replace("x: 5, lo", "x: 4, lo").replace("x: -5", "x: -4"), f"RAISES = (KeyError,)\n{RAISING}")
        found = judge(RAISER)
        assert found.status is Status.OK
        assert not found.evidence.notices
        assert judge(GOOD).status is Status.WRONG

    def test_what_is_not_declared_is_the_oracles_fault(self, bench, judge):
        bench.tool(TOOL.replace("x: 5, lo", "x: 4, lo").replace("x: -5", "x: -4"), f"RAISES = ()\n{RAISING}")
        found = judge(RAISER)
        assert found.status is Status.INFRA
        assert "the oracle's reference raised KeyError" in found.why

    @pytest.mark.parametrize("wrong", ["('KeyError',)", "3", "(KeyboardInterrupt,)"])
    def test_it_names_exceptions(self, bench, judge, wrong):
        bench.tool(TOOL, f"RAISES = {wrong}\n{ORACLE}")
        assert "RAISES must be a tuple of exception classes" in judge(GOOD).why
