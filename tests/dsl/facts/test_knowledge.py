"""Facts say true, false or undefined; rules fire on true alone; placeholders never make anything true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dsl.analysis.load import load_source
from harness.dsl.expressions import operations
from harness.dsl.facts.knowledge import Knowledge, evaluate_fact
from harness.dsl.facts.record import from_json, to_json
from harness.dsl.ir import Program
from harness.dsl.values import MismatchError, Undefined, Value, item_of

ROOT = Path(__file__).parents[3]


def snippet(name: str) -> str:
    return (ROOT / f"tests/specs/programs/{name}.spak").read_text()


SECOND = snippet("trace_schema_performance") + snippet("fact_memory_bound") + snippet("rule_fusion_strategy")
FIRST = snippet("trace_schema_interaction") + snippet("knowledge_memory_bound") + "\nconst MAX_BW = 1000.0\n"


def observe(program: Program, case: str, *records: dict[str, Value], unmeasured: str = "") -> Knowledge:
    knowledge = Knowledge(program)
    index = program.schema.find(case)
    for seq, record in enumerate(records):
        knowledge.observe(index, item_of(program.schema.cases[index], record, unmeasured=unmeasured), seq)
    return knowledge


def verdict(program: Program, case: str, *records: dict[str, Value], **more: str) -> str:
    value = observe(program, case, *records, **more).verdicts[0]
    return f"undefined: {value.reason}" if isinstance(value, Undefined) else str(value).lower()


def test_the_placeholders_of_a_machine_without_gpu_make_nothing_true() -> None:
    """0.00 TFLOPS in a report is not a measurement; taken for one it would fire the fusion strategy."""
    program = load_source(SECOND, cache=False)
    assert [rule.executable for rule in program.rules] == [True]
    knowledge = observe(program, "TraceItem.Performance", {"tflops": 0.0, "efficiency": 0.0})
    assert isinstance(knowledge.verdicts[0], Undefined)
    assert "placeholder" in knowledge.verdicts[0].reason
    assert knowledge.hints == []
    assert verdict(program, "TraceItem.Performance", {}) == "undefined: tflops is missing"
    assert verdict(program, "TraceItem.Performance", {"tflops": 0.4, "efficiency": 0.02}) == "true"
    simulated = verdict(program, "TraceItem.Performance", {"tflops": 0.4, "efficiency": 0.02}, unmeasured="simulated")
    assert simulated == "undefined: tflops was not measured: simulated"
    knowledge = observe(program, "TraceItem.Performance", {"tflops": 0.4, "efficiency": 0.02})
    assert knowledge.hints == ["Fuse QK and PV loops to eliminate global memory writes."]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"latency": 1.0, "dram_throughput": 900.0, "error_rate": 0.0}, "true"),
        ({"latency": 1.0, "dram_throughput": 800.0, "error_rate": 0.0}, "false"),
        ({"latency": 1.0, "dram_throughput": float("nan")}, "undefined: dram_throughput is nan"),
        ({"dram_throughput": -1.0}, "undefined: dram_throughput = -1 is not > 0: a placeholder, not a measurement"),
    ],
)
def test_a_hypothesis_grounded_in_an_item(record: dict[str, Value], expected: str) -> None:
    program = load_source(FIRST, cache=False)
    assert verdict(program, "TraceItem.PerformanceMetric", record) == expected
    hints = observe(program, "TraceItem.PerformanceMetric", record).hints
    assert hints == (["Increase tile size to maximize L2 reuse."] if expected == "true" else [])


def test_an_item_of_another_shape_is_refused() -> None:
    program = load_source(SECOND, cache=False)
    case = program.schema.cases[0]
    with pytest.raises(MismatchError, match="no such field"):
        item_of(case, {"flops": 1.0})
    with pytest.raises(MismatchError, match="is not float"):
        item_of(case, {"tflops": "fast"})


PROGRAM = """
variant T { case P { x: float, ok: boolean } case Q { y: int } }
fact small(t: T.P) { let limit = 2.0 return t.x < limit }
fact steady(ts: [T.P]) { return stdev(t.x for t in ts) < 1 && all(t.ok for t in ts) }
fact many(qs: [T.Q]) { return count(q.y for q in qs) > 1 }
rule Both { when: [small, steady] apply: "both" effect: "much" }
hint Prose { trigger: ["small", "it is Tuesday"] suggestion: "never" }
invariant Bound { assert: max(t.x for t in trace(T.P)) < 10 assert: "words" }
invariant Words { assert: "words" }
"""


def test_records_name_the_items_of_a_verdict() -> None:
    program = load_source(PROGRAM, cache=False)
    knowledge = Knowledge(program)
    first = knowledge.observe(0, (1.0, True), 7)
    assert [(r.fact, r.verdict, r.samples) for r in first.facts] == [("small", True, 1), ("steady", None, 1)]
    assert first.facts[1].reason == "stdev needs at least two values"
    assert first.fired == ()
    second = knowledge.observe(0, (1.5, True), 9)
    small, steady = second.facts
    assert (steady.verdict, steady.samples, steady.source) == (True, 2, (7, 9))
    assert (small.samples, small.source) == (1, (9, 9))
    spread = steady.spread["x"]
    assert (spread.n, spread.low, spread.high, spread.mean) == (2, 1.0, 1.5, 1.25)
    assert spread.stdev == pytest.approx(0.3535534)
    assert [(f.name, f.facts, f.suggestion) for f in second.fired] == [("Both", ("small", "steady"), "both (much)")]
    assert json.loads(json.dumps(steady.to_json()))["n"] == 2
    assert knowledge.hints == ["both (much)"]
    third = knowledge.observe(0, (30.0, False), 11)
    assert [(b.invariant, b.condition) for b in third.broken] == [("Bound", 0)]
    assert knowledge.hints == [], "a hint whose facts no longer hold is not shown"
    assert {i.name: knowledge.status(i) for i in program.invariants} == {"Bound": "broken", "Words": "prose"}
    assert knowledge.observe(1, (3,), 12).facts[0].fact == "many"


def test_a_rule_with_prose_is_shown_and_never_fires() -> None:
    program = load_source(PROGRAM, cache=False)
    hint = next(rule for rule in program.rules if rule.name == "Prose")
    assert (hint.executable, hint.prose) == (False, ("it is Tuesday",))
    assert not any(f.name == "Prose" for f in Knowledge(program).observe(0, (1.0, True), 0).fired)


def test_without_items_every_fact_is_undefined() -> None:
    program = load_source(PROGRAM, cache=False)
    knowledge = Knowledge(program)
    assert all(isinstance(value, Undefined) for value in knowledge.verdicts)
    assert knowledge.status(program.invariants[0]) == "undefined"


values = st.none() | st.floats(-5, 50)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, st.none() | st.booleans()), max_size=6))
def test_items_survive_the_log_and_knowledge_is_a_function_of_them(records: list[tuple[Value, Value]]) -> None:
    program = load_source(PROGRAM, cache=False)
    one, two = Knowledge(program), Knowledge(program)
    for seq, (x, ok) in enumerate(records):
        item = item_of(program.schema.cases[0], {k: v for k, v in (("x", x), ("ok", ok)) if v is not None})
        stored = json.loads(json.dumps(to_json(program.schema, 0, item, "emit")))
        case, again = from_json(program.schema, stored)
        left, right = one.observe(0, item, seq), two.observe(case, again, seq)
        assert [r.to_json() for r in left.facts] == [r.to_json() for r in right.facts]
        assert [f.to_json() for f in left.fired] == [f.to_json() for f in right.fired]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-5, 50) | st.just(Undefined("missing")), max_size=20))
def test_many_items_at_once_give_the_verdicts_of_each_alone(xs: list[Value]) -> None:
    program = load_source(PROGRAM, cache=False)
    found = evaluate_fact(program.facts[0], [(x, True) for x in xs])
    alone = [observe_one(program, x) for x in xs]
    assert list(map(shown, found)) == list(map(shown, alone))


def observe_one(program: Program, x: Value) -> Value:
    knowledge = Knowledge(program)
    knowledge.observe(0, (x, True), 0)
    return knowledge.verdicts[0]


def shown(value: Value) -> str:
    return repr(value)


def test_a_fact_over_too_much_is_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_VISITS", 10)
    program = load_source(PROGRAM, cache=False)
    knowledge = Knowledge(program)
    for seq in range(8):
        knowledge.observe(0, (1.0, True), seq)
    assert isinstance(knowledge.verdicts[1], Undefined)
    assert "elements" in knowledge.verdicts[1].reason
