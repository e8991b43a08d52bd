"""Compiled expressions and the tree-walking interpreter agree."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.compiled import compile_lazily, compiled, compiled_for_item
from harness.dsl.expressions.walker import evaluate
from harness.dsl.types import ANY, BOOL, FLOAT, INT, STRING, Field, Kind, Type, list_of
from harness.dsl.values import INT_MAX, INT_MIN, Undefined, Value

AT = (0, 0)
ITEM = Type(Kind.ITEM, name="T.P", fields=(Field("a", FLOAT), Field("b", INT), Field("ok", BOOL)), case=0)
RECORD = Type(Kind.RECORD, name="R", fields=(Field("x", FLOAT),))
TYPES = {0: BOOL, 1: INT, 2: FLOAT, 3: STRING, 4: ANY, 5: ITEM, 6: list_of(FLOAT), 7: RECORD, 8: ITEM, 9: FLOAT}


class Trace:
    def __init__(self, items: list[tuple[Value, ...]]) -> None:
        self.items = items

    def of_case(self, case: int) -> list[tuple[Value, ...]]:
        return self.items


undefined = st.just(Undefined("missing"))
ints = st.integers(-5, 5) | st.sampled_from([INT_MIN, INT_MAX])
floats = st.sampled_from([0.0, 1.0, -2.5, 0.1, 1e308, -1e308, 5e-324]) | st.floats(-10, 10)
strings = st.sampled_from(["", "a", "ab", "(a+)+$", "12"])
values = {
    0: st.booleans() | undefined,
    1: ints | undefined,
    2: floats | undefined,
    3: strings | undefined,
    4: st.booleans() | ints | floats | strings | undefined | st.just([1, "a"]),
    5: st.tuples(floats | undefined, ints | undefined, st.booleans() | undefined),
    6: st.lists(floats | undefined, max_size=3) | undefined,
    7: floats.map(lambda x: {"x": x}) | undefined,
    8: undefined,
    9: undefined,
}
items = st.lists(values[5], max_size=3)


def slot(index: int) -> n.Slot:
    return n.Slot(index, f"v{index}", TYPES[index], AT)


def wider(a: n.Expr, b: n.Expr) -> Type:
    """Convert as the checker does: a value of type float is always a float."""
    if Kind.ANY in (a.type.kind, b.type.kind):
        return ANY
    return INT if a.type.kind is Kind.INT and b.type.kind is Kind.INT else FLOAT


def applied(function: str, a: n.Expr) -> n.Expr:
    result = {"sqrt": FLOAT, "float": FLOAT, "round": INT}.get(function, a.type)
    return n.Call(function, (a,), result, AT)


def aggregated(function: str, body: n.Expr, condition: n.Expr | None, fraction: float | None) -> n.Expr:
    own = function in ("sum", "min", "max")
    kind = INT if function == "count" else body.type if own and body.type.kind is not Kind.FLOAT else FLOAT
    return n.Aggregate(function, body, 8, n.ItemsOf(0, list_of(ITEM), AT), condition, fraction, kind, AT)


def numbers(depth: int) -> st.SearchStrategy[n.Expr]:
    leaf = (
        ints.map(lambda v: n.Const(v, INT, AT))
        | floats.map(lambda v: n.Const(float(v), FLOAT, AT))
        | st.sampled_from([slot(1), slot(2), slot(4), slot(9)])
        | st.sampled_from([5, 8]).map(lambda i: n.FieldOf(slot(i), "a", 0, FLOAT, AT))
        | st.just(n.FieldOf(slot(7), "x", -1, FLOAT, AT))
    )
    if not depth:
        return leaf
    inner, truths = numbers(depth - 1), booleans(depth - 1)
    return (
        leaf
        | st.builds(
            lambda op, a, b: n.Binary(op, a, b, FLOAT if op == "/" and wider(a, b) is not ANY else wider(a, b), AT),
            st.sampled_from("+-*/"),
            inner,
            inner,
        )
        | inner.map(lambda a: n.Unary("-", a, a.type, AT))
        | inner.map(lambda a: n.Scale(a, 1e9, FLOAT, AT))
        | st.builds(applied, st.sampled_from(["abs", "sqrt", "round", "float"]), inner)
        | st.builds(lambda a, b: n.Call("default", (a, b), a.type if a.type == b.type else ANY, AT), inner, inner)
        | st.builds(
            aggregated,
            st.sampled_from(["sum", "min", "max", "mean", "median", "stdev", "quantile", "count"]),
            inner,
            st.none() | truths,
            st.sampled_from([None, 0.0, 0.5, 0.9]),
        )
        | st.builds(
            lambda v, b: n.Within(9, v, b, b.type, AT), inner.filter(lambda v: v.type.kind is Kind.FLOAT), inner
        )
        | st.builds(lambda i: n.Index(slot(6), i, FLOAT, AT), inner)
    )


def booleans(depth: int) -> st.SearchStrategy[n.Expr]:
    leaf = st.sampled_from([slot(0), slot(4), n.Verdict(0, "f", BOOL, AT), n.FieldOf(slot(8), "ok", 2, BOOL, AT)])
    if not depth:
        return leaf
    inner, operands = booleans(depth - 1), numbers(depth - 1) | st.just(slot(3)) | st.just(slot(6))
    return (
        leaf
        | st.builds(
            lambda op, a, b: n.Binary(op, a, b, BOOL, AT), st.sampled_from(["&&", "||", "==", "!="]), inner, inner
        )
        | st.builds(
            lambda op, a, b: n.Binary(op, a, b, BOOL, AT),
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            operands,
            operands,
        )
        | inner.map(lambda a: n.Unary("!", a, BOOL, AT))
        | inner.map(lambda a: n.Call("defined", (a,), BOOL, AT))
        | st.builds(lambda a, b: n.Call("matches", (a, b), BOOL, AT), operands, operands)
        | st.builds(
            lambda f, body, source: n.Aggregate(f, body, 9, source, None, None, BOOL, AT),
            st.sampled_from(["all", "any"]),
            inner,
            st.sampled_from([slot(6), slot(4)]),
        )
    )


def frames() -> st.SearchStrategy[n.Frame]:
    return st.builds(
        lambda slots, trace, verdict: n.Frame(list(slots), [], Trace(trace), [verdict]),
        st.tuples(*(values[i] for i in range(len(values)))),
        items,
        values[0],
    )


def seen(value: Value) -> object:
    """A comparable form: undefined values by their reason, numbers with their type."""
    if isinstance(value, Undefined):
        return ("undefined", value.reason)
    if isinstance(value, list | tuple):
        return [seen(part) for part in value]
    return (
        (type(value).__name__, repr(value)) if not isinstance(value, dict) else {k: seen(v) for k, v in value.items()}
    )


@settings(max_examples=400, deadline=None)
@given(numbers(3) | booleans(3), frames())
def test_compiled_code_agrees_with_the_interpreter(node: n.Expr, frame: n.Frame) -> None:
    before = seen(frame.slots)
    frame.visits = 0
    expected = evaluate(node, frame)
    assert seen(frame.slots) == before, "an evaluation restores the slots"
    assert seen(compile_lazily(node, walks=0)(frame)) == seen(expected)
    code = compiled(node)
    assert [seen(code(frame)) for _ in range(4)] == [seen(expected)] * 4
    assert seen(compiled_for_item(node, 5)(frame, frame.slots[5])) == seen(expected)


def test_the_fast_path_is_used() -> None:
    node = n.Binary("<", n.FieldOf(slot(5), "a", 0, FLOAT, AT), n.Const(10.0, FLOAT, AT), BOOL, AT)
    frame = n.Frame([Undefined("unused")] * 10, [], Trace([]), [])
    code = compiled_for_item(node, 5)
    assert code(frame, (1.0, 2, True)) is True
    assert isinstance(frame.slots[5], Undefined), "the interpreter, which binds the slot, was not used"
    assert isinstance(code(frame, (Undefined("missing"), 2, True)), Undefined)


def test_visited_elements_are_limited() -> None:
    everything = n.ItemsOf(0, list_of(ITEM), AT)
    inner = n.Aggregate("count", n.Const(value=True, type=BOOL, span=AT), 9, everything, None, None, INT, AT)
    node = n.Aggregate("sum", inner, 8, everything, None, None, INT, AT)
    frame = n.Frame([0] * 10, [], Trace([(1.0, 1, True)] * 2_000), [])
    for value in (evaluate(node, frame), compile_lazily(node, walks=0)(frame)):
        assert isinstance(value, Undefined)
        assert "elements" in value.reason
