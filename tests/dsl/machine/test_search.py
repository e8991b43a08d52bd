"""Engineering loops: every point a run of its own; workers and crashes change nothing."""

from __future__ import annotations

import json

import pytest

from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.effect_handler import POINTS
from harness.dsl.machine.replay import replay
from harness.dsl.machine.session import Session

TEXT = """
trace_schema { variant V { case P { cost: float > 0, x: int } } }
engineering_loop E {
    parameter X: [1, 2, 3, 4]
    parameter Y: [10, 20, 30]
    measure { cmd: ["python", "m.py", "{{X}}", "{{Y}}"] metric: cost objective: minimize }
    %s
}
"""
SCRIPT = """import json, os, sys
x, y = int(sys.argv[1]), int(sys.argv[2])
if x == 4: sys.exit("too large")
cost = 0.0 if x == 3 else 1 + abs(x - 2) + y / 100
open("count", "a").write("x")
os.write(int(os.environ["CRUCIBLE_TRACE_FD"]), json.dumps({"type": "V.P", "cost": cost, "x": x}).encode())
"""


def _program(more: str = "") -> str:
    return TEXT % more


def _start(start, text: str, **more) -> Session:
    session = start(text, **more)
    session.handler.folder.write("m.py", SCRIPT.encode())
    return session


def test_the_number_of_workers_changes_no_head(start) -> None:
    outcomes = []
    for workers in (1, 3):
        session = _start(start, _program(), folder=f"w{workers}", settings={"workers": workers})
        outcomes.append(session.run())
        assert replay(session.program, session.log).divergence is None
    assert outcomes[0].head == outcomes[1].head
    assert outcomes[0].passed, outcomes[0].why
    event = next(e.value for e in session.log.events() if e.value["k"] == "result")
    assert event["value"] == {"X": 2, "Y": 10, "cost": pytest.approx(1.1), "points": 12, "failed": 6}
    assert event["source"]["interval"] == [pytest.approx(1.1), pytest.approx(1.1)]
    with LogFile(session.folder / POINTS, read_only=True) as file:
        assert len(file.runs()) == 12


def test_a_search_that_was_killed_measures_only_what_is_missing(start, tmp_path) -> None:
    calm = _start(start, _program(), folder="calm").run().head
    session = _start(start, _program())
    perform, left = session.handler.perform, [5]

    def dying(request):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return perform(request)

    session.handler.perform = dying
    with pytest.raises(KeyboardInterrupt):
        session.run()
    session.file.connection.close()
    session.file._release()
    with Session.resume(tmp_path / "run") as again:
        calls = []
        perform_again = again.handler.perform
        again.handler.perform = lambda request: calls.append(request.key) or perform_again(request)
        assert again.run().head == calm
        assert len(calls) == 12 - 5


def test_nothing_that_can_be_measured_is_a_failure(start) -> None:
    outcome = start(_program()).run()  # no script
    assert (outcome.status, outcome.passed) == ("failed", False)
    assert "m.py cannot be read" in outcome.why


def test_without_live_a_search_is_simulated(start) -> None:
    outcome = start(_program(), settings={"live": False}).run()
    assert not outcome.passed
    assert outcome.used["simulated"] == 1


def test_a_point_that_breaks_an_invariant_is_never_best(start) -> None:
    """The fastest point is wrong, in an item of another case; it fails, and the run keeps its invariant."""
    script = """import json, sys
b = int(sys.argv[1])
for item in ({"type": "T.Speed", "ms": float(b)}, {"type": "T.Right", "right": b != 1}):
    print("__SPAK_TRACE__" + json.dumps(item))
"""
    session = start(
        f'''trace_schema {{ variant T {{ case Speed {{ ms: float > 0 }} case Right {{ right: boolean }} }} }}
        invariant Right {{ assert: all(r.right for r in trace(T.Right)) }}
        task Main {{
            step w: tool.write {{ path: "k.py" content: """{script}""" }}
            run Tuner -> best
            success: best.B == 2
        }}
        engineering_loop Tuner {{
            parameter B: [1, 2, 4]
            measure {{ cmd: "python k.py {{{{B}}}}" metric: T.Speed.ms objective: minimize }}
        }}'''
    )
    outcome = session.run()
    assert outcome.passed, outcome.why
    assert outcome.broken == ()
    source = next(e.value["source"] for e in session.log.events() if "ranking" in e.value.get("source", {}))
    assert source["failures"] == [[{"B": 1}, "wrong", "it breaks the invariant Right"]]
    assert [values["B"] for values, *_ in source["ranking"]] == [2, 4]


def test_a_placeholder_is_not_a_measurement(start) -> None:
    session = _start(start, _program())
    session.run()
    event = next(e.value for e in session.log.events() if e.value["k"] == "result")
    assert event["value"]["failed"] == 6, "x = 3 reports 0.0, x = 4 fails"
    assert "placeholder" in json.dumps(event["source"]["failures"])
